/* SPDX-License-Identifier: Apache-2.0
 *
 * The document: read and refused, changed by many, killed at any moment, written to a full disk.
 */
#include "catalogue/document.h"

#include "base/scoped.h"
#include "json/json_read.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define BLANK "{\"schema\":\"logic-node/things/v1\",\"things\":[]}"
#define BYTES_MAX 65536
#define THINGS 40       /* in the document that writers change: some kilobytes */
#define KILLS 60        /* writers killed */
#define KILL_AFTER_NS 4000000 /* at most, a random part of it */

static json_t *things_of(const json_t *document)
{
    return json_object_get(document, "things");
}

/* All things say the same number: what is half old and half new is not valid. */
static bool things_valid(const json_t *document, struct err *err)
{
    const json_t *things = things_of(document);

    if (!json_is_array(things))
        return err_code(err, ERR_INPUT, "bad_type", "things", "things is no list");
    for (size_t i = 1; i < json_array_size(things); i++)
        if (!json_equal(json_array_get(things, i), json_array_get(things, 0)))
            return err_set(err, ERR_INPUT, "thing %zu is not as the first", i);
    return true;
}

static const struct document_form FORM = {
    .blank = BLANK, .bytes_max = BYTES_MAX, .valid = things_valid};

static const char *new_path(void)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/things.json", scratch_folder());
    return path;
}

static void put(const char *path, const char *text)
{
    struct err err;

    if (!file_replace(path, str_from(text), 0600, &err))
        abort();
}

static bool add_one(json_t *document, void *context, struct err *err)
{
    (void)err;
    json_array_append_new(things_of(document), json_string(context));
    return true;
}

static bool count_up(json_t *document, void *context, struct err *err)
{
    json_t *things = things_of(document);
    json_int_t now = json_integer_value(json_array_get(things, 0)) + 1;

    (void)context, (void)err;
    json_array_clear(things);
    for (int i = 0; i < THINGS; i++)
        json_array_append_new(things, json_integer(now));
    return true;
}

static long number_in(const char *path)
{
    scoped(json_done) json_t *document = NULL;
    struct err err;

    if (!document_read(path, &FORM, &document, &err)) {
        printf("# %s\n", err.message);
        return -1;
    }
    if (json_array_size(things_of(document)) == 0)
        return 0;
    return (long)json_integer_value(json_array_get(things_of(document), 0));
}

TEST(a_file_that_is_not_there_reads_as_the_empty_document)
{
    scoped(json_done) json_t *document = NULL;
    struct err err;

    REQUIRE(document_read(new_path(), &FORM, &document, &err));
    CHECK_INT(json_array_size(things_of(document)), 0);
}

TEST(a_change_is_there_for_the_next_reader_and_only_for_the_owner)
{
    scoped(json_done) json_t *document = NULL;
    const char *path = new_path();
    struct stat seen;
    struct err err;

    REQUIRE(document_change(path, &FORM, add_one, "one", &err));
    REQUIRE(document_read(path, &FORM, &document, &err));
    CHECK_INT(json_array_size(things_of(document)), 1);
    REQUIRE(stat(path, &seen) == 0);
    CHECK_INT(seen.st_mode & 0777, 0600);
}

TEST(another_schema_is_refused_with_both_names_and_never_overwritten)
{
    scoped(json_done) json_t *document = NULL;
    scoped(buf_done) struct buf left = buf_of(BYTES_MAX);
    const char *path = new_path(), *text = "{\"schema\":\"logic-node/things/v2\",\"things\":[]}";
    struct err err;

    put(path, text);
    CHECK(!document_read(path, &FORM, &document, &err));
    CHECK_TEXT(err.code, "unknown_schema");
    CHECK(strstr(err.message, "logic-node/things/v2") && strstr(err.message, "things/v1"));
    CHECK(!document_change(path, &FORM, add_one, "one", &err));
    CHECK_TEXT(err.code, "unknown_schema");
    REQUIRE(file_read(path, &left, &err));
    CHECK_STR(buf_str(&left), text);
}

TEST(what_is_no_document_is_refused)
{
    static const char *const BAD[] = {"", "{", "[]", "{}", "{\"schema\":7}", "{\"things\":[]}",
        "{\"schema\":\"logic-node/things/v1\",\"schema\":\"logic-node/things/v1\",\"things\":[]}",
        "{\"schema\":\"logic-node/things/v1\",\"things\":{}}",
        "{\"schema\":\"logic-node/things/v1\",\"things\":[1,2]}", BLANK "x"};
    const char *path = new_path();

    for (size_t i = 0; i < COUNT(BAD); i++) {
        scoped(json_done) json_t *document = NULL;
        struct err err;
        put(path, BAD[i]);
        CHECK(!document_read(path, &FORM, &document, &err));
        CHECK(!document_change(path, &FORM, add_one, "one", &err));
        CHECK_INT(err.kind, ERR_INPUT);
        CHECK(strstr(err.message, "things.json") != NULL);
    }
}

TEST(what_the_form_refuses_is_not_written)
{
    const char *path = new_path();
    struct err err;

    REQUIRE(document_change(path, &FORM, add_one, "one", &err));
    CHECK(!document_change(path, &FORM, add_one, "two", &err));
    CHECK(strstr(err.message, "thing 1 is not as the first") != NULL);
    scoped(json_done) json_t *document = NULL;
    REQUIRE(document_read(path, &FORM, &document, &err));
    CHECK_INT(json_array_size(things_of(document)), 1);
}

TEST(too_large_is_refused_read_and_written)
{
    static char large[BYTES_MAX + 16];
    const char *path = new_path();
    struct err err;
    scoped(json_done) json_t *document = NULL;

    memset(large, 'x', BYTES_MAX - 8);
    CHECK(!document_change(path, &FORM, add_one, large, &err));
    CHECK_INT(err.kind, ERR_LIMIT);
    CHECK(!file_exists(path));
    memset(large, ' ', BYTES_MAX + 1);
    put(path, large);
    CHECK(!document_read(path, &FORM, &document, &err));
    CHECK_INT(err.kind, ERR_LIMIT);
    CHECK_TEXT(err.code, "too_large");
}

static bool nothing(json_t *document, void *context, struct err *err)
{
    (void)document, (void)context, (void)err;
    return true;
}

TEST(a_stamp_changes_with_the_file_and_not_without)
{
    const char *path = new_path();
    struct document_stamp none = document_stamp(path), first, second;
    struct err err;

    CHECK(document_stamp_equal(&none, &(struct document_stamp){0}));
    REQUIRE(document_change(path, &FORM, count_up, NULL, &err));
    first = document_stamp(path);
    CHECK(!document_stamp_equal(&none, &first));
    REQUIRE(document_change(path, &FORM, nothing, NULL, &err));
    second = document_stamp(path);
    CHECK(document_stamp_equal(&first, &second));
    REQUIRE(document_change(path, &FORM, count_up, NULL, &err));
    second = document_stamp(path);
    CHECK(!document_stamp_equal(&first, &second));
}

TEST(writers_at_once_lose_no_change)
{
    enum { WRITERS = 8, CHANGES = 10 };
    const char *path = new_path();
    pid_t writers[WRITERS];

    for (int i = 0; i < WRITERS; i++) {
        writers[i] = fork();
        if (writers[i] == 0) {
            struct err err;
            int failed = 0;
            for (int n = 0; n < CHANGES; n++)
                failed += !document_change(path, &FORM, count_up, NULL, &err);
            _exit(failed);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;
        REQUIRE(waitpid(writers[i], &status, 0) == writers[i]);
        CHECK_INT(status, 0);
    }
    CHECK_INT(number_in(path), WRITERS * CHANGES);
}

/* A writer that counts up for ever tells each change that was done; it is killed at some moment.
 * What is found then is whole, and is the last change told or the one behind it. */
TEST(killed_at_any_moment_the_document_is_whole_and_what_was_done_is_there)
{
    const char *path = new_path();
    unsigned dice = 20261121;

    for (int round = 0; round < KILLS; round++) {
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        long before = number_in(path);
        pid_t writer = fork();
        if (writer == 0) {
            struct err err;
            for (long done = before + 1; document_change(path, &FORM, count_up, NULL, &err); done++)
                if (write(ends[1], &done, sizeof done) != sizeof done)
                    _exit(1);
            _exit(1);
        }
        close(ends[1]);
        struct timespec wait = {.tv_nsec = rand_r(&dice) % KILL_AFTER_NS};
        (void)nanosleep(&wait, NULL);
        kill(writer, SIGKILL);
        REQUIRE(waitpid(writer, NULL, 0) == writer);
        long told = before, one;
        while (read(ends[0], &one, sizeof one) == sizeof one)
            told = one;
        close(ends[0]);
        long found = number_in(path);
        CHECK(found == told || found == told + 1);
    }
    CHECK(number_in(path) > 0);
}

/* The limit of one file's size stands in for a disk that is full after any number of bytes. */
TEST(no_room_after_any_number_of_bytes_leaves_the_old_document)
{
    const char *path = new_path();
    char fresh[PATH_MAX];
    struct err err;

    REQUIRE(document_change(path, &FORM, count_up, NULL, &err));
    snprintf(fresh, sizeof fresh, "%s.new", path);
    struct stat seen;
    REQUIRE(stat(path, &seen) == 0);
    for (rlim_t bytes = 0; bytes < (rlim_t)seen.st_size; bytes += 7) {
        pid_t writer = fork();
        if (writer == 0) {
            struct rlimit limit = {bytes, bytes};
            signal(SIGXFSZ, SIG_IGN);
            setrlimit(RLIMIT_FSIZE, &limit);
            bool done = document_change(path, &FORM, count_up, NULL, &err);
            _exit(done ? 1 : strcmp(err.code, "no_room") != 0 ? 2 : 0);
        }
        int status = -1;
        REQUIRE(waitpid(writer, &status, 0) == writer);
        CHECK_INT(WEXITSTATUS(status), 0);
        CHECK_INT(number_in(path), 1);
        CHECK(!file_exists(fresh));
    }
    CHECK(document_change(path, &FORM, count_up, NULL, &err));
    CHECK_INT(number_in(path), 2);
}

TEST(a_full_disk_leaves_the_old_document_and_room_lets_it_go_on)
{
    char folder[64], path[PATH_MAX], filler[PATH_MAX];
    struct err err;

    snprintf(folder, sizeof folder, "%s", scratch_folder());
    if (mount("none", folder, "tmpfs", 0, "size=64k") != 0) {
        printf("# no tmpfs here (%s): the limit of a file's size alone\n", strerror(errno));
        return;
    }
    snprintf(path, sizeof path, "%s/things.json", folder);
    snprintf(filler, sizeof filler, "%s/filler", folder);
    CHECK(document_change(path, &FORM, count_up, NULL, &err));
    int fd = open(filler, O_WRONLY | O_CREAT, 0600);
    while (write(fd, filler, sizeof filler) > 0)
        ;
    close(fd);
    CHECK(!document_change(path, &FORM, count_up, NULL, &err));
    CHECK_TEXT(err.code, "no_room");
    CHECK_INT(number_in(path), 1);
    CHECK(unlink(filler) == 0);
    CHECK(document_change(path, &FORM, count_up, NULL, &err));
    CHECK_INT(number_in(path), 2);
    umount(folder);
}

/* What a killed writer left is written over, also when it is a link to somewhere else. */
TEST(what_was_left_behind_is_written_over_and_a_link_is_not_followed)
{
    const char *path = new_path();
    char fresh[PATH_MAX], victim[PATH_MAX];
    scoped(buf_done) struct buf left = buf_of(BYTES_MAX);
    struct err err;

    snprintf(fresh, sizeof fresh, "%s.new", path);
    snprintf(victim, sizeof victim, "%s.victim", path);
    put(victim, "mine");
    REQUIRE(symlink(victim, fresh) == 0);
    REQUIRE(document_change(path, &FORM, count_up, NULL, &err));
    CHECK_INT(number_in(path), 1);
    REQUIRE(file_read(victim, &left, &err));
    CHECK_STR(buf_str(&left), "mine");
}

TAP_MAIN
