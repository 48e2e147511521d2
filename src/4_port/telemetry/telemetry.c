/* SPDX-License-Identifier: Apache-2.0 */
#include "telemetry/telemetry.h"

#include "base/panic.h"
#include "os/clock.h"
#include "telemetry/telemetry_inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- writing --------------------------------------------------------------------------------- */

void page_family(struct page *page, const char *name, const char *kind, const char *help)
{
    page->family = name;
    buf_printf(page->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void add_label(struct buf *out, const char *text)
{
    struct str cut = {text, strnlen(text, TELEMETRY_LABEL_BYTES_MAX)};

    cut = str_utf8_prefix(cut);
    for (size_t i = 0; i < cut.len; i++)
        if (cut.at[i] == '\\' || cut.at[i] == '"')
            buf_add(out, (struct str){(const char[]){'\\', cut.at[i]}, 2});
        else if (cut.at[i] == '\n')
            buf_add(out, S("\\n"));
        else
            buf_add_char(out, cut.at[i]);
}

void page_sample(struct page *page, const struct mark *marks, double value)
{
    buf_add(page->out, str_from(page->family));
    for (size_t i = 0; marks && marks[i].name; i++) {
        buf_printf(page->out, "%c%s=\"", i ? ',' : '{', marks[i].name);
        add_label(page->out, marks[i].value);
        buf_add_char(page->out, '"');
    }
    if (marks && marks[0].name)
        buf_add_char(page->out, '}');
    if (fabs(value) < 1e15 && value == floor(value))
        buf_printf(page->out, " %.0f\n", value);
    else
        buf_printf(page->out, " %.15g\n", value);
}

void page_one(struct page *page, const char *name, const char *kind, const char *help, double value)
{
    page_family(page, name, kind, help);
    page_sample(page, NULL, value);
}

/* --- reading --------------------------------------------------------------------------------- */

static bool whole_path(const char *root, const char *tail, char ret_path[PATH_MAX])
{
    return snprintf(ret_path, PATH_MAX, "%s/%s", root, tail) < PATH_MAX;
}

FILE *page_open(const char *root, const char *tail)
{
    char path[PATH_MAX];

    return whole_path(root, tail, path) ? fopen(path, "re") : NULL;
}

bool page_line(const char *root, const char *tail, char *ret_line, size_t bytes)
{
    FILE *file = page_open(root, tail);
    bool good = file && fgets(ret_line, (int)bytes, file);

    if (file)
        fclose(file);
    if (good)
        ret_line[strcspn(ret_line, "\n")] = '\0';
    return good;
}

bool page_number(const char *root, const char *tail, double *ret_number)
{
    char line[64], *end;

    if (!page_line(root, tail, line, sizeof line))
        return false;
    double number = strtod(line, &end);
    if (end == line || !isfinite(number))
        return false;
    *ret_number = number;
    return true;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int page_names(const char *root, const char *tail, struct dirent ***ret_names)
{
    char path[PATH_MAX];
    int count = whole_path(root, tail, path) ? scandir(path, ret_names, visible, versionsort) : 0;

    return count > 0 ? count : 0;
}

/* --- all of it -------------------------------------------------------------------------------- */

void telemetry_write(const struct telemetry_roots *roots, int64_t civil_ms, struct buf *out)
{
    struct page page = {.out = out,
        .proc = roots->proc ? roots->proc : "/proc",
        .sys = roots->sys ? roots->sys : "/sys"};

    page_machine(&page, civil_ms);
    page_networks(&page);
    page_disks(&page);
    page_file_systems(&page);
    page_zfs(&page);
    page_heat(&page);
}

/* One family of all GPUs: of each the number at `offset` (an int64_t), scaled, unless below 0. */
static void gpu_family(struct page *page, const struct gpu_facts *facts, const char *name,
    const char *help, size_t offset, double scale)
{
    bool begun = false;

    for (size_t i = 0; i < facts->count; i++) {
        const struct gpu *gpu = &facts->gpus[i];
        int64_t number;
        char index[24];
        memcpy(&number, (const char *)gpu + offset, sizeof number);
        if (number < 0 || (offset == offsetof(struct gpu, free_bytes) && gpu->total_bytes == 0) ||
            (offset == offsetof(struct gpu, used_bytes) && gpu->total_bytes == 0))
            continue; /* not told */
        if (!begun)
            page_family(page, name, "gauge", help);
        begun = true;
        snprintf(index, sizeof index, "%lld", (long long)gpu->index);
        page_sample(page, MARKS({"gpu", index}, {"UUID", gpu->uuid}, {"modelName", gpu->name}),
            (double)number * scale);
    }
}

static void gpu_powers(struct page *page, const struct gpu_facts *facts)
{
    bool begun = false;

    for (size_t i = 0; i < facts->count; i++) {
        const struct gpu *gpu = &facts->gpus[i];
        char index[24];
        if (gpu->watts < 0)
            continue;
        if (!begun)
            page_family(page, "DCGM_FI_DEV_POWER_USAGE", "gauge", "Power draw (in W).");
        begun = true;
        snprintf(index, sizeof index, "%lld", (long long)gpu->index);
        page_sample(
            page, MARKS({"gpu", index}, {"UUID", gpu->uuid}, {"modelName", gpu->name}), gpu->watts);
    }
}

void telemetry_gpus(const struct gpu_facts *facts, struct buf *out)
{
    struct page page = {.out = out};
    const double mib = 1.0 / (1 << 20);

    gpu_family(&page, facts, "DCGM_FI_DEV_GPU_TEMP", "GPU temperature (in C).",
        offsetof(struct gpu, celsius), 1);
    gpu_powers(&page, facts);
    gpu_family(&page, facts, "DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).",
        offsetof(struct gpu, util_percent), 1);
    gpu_family(&page, facts, "DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).",
        offsetof(struct gpu, free_bytes), mib);
    gpu_family(&page, facts, "DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).",
        offsetof(struct gpu, used_bytes), mib);
}

/* --- on a worker ------------------------------------------------------------------------------ */

struct telemetry_question {
    uv_work_t work;
    struct telemetry_roots roots;
    struct buf text;
    void (*answered)(void *user, struct str text); /* NULL: cancelled */
    void *user;
};

static void work(uv_work_t *request)
{
    struct telemetry_question *question = request->data;

    telemetry_write(&question->roots, clock_civil_ms(), &question->text);
}

static void worked(uv_work_t *request, int status)
{
    struct telemetry_question *question = request->data;

    (void)status;
    if (question->answered)
        question->answered(question->user, buf_str(&question->text));
    buf_done(&question->text);
    free(question);
}

void telemetry_ask(uv_loop_t *loop, const struct telemetry_roots *roots,
    void (*answered)(void *user, struct str text), void *user,
    struct telemetry_question **ret_question)
{
    struct telemetry_question *question = calloc(1, sizeof *question);

    check(question);
    *question = (struct telemetry_question){
        .roots = *roots, .text = buf_of(TELEMETRY_BYTES_MAX), .answered = answered, .user = user};
    question->work.data = question;
    *ret_question = question;
    check(uv_queue_work(loop, &question->work, work, worked) == 0);
}

void telemetry_cancel(struct telemetry_question **at)
{
    if (*at)
        (*at)->answered = NULL;
    *at = NULL;
}
