/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "catalogue/models.h"
#include "host/host_inside.h"
#include "json/json_take.h"

#include <arpa/inet.h>
#include <stdio.h>

#define URL_BYTES_MAX 256
#define FILE_BYTES_MAX 512
#define WORD_BYTES_MAX 128
#define BYTES_MAX (INT64_C(1) << 50)

static const struct op {
    const char *hand, *op;
    enum host_op is;
    bool changes;
} OPS[] = {
    {"host", "status", HOST_STATUS, false},
    {"host", "wake", HOST_WAKE, true},
    {"host", "sleep", HOST_SLEEP, true},
    {"pool", "status", POOL_STATUS, false},
    {"pool", "load", POOL_LOAD, true},
    {"pool", "unload", POOL_UNLOAD, true},
};

/* --- forms of texts -------------------------------------------------------------------- */

static bool of(struct str text, const char *more)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr(more, c)))
            return false;
    }
    return true;
}

static bool bad(struct err *err, const char *param, struct str value, const char *words)
{
    return err_code(err, ERR_INPUT, "bad_job", param, "'%.*s' is no %s: %s",
        (int)(value.len < 80 ? value.len : 80), value.at, param, words);
}

static bool check_name(struct str name, const char *param, struct err *err)
{
    return (name.len <= HOST_NAME_BYTES_MAX && name.len > 0 && of(name, "_-")) ||
           bad(err, param, name, "small letters, digits, '_' and '-', at most 64");
}

static bool one_of(struct str word, const char *const *words, const char *param, struct err *err)
{
    for (size_t i = 0; words[i]; i++)
        if (str_eq(word, str_from(words[i])))
            return true;
    return bad(err, param, word, "it is none of the words of docs/inference.md");
}

static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < 0x20 || text.at[i] > 0x7e)
            return false;
    return true;
}

static bool check_sha256(struct str text, struct err *err)
{
    for (size_t i = 0; i < text.len; i++)
        if (!memchr("0123456789abcdef", text.at[i], 16))
            return bad(err, "sha256", text, "64 hexadecimal digits, small letters");
    return text.len == 64 || bad(err, "sha256", text, "64 hexadecimal digits, small letters");
}

bool host_six_read(struct str text, uint8_t ret_bytes[HOST_MAC_BYTES])
{
    static const char DIGITS[] = "0123456789abcdef";
    uint8_t bytes[HOST_MAC_BYTES];

    if (text.len != 3 * HOST_MAC_BYTES - 1)
        return false;
    for (size_t i = 0; i < HOST_MAC_BYTES; i++) {
        unsigned value = 0;
        for (size_t digit = 0; digit < 2; digit++) {
            char c = text.at[3 * i + digit];
            const char *at = memchr(DIGITS, c >= 'A' && c <= 'F' ? c + 32 : c, 16);
            if (!at)
                return false;
            value = value * 16 + (unsigned)(at - DIGITS);
        }
        if (i + 1 < HOST_MAC_BYTES && text.at[3 * i + 2] != ':')
            return false;
        bytes[i] = (uint8_t)value;
    }
    memcpy(ret_bytes, bytes, sizeof bytes);
    return true;
}

bool host_mac_read(struct str text, uint8_t ret_mac[HOST_MAC_BYTES], struct err *err)
{
    static const uint8_t ZERO[HOST_MAC_BYTES];
    uint8_t mac[HOST_MAC_BYTES];

    if (!host_six_read(text, mac) || mac[0] & 1 || memcmp(mac, ZERO, sizeof mac) == 0)
        return err_code(err, ERR_INPUT, "bad_mac", "mac",
            "'%.*s' is no address of one network card, like 52:54:00:aa:bb:01",
            (int)(text.len < 40 ? text.len : 40), text.at);
    memcpy(ret_mac, mac, sizeof mac);
    return true;
}

bool host_address_read(struct str text, struct in_addr *ret, struct err *err)
{
    char copy[INET_ADDRSTRLEN];
    struct in_addr address;

    snprintf(copy, sizeof copy, "%.*s", text.len < sizeof copy ? (int)text.len : 0, text.at);
    uint32_t first = inet_pton(AF_INET, copy, &address) == 1 ? ntohl(address.s_addr) >> 24 : 0;
    if (!first || (first >= 224 && address.s_addr != INADDR_BROADCAST))
        return err_code(err, ERR_INPUT, "bad_address", "broadcast",
            "'%.*s' is no broadcast address, like 192.168.1.255 (or \"\": every interface's)",
            (int)(text.len < 40 ? text.len : 40), text.at);
    *ret = address;
    return true;
}

bool host_agent_read(struct str text, struct host_place *ret, struct err *err)
{
    struct host_place place = {0};
    struct str rest = text, port;
    uint64_t number;

    if (str_eq(text, S("local"))) {
        place.local = true;
        *ret = place;
        return true;
    }
    if (!str_starts(rest, S("https://")))
        goto no;
    rest = (struct str){rest.at + 8, rest.len - 8};
    if (str_starts(rest, S("["))) {
        place.address = str_cut((struct str){rest.at + 1, rest.len - 1}, ']', &port);
        if (!str_starts(port, S(":")) || !of(place.address, ":."))
            goto no;
        port = (struct str){port.at + 1, port.len - 1};
        place.v6 = true;
    } else {
        place.address = str_cut(rest, ':', &port);
        if (!of(place.address, "._-"))
            goto no;
    }
    if (!place.address.len || !str_to_u64(port, 65535, &number) || number == 0)
        goto no;
    place.port = (int)number;
    *ret = place;
    return true;
no:
    return err_code(err, ERR_INPUT, "bad_agent", "agent",
        "'%.*s' is neither \"local\" nor https://ADDRESS:PORT",
        (int)(text.len < 80 ? text.len : 80), text.at);
}

/* --- the six jobs ------------------------------------------------------------------------ */

static bool read_wake(const json_t *json, struct host_job *job, struct err *err)
{
    struct str any;
    uint8_t mac[HOST_MAC_BYTES];
    struct in_addr address;
    const struct json_field fields[] = {JSON_TAKE_TEXT("hand", &any, 1, 8),
        JSON_TAKE_TEXT("op", &any, 1, 8),
        JSON_TAKE_TEXT("host", &job->host, 1, HOST_NAME_BYTES_MAX),
        JSON_TAKE_TEXT("agent", &job->agent, 1, URL_BYTES_MAX),
        JSON_TAKE_TEXT("mac", &job->mac, 1, 17),
        JSON_TAKE_TEXT("broadcast", &job->broadcast, 0, 15),
        JSON_TAKE_TEXT("secure_on", &job->secure_on, 0, SECRET_HANDLE_BYTES_MAX),
        JSON_TAKE_INTEGER("limit_s", &job->limit_s, 1, HOST_LIMIT_S_MAX)};

    return json_take(json, fields, COUNT(fields), err) && host_mac_read(job->mac, mac, err) &&
           (!job->broadcast.len || host_address_read(job->broadcast, &address, err)) &&
           (!job->secure_on.len || secret_handle_check(job->secure_on, err));
}

static bool read_sleep(const json_t *json, struct host_job *job, struct err *err)
{
    static const char *const HOW[] = {"suspend", "poweroff", NULL};
    struct str any;
    const struct json_field fields[] = {JSON_TAKE_TEXT("hand", &any, 1, 8),
        JSON_TAKE_TEXT("op", &any, 1, 8),
        JSON_TAKE_TEXT("host", &job->host, 1, HOST_NAME_BYTES_MAX),
        JSON_TAKE_TEXT("agent", &job->agent, 1, URL_BYTES_MAX),
        JSON_TAKE_TEXT("how", &job->how, 1, 16),
        JSON_TAKE_INTEGER("limit_s", &job->limit_s, 1, HOST_LIMIT_S_MAX)};

    return json_take(json, fields, COUNT(fields), err) && one_of(job->how, HOW, "how", err);
}

static const char *const KVS[] = {
    "f16", "bf16", "f32", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl", NULL};
static const char *const KINDS[] = {"cuda", "rocm", "vulkan", "cpu", NULL};

static bool read_pool_status(const json_t *json, struct host_job *job, struct err *err)
{
    struct str any;
    const struct json_field fields[] = {JSON_TAKE_TEXT("hand", &any, 1, 8),
        JSON_TAKE_TEXT("op", &any, 1, 8),
        JSON_TAKE_TEXT("host", &job->host, 1, HOST_NAME_BYTES_MAX),
        JSON_TAKE_TEXT("agent", &job->agent, 1, URL_BYTES_MAX),
        JSON_TAKE_TEXT("pool", &job->pool, 1, HOST_NAME_BYTES_MAX),
        JSON_TAKE_TEXT_OR_NULL("model", &job->model, 1, WORD_BYTES_MAX),
        JSON_TAKE_TEXT("engine", &job->engine, 0, WORD_BYTES_MAX),
        JSON_MAY_TEXT("kind", &job->kind, 1, 16), JSON_MAY_TEXT("kv", &job->kv, 1, 16),
        JSON_MAY_INTEGER("slots", &job->slots, 1, HOST_SLOTS_MAX),
        JSON_MAY_INTEGER("context", &job->context, 1, HOST_CONTEXT_MAX)};

    return json_take(json, fields, COUNT(fields), err) && check_name(job->pool, "pool", err) &&
           (!job->kind.at || one_of(job->kind, KINDS, "kind", err)) &&
           (!job->kv.at || one_of(job->kv, KVS, "kv", err)) &&
           ((is_printable(job->model) && is_printable(job->engine)) ||
               bad(err, "model", job->model, "printable ASCII only"));
}

static bool read_model(const json_t *json, struct host_job *job, struct err *err)
{
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("name", &job->model, 1, WORD_BYTES_MAX),
        JSON_TAKE_TEXT("file", &job->model_file, 1, FILE_BYTES_MAX),
        JSON_TAKE_INTEGER("bytes", &job->model_bytes, 1, BYTES_MAX),
        JSON_TAKE_TEXT("sha256", &job->model_sha256, 1, 64),
        JSON_MAY_BOOL("embedding", &job->embedding),
    };

    if (!json_take(json, fields, COUNT(fields), err) || !check_sha256(job->model_sha256, err))
        return false;
    if (!is_printable(job->model))
        return bad(err, "name", job->model, "printable ASCII only");
    return model_path_valid(job->model_file) ||
           bad(err, "file", job->model_file, "a path below the models' folder");
}

static bool read_engine(const json_t *json, struct host_job *job, struct err *err)
{
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("engine", &job->engine, 1, 64),
        JSON_TAKE_TEXT("version", &job->engine_version, 1, WORD_BYTES_MAX),
    };

    return json_take(json, fields, COUNT(fields), err) &&
           ((of(job->engine, "._-") && is_printable(job->engine_version)) ||
               bad(err, "engine", job->engine, "small letters, digits, '.', '_' and '-'"));
}

static bool read_load(const json_t *json, struct host_job *job, struct err *err)
{
    json_t *model, *engine;
    struct str any;
    const struct json_field fields[] = {JSON_TAKE_TEXT("hand", &any, 1, 8),
        JSON_TAKE_TEXT("op", &any, 1, 8),
        JSON_TAKE_TEXT("host", &job->host, 1, HOST_NAME_BYTES_MAX),
        JSON_TAKE_TEXT("agent", &job->agent, 1, URL_BYTES_MAX),
        JSON_TAKE_TEXT("pool", &job->pool, 1, HOST_NAME_BYTES_MAX),
        JSON_TAKE_TEXT("kind", &job->kind, 1, 16),
        JSON_TAKE_TEXT("mask", &job->mask, 0, WORD_BYTES_MAX),
        JSON_TAKE_INTEGER("vram_mib", &job->vram_mib, 0, INT64_C(1) << 30),
        JSON_TAKE_INTEGER("slots", &job->slots, 1, HOST_SLOTS_MAX),
        JSON_TAKE_INTEGER("context", &job->context, 1, HOST_CONTEXT_MAX),
        JSON_TAKE_TEXT("kv", &job->kv, 1, 16), JSON_TAKE_OBJECT("model", &model),
        JSON_TAKE_OBJECT("engine", &engine),
        JSON_TAKE_INTEGER("need_bytes", &job->need_bytes, 0, BYTES_MAX),
        JSON_TAKE_INTEGER("limit_s", &job->limit_s, 1, HOST_LIMIT_S_MAX)};

    if (!json_take(json, fields, COUNT(fields), err) || !check_name(job->pool, "pool", err) ||
        !one_of(job->kind, KINDS, "kind", err) || !one_of(job->kv, KVS, "kv", err) ||
        !read_model(model, job, err) || !read_engine(engine, job, err))
        return false;
    bool is_cpu = str_eq(job->kind, S("cpu"));
    for (size_t i = 0; i < job->mask.len; i++)
        if (!strchr("0123456789abcdefABCDEFGPUMIgpumi-/", job->mask.at[i]) || is_cpu)
            return bad(err, "mask", job->mask, "one device: \"0\" or a UUID; \"\" for cpu");
    return is_cpu || job->mask.len || bad(err, "mask", job->mask, "a GPU pool needs its device");
}

static bool read_unload(const json_t *json, struct host_job *job, struct err *err)
{
    struct str any;
    const struct json_field fields[] = {JSON_TAKE_TEXT("hand", &any, 1, 8),
        JSON_TAKE_TEXT("op", &any, 1, 8),
        JSON_TAKE_TEXT("host", &job->host, 1, HOST_NAME_BYTES_MAX),
        JSON_TAKE_TEXT("agent", &job->agent, 1, URL_BYTES_MAX),
        JSON_TAKE_TEXT("pool", &job->pool, 1, HOST_NAME_BYTES_MAX),
        JSON_TAKE_INTEGER("limit_s", &job->limit_s, 1, HOST_LIMIT_S_MAX)};

    return json_take(json, fields, COUNT(fields), err) && check_name(job->pool, "pool", err);
}

static bool read_host_status(const json_t *json, struct host_job *job, struct err *err)
{
    struct str any;
    const struct json_field fields[] = {JSON_TAKE_TEXT("hand", &any, 1, 8),
        JSON_TAKE_TEXT("op", &any, 1, 8),
        JSON_TAKE_TEXT("host", &job->host, 1, HOST_NAME_BYTES_MAX),
        JSON_TAKE_TEXT("agent", &job->agent, 1, URL_BYTES_MAX)};

    return json_take(json, fields, COUNT(fields), err);
}

static bool read_op(const json_t *json, struct host_job *job, struct err *err)
{
    switch (job->op) {
    case HOST_STATUS:
        return read_host_status(json, job, err);
    case HOST_WAKE:
        return read_wake(json, job, err);
    case HOST_SLEEP:
        return read_sleep(json, job, err);
    case POOL_STATUS:
        return read_pool_status(json, job, err);
    case POOL_LOAD:
        return read_load(json, job, err);
    case POOL_UNLOAD:
        return read_unload(json, job, err);
    }
    return false;
}

bool host_job_read(const json_t *json, struct host_job *ret_job, struct err *err)
{
    const char *hand = json_string_value(json_object_get(json, "hand"));
    const char *op = json_string_value(json_object_get(json, "op"));
    struct host_job job = {.json = json};
    struct host_place place;
    size_t row = 0;

    while (row < COUNT(OPS) &&
           !(hand && op && strcmp(hand, OPS[row].hand) == 0 && strcmp(op, OPS[row].op) == 0))
        row++;
    if (row == COUNT(OPS))
        return err_code(err, ERR_INPUT, "bad_job", "op", "'%.16s %.16s' is no job of these hands",
            hand ? hand : "", op ? op : "");
    job.op = OPS[row].is;
    if (!read_op(json, &job, err) || !check_name(job.host, "host", err) ||
        !host_agent_read(job.agent, &place, err))
        return false;
    if (place.local && (job.op == HOST_WAKE || job.op == HOST_SLEEP))
        return err_code(err, ERR_INPUT, "bad_agent", "agent",
            "the agent of '%.*s' is local: the machine of this node is neither woken nor put to "
            "sleep",
            STR(job.host));
    *ret_job = job;
    return true;
}

bool host_job_changes(const struct host_job *job)
{
    return OPS[job->op].changes;
}
