/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "base/scoped.h"
#include "core_private.h"
#include "message/message.h"

#include <inttypes.h>
#include <stdio.h>

#define CASE_ROW_BYTES 160 /* of info.cases, at most */
#define CHECKPOINT_ESCAPE_BYTES 32

/* One page under way: stops before it grows past a message. */
struct page {
    struct ledger_core *core;
    json_t *entries;
    size_t count, count_max, bytes;
    uint64_t until; /* no entries behind this seq */
    uint64_t last;
    bool more;
    bool broken;
    /* export */
    json_t *checkpoints;
    /* cases */
    struct store_case *cases;
    char (*case_ids)[LEDGER_CASE_BYTES_MAX + 1];
    size_t case_count;
};

static bool on_entry(void *owner, const struct store_entry *row)
{
    struct page *page = owner;
    if (row->seq > page->until)
        return false;
    if (page->count == page->count_max ||
        (page->count && page->bytes + row->line.len > LEDGER_PAGE_BYTES_MAX)) {
        page->more = true;
        return false;
    }
    json_t *entry = ledger_parse(row->line);
    if (!entry) {
        page->broken = true;
        return false;
    }
    check(json_array_append_new(page->entries, entry) == 0);
    page->bytes += row->line.len + 1;
    page->count++;
    page->last = row->seq;
    return true;
}

static bool broken_line(struct page *page, struct err *err)
{
    return err_code(err, ERR_SYSTEM, "ledger_broken", NULL,
        "the entry behind %" PRIu64 " is not JSON: run logicctl ledger verify", page->last);
}

static bool read_entries(struct page *page, const struct store_query *query, struct err *err)
{
    page->last = query->after;
    if (!store_read(page->core->store, query, on_entry, page, err))
        return false;
    return !page->broken || broken_line(page, err);
}

static bool on_case(void *owner, const struct store_case *one)
{
    struct page *page = owner;

    if (page->case_count == page->count_max) {
        page->more = true;
        return false;
    }
    struct store_case *kept = &page->cases[page->case_count];
    char *id = page->case_ids[page->case_count++];
    *kept = *one;
    snprintf(id, LEDGER_CASE_BYTES_MAX + 1, "%.*s", STR(one->case_id));
    kept->case_id = str_from(id);
    return true;
}

/* Whole cases, newest first. Only the first of a page may be cut (then info.cut is true). */
static bool read_cases(struct page *page, uint64_t before, json_t *info, struct err *err)
{
    json_t *list = json_array();
    size_t count_max = page->count_max;
    bool cut = false;

    json_object_set_new(info, "cases", list);
    if (!store_cases(page->core->store, before, on_case, page, err))
        return false;
    page->count_max = SIZE_MAX;
    for (size_t i = 0; i < page->case_count && !cut; i++) {
        const struct store_case *one = &page->cases[i];
        size_t entries_before = json_array_size(page->entries), bytes_before = page->bytes;
        bool more_before = page->more;
        page->more = false;
        page->bytes += CASE_ROW_BYTES;
        if (!read_entries(page, &(struct store_query){STORE_CASE, 0, one->case_id}, err))
            return false;
        if (page->more && i > 0) {
            while (json_array_size(page->entries) > entries_before)
                json_array_remove(page->entries, json_array_size(page->entries) - 1);
            page->bytes = bytes_before;
            break;
        }
        cut = page->more;
        page->more = more_before || page->more;
        json_array_append_new(
            list, json_pack("{s:s%, s:I, s:I, s:b}", "case", one->case_id.at, one->case_id.len,
                      "first_seq", (json_int_t)one->first_seq, "last_seq",
                      (json_int_t)one->last_seq, "open", one->is_open));
    }
    page->more = page->more || json_array_size(list) < page->case_count;
    page->count_max = count_max;
    json_object_set_new(info, "cut", json_boolean(cut));
    return true;
}

/* Place in the list of cases: behind the case named, or before a seq. */
static bool cases_before(struct ledger_core *core, const json_t *read, uint64_t after,
    uint64_t *ret_before, struct err *err)
{
    const char *id = message_text(read, "case");
    struct store_case one;
    bool found;

    *ret_before = after;
    if (!id[0])
        return true;
    if (!store_case(core->store, str_from(id), &found, &one, err))
        return false;
    if (!found)
        return err_code(err, ERR_INPUT, "no_such_case", "case", "there is no case '%.80s'", id);
    *ret_before = one.first_seq;
    return true;
}

struct pins {
    struct page *page;
    uint64_t fits; /* checkpoints up to here are in the page */
};

static bool on_checkpoint(void *owner, const struct store_checkpoint *one)
{
    struct page *page = owner;

    if (one->size > page->until)
        return false;
    size_t bytes = one->text.len + CHECKPOINT_ESCAPE_BYTES;
    if (page->bytes + bytes > LEDGER_PAGE_BYTES_MAX / 2) {
        page->until = one->size - 1; /* the entries of this page end before it */
        return false;
    }
    page->bytes += bytes;
    check(json_array_append_new(
              page->checkpoints, json_pack("{s:I, s:s%}", "size", (json_int_t)one->size, "text",
                                     one->text.at, one->text.len)) == 0);
    return true;
}

/* Those that pin more than the page holds belong to a later page. */
static void drop_later(json_t *checkpoints, uint64_t last)
{
    for (size_t i = json_array_size(checkpoints); i > 0; i--)
        if ((uint64_t)message_int(json_array_get(checkpoints, i - 1), "size") > last)
            json_array_remove(checkpoints, i - 1);
}

static bool describe(struct ledger_core *core, json_t *info, struct err *err)
{
    char key[PUBLIC_KEY_TEXT_BYTES], id[KEY_ID_BYTES];
    uint64_t count;

    if (!store_checkpoint_count(core->store, &count, err))
        return false;
    public_key_text(core->identity.public_key, key);
    key_id_of(core->identity.public_key, id);
    json_object_set_new(info, "origin", json_string(core->identity.origin));
    json_object_set_new(info, "public_key", json_string(key));
    json_object_set_new(info, "key_id", json_string(id));
    json_object_set_new(info, "checkpoint_count", json_integer((json_int_t)count));
    return true;
}

/* Entries and the checkpoints over them. The first page signs, so that all of it is pinned. */
static bool read_export(struct page *page, uint64_t after, json_t *info, struct err *err)
{
    struct ledger_core *core = page->core;

    if (after == 0 && !ledger_checkpoint(core, err))
        return false;
    uint64_t size = core->signed_tree.size;
    json_object_set_new(info, "size", json_integer((json_int_t)size));
    page->checkpoints = json_array();
    json_object_set_new(info, "checkpoints", page->checkpoints);
    page->until = size - after < LEDGER_PAGE_ENTRIES_MAX ? size : after + LEDGER_PAGE_ENTRIES_MAX;
    if (after > size)
        page->until = after;
    if (!describe(core, info, err) ||
        !store_checkpoints(core->store, after, on_checkpoint, page, err) ||
        !read_entries(page, &(struct store_query){.what = STORE_AFTER, .after = after}, err))
        return false;
    drop_later(page->checkpoints, page->last);
    page->more = page->last < size;
    return true;
}

static bool on_newest(void *owner, const struct store_checkpoint *one)
{
    json_t *info = owner;

    json_object_set_new(info, "checkpoint", json_stringn(one->text.at, one->text.len));
    return true;
}

static bool read_checkpoint(struct page *page, json_t *info, struct err *err)
{
    if (!ledger_checkpoint(page->core, err))
        return false;
    json_object_set_new(info, "size", json_integer((json_int_t)page->core->signed_tree.size));
    json_object_set_new(info, "checkpoint", json_string(""));
    return describe(page->core, info, err) &&
           store_last_checkpoint(page->core->store, on_newest, info, err);
}

static bool fill(
    struct page *page, const json_t *read, uint64_t after, json_t *info, struct err *err)
{
    const char *what = message_text(read, "what");
    struct store_query query = {.after = after, .case_id = str_from(message_text(read, "case"))};
    static const struct {
        const char *word;
        enum store_what what;
    } words[] = {
        {"after",   STORE_AFTER  },
        {"case",    STORE_CASE   },
        {"open",    STORE_OPEN   },
        {"learned", STORE_LEARNED}
    };

    json_object_set_new(info, "size", json_integer((json_int_t)ledger_size(page->core)));
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(what, words[i].word) == 0) {
            query.what = words[i].what;
            return read_entries(page, &query, err);
        }
    if (strcmp(what, "cases") == 0) {
        uint64_t before;
        return cases_before(page->core, read, after, &before, err) &&
               read_cases(page, before, info, err);
    }
    if (strcmp(what, "export") == 0)
        return read_export(page, after, info, err);
    if (strcmp(what, "checkpoint") == 0)
        return read_checkpoint(page, info, err);
    return err_code(err, ERR_INPUT, "bad_what", "what",
        "cannot read '%.40s': after, case, open, learned, cases, export, verify, checkpoint", what);
}

json_t *ledger_read(struct ledger_core *core, const json_t *read)
{
    int64_t id = message_int(read, "id"), limit = message_int(read, "limit");
    int64_t after = message_int(read, "after");
    bool has_limit = limit > 0 && limit < LEDGER_PAGE_ENTRIES_MAX;
    scoped(json_done) json_t *entries = json_array();
    scoped(json_done) json_t *info = json_object();
    scoped(free_done) struct store_case *cases = calloc(LEDGER_PAGE_ENTRIES_MAX, sizeof *cases);
    scoped(free_done) void *ids = calloc(LEDGER_PAGE_ENTRIES_MAX, LEDGER_CASE_BYTES_MAX + 1);
    struct page page = {.core = core,
        .entries = entries,
        .until = UINT64_MAX,
        .count_max = has_limit ? (size_t)limit : LEDGER_PAGE_ENTRIES_MAX,
        .cases = cases,
        .case_ids = ids};
    struct err err = {0};

    check(!core->in_group && entries && info && cases && ids);
    if (after < 0 || limit < 0) {
        err_code(&err, ERR_INPUT, "out_of_range", after < 0 ? "after" : "limit",
            "%" PRId64 " is below 0", after < 0 ? after : limit);
        return ledger_failed(id, &err);
    }
    if (strcmp(message_text(read, "what"), "verify") == 0)
        return ledger_verify_step(core, id, (uint64_t)after);
    if (!fill(&page, read, (uint64_t)after, info, &err))
        return ledger_failed(id, &err);
    return message_make(MESSAGE_entries, "{s:I, s:O, s:b, s:O}", "id", (json_int_t)id, "entries",
        entries, "more", page.more, "info", info);
}
