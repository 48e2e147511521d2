/* SPDX-License-Identifier: Apache-2.0 */
#include "secret/secret.h"

#include "base/scoped.h"
#include "tap.h"

#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

static char *make_folder(void)
{
    static char path[64];

    snprintf(path, sizeof path, "/tmp/logic-secret.XXXXXX");
    if (!mkdtemp(path))
        abort();
    return path;
}

static void remove_folder(const char *path)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf '%s'", path);
    if (system(command) != 0)
        abort();
}

static void store_done(struct secret_store **store)
{
    secret_close(store);
}

#define HANDLE S("secret:tsig/home")

TEST(what_is_put_is_got_and_the_folders_are_ours_alone)
{
    const char *folder = make_folder();
    scoped(store_done) struct secret_store *store = secret_open(folder);
    struct str value;
    struct err err = {0};
    struct stat what;
    char path[128];

    CHECK(!secret_get(store, HANDLE, &value, &err));
    CHECK_TEXT(err.code, "no_secret");
    CHECK(strstr(err.message, "into the file HOME/secrets/") != NULL);
    CHECK(secret_put(folder, HANDLE, S("first-value\n"), &err));
    CHECK(secret_get(store, HANDLE, &value, &err));
    CHECK_STR(value, "first-value");
    CHECK(secret_put(folder, HANDLE, S("second-value"), &err));
    struct str second;
    CHECK(secret_get(store, HANDLE, &second, &err));
    CHECK_STR(second, "second-value");
    CHECK_STR(value, "first-value"); /* still known to the scrubber */
    snprintf(path, sizeof path, "%s/tsig", folder);
    CHECK(stat(path, &what) == 0 && (what.st_mode & 0777) == 0700);
    snprintf(path, sizeof path, "%s/tsig/home", folder);
    CHECK(stat(path, &what) == 0 && (what.st_mode & 0777) == 0600);
    remove_folder(folder);
}

TEST(what_others_could_read_or_lead_elsewhere_is_refused)
{
    const char *folder = make_folder();
    scoped(store_done) struct secret_store *store = secret_open(folder);
    struct str value;
    struct err err = {0};
    char path[128], link[128];

    REQUIRE(secret_put(folder, HANDLE, S("some-value"), &err));
    snprintf(path, sizeof path, "%s/tsig/home", folder);
    chmod(path, 0640);
    CHECK(!secret_get(store, HANDLE, &value, &err));
    CHECK_TEXT(err.code, "unsafe_secret");
    chmod(path, 0600);
    CHECK(secret_get(store, HANDLE, &value, &err));
    snprintf(link, sizeof link, "%s/tsig/link", folder);
    CHECK(symlink("home", link) == 0);
    CHECK(!secret_get(store, S("secret:tsig/link"), &value, &err));
    CHECK_TEXT(err.code, "unsafe_secret");
    snprintf(link, sizeof link, "%s/other", folder);
    CHECK(symlink("tsig", link) == 0);
    CHECK(!secret_get(store, S("secret:other/home"), &value, &err));
    CHECK_TEXT(err.code, "unsafe_secret");
    CHECK(!secret_put(folder, S("secret:other/home"), S("some-value"), &err));
    CHECK(!secret_get(store, S("secret:tsig"), &value, &err));
    CHECK_TEXT(err.code, "unsafe_secret");
    snprintf(path, sizeof path, "%s/tsig", folder);
    chmod(path, 0755);
    CHECK(!secret_get(store, HANDLE, &value, &err));
    CHECK_TEXT(err.code, "unsafe_secret");
    remove_folder(folder);
}

TEST(a_handle_is_a_handle)
{
    static const char *const BAD[] = {"", "secret:", "tsig/home", "secret:/home", "secret:tsig/",
        "secret:tsig//home", "secret:../home", "secret:tsig/.new", "secret:TSIG", "secret:a b",
        "secret:a\n", "secret:1/2/3/4/5/6/7/8/9", "Secret:a"};
    struct err err = {0};
    char text[SECRET_HANDLE_BYTES_MAX + 2] = "secret:";

    for (size_t i = 0; i < COUNT(BAD); i++)
        CHECK(!secret_handle_check(str_from(BAD[i]), &err));
    CHECK_TEXT(err.code, "bad_handle");
    CHECK(secret_handle_check(S("secret:a"), &err));
    CHECK(secret_handle_check(S("secret:1/2/3/4/5/6/7/x_y-z"), &err));
    memset(text + 7, 'a', sizeof text - 8);
    CHECK(!secret_handle_check(str_from(text), &err));
    text[SECRET_HANDLE_BYTES_MAX] = '\0';
    CHECK(secret_handle_check(str_from(text), &err));
}

TEST(lengths_have_limits)
{
    const char *folder = make_folder();
    scoped(free_done) char *big = calloc(1, SECRET_BYTES_MAX + 1);
    struct err err = {0};

    memset(big, 'x', SECRET_BYTES_MAX + 1);
    CHECK(!secret_put(folder, HANDLE, S("1234567"), &err));
    CHECK_TEXT(err.code, "bad_secret");
    CHECK(secret_put(folder, HANDLE, (struct str){big, SECRET_BYTES_MAX}, &err));
    CHECK(!secret_put(folder, HANDLE, (struct str){big, SECRET_BYTES_MAX + 1}, &err));
    scoped(store_done) struct secret_store *store = secret_open(folder);
    struct str value;
    CHECK(secret_get(store, HANDLE, &value, &err));
    CHECK_INT(value.len, SECRET_BYTES_MAX);
    remove_folder(folder);
}

TEST(more_values_than_the_limit_are_refused)
{
    const char *folder = make_folder();
    scoped(store_done) struct secret_store *store = secret_open(folder);
    struct str value;
    struct err err = {0};
    char text[32];

    for (int i = 0; i <= SECRETS_USED_MAX; i++) {
        snprintf(text, sizeof text, "value-number-%d", i);
        CHECK(secret_put(folder, HANDLE, str_from(text), &err));
        CHECK_INT(secret_get(store, HANDLE, &value, &err), i < SECRETS_USED_MAX);
    }
    CHECK_TEXT(err.code, "too_many_secrets");
    remove_folder(folder);
}

static void expect_scrubbed(struct secret_store *store, const char *text, const char *wanted)
{
    scoped(buf_done) struct buf out = buf_of(8192);

    secret_scrub(store, str_from(text), &out);
    CHECK_STR(buf_str(&out), wanted);
}

#define VALUE "pa ss/wo+rd\"7"

TEST(every_spelling_of_a_value_is_scrubbed)
{
    const char *folder = make_folder();
    scoped(store_done) struct secret_store *store = secret_open(folder);
    struct str value;
    struct err err = {0};

    REQUIRE(secret_put(folder, HANDLE, S(VALUE), &err));
    expect_scrubbed(store, "not used yet: " VALUE, "not used yet: " VALUE);
    REQUIRE(secret_get(store, HANDLE, &value, &err));
    expect_scrubbed(store, "x " VALUE " y", "x [secret:tsig/home] y");
    expect_scrubbed(store, "pa%20ss%2Fwo%2Brd%227", "[secret:tsig/home]");
    expect_scrubbed(store, "pa%20ss%2fwo%2brd%227", "[secret:tsig/home]");
    expect_scrubbed(store, "\"pa ss/wo+rd\\\"7\"", "\"[secret:tsig/home]\"");
    expect_scrubbed(store, "70612073732f776f2b72642237", "[secret:tsig/home]");
    expect_scrubbed(store, "cut: pa ss/w", "cut: [secret:tsig/home]");
    expect_scrubbed(store, "too little to tell: pa ss", "too little to tell: pa ss");
    for (int offset = 0; offset < 5; offset++) { /* as in "Basic " + base64("user:" + value) */
        char plain[64], base64[128];
        snprintf(plain, sizeof plain, "%.*s" VALUE "tail", offset, "user:");
        EVP_EncodeBlock((unsigned char *)base64, (unsigned char *)plain, (int)strlen(plain));
        scoped(buf_done) struct buf out = buf_of(8192);
        secret_scrub(store, str_from(base64), &out);
        CHECK(strstr(buf_text(&out), "[secret:tsig/home]"));
    }
    remove_folder(folder);
}

TEST(errors_and_results_are_scrubbed_whole)
{
    const char *folder = make_folder();
    scoped(store_done) struct secret_store *store = secret_open(folder);
    struct str value;
    struct err err = {0};

    REQUIRE(secret_put(folder, HANDLE, S(VALUE), &err) && secret_get(store, HANDLE, &value, &err));
    err_code(&err, ERR_PEER, VALUE, VALUE, "%0500d" VALUE, 7); /* cut at the limit */
    secret_scrub_err(store, &err);
    CHECK_TEXT(err.code, "[secret:tsig/home]");
    CHECK_TEXT(err.param, "[secret:tsig/home]");
    CHECK(!strstr(err.message, "pa ss/"));
    scoped(json_done) json_t *dirty =
        json_pack("{s:[s, i, {s:s}], s:b}", "a", "x " VALUE, 7, VALUE, "plain", "t", 1);
    scoped(json_done) json_t *clean = secret_scrub_json(store, dirty);
    scoped(free_done) char *text = json_dumps(clean, JSON_SORT_KEYS | JSON_COMPACT);
    CHECK_TEXT(
        text, "{\"a\":[\"x [secret:tsig/home]\",7,{\"[secret:tsig/home]\":\"plain\"}],\"t\":true}");
    remove_folder(folder);
}

TAP_MAIN
