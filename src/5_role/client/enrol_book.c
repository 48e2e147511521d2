/* SPDX-License-Identifier: Apache-2.0 */
#include "client/enrol_book.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "client/home.h"
#include "os/clock.h"
#include "os/fd.h"
#include "json/json_take.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 1024 /* of pending/ are looked at */

bool enrol_book_open(const struct options *options, struct enrol_book *ret_book, struct err *err)
{
    struct enrol_book book = {.options = options};
    char folder[PATH_MAX];

    if (!home_folder(options, "enrol", folder, err) ||
        !home_folder(options, "enrol/pending", book.pending, err) ||
        !home_path(options, "enrol/codes.json", book.codes, err))
        return false;
    *ret_book = book;
    return true;
}

static void file_of(const struct enrol_book *book, const char *id, char ret_path[PATH_MAX])
{
    check(snprintf(ret_path, PATH_MAX, "%s/%.16s.json", book->pending, id) < PATH_MAX);
}

bool enrol_book_used(const struct enrol_book *book, const char *id)
{
    char path[PATH_MAX];
    struct stat seen;

    file_of(book, id, path);
    return lstat(path, &seen) == 0;
}

/* --- codes ----------------------------------------------------------------------------------- */

static bool change(
    const struct enrol_book *book, document_edit *edit, void *context, struct err *err)
{
    scoped(home_leave) struct home_stay stay = {0};

    return home_enter(book->options, &stay, err) &&
           document_change(book->codes, &ENROLMENT_CODES_FORM, edit, context, err);
}

struct adding {
    const struct enrol_book *book;
    const struct enrolment_code *fresh;
};

static bool add(json_t *document, void *context, struct err *err)
{
    const struct adding *adding = context;
    json_t *rows = json_object_get(document, "codes");
    int64_t now_ms = clock_civil_ms();

    (void)err;
    for (size_t i = json_array_size(rows); i-- > 0;) {
        struct enrolment_code code;
        enrolment_code_of(json_array_get(rows, i), &code);
        if (code.expires_at_ms <= now_ms && !enrol_book_used(adding->book, code.id))
            json_array_remove(rows, i);
    }
    check(json_array_append_new(rows, enrolment_code_row(adding->fresh)) == 0);
    return true;
}

bool enrol_book_add(
    const struct enrol_book *book, const struct enrolment_code *fresh, struct err *err)
{
    struct adding adding = {.book = book, .fresh = fresh};

    return change(book, add, &adding, err);
}

struct forgetting {
    const char *id;
    bool found;
};

static bool forget(json_t *document, void *context, struct err *err)
{
    struct forgetting *forgetting = context;
    json_t *rows = json_object_get(document, "codes");

    (void)err;
    for (size_t i = json_array_size(rows); i-- > 0;)
        if (str_starts(json_str(json_array_get(rows, i), "sha256"), str_from(forgetting->id))) {
            json_array_remove(rows, i);
            forgetting->found = true;
        }
    return true;
}

bool enrol_book_forget(
    const struct enrol_book *book, const char *id, bool *ret_found, struct err *err)
{
    scoped(home_leave) struct home_stay stay = {0};
    struct forgetting forgetting = {.id = id};
    char path[PATH_MAX];

    if (!home_enter(book->options, &stay, err) || !change(book, forget, &forgetting, err))
        return false;
    file_of(book, id, path);
    bool there = unlink(path) == 0;
    if (!there && errno != ENOENT)
        return err_set(err, ERR_SYSTEM, "cannot remove '%s': %m", path);
    *ret_found = there || forgetting.found;
    return true;
}

/* --- what the gateway wrote ------------------------------------------------------------------ */

/* A plain file, at most as long as one of ours. */
static bool read_plain(const char *path, struct buf *out, struct err *err)
{
    scoped(fd_done) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    size_t most = out->bytes_max;
    struct stat seen;

    if (fd < 0 || fstat(fd, &seen) != 0 || !S_ISREG(seen.st_mode))
        return err_code(err, ERR_INPUT, "bad_enrolment", NULL,
            "'%s' is no plain file that can be read; reject it", path);
    char *at = buf_room(out, most);
    ssize_t got = at ? read(fd, at, most) : -1;
    if (got < 0 || seen.st_size > (off_t)most)
        return err_code(err, ERR_INPUT, "bad_enrolment", NULL, "'%s' is too long; reject it", path);
    out->len = (size_t)got;
    return true;
}

bool enrol_book_read(const struct enrol_book *book, const char *id, json_t **ret_document,
    struct enrolment *ret_enrolment, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(ENROLMENT_PENDING_FORM.bytes_max);
    scoped(json_done) json_t *codes = NULL, *document = NULL;
    struct enrolment_code code;
    struct enrolment enrolment;
    const json_t *row;
    char path[PATH_MAX];

    file_of(book, id, path);
    if (!enrol_book_used(book, id))
        return err_code(err, ERR_INPUT, "no_enrolment", NULL,
            "no enrolment '%.40s' waits; `logicctl operator pending` lists them", id);
    if (!document_read(book->codes, &ENROLMENT_CODES_FORM, &codes, err))
        return false;
    if (!(row = enrolment_code_find(codes, str_from(id))))
        return err_code(err, ERR_DENIED, "no_code", NULL,
            "enrolment %s is of no code that was made here: somebody else wrote it; `logicctl "
            "operator reject %s`",
            id, id);
    if (!read_plain(path, &text, err) ||
        !document_parse(buf_str(&text), path, &ENROLMENT_PENDING_FORM, &document, err) ||
        !enrolment_of(document, &enrolment, err))
        return false;
    enrolment_code_of(row, &code);
    if (!enrolment_is_of(&enrolment, &code, err))
        return false;
    *ret_document = document;
    document = NULL;
    *ret_enrolment = enrolment;
    return true;
}

/* --- lists ----------------------------------------------------------------------------------- */

static json_t *row_of(const char *id, const char *state)
{
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:s?}", "enrolment", id,
        "state", state, "person", "", "words", "", "key_id", NULL, "origin", NULL, "expires_at",
        NULL, "made_at", NULL, "why", NULL);

    check(row);
    return row;
}

static void set_text(json_t *row, const char *name, struct str text)
{
    check(json_object_set_new(row, name, json_stringn(text.at, text.len)) == 0);
}

static void set_time(json_t *row, const char *name, int64_t ms)
{
    char text[CLOCK_TEXT_BYTES];

    clock_text(ms, text);
    set_text(row, name, str_from(text));
}

static json_t *used_row(const struct enrol_book *book, const char *id)
{
    scoped(json_done) json_t *document = NULL;
    struct enrolment enrolment;
    char key_id[KEY_ID_BYTES];
    struct err err = {0};

    if (!enrol_book_read(book, id, &document, &enrolment, &err)) {
        json_t *row = row_of(id, "refused");
        set_text(row, "why", str_from(err.message));
        return row;
    }
    json_t *row = row_of(id, "waits");
    passkey_key_id(&enrolment.key, key_id);
    set_text(row, "person", enrolment.person);
    set_text(row, "words", enrolment.words);
    set_text(row, "key_id", str_from(key_id));
    set_text(row, "origin", enrolment.origin);
    set_time(row, "made_at", enrolment.created_at_ms);
    return row;
}

static void add_open(const struct enrol_book *book, const json_t *codes, json_t *rows)
{
    const json_t *each;
    size_t i;

    json_array_foreach (json_object_get(codes, "codes"), i, each) {
        struct enrolment_code code;
        enrolment_code_of(each, &code);
        if (enrol_book_used(book, code.id) || code.expires_at_ms <= clock_civil_ms())
            continue;
        json_t *row = row_of(code.id, "open");
        set_text(row, "person", code.person);
        set_text(row, "words", code.words);
        set_text(row, "origin", code.origin);
        set_time(row, "expires_at", code.expires_at_ms);
        json_array_append_new(rows, row);
    }
}

static void close_folder(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

bool enrol_book_list(const struct enrol_book *book, json_t **ret_rows, struct err *err)
{
    scoped(close_folder) DIR *folder = opendir(book->pending);
    scoped(json_done) json_t *codes = NULL, *rows = json_array();
    const struct dirent *entry;

    if (!folder)
        return err_set(err, ERR_SYSTEM, "cannot read '%s': %m", book->pending);
    if (!document_read(book->codes, &ENROLMENT_CODES_FORM, &codes, err))
        return false;
    for (size_t seen = 0; seen < FILES_MAX && (entry = readdir(folder)); seen++) {
        struct str ending, id = str_cut(str_from(entry->d_name), '.', &ending);
        char text[ENROLMENT_ID_BYTES];
        if (!enrolment_id_fits(id) || !str_eq(ending, S("json")))
            continue; /* being written, or not an enrolment's name */
        snprintf(text, sizeof text, "%.*s", STR(id));
        json_array_append_new(rows, used_row(book, text));
    }
    add_open(book, codes, rows);
    *ret_rows = rows;
    rows = NULL;
    return true;
}
