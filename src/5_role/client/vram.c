/* SPDX-License-Identifier: Apache-2.0
 *
 * vram — what a model needs, before anything is loaded: from its header, or from the catalogue.
 */
#include "client/home.h"
#include "client/vram_view.h"

#include "base/scoped.h"
#include "catalogue/models.h"
#include "json/json_read.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

#define MIB (1ull << 20)
#define VRAM_MIB_MAX (1u << 24)

static bool number_of(
    const char *text, const char *option, uint64_t most, uint32_t *ret, struct err *err)
{
    uint64_t number;

    if (!text)
        return true;
    if (!str_to_u64(str_from(text), most, &number) || number == 0)
        return err_set(err, ERR_INPUT, "--%s %.40s is no number from 1 to %llu", option, text,
            (unsigned long long)most);
    *ret = (uint32_t)number;
    return true;
}

/* A path is what has a slash, ends in .gguf, or is there. */
static bool is_path(const char *word)
{
    return strchr(word, '/') || str_ends(str_from(word), S(".gguf")) || file_exists(word);
}

static bool shape_by_name(
    const struct client *client, const char *name, struct vram_shape *ret_shape, struct err *err)
{
    scoped(json_done) json_t *document = NULL;
    char path[PATH_MAX];

    if (!home_path(&client->options, "catalogue/models.json", path, err) ||
        !models_read(path, &document, err))
        return false;
    const json_t *entry = models_find(document, name);
    if (!entry)
        return err_set(err, ERR_INPUT,
            "there is no model '%.80s' in the catalogue; `logicctl model list` shows them, or give "
            "the path of a GGUF file",
            name);
    return vram_shape_from_json(json_object_get(entry, "shape"), ret_shape, err);
}

static bool find_shape(const struct client *client, struct vram_shape *ret_shape, struct err *err)
{
    const char *word = client->options.args[0];

    if (!is_path(word))
        return shape_by_name(client, word, ret_shape, err);
    scoped(free_done) struct model_file *file = malloc(sizeof *file);
    if (!file)
        return err_set(err, ERR_SYSTEM, "no memory");
    if (!model_file_read(word, file, err))
        return false;
    *ret_shape = file->shape;
    return true;
}

static bool read_setup(const struct options *options, const struct vram_shape *shape,
    struct vram_setup *ret_setup, const char **ret_kv, struct err *err)
{
    struct vram_setup setup = vram_setup_standard(VRAM_CUDA);

    if (options->gpu && strcmp(options->gpu, "cpu") == 0)
        setup.kind = VRAM_CPU;
    if (setup.context > shape->context_max)
        setup.context = shape->context_max;
    *ret_kv = options->kv ? options->kv : "f16";
    if (!vram_cache_type(*ret_kv, &setup.key_type))
        return err_set(err, ERR_INPUT,
            "--kv %.40s is no type of a cache: f32 f16 bf16 q8_0 q5_1 q5_0 q4_1 q4_0 iq4_nl",
            *ret_kv);
    setup.value_type = setup.key_type;
    if (!number_of(options->ctx, "ctx", VRAM_CONTEXT_MAX, &setup.context, err) ||
        !number_of(options->slots, "slots", VRAM_SLOTS_MAX, &setup.slots, err))
        return false;
    *ret_setup = setup;
    return true;
}

struct devices {
    struct vram_device at[VRAM_DEVICES_MAX];
    char names[VRAM_DEVICES_MAX][64];
    size_t count;
};

static void add_device(struct devices *devices, const char *name, uint64_t bytes)
{
    if (devices->count == VRAM_DEVICES_MAX)
        return;
    size_t n = devices->count++;
    snprintf(devices->names[n], sizeof devices->names[n], "%s", name);
    devices->at[n] = (struct vram_device){devices->names[n], bytes};
}

/* The pools of the node, if it runs: what it counts as theirs. Silence is no error here. */
static void add_pools(struct client *client, struct devices *devices)
{
    scoped(buf_done) struct buf text = buf_of(API_REPLY_BYTES_MAX);
    scoped(json_done) json_t *page = NULL;
    json_t *pool;
    size_t i;
    struct err err;

    if (!api_open(&client->api, &client->options, &err) ||
        !api_call(&client->api, "GET", "/v1/capabilities", NULL, &text, &err) ||
        !json_read(buf_str(&text), API_REPLY_BYTES_MAX, &page, &err))
        return;
    json_array_foreach(json_object_get(page, "pools"), i, pool)
    {
        json_t *models = json_object_get(pool, "models");
        json_int_t have = json_integer_value(
            json_object_get(json_array_get(models, 0), "have_bytes"));
        const char *name = json_string_value(json_object_get(pool, "pool"));
        if (name && have > 0)
            add_device(devices, name, (uint64_t)have);
    }
}

static bool find_devices(struct client *client, struct devices *devices, struct err *err)
{
    const struct options *options = &client->options;
    struct vram_device card;
    uint32_t mib = 0;

    if (!number_of(options->vram, "vram", VRAM_MIB_MAX, &mib, err))
        return false;
    if (mib)
        add_device(devices, options->gpu ? options->gpu : "the device", mib * MIB);
    else if (options->gpu && strcmp(options->gpu, "cpu") != 0) {
        if (!vram_card(options->gpu, &card)) {
            scoped(buf_done) struct buf cards = buf_of(400);
            vram_cards_text(&cards);
            return err_set(err, ERR_INPUT,
                "--gpu %.40s is not known: say its memory with --vram MIB; known are %s, cpu",
                options->gpu, buf_text(&cards));
        }
        add_device(devices, card.name, card.bytes);
    } else if (!options->gpu)
        add_pools(client, devices);
    return true;
}

enum client_exit client_vram(struct client *client)
{
    scoped(free_done) struct vram_shape *shape = malloc(sizeof *shape);
    scoped(free_done) struct devices *devices = calloc(1, sizeof *devices);
    struct vram_setup setup;
    struct vram_estimate need;
    const char *kv;
    struct err err;

    if (!shape || !devices)
        return EXIT_TROUBLE;
    if (!find_shape(client, shape, &err) ||
        !read_setup(&client->options, shape, &setup, &kv, &err) ||
        !vram_estimate(shape, &setup, &need, &err) || !find_devices(client, devices, &err))
        return client_fail(client, &err);
    struct vram_page page = {client->options.args[0], shape, &setup, kv, &need, devices->at,
        devices->count};
    if (client->options.json) {
        scoped(json_done) json_t *document = vram_document(&page);
        client_print(client, document);
        return EXIT_DONE;
    }
    vram_view(&client->screen, &page);
    return EXIT_DONE;
}
