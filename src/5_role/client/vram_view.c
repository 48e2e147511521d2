/* SPDX-License-Identifier: Apache-2.0 */
#include "client/vram_view.h"

#include "base/scoped.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MIB (1ull << 20)

/* What nvidia-smi and rocm-smi call the total, in MiB: a little less than on the box. */
static const struct {
    const char *name;
    uint32_t mib;
} CARDS[] = {
    {"RTX 3060", 12288},
    {"RTX 3070", 8192},
    {"RTX 3080", 10240},
    {"RTX 3090", 24576},
    {"RTX 4060", 8188},
    {"RTX 4060 Ti 16GB", 16380},
    {"RTX 4070", 12282},
    {"RTX 4080", 16376},
    {"RTX 4090", 24564},
    {"RTX 5060 Ti 16GB", 16311},
    {"RTX 5070", 12227},
    {"RTX 5070 Ti", 16303},
    {"RTX 5080", 16303},
    {"RTX 5090", 32607},
    {"RX 7800 XT", 16368},
    {"RX 7900 XT", 20464},
    {"RX 7900 XTX", 24560},
    {"RX 9070 XT", 16304},
    {"A100 80GB", 81920},
    {"H100", 81559},
    {"H200", 143771},
    {"L4", 23034},
    {"L40S", 46068},
};

static bool same_card(const char *a, const char *b)
{
    for (;;) { /* spaces, dashes and case do not count */
        while (*a && !isalnum((unsigned char)*a))
            a++;
        while (*b && !isalnum((unsigned char)*b))
            b++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
        a++, b++;
    }
}

bool vram_card(const char *name, struct vram_device *ret_device)
{
    for (size_t i = 0; i < COUNT(CARDS); i++)
        if (same_card(name, CARDS[i].name)) {
            *ret_device = (struct vram_device){CARDS[i].name, CARDS[i].mib * MIB};
            return true;
        }
    return false;
}

void vram_cards_text(struct buf *out)
{
    for (size_t i = 0; i < COUNT(CARDS); i++)
        buf_printf(out, "%s%s", i ? ", " : "", CARDS[i].name);
}

void vram_size_text(uint64_t bytes, char ret_text[SCRATCH_BYTES])
{
    if (bytes >= 1ull << 30)
        snprintf(ret_text, SCRATCH_BYTES, "%.2f GiB", (double)bytes / (double)(1ull << 30));
    else if (bytes >= MIB)
        snprintf(ret_text, SCRATCH_BYTES, "%.1f MiB", (double)bytes / (double)MIB);
    else
        snprintf(ret_text, SCRATCH_BYTES, "%llu B", (unsigned long long)bytes);
}

static struct str size_of(uint64_t bytes, char ret_text[SCRATCH_BYTES])
{
    vram_size_text(bytes, ret_text);
    return str_from(ret_text);
}

static void view_model(const struct screen *screen, const struct vram_page *page)
{
    const struct vram_shape *s = page->shape;
    char text[600], size[SCRATCH_BYTES];

    screen_print(screen, BOLD, "%s\n", page->model);
    vram_size_text(s->weights_bytes, size);
    snprintf(text, sizeof text, "%s, %.3f B parameters, %s, %u layers, %s", s->architecture,
        (double)s->parameters / 1e9, s->quantisation, s->layers_count, size);
    screen_field(screen, "model", PLAIN, str_from(text));
    snprintf(text, sizeof text, "%u per slot, %u slot%s, KV %s, ubatch %u, on %s",
        page->setup->context, page->setup->slots, page->setup->slots == 1 ? "" : "s", page->kv,
        vram_ubatch(s, page->setup), vram_kind_word(page->setup->kind));
    screen_field(screen, "context", PLAIN, str_from(text));
    if (s->guessed)
        screen_field(screen, "note", YELLOW,
            S("its sliding window has no pattern that is known: counted as full attention"));
    screen_print(screen, PLAIN, "\n");
}

static void view_parts(const struct screen *screen, const struct vram_page *page)
{
    static const char *const TITLES[] = {"PART", "SIZE", "OF WHAT"};
    const struct vram_estimate *need = page->need;
    scoped(table_done) struct table table = {0};
    char of_kv[96], size[SCRATCH_BYTES];
    const struct {
        const char *name;
        uint64_t bytes;
        const char *of;
    } rows[] = {
        {"weights", need->weights_bytes,
            page->setup->kind == VRAM_CPU ? "all tensors" : "without the input's embeddings"},
        {"KV cache", need->kv_bytes, of_kv},
        {"state", need->state_bytes, "recurrent layers, whatever the context"},
        {"compute", need->compute_bytes, need->measured ? "measured" : "estimated"},
        {"output", page->setup->kind == VRAM_CPU ? need->output_bytes : 0, "one row a slot"},
        {"overhead", need->overhead_bytes, "driver and libraries, for each process"},
    };

    if (need->cells_window)
        snprintf(of_kv, sizeof of_kv, "%llu B a token, windows of %u cells",
            (unsigned long long)need->token_bytes, need->cells_window);
    else
        snprintf(
            of_kv, sizeof of_kv, "%llu B a token", (unsigned long long)need->token_bytes);
    table_init(&table, TITLES, COUNT(TITLES));
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].bytes)
            table_add(&table,
                (struct str[]){str_from(rows[i].name), size_of(rows[i].bytes, size),
                    str_from(rows[i].of)},
                NULL);
    table_add(&table,
        (struct str[]){S("total"), size_of(need->total_bytes, size),
            need->measured ? S("measured at an earlier load") : S("")},
        (enum style[]){BOLD, BOLD, PLAIN});
    table_print(&table, screen);
    if (need->host_bytes)
        screen_print(screen, DIM, "beside it %.*s in the host's memory\n",
            STR(size_of(need->host_bytes, size)));
}

static bool at_context(const struct vram_page *page, uint32_t context, struct vram_estimate *ret)
{
    struct vram_setup setup = *page->setup;
    struct err err;

    setup.context = context;
    return vram_estimate(page->shape, &setup, ret, &err);
}

/* Where it fits: the names of devices; without any, "". */
static void fits_in(const struct vram_page *page, uint64_t bytes, struct buf *out)
{
    for (size_t i = 0; i < page->devices_count; i++)
        if (bytes <= page->devices[i].bytes)
            buf_printf(out, "%s%s", out->len ? ", " : "", page->devices[i].name);
}

static void view_sweep(const struct screen *screen, const struct vram_page *page)
{
    static const char *const TITLES[] = {"CONTEXT", "KV", "TOTAL", "FITS"};
    scoped(table_done) struct table table = {0};
    struct vram_estimate need;

    table_init(&table, TITLES, page->devices_count ? 4 : 3);
    for (size_t i = 0; i < vram_sweep_count; i++) {
        scoped(buf_done) struct buf fits = buf_of(1024);
        char context[16], kv[SCRATCH_BYTES], total[SCRATCH_BYTES];
        if (!at_context(page, vram_sweep[i], &need))
            continue;
        snprintf(context, sizeof context, "%uK", vram_sweep[i] / 1024);
        fits_in(page, need.total_bytes, &fits);
        table_add(&table,
            (struct str[]){str_from(context), size_of(need.kv_bytes + need.state_bytes, kv),
                size_of(need.total_bytes, total), buf_str(&fits)},
            NULL);
    }
    screen_print(screen, PLAIN, "\n");
    table_print(&table, screen);
}

static void view_quantisations(const struct screen *screen, const struct vram_page *page)
{
    static const char *const TITLES[] = {"QUANTISATION", "WEIGHTS", "TOTAL", "FITS"};
    scoped(table_done) struct table table = {0};

    table_init(&table, TITLES, page->devices_count ? 4 : 3);
    for (size_t i = 0; i < vram_quantisations_count; i++) {
        scoped(buf_done) struct buf fits = buf_of(1024);
        char weights[SCRATCH_BYTES], total[SCRATCH_BYTES];
        uint64_t bytes = vram_quantised_bytes(page->shape, &vram_quantisations[i]);
        uint64_t all = page->need->total_bytes - page->need->weights_bytes + bytes;
        fits_in(page, all, &fits);
        table_add(&table,
            (struct str[]){str_from(vram_quantisations[i].name), size_of(bytes, weights),
                size_of(all, total), buf_str(&fits)},
            NULL);
    }
    screen_print(screen, PLAIN, "\n");
    table_print(&table, screen);
}

static void view_verdicts(const struct screen *screen, const struct vram_page *page)
{
    for (size_t i = 0; i < page->devices_count; i++) {
        const struct vram_device *device = &page->devices[i];
        scoped(buf_done) struct buf text = buf_of(512);
        bool fits = vram_verdict(page->need, device->bytes, device->name, &text);
        uint32_t most = vram_context_fitting(page->shape, page->setup, device->bytes);
        if (i == 0)
            screen_print(screen, PLAIN, "\n");
        if (most && !fits)
            buf_printf(&text, "; %u of context would fit", most);
        else if (most)
            buf_printf(&text, "; up to %u of context", most);
        screen_line(screen, fits ? GREEN : RED, buf_str(&text));
    }
}

void vram_view(const struct screen *screen, const struct vram_page *page)
{
    view_model(screen, page);
    view_parts(screen, page);
    view_sweep(screen, page);
    view_quantisations(screen, page);
    view_verdicts(screen, page);
}

static json_t *need_json(const struct vram_estimate *need)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "weights_bytes",
        (json_int_t)need->weights_bytes, "kv_bytes", (json_int_t)need->kv_bytes, "state_bytes",
        (json_int_t)need->state_bytes, "compute_bytes", (json_int_t)need->compute_bytes,
        "output_bytes", (json_int_t)need->output_bytes, "overhead_bytes",
        (json_int_t)need->overhead_bytes, "total_bytes", (json_int_t)need->total_bytes,
        "host_bytes", (json_int_t)need->host_bytes, "kv_token_bytes", (json_int_t)need->token_bytes,
        "measured", need->measured);
}

static json_t *sweep_json(const struct vram_page *page)
{
    json_t *list = json_array();
    struct vram_estimate need;

    for (size_t i = 0; i < vram_sweep_count; i++)
        if (at_context(page, vram_sweep[i], &need))
            json_array_append_new(list, json_pack("{s:I, s:o}", "context",
                                            (json_int_t)vram_sweep[i], "need", need_json(&need)));
    return list;
}

static json_t *verdicts_json(const struct vram_page *page)
{
    json_t *list = json_array();

    for (size_t i = 0; i < page->devices_count; i++) {
        const struct vram_device *device = &page->devices[i];
        scoped(buf_done) struct buf text = buf_of(512);
        bool fits = vram_verdict(page->need, device->bytes, device->name, &text);
        json_array_append_new(list,
            json_pack("{s:s, s:I, s:b, s:s, s:I}", "device", device->name, "available_bytes",
                (json_int_t)device->bytes, "fits", fits, "words", buf_text(&text), "context_max",
                (json_int_t)vram_context_fitting(page->shape, page->setup, device->bytes)));
    }
    return list;
}

json_t *vram_document(const struct vram_page *page)
{
    json_t *quantisations = json_array();

    for (size_t i = 0; i < vram_quantisations_count; i++)
        json_array_append_new(quantisations,
            json_pack("{s:s, s:I}", "quantisation", vram_quantisations[i].name, "weights_bytes",
                (json_int_t)vram_quantised_bytes(page->shape, &vram_quantisations[i])));
    return json_pack("{s:s, s:I, s:i, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o}", "model",
        page->model, "context", (json_int_t)page->setup->context, "slots", (int)page->setup->slots,
        "kv", page->kv, "kind", vram_kind_word(page->setup->kind), "ubatch",
        (json_int_t)vram_ubatch(page->shape, page->setup), "need", need_json(page->need), "sweep",
        sweep_json(page), "quantisations", quantisations, "verdicts", verdicts_json(page), "shape",
        vram_shape_json(page->shape));
}
