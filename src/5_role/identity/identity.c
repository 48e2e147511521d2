/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of the table: open, look for a new file, take it, close. Who is found is find.c.
 */
#include "identity/inside.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

void identity_limits_default(struct identity_limits *ret_limits)
{
#define IDENTITY_LIMIT(name, min, max, standard, help) ret_limits->name = (standard);
#include "identity/identity_limits.def"
#undef IDENTITY_LIMIT
}

struct identity_now identity_clock(void)
{
    return (struct identity_now){clock_civil_ms(), clock_steady_ms()};
}

/* --- taking a file ----------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    return strcmp((*(struct caller *const *)a)->id, (*(struct caller *const *)b)->id);
}

struct caller *identity_row_of(const struct identity *identity, const char *id)
{
    size_t from = 0, to = identity->rows_count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(id, identity->rows[middle]->id);
        if (order == 0)
            return identity->rows[middle];
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

static size_t place_of(const uint8_t digest[SHA256_BYTES])
{
    uint64_t number;

    memcpy(&number, digest, sizeof number);
    return number & (OPAQUE_PLACES - 1);
}

struct caller *identity_opaque_of(
    const struct identity *identity, const uint8_t digest[SHA256_BYTES])
{
    struct str want = {(const char *)digest, SHA256_BYTES};
    struct caller *caller;

    for (size_t at = place_of(digest); (caller = identity->opaque[at]);
         at = (at + 1) & (OPAQUE_PLACES - 1))
        if (crypto_equal(want, (struct str){(const char *)caller->state->digest, SHA256_BYTES}))
            return caller;
    return NULL;
}

static void index_rows(struct identity *identity)
{
    memset(identity->opaque, 0, sizeof identity->opaque);
    qsort(identity->rows, identity->rows_count, sizeof(struct caller *), by_id);
    for (size_t i = 0; i < identity->rows_count; i++) {
        struct caller *caller = identity->rows[i];
        size_t at = place_of(caller->state->digest);
        if (caller->state->kind != TOKEN_OPAQUE)
            continue;
        while (identity->opaque[at])
            at = (at + 1) & (OPAQUE_PLACES - 1);
        identity->opaque[at] = caller;
    }
}

/* The row's new words into the caller that others may point to; what it used of its rates, its
 * number and who is inside stay. */
static void adopt(struct caller *caller, struct caller *fresh)
{
    struct caller_state *state = caller->state, *with = fresh->state;
    struct caller words = *fresh;
    bool labelled = strcmp(fresh->label, "token:-") != 0;

    words.number = caller->number;
    words.inside = caller->inside;
    words.state = state;
    if (!labelled)
        memcpy(words.label, caller->label, sizeof words.label);
    json_t *models = state->models;
    state->models = with->models;
    with->models = models;
    state->kind = with->kind;
    memcpy(state->digest, with->digest, sizeof state->digest);
    memcpy(state->kid, with->kid, sizeof state->kid);
    memcpy(state->certificate, with->certificate, sizeof state->certificate);
    *caller = words;
}

/* Callers that nobody can reach any more, except who is inside. */
static void sweep(struct identity *identity)
{
    for (size_t i = 1; i < SLOTS_MAX; i++) {
        struct caller *caller = identity->slots[i];
        if (!caller || caller->state->wanted || caller->inside)
            continue;
        caller_free(caller);
        identity->slots[i] = NULL;
    }
}

static size_t free_slots(const struct identity *identity)
{
    size_t count = 0;

    for (size_t i = 1; i < SLOTS_MAX; i++)
        count += !identity->slots[i];
    return count;
}

bool identity_room(struct identity *identity)
{
    if (free_slots(identity) == 0)
        sweep(identity);
    return free_slots(identity) > 0;
}

void identity_place(struct identity *identity, struct caller *caller)
{
    uint32_t number = 1;

    while (number < SLOTS_MAX && identity->slots[number])
        number++;
    check(number < SLOTS_MAX);
    caller->number = number;
    identity->slots[number] = caller;
}

static void take_keys(struct identity *identity, struct token_file *file)
{
    for (size_t i = 0; i < identity->keys_count; i++)
        verifier_done(&identity->keys[i].verifier);
    memcpy(identity->keys, file->keys, sizeof identity->keys);
    identity->keys_count = file->keys_count;
    memset(file->keys, 0, sizeof file->keys);
    file->keys_count = 0;
}

static bool take(struct identity *identity, struct token_file *file, struct err *err)
{
    struct caller *rows[IDENTITY_CALLERS_MAX];
    size_t fresh = 0;

    for (size_t i = 0; i < file->callers_count; i++) {
        rows[i] = identity_row_of(identity, file->callers[i]->id);
        fresh += !rows[i];
    }
    sweep(identity);
    if (fresh > free_slots(identity))
        return err_code(err, ERR_LIMIT, "too_many_callers", NULL,
            "%zu new tokens, but requests of removed ones still hold their places: wait", fresh);
    for (size_t i = 0; i < identity->rows_count; i++)
        identity->rows[i]->state->wanted = false;
    for (size_t i = 0; i < file->callers_count; i++) {
        if (rows[i]) {
            adopt(rows[i], file->callers[i]);
        } else {
            rows[i] = file->callers[i];
            identity_place(identity, rows[i]);
            file->callers[i] = NULL;
        }
        rows[i]->state->wanted = true;
    }
    for (size_t i = 0; i < identity->rows_count; i++)
        if (!identity->rows[i]->state->wanted)
            identity->rows[i]->revoked = true;
    memcpy(identity->rows, rows, file->callers_count * sizeof *rows);
    identity->rows_count = file->callers_count;
    take_keys(identity, file);
    index_rows(identity);
    cache_clear(&identity->cache);
    return true;
}

static bool read_file(struct identity *identity, struct err *err)
{
    scoped(token_file_done) struct token_file file = {0};
    scoped(json_done) json_t *document = NULL;
    struct document_form form = TOKEN_FILE_FORM;
    struct stat seen;

    form.valid = NULL; /* token_file_read() is that, and once is enough */
    if (stat(identity->path, &seen) == 0 && (seen.st_mode & (S_IWGRP | S_IWOTH)))
        return err_code(err, ERR_SYSTEM, "tokens_exposed", NULL,
            "others may write '%s': run chmod 600 '%s'", identity->path, identity->path);
    return document_read(identity->path, &form, &document, err) &&
           token_file_read(document, &file, err) && take(identity, &file, err);
}

/* --- life -------------------------------------------------------------------------- */

static struct caller *local_caller(void)
{
    static const char ALL[] = "*";
    struct caller *caller = caller_make();

    snprintf(caller->name, sizeof caller->name, "local");
    snprintf(caller->id, sizeof caller->id, "local");
    snprintf(caller->label, sizeof caller->label, "local");
    caller->scopes = CALLER_ALL;
    caller->weight = 1;
    caller->speaks_for_users = true;
    caller->is_local = true;
    caller->state->models = json_pack("[s]", ALL);
    caller->state->wanted = true;
    check(caller->state->models);
    return caller;
}

bool identity_open(
    const struct identity_config *config, struct identity **ret_identity, struct err *err)
{
    scoped(identity_close) struct identity *identity = calloc(1, sizeof *identity);

    check(identity);
    identity->limits = config->limits;
    identity->path = config->path ? str_dup(str_from(config->path)) : NULL;
    identity->local = identity->slots[0] = local_caller();
    identity_own_open(identity);
    memo_init(&identity->memo);
    cache_init(&identity->cache, (size_t)config->limits.cache_max);
    if (identity->path) {
        identity->stamp = document_stamp(identity->path);
        if (!read_file(identity, err))
            return false;
    }
    *ret_identity = identity;
    identity = NULL;
    return true;
}

void identity_close(struct identity **at)
{
    struct identity *identity = *at;

    if (!identity)
        return;
    check(!identity->timer);
    for (size_t i = 0; i < SLOTS_MAX; i++)
        caller_free(identity->slots[i]);
    for (size_t i = 0; i < identity->keys_count; i++)
        verifier_done(&identity->keys[i].verifier);
    cache_done(&identity->cache);
    free(identity->path);
    free(identity);
    *at = NULL;
}

/* Said once for each file. What may pass without another file (rights, places) is tried again. */
static void bad_file(struct identity *identity, const struct err *err)
{
    if (!document_stamp_equal(&identity->stamp, &identity->bad_stamp)) {
        identity->counts.bad_reloads++;
        log_error("tokens_refused", "code", err->code, "why", err->message, NULL);
    }
    identity->bad_stamp = identity->stamp;
    if (err->kind == ERR_SYSTEM || strcmp(err->code, "too_many_callers") == 0)
        identity->stamp = (struct document_stamp){.device = UINT64_MAX}; /* of no file */
}

bool identity_poll(struct identity *identity, struct identity_now now)
{
    char count[24];
    struct err err = {0};

    (void)now;
    sweep(identity);
    if (!identity->path)
        return false;
    struct document_stamp stamp = document_stamp(identity->path);
    if (document_stamp_equal(&stamp, &identity->stamp))
        return false;
    identity->stamp =
        stamp; /* looked at before the reading: a change in between is seen next time */
    if (!read_file(identity, &err)) {
        bad_file(identity, &err);
        return false;
    }
    identity->counts.reloads++;
    snprintf(count, sizeof count, "%zu", identity->rows_count);
    log_event("tokens_loaded", "count_n", count, NULL);
    return true;
}

static void on_tick(uv_timer_t *timer)
{
    identity_poll(timer->data, identity_clock());
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void identity_watch(struct identity *identity, uv_loop_t *loop)
{
    uint64_t poll_ms = (uint64_t)identity->limits.poll_ms;

    check(!identity->timer);
    identity->timer = calloc(1, sizeof *identity->timer);
    check(identity->timer && uv_timer_init(loop, identity->timer) == 0);
    identity->timer->data = identity;
    check(uv_timer_start(identity->timer, on_tick, poll_ms, poll_ms) == 0);
    uv_unref((uv_handle_t *)identity->timer);
}

void identity_unwatch(struct identity *identity)
{
    if (!identity->timer)
        return;
    uv_close((uv_handle_t *)identity->timer, free_handle);
    identity->timer = NULL;
}

/* --- numbers ----------------------------------------------------------------------- */

struct identity_counts identity_counts(const struct identity *identity)
{
    struct identity_counts counts = identity->counts;

    counts.callers = identity->rows_count;
    counts.cache = identity->cache.count;
    counts.evicted = identity->cache.evicted;
    return counts;
}

static json_t *scopes_json(const struct caller *caller)
{
    json_t *list = json_array();

    for (int i = 0; i < CALLER_SCOPES; i++)
        if (caller->scopes & (1u << i))
            check(json_array_append_new(
                      list, json_string(caller_scope_word((enum caller_scope)(1 << i)))) == 0);
    return list;
}

static json_t *caller_json(const struct caller *caller)
{
    char expires[CLOCK_TEXT_BYTES];

    clock_text(caller->expires_at_ms, expires);
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:O, s:o, s:I, s:I, s:I, s:I, s:I, s:s, s:s, "
                            "s:b, s:b, s:s?}",
        "name", caller->name, "id", caller->id, "label", caller->label, "kind",
        token_kind_word(caller->state->kind), "models", caller->state->models, "scopes",
        scopes_json(caller), "rate_per_minute", (json_int_t)caller->rate_per_minute,
        "tokens_per_minute", (json_int_t)caller->tokens_per_minute, "concurrent_max",
        (json_int_t)caller->concurrent_max, "weight", (json_int_t)caller->weight, "inside",
        (json_int_t)caller->inside, "priority", caller_priority_word(caller->priority), "dialect",
        caller_dialect_word(caller->dialect), "speaks_for_users", caller->speaks_for_users,
        "revoked", caller->revoked, "expires_at", caller->expires_at_ms ? expires : NULL);
    check(row);
    return row;
}

json_t *identity_json(const struct identity *identity)
{
    json_t *list = json_array();

    check(list);
    for (size_t i = 0; i < identity->rows_count; i++)
        check(json_array_append_new(list, caller_json(identity->rows[i])) == 0);
    return list;
}
