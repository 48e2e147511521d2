/* SPDX-License-Identifier: Apache-2.0
 * `logicctl token` as a whole: what it prints opens the door, what it keeps does not. */
#include "client/client.h"
#include "client/token_row.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/stat.h>

#define OUT_BYTES_MAX (1024 * 1024)
#define WORDS_MAX 32

static const struct command COMMANDS[] = {
    {"token create", "",
        "name models scopes rate tokens-per-minute concurrent weight priority dialect "
        "speaks-for-users expires opaque alg certificate no-token yes",
        "", 0, 0, client_token_create},
    {"token list", "", "", "", 0, 0, client_token_list},
    {"token revoke", "NAME", "", "", 1, 1, client_token_revoke},
    {"token rotate-key", "", "alg revoke-old", "", 0, 0, client_token_rotate},
};

static char home[PATH_MAX];
static struct buf out; /* what the last run printed, stdout and stderr apart */
static struct buf hints;

static void read_back(int fd, struct buf *ret_text)
{
    char part[4096];
    ssize_t got;

    buf_clear(ret_text);
    check(lseek(fd, 0, SEEK_SET) == 0);
    while ((got = read(fd, part, sizeof part)) > 0)
        buf_add(ret_text, (struct str){part, (size_t)got});
}

/* Like the program, with stdout and stderr into `out` and `hints`. */
static int run(const char *first, ...)
{
    char *words[WORDS_MAX] = {"logicctl", "--home", home, "token", (char *)(uintptr_t)first};
    int count = 5, keep[2] = {dup(1), dup(2)};
    char name[2][64] = {"/tmp/token_out.XXXXXX", "/tmp/token_err.XXXXXX"};
    int files[2] = {mkstemp(name[0]), mkstemp(name[1])};
    va_list args;

    va_start(args, first);
    for (char *word; count < WORDS_MAX && (word = va_arg(args, char *));)
        words[count++] = word;
    va_end(args);
    fflush(stdout);
    check(keep[0] >= 0 && files[0] >= 0 && files[1] >= 0);
    check(dup2(files[0], 1) == 1 && dup2(files[1], 2) == 2);
    int code = client_main(COMMANDS, COUNT(COMMANDS), count, words);
    fflush(stdout);
    fflush(stderr);
    out.bytes_max = hints.bytes_max = OUT_BYTES_MAX;
    for (int i = 0; i < 2; i++) {
        check(dup2(keep[i], i + 1) == i + 1);
        read_back(files[i], i ? &hints : &out);
        close(keep[i]);
        close(files[i]);
        unlink(name[i]);
    }
    return code;
}
#define RUN(...) run(__VA_ARGS__, (char *)NULL)

static void fresh_home(void)
{
    snprintf(home, sizeof home, "%s", scratch_folder());
}

static void path_of(const char *below, char ret_path[PATH_MAX])
{
    check(snprintf(ret_path, PATH_MAX, "%s/%s", home, below) < PATH_MAX);
}

static bool file_text(struct buf *ret_text)
{
    char path[PATH_MAX];
    struct err err;

    path_of("tokens/tokens.json", path);
    *ret_text = buf_of(OUT_BYTES_MAX);
    return file_read(path, ret_text, &err);
}

static int mode_of(const char *below)
{
    char path[PATH_MAX];
    struct stat seen;

    path_of(below, path);
    return stat(path, &seen) == 0 ? (int)(seen.st_mode & 07777) : -1;
}

/* The name or the reason of the refusal, by the node's own code. */
static const char *found(struct str token, struct caller *ret_caller)
{
    static char name[CALLER_NAME_BYTES];
    scoped(buf_done) struct buf header = buf_of(8192);
    char path[PATH_MAX];
    struct identity_config config = {.path = path};
    scoped(identity_close) struct identity *identity = NULL;
    struct identity_refusal refusal;
    struct err err;

    path_of("tokens/tokens.json", path);
    identity_limits_default(&config.limits);
    if (!identity_open(&config, &identity, &err)) {
        printf("# %s\n", err.message);
        return "no file";
    }
    buf_add(&header, S("Bearer "));
    buf_add(&header, str_trim(token));
    struct identity_shown shown = {.authorization = buf_str(&header)};
    struct caller *caller = identity_find(identity, &shown, identity_clock(), &refusal);
    if (!caller)
        return refusal.reason;
    if (ret_caller)
        *ret_caller = *caller;
    snprintf(name, sizeof name, "%s", caller->name);
    return name;
}

static void check_creation(const char *kind, const char *option, const char *value)
{
    scoped(buf_done) struct buf token = buf_of(8192), text = {0};
    char mark[40];

    fresh_home();
    CHECK_INT(RUN("create", "--name", "laptop", option, value), EXIT_DONE);
    struct str line = str_trim(buf_str(&out));
    buf_add(&token, line);
    CHECK(line.len >= IDENTITY_TOKEN_BYTES_MIN && !memchr(line.at, '\n', line.len));
    CHECK_TEXT(found(line, NULL), "laptop");
    CHECK(!strstr(buf_text(&hints), buf_text(&token)));
    REQUIRE(file_text(&text));
    CHECK(!strstr(buf_text(&text), buf_text(&token)));
    snprintf(mark, sizeof mark, "\"kind\":\"%s\"", kind);
    CHECK(strstr(buf_text(&text), mark) != NULL);
    CHECK_INT(mode_of("tokens/tokens.json"), 0600);
    CHECK_INT(mode_of("tokens"), 0700);
    CHECK_INT(RUN("list"), EXIT_DONE);
    CHECK(strstr(buf_text(&out), "laptop") && !strstr(buf_text(&out), buf_text(&token)));
    CHECK_INT(RUN("list", "--json"), EXIT_DONE);
    CHECK(!strstr(buf_text(&out), buf_text(&token)));
    CHECK_INT(RUN("create", "--name", "laptop"), EXIT_USAGE);
    CHECK_INT(RUN("revoke", "laptop"), EXIT_DONE);
    CHECK_TEXT(found(buf_str(&token), NULL), "revoked");
    CHECK_INT(RUN("revoke", "laptop"), EXIT_USAGE);
    CHECK_INT(RUN("create", "--name", "laptop"), EXIT_DONE);
    CHECK_TEXT(found(buf_str(&out), NULL), "laptop");
}

TEST(a_token_is_printed_once_opens_the_door_and_is_kept_nowhere)
{
    check_creation("jwt", "--expires", "90d");
    check_creation("jwt", "--alg", "es256");
    check_creation("opaque", "--opaque", "--no-color");
}

TEST(who_only_looks_is_told_which_fact_gives_the_role)
{
    fresh_home();
    CHECK_INT(RUN("create", "--name", "tablet", "--scopes", "view"), EXIT_DONE);
    CHECK(strstr(buf_text(&hints), "token_role(\"tablet\", viewer)."));
    CHECK(!strstr(buf_text(&out), "token_role"));
    CHECK_INT(RUN("create", "--name", "front", "--scopes", "api,view"), EXIT_DONE);
    CHECK(!strstr(buf_text(&hints), "token_role"));
    CHECK_INT(RUN("create", "--name", "chatty", "--scopes", "chat"), EXIT_DONE);
    CHECK(!strstr(buf_text(&hints), "token_role"));
}

TEST(every_option_arrives_at_the_caller)
{
    struct caller caller;

    fresh_home();
    REQUIRE(RUN("create", "--name", "web.ui", "--models", "qwen3-8b, llama*", "--scopes",
                "chat,usage", "--rate", "60", "--tokens-per-minute", "100000", "--concurrent", "4",
                "--weight", "3", "--priority", "background", "--dialect", "reasoning",
                "--speaks-for-users", "--expires", "12h") == EXIT_DONE);
    REQUIRE(strcmp(found(buf_str(&out), &caller), "web.ui") == 0);
    CHECK_INT(caller.scopes, CALLER_CHAT | CALLER_USAGE);
    CHECK_INT(caller.rate_per_minute, 60);
    CHECK_INT(caller.tokens_per_minute, 100000);
    CHECK_INT(caller.concurrent_max, 4);
    CHECK_INT(caller.weight, 3);
    CHECK_INT(caller.priority, CALLER_BACKGROUND);
    CHECK_INT(caller.dialect, DIALECT_REASONING);
    CHECK(caller.speaks_for_users);
    int64_t left_ms = caller.expires_at_ms - clock_civil_ms();
    CHECK(left_ms > 11 * 3600000 && left_ms <= 12 * 3600000);
}

TEST(wrong_words_are_refused_and_nothing_is_written)
{
    static const char *const WRONG[][2] = {{"--models", "a*b"}, {"--models", ","},
        {"--scopes", "root"}, {"--scopes", ""}, {"--rate", "-1"}, {"--rate", "many"},
        {"--weight", "0"}, {"--weight", "1001"}, {"--concurrent", "100001"},
        {"--priority", "urgent"}, {"--dialect", "loud"}, {"--expires", "90"}, {"--expires", "0d"},
        {"--expires", "2001-01-01T00:00:00Z"}, {"--expires", "99999999999d"}, {"--alg", "hs256"},
        {"--certificate", ""}, {"--no-token", "--json"}};

    fresh_home();
    for (size_t i = 0; i < COUNT(WRONG); i++) {
        CHECK_INT(RUN("create", "--name", "laptop", WRONG[i][0], WRONG[i][1]), EXIT_USAGE);
        CHECK_INT(out.len, 0);
    }
    CHECK_INT(RUN("create"), EXIT_USAGE);
    CHECK_INT(RUN("create", "--name", "Big Name"), EXIT_USAGE);
    CHECK_INT(RUN("create", "--name", "a", "--opaque", "--alg", "es256"), EXIT_USAGE);
    CHECK_INT(RUN("revoke", "nobody"), EXIT_USAGE);
    CHECK_INT(mode_of("tokens/tokens.json"), -1);
}

TEST(claims_too_large_for_a_jwt_say_what_helps)
{
    scoped(buf_done) struct buf models = buf_of(OUT_BYTES_MAX);

    fresh_home();
    for (int i = 0; i < CALLER_MODELS_MAX; i++)
        buf_printf(
            &models, "%sa-model-with-a-name-of-quite-some-length-number-%d", i ? "," : "", i);
    CHECK(RUN("create", "--name", "a", "--models", buf_text(&models)) != EXIT_DONE);
    CHECK(strstr(buf_text(&hints), "--opaque") != NULL);
    CHECK_INT(RUN("create", "--name", "a", "--models", buf_text(&models), "--opaque"), EXIT_DONE);
    CHECK_TEXT(found(buf_str(&out), NULL), "a");
}

TEST(a_certificate_row_has_no_token)
{
    fresh_home();
    CHECK_INT(
        RUN("create", "--name", "kiosk", "--certificate", "kiosk.home", "--no-token"), EXIT_DONE);
    CHECK_INT(out.len, 0);
    CHECK_INT(RUN("create", "--name", "tied", "--certificate", "laptop.home"), EXIT_DONE);
    CHECK_TEXT(found(buf_str(&out), NULL), "certificate");
}

static bool key_is_there(const char *kid)
{
    char below[128];

    snprintf(below, sizeof below, "keys/tokens/%s.pem", kid);
    int mode = mode_of(below);
    CHECK(mode == -1 || mode == 0600);
    return mode != -1;
}

TEST(a_new_key_signs_the_next_token_and_the_old_ones_stay_unless_told_otherwise)
{
    scoped(buf_done) struct buf first = buf_of(8192), second = buf_of(8192), text = {0};
    char one[64], two[64], mark[100];

    fresh_home();
    CHECK_INT(RUN("create", "--name", "a"), EXIT_DONE);
    buf_add(&first, buf_str(&out));
    CHECK_INT(RUN("rotate-key"), EXIT_DONE);
    snprintf(one, sizeof one, "%.*s", STR(str_trim(buf_str(&out))));
    CHECK(key_is_there(one));
    CHECK_INT(RUN("create", "--name", "b"), EXIT_DONE);
    buf_add(&second, buf_str(&out));
    CHECK_TEXT(found(buf_str(&first), NULL), "a");
    CHECK_TEXT(found(buf_str(&second), NULL), "b");
    CHECK_INT(RUN("rotate-key", "--revoke-old"), EXIT_DONE);
    snprintf(two, sizeof two, "%.*s", STR(str_trim(buf_str(&out))));
    CHECK(key_is_there(two) && !key_is_there(one));
    CHECK_TEXT(found(buf_str(&first), NULL), "a"); /* of a key before: retired, not revoked */
    CHECK_TEXT(found(buf_str(&second), NULL), "unknown"); /* its key is gone */
    CHECK_INT(RUN("revoke", "a"), EXIT_DONE);
    CHECK_INT(RUN("rotate-key"), EXIT_DONE);
    REQUIRE(file_text(&text));
    snprintf(mark, sizeof mark, "\"kid\":\"%s\",\"alg\"", one);
    CHECK(!strstr(buf_text(&text), mark));
    for (int i = 0; i < 2 * IDENTITY_KEYS_MAX; i++)
        CHECK_INT(RUN("rotate-key"), EXIT_DONE); /* unused keys go */
    CHECK_INT(RUN("rotate-key", "--alg", "es256"), EXIT_DONE);
}

TEST(a_full_file_lets_dead_rows_go_and_refuses_when_all_are_good)
{
    scoped(json_done) json_t *document = json_pack("{s:[], s:[]}", "tokens", "keys");
    json_t *rows = json_object_get(document, "tokens");
    char name[24];
    struct err err = {0};

    for (int i = 0; i < IDENTITY_CALLERS_MAX; i++) {
        snprintf(name, sizeof name, "t%d", i);
        json_array_append_new(rows, json_pack("{s:s, s:s?}", "name", name, "revoked_at",
                                        i == 500 ? "2026-01-01T00:00:00Z" : NULL));
    }
    CHECK(token_rows_make_room(document, "new", 0, &err));
    CHECK_INT(json_array_size(rows), IDENTITY_CALLERS_MAX - 1);
    json_array_append_new(rows, json_pack("{s:s}", "name", "new"));
    CHECK(!token_rows_make_room(document, "newer", 0, &err));
    CHECK_TEXT(err.code, "too_many_tokens");
    CHECK(!token_rows_make_room(document, "new", 0, &err));
    CHECK_TEXT(err.code, "name_taken");
}

TAP_MAIN
