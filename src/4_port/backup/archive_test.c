/* SPDX-License-Identifier: Apache-2.0 */
#include "archive_inside.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "crypto/crypto.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define TEXT_BYTES_MAX (4u << 20)

static struct recovery_key key, other;
static char at[128], path[160];

static void put(const char *name, struct str text, mode_t mode)
{
    char where[256];
    struct err err;

    snprintf(where, sizeof where, "%s/%s", at, name);
    check(file_replace(where, text, mode, &err));
}

/* Two small files, an empty one, one of three chunks. */
static void make(void)
{
    scoped(archive_drop) struct archive_writer *writer = NULL;
    scoped(json_done) json_t *about = json_pack("{s:s}", "node", "test");
    scoped(free_done) char *large = malloc(2 * SEAL_CHUNK_BYTES_MAX + 7);
    char where[256];
    struct err err;
    uint64_t bytes;
    struct stat seen;

    recovery_key_make(&key);
    recovery_key_make(&other);
    snprintf(at, sizeof at, "%s", scratch_folder());
    snprintf(path, sizeof path, "%s/a.backup", at);
    for (size_t i = 0; i < 2 * SEAL_CHUNK_BYTES_MAX + 7; i++)
        large[i] = (char)(i / 1000);
    put("small", S("a secret"), 0600);
    put("empty", S(""), 0644);
    put("large", (struct str){large, 2 * SEAL_CHUNK_BYTES_MAX + 7}, 0640);
    check(archive_create(path, S("secret of the node"), &writer, &err));
    archive_add_folder(writer, "keys", 0700, true);
    archive_add_folder(writer, "keys/tokens", 0500, false);
    static const char *const NAMES[] = {"small", "empty", "large"};
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        char name[64];
        snprintf(name, sizeof name, "keys/%s%s", i ? "tokens/" : "", NAMES[i]);
        snprintf(where, sizeof where, "%s/%s", at, NAMES[i]);
        check(stat(where, &seen) == 0);
        check(archive_add_file(writer, name, seen.st_mode, i == 0, where, &err));
    }
    check(archive_finish(writer, key.public_half, about, &bytes, &err));
    check(stat(path, &seen) == 0 && (uint64_t)seen.st_size == bytes);
}

static bool opens(const char *name, struct err *err)
{
    scoped(archive_close) struct archive *archive = NULL;

    return archive_open(name, &key, &archive, err) && archive_check(archive, err);
}

TEST(what_went_in_comes_out_with_its_modes)
{
    scoped(archive_close) struct archive *archive = NULL;
    scoped(buf_done) struct buf before = buf_of(TEXT_BYTES_MAX), after = buf_of(TEXT_BYTES_MAX);
    char fresh[160], where[256];
    struct stat seen;
    struct err err;

    make();
    snprintf(fresh, sizeof fresh, "%s/fresh", at);
    check(mkdir(fresh, 0700) == 0);
    REQUIRE(archive_open(path, &key, &archive, &err) && archive_check(archive, &err));
    CHECK_INT(manifest_bytes(archive_manifest(archive)), 8 + 2 * SEAL_CHUNK_BYTES_MAX + 7);
    REQUIRE(archive_unpack(archive, fresh, geteuid() ? geteuid() : 4242, getegid(), &err));
    snprintf(where, sizeof where, "%s/keys/tokens/large", fresh);
    CHECK(stat(where, &seen) == 0 && (seen.st_mode & 07777) == 0640);
    CHECK(file_read(where, &after, &err));
    snprintf(where, sizeof where, "%s/large", at);
    CHECK(file_read(where, &before, &err) && str_eq(buf_str(&before), buf_str(&after)));
    snprintf(where, sizeof where, "%s/keys/tokens", fresh);
    CHECK(stat(where, &seen) == 0 && (seen.st_mode & 07777) == 0500);
    snprintf(where, sizeof where, "%s/keys/tokens/empty", fresh);
    CHECK(stat(where, &seen) == 0 && seen.st_size == 0);
    snprintf(where, sizeof where, "%s/keys/small", fresh);
    CHECK(stat(where, &seen) == 0 && (seen.st_mode & 07777) == 0600);
    CHECK_INT(seen.st_uid, geteuid() ? geteuid() : 4242); /* the node's */
    snprintf(where, sizeof where, "%s/keys/tokens/large", fresh);
    CHECK(stat(where, &seen) == 0 && seen.st_uid == geteuid());
}

TEST(nothing_of_it_can_be_read_without_the_key)
{
    scoped(buf_done) struct buf text = buf_of(TEXT_BYTES_MAX);
    scoped(archive_close) struct archive *archive = NULL;
    struct err err;

    make();
    CHECK(file_read(path, &text, &err));
    CHECK(!memmem(text.at, text.len, "a secret", 8) && !memmem(text.at, text.len, "keys", 4));
    CHECK(!archive_open(path, &other, &archive, &err));
    CHECK_TEXT(err.code, "other_recovery_key");
    char id[KEY_ID_BYTES];
    key_id_of(key.public_half, id);
    CHECK(strstr(err.message, id));
}

TEST(each_byte_counts_and_so_does_the_length)
{
    scoped(buf_done) struct buf text = buf_of(TEXT_BYTES_MAX);
    char bent[160];
    struct err err;

    make();
    snprintf(bent, sizeof bent, "%s/bent", at);
    CHECK(file_read(path, &text, &err));
    size_t step = text.len / 400 + 1;
    for (size_t i = 0; i<text.len; i += i + 200> text.len ? 1 : step) {
        text.at[i] = (char)(text.at[i] ^ 1 << i % 8);
        check(file_replace(bent, buf_str(&text), 0600, &err));
        if (opens(bent, &err))
            CHECK_INT(i, -1);
        text.at[i] = (char)(text.at[i] ^ 1 << i % 8);
    }
    for (size_t i = 0; i < text.len; i += step) {
        check(file_replace(bent, (struct str){text.at, i}, 0600, &err));
        if (opens(bent, &err))
            CHECK_INT(i, -1);
        CHECK_TEXT(err.code, "backup_broken");
    }
    buf_add_char(&text, '\n');
    check(file_replace(bent, buf_str(&text), 0600, &err));
    CHECK(!opens(bent, &err));
    CHECK(opens(path, &err));
}

TEST(a_full_disk_leaves_nothing_behind)
{
    scoped(archive_drop) struct archive_writer *writer = NULL;
    char full[160], fresh[168], from[160];
    struct rlimit was, small = {4096, RLIM_INFINITY};
    struct err err;

    make();
    snprintf(full, sizeof full, "%s/full", at);
    snprintf(fresh, sizeof fresh, "%s.new", full);
    snprintf(from, sizeof from, "%s/a.backup", at);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    REQUIRE(archive_create(full, S("s"), &writer, &err));
    archive_add_folder(writer, "x", 0700, false);
    small.rlim_max = was.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    bool good = true;
    for (int i = 0; good && i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "x/%d", i);
        good = archive_add_file(writer, name, 0600, false, from, &err);
    }
    setrlimit(RLIMIT_FSIZE, &was);
    CHECK(!good && strstr(err.message, "cannot write"));
    CHECK(file_exists(fresh));
    archive_drop(&writer);
    CHECK(!file_exists(fresh) && !file_exists(full));
}

TEST(two_do_not_write_one_archive)
{
    scoped(archive_drop) struct archive_writer *one = NULL;
    scoped(archive_drop) struct archive_writer *two = NULL;
    char name[160];
    struct err err;

    make();
    snprintf(name, sizeof name, "%s/b", at);
    REQUIRE(archive_create(name, S("s"), &one, &err));
    CHECK(!archive_create(name, S("s"), &two, &err) && strstr(err.message, "another backup"));
}

/* --- the manifest ---------------------------------------------------------------------------- */

#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define FILE_OF(path)                                                                              \
    "{\"path\":\"" path "\",\"nodes\":true,\"mode\":384,\"bytes\":0,\"sha256\":\"" HASH            \
    "\",\"chunks\":[]}"
#define FOLDER_OF(path) "{\"path\":\"" path "\",\"nodes\":true,\"mode\":448}"
#define MANIFEST(folders, files)                                                                   \
    "{\"schema\":\"logic-node/backup/v1\",\"about\":{},\"folders\":[" folders                      \
    "],\"files\":[" files "]}"

TEST(names_and_numbers_of_a_manifest_are_not_believed)
{
    static const char *const GOOD[] = {MANIFEST("", ""), MANIFEST(FOLDER_OF("a"), FILE_OF("a/b")),
        MANIFEST(FOLDER_OF("a") "," FOLDER_OF("a/b"), FILE_OF("a/b/..c"))};
    static const char *const BAD[] = {"", "{}", "[]", MANIFEST("", FILE_OF("a")),
        MANIFEST("", FILE_OF("a/b")), MANIFEST(FOLDER_OF("a"), FILE_OF("a/../b")),
        MANIFEST(FOLDER_OF("a"), FILE_OF("a")), MANIFEST(FOLDER_OF("a"), FILE_OF("a//b")),
        MANIFEST(FOLDER_OF("a"), FILE_OF("a/b") "," FILE_OF("a/b")),
        MANIFEST(FOLDER_OF("a"), FILE_OF("a/b") "," FILE_OF("a/b/c")),
        MANIFEST(FOLDER_OF("/"), FILE_OF("/etc/passwd")), MANIFEST(FOLDER_OF("/etc"), ""),
        MANIFEST(FOLDER_OF(".."), FILE_OF("../b")), MANIFEST(FOLDER_OF("."), FILE_OF("./b")),
        MANIFEST(FOLDER_OF("a/"), ""), MANIFEST(FOLDER_OF("a/b"), ""), MANIFEST(FOLDER_OF(""), ""),
        MANIFEST(FOLDER_OF("a\\u0000b"), ""), MANIFEST(FOLDER_OF("a\\nb"), ""),
        MANIFEST(FOLDER_OF("a\\\\b"), ""),
        MANIFEST("{\"path\":\"a\",\"nodes\":true,\"mode\":2541}", ""),
        MANIFEST("{\"path\":\"a\",\"nodes\":true,\"mode\":448,\"link\":\"/\"}", ""),
        MANIFEST(FOLDER_OF("a"),
            "{\"path\":\"a/b\",\"nodes\":true,\"mode\":384,\"bytes\":1,\"sha256\":\"" HASH
            "\",\"chunks\":[]}"),
        MANIFEST(FOLDER_OF("a"),
            "{\"path\":\"a/b\",\"nodes\":true,\"mode\":384,\"bytes\":9007199254740991,"
            "\"sha256\":\"" HASH "\",\"chunks\":[]}"),
        MANIFEST(FOLDER_OF("a"),
            "{\"path\":\"a/b\",\"nodes\":true,\"mode\":384,\"bytes\":-1,\"sha256\":\"" HASH
            "\",\"chunks\":[]}"),
        MANIFEST(FOLDER_OF("a"),
            "{\"path\":\"a/b\",\"nodes\":true,\"mode\":384,\"bytes\":1,\"sha256\":\"" HASH
            "\",\"chunks\":[{\"sealed\":999999999,\"key\":\"" HASH "\"}]}"),
        MANIFEST(FOLDER_OF("a"),
            "{\"path\":\"a/b\",\"nodes\":true,\"mode\":384,\"bytes\":1,\"sha256\":\"" HASH
            "\",\"chunks\":[{\"sealed\":20,\"key\":\"00\"}]}"),
        "{\"schema\":\"logic-node/backup/v2\",\"about\":{},\"folders\":[],\"files\":[]}"};
    struct err err;

    for (size_t i = 0; i < COUNT(GOOD); i++) {
        scoped(json_done) json_t *manifest = NULL;
        uint64_t sealed;
        CHECK(manifest_read(str_from(GOOD[i]), &manifest, &sealed, &err));
    }
    for (size_t i = 0; i < COUNT(BAD); i++) {
        scoped(json_done) json_t *manifest = NULL;
        uint64_t sealed;
        if (manifest_read(str_from(BAD[i]), &manifest, &sealed, &err))
            CHECK_TEXT(BAD[i], "refused");
    }
}

TEST(sums_beyond_the_limit_are_refused)
{
    scoped(buf_done) struct buf text = buf_of(BACKUP_MANIFEST_BYTES_MAX);
    scoped(json_done) json_t *manifest = NULL;
    uint64_t sealed;
    struct err err;

    buf_printf(&text, "{\"schema\":\"%s\",\"about\":{},\"folders\":[%s],\"files\":[", BACKUP_SCHEMA,
        FOLDER_OF("a"));
    for (int file = 0; file < 2; file++) { /* each is within it */
        long long chunks = BACKUP_BYTES_MAX / SEAL_CHUNK_BYTES_MAX * 2 / 3;
        buf_printf(&text,
            "%s{\"path\":\"a/%d\",\"nodes\":true,\"mode\":384,\"bytes\":%lld,\"sha256\":\"" HASH
            "\",\"chunks\":[",
            file ? "," : "", file, chunks * SEAL_CHUNK_BYTES_MAX);
        for (long long i = 0; i < chunks; i++)
            buf_printf(&text, "%s{\"sealed\":20,\"key\":\"" HASH "\"}", i ? "," : "");
        buf_printf(&text, "]}");
    }
    buf_printf(&text, "]}");
    REQUIRE(!text.overflowed);
    CHECK(!manifest_read(buf_str(&text), &manifest, &sealed, &err));
    CHECK_TEXT(err.code, "backup_too_large");
}

TAP_MAIN
