/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/gpu.h"

#include "base/panic.h"
#include "engine/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB (1 << 20)
#define MIB_MAX (16u << 20) /* 16 TiB */
#define FIELDS 10

#define QUERY_GPUS                                                                                 \
    "--query-gpu=index,uuid,name,memory.total,memory.used,memory.free,utilization.gpu,"            \
    "temperature.gpu,power.draw,driver_version"
#define QUERY_PROCESSES "--query-compute-apps=gpu_uuid,pid,used_memory"
#define FORMAT "--format=csv,noheader,nounits"

struct gpu_question {
    uv_loop_t *loop;
    uv_timer_t timer; /* answers from the loop where nothing was run */
    struct probe *probe;
    char program[1024];
    int64_t limit_ms;
    struct gpu_facts facts;
    struct err err;
    bool closed;
    void (*answered)(void *user, const struct gpu_facts *facts, const struct err *err);
    void *user;
};

static bool strange(struct err *err, const char *field, struct str line)
{
    struct str shown = str_utf8_prefix((struct str){line.at, line.len < 80 ? line.len : 80});

    return err_code(err, ERR_SYSTEM, "driver_not_ready", NULL,
        "nvidia-smi wrote a line whose %s is none: '%.*s'", field, STR(shown));
}

/* "[N/A]", "[Not Supported]" and the like. */
static bool not_told(struct str s)
{
    return str_starts(s, S("[")) || str_eq_nocase(s, S("N/A"));
}

static bool read_mib(struct str s, int64_t *ret_bytes)
{
    uint64_t mib;

    if (!str_to_u64(s, MIB_MAX, &mib))
        return false;
    *ret_bytes = (int64_t)mib * MIB;
    return true;
}

static bool read_maybe(struct str s, uint64_t max, int64_t *ret_number)
{
    uint64_t number;

    *ret_number = -1;
    if (not_told(s))
        return true;
    if (!str_to_u64(s, max, &number))
        return false;
    *ret_number = (int64_t)number;
    return true;
}

/* "120.35" */
static bool read_watts(struct str s, double *ret_watts)
{
    struct str rest, whole = str_cut(s, '.', &rest);
    uint64_t units, parts = 0;

    *ret_watts = -1;
    if (not_told(s))
        return true;
    while (rest.len > 1 && rest.at[0] == '0')
        rest = (struct str){rest.at + 1, rest.len - 1}; /* the value matters to tenths only */
    if (!str_to_u64(whole, 100000, &units) || (rest.len > 0 && !str_to_u64(rest, 999999, &parts)))
        return false;
    struct str tail;
    (void)str_cut(s, '.', &tail);
    double scale = 1;
    for (size_t i = 0; i < tail.len; i++)
        scale *= 10;
    *ret_watts = (double)units + (double)parts / scale;
    return true;
}

static bool copy_text(struct str s, char *at, size_t size)
{
    if (s.len == 0 || s.len >= size)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < ' ' || s.at[i] > '~')
            return false;
    memcpy(at, s.at, s.len);
    at[s.len] = '\0';
    return true;
}

/* Cells of "a, b, c"; false if they are not `count`. */
static bool cells(struct str line, struct str *ret_cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct str rest, cell = str_cut(line, ',', &rest);
        bool last = cell.len == line.len;
        ret_cells[i] = str_trim(cell);
        if (last != (i == count - 1))
            return false;
        line = rest;
    }
    return true;
}

bool gpu_read_list(struct str text, struct gpu_facts *facts, struct err *err)
{
    facts->count = 0;
    while (text.len > 0) {
        struct str cell[FIELDS], line = str_trim(str_cut(text, '\n', &text));
        struct gpu gpu = {0};
        uint64_t index;
        if (line.len == 0)
            continue;
        if (facts->count == GPUS_MAX)
            return err_code(err, ERR_SYSTEM, "driver_not_ready", NULL,
                "nvidia-smi lists more than %d GPUs", GPUS_MAX);
        if (!cells(line, cell, FIELDS))
            return strange(err, "form", line);
        if (!str_to_u64(cell[0], 1023, &index))
            return strange(err, "index", line);
        gpu.index = (int64_t)index;
        if (!copy_text(cell[1], gpu.uuid, sizeof gpu.uuid))
            return strange(err, "uuid", line);
        if (!copy_text(cell[2], gpu.name, sizeof gpu.name))
            return strange(err, "name", line);
        /* what shares the machine's memory has none of its own to tell: all 0 */
        bool told = !not_told(cell[3]) && !not_told(cell[4]) && !not_told(cell[5]);
        if (told && (!read_mib(cell[3], &gpu.total_bytes) || !read_mib(cell[4], &gpu.used_bytes) ||
                        !read_mib(cell[5], &gpu.free_bytes) || gpu.used_bytes > gpu.total_bytes ||
                        gpu.free_bytes > gpu.total_bytes - gpu.used_bytes))
            return strange(err, "memory", line);
        if (!read_maybe(cell[6], 100, &gpu.util_percent) ||
            !read_maybe(cell[7], 1000, &gpu.celsius) || !read_watts(cell[8], &gpu.watts))
            return strange(err, "state", line);
        if (!copy_text(cell[9], facts->driver, sizeof facts->driver))
            return strange(err, "driver", line);
        facts->gpus[facts->count++] = gpu;
    }
    return facts->count > 0 ||
           err_code(err, ERR_SYSTEM, "driver_not_ready", NULL, "nvidia-smi lists no GPU");
}

bool gpu_read_processes(struct str text, struct gpu_facts *facts, struct err *err)
{
    facts->process_count = 0;
    while (text.len > 0 && facts->process_count < GPU_PROCESSES_MAX) {
        struct str cell[3], line = str_trim(str_cut(text, '\n', &text));
        struct gpu_process process = {.used_bytes = -1};
        uint64_t pid;
        if (line.len == 0)
            continue;
        if (!cells(line, cell, 3) || !copy_text(cell[0], process.uuid, sizeof process.uuid))
            return strange(err, "form", line);
        if (!str_to_u64(cell[1], INT32_MAX, &pid))
            return strange(err, "pid", line);
        process.pid = (pid_t)pid;
        if (!not_told(cell[2]) && !read_mib(cell[2], &process.used_bytes))
            return strange(err, "memory", line);
        facts->processes[facts->process_count++] = process;
    }
    return true;
}

bool gpu_program(const char *path, char ret_path[1024])
{
    struct str rest = str_from(path ? NULL : getenv("PATH"));

    if (path) {
        snprintf(ret_path, 1024, "%s", path);
        return access(path, X_OK) == 0;
    }
    while (rest.len > 0) {
        struct str folder = str_cut(rest, ':', &rest);
        if (folder.len == 0 || folder.at[0] != '/' || folder.len > 900)
            continue;
        snprintf(ret_path, 1024, "%.*s/nvidia-smi", STR(folder));
        if (access(ret_path, X_OK) == 0)
            return true;
    }
    return false;
}

static void on_freed(uv_handle_t *handle)
{
    free(handle->data);
}

static void tell(struct gpu_question *question, const struct err *err)
{
    question->closed = true;
    uv_close((uv_handle_t *)&question->timer, on_freed);
    question->answered(question->user, &question->facts, err);
}

static void on_timer(uv_timer_t *timer)
{
    struct gpu_question *question = timer->data;

    tell(question, question->err.code[0] ? &question->err : NULL);
}

static bool run(struct gpu_question *question, const char *query,
    void (*done)(void *user, int status, struct str output, const struct err *err))
{
    const char *argv[] = {question->program, query, FORMAT, NULL};
    static const char *const ENV[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", NULL};
    const struct child_order order = {.argv = argv, .env = ENV};

    if (probe_start(question->loop, &order, question->limit_ms, GPU_OUTPUT_BYTES_MAX, done,
            question, &question->probe, &question->err))
        return true;
    err_code(&question->err, ERR_SYSTEM, "driver_not_ready", NULL, "nvidia-smi cannot be run");
    return false;
}

static bool fine(struct gpu_question *question, int status, struct str output,
    const struct err *why, struct err *err)
{
    struct str rest, line = str_utf8_prefix(str_trim(str_cut(output, '\n', &rest)));

    question->probe = NULL;
    if (why) {
        *err = *why;
        err_wrap(err, "nvidia-smi");
        return err_code(err, ERR_SYSTEM, "driver_not_ready", NULL, "nvidia-smi: %s", why->message);
    }
    if (status != 0)
        return err_code(err, ERR_SYSTEM, "driver_not_ready", NULL, "nvidia-smi failed: %.*s",
            (int)(line.len < 200 ? line.len : 200), line.at);
    return true;
}

static void on_processes(void *user, int status, struct str output, const struct err *why)
{
    struct gpu_question *question = user;
    struct err err = {0};
    bool good = fine(question, status, output, why, &err) &&
                gpu_read_processes(output, &question->facts, &err);

    question->facts.present = good;
    tell(question, good ? NULL : &err);
}

static void on_list(void *user, int status, struct str output, const struct err *why)
{
    struct gpu_question *question = user;
    struct err err = {0};

    if (!fine(question, status, output, why, &err) ||
        !gpu_read_list(output, &question->facts, &err))
        tell(question, &err);
    else if (!run(question, QUERY_PROCESSES, on_processes))
        tell(question, &question->err);
}

void gpu_ask(uv_loop_t *loop, const char *path, int64_t limit_ms,
    void (*answered)(void *user, const struct gpu_facts *facts, const struct err *err), void *user,
    struct gpu_question **ret_question)
{
    struct gpu_question *question = calloc(1, sizeof *question);

    if (!question)
        panic("no memory");
    question->loop = loop;
    question->limit_ms = limit_ms;
    question->answered = answered;
    question->user = user;
    uv_timer_init(loop, &question->timer);
    question->timer.data = question;
    if (!gpu_program(path, question->program) || !run(question, QUERY_GPUS, on_list))
        uv_timer_start(&question->timer, on_timer, 0, 0);
    *ret_question = question;
}

void gpu_cancel(struct gpu_question **at)
{
    struct gpu_question *question = *at;

    *at = NULL;
    if (!question || question->closed)
        return;
    question->closed = true;
    probe_cancel(&question->probe);
    uv_close((uv_handle_t *)&question->timer, on_freed);
}

const struct gpu *gpu_find(const struct gpu_facts *facts, struct str mask)
{
    uint64_t index;

    for (size_t i = 0; i < facts->count; i++)
        if (str_to_u64(mask, 1023, &index)
                ? facts->gpus[i].index == (int64_t)index
                : mask.len >= 8 && str_starts(str_from(facts->gpus[i].uuid), mask))
            return &facts->gpus[i];
    return NULL;
}

int64_t gpu_foreign_bytes(
    const struct gpu_facts *facts, const struct gpu *gpu, const pid_t *own, size_t own_count)
{
    int64_t sum = 0;

    for (size_t i = 0; i < facts->process_count; i++) {
        const struct gpu_process *process = &facts->processes[i];
        bool ours = strcmp(process->uuid, gpu->uuid) != 0;
        for (size_t k = 0; k < own_count; k++)
            ours = ours || process->pid == own[k] || getpgid(process->pid) == own[k];
        if (!ours && process->used_bytes > 0)
            sum += process->used_bytes;
    }
    return sum;
}
