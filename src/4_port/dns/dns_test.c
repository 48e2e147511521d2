/* SPDX-License-Identifier: Apache-2.0
 * Against a real BIND: run by tests/harness/named.sh, which sets NAMED_DIR, NAMED_PORT,
 * NAMED_SECRETS. */
#include "dns/dns.h"

#include "base/buf.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "tap.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <sys/socket.h>

static struct dns_limits limits = {.timeout_ms = 3000, .job_ms = 10000};
static const char *key_name = "logic-node";
static const char *secret_name = "home";

static json_int_t port(void)
{
    return strtol(getenv("NAMED_PORT"), NULL, 10);
}

static void read_secret(struct buf *out)
{
    char path[512];
    struct err err;

    snprintf(path, sizeof path, "%s/tsig/%s", getenv("NAMED_SECRETS"), secret_name);
    if (!file_read(path, out, &err)) {
        printf("# %s\n", err.message);
        abort();
    }
}

static json_t *key(void)
{
    return json_pack("{s:s, s:s, s:s}", "name", key_name, "algorithm", "hmac-sha256", "secret",
        "secret:tsig/home");
}

/* Takes the job. */
static void run_at(json_t *job, bool only_outcome, struct hand_end *end)
{
    scoped(json_done) json_t *owned = job;
    scoped(buf_done) struct buf secret = buf_of(256);
    struct dns_job read;

    *end = (struct hand_end){0};
    read_secret(&secret);
    if (!dns_job_read(owned, &read, &end->err))
        return;
    if (only_outcome)
        dns_job_outcome(&read, buf_str(&secret), &limits, end);
    else
        dns_job_run(&read, buf_str(&secret), &limits, end);
    if (!end->ok)
        printf("# %s: %s\n", end->err.code, end->err.message);
}

static json_t *json_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
static json_t *json_of(const char *format, ...)
{
    char text[4096];
    va_list args;
    json_error_t why;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_t *json = json_loads(text, JSON_DECODE_ANY, &why);
    if (!json) {
        printf("# %s in %s\n", why.text, text);
        abort();
    }
    return json;
}

static json_t *update_job(const char *zone, json_t *prerequisites, json_t *updates, json_t *expect)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:s, s:o, s:o, s:o, s:o}", "hand", "dns", "op", "update",
        "server", "127.0.0.1", "port", port(), "zone", zone, "key", key(), "prerequisites",
        prerequisites, "updates", updates, "expect", expect);
}

/* {"values": [...]} of the name and type, or NULL. */
static json_t *look(const char *name, const char *type, struct hand_end *end)
{
    json_t *rrset;
    size_t i;

    run_at(json_pack("{s:s, s:s, s:s, s:I, s:s, s:o, s:[s]}", "hand", "dns", "op", "look", "server",
               "127.0.0.1", "port", port(), "zone", "local", "key", key(), "names", name),
        false, end);
    json_array_foreach(json_object_get(end->result, "rrsets"), i, rrset)
        if (strcmp(json_string_value(json_object_get(rrset, "type")), type) == 0)
            return json_object_get(rrset, "values");
    return NULL;
}

static json_t *add_a(const char *name, const char *address)
{
    return update_job("local", json_of("[{\"is\":\"name_absent\",\"name\":\"%s\"}]", name),
        json_of("[{\"op\":\"add\",\"name\":\"%s\",\"type\":\"A\",\"ttl\":60,\"value\":\"%s\"}]",
            name, address),
        json_of("[{\"name\":\"%s\",\"type\":\"A\",\"values\":[\"%s\"]}]", name, address));
}

#define EXPECT_END(end, is_ok, is_changed, is_code)                                                \
    do {                                                                                           \
        CHECK_INT((end).ok, is_ok);                                                                \
        CHECK_TEXT(hand_changed_word((end).changed), is_changed);                                  \
        CHECK_TEXT((end).err.code, is_code);                                                       \
    } while (0)

static json_t *with_value(const char *format, const char *name, const char *type, const char *value)
{
    scoped(json_done) json_t *text = json_string(value);
    scoped(free_done) char *quoted = json_dumps(text, JSON_ENCODE_ANY);
    char *at = NULL;

    if (asprintf(&at, format, name, type, quoted) < 0)
        abort();
    json_t *json = json_of("%s", at);
    free(at);
    return json;
}

/* Every supported type: add, change, delete; each seen by a look. */
static void add_change_delete(const char *type, const char *one, const char *two)
{
    scoped(hand_end_done) struct hand_end added, changed, deleted, seen, late;
    char name[64];

    snprintf(name, sizeof name, "each-%s.local", type);
    for (char *c = name; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    printf("# %s\n", name);
    run_at(
        update_job("local",
            with_value(
                "[{\"is\":\"rrset_absent\",\"name\":\"%s\",\"type\":\"%s\"}]", name, type, ""),
            with_value("[{\"op\":\"add\",\"name\":\"%s\",\"type\":\"%s\",\"ttl\":60,\"value\":%s}]",
                name, type, one),
            with_value("[{\"name\":\"%s\",\"type\":\"%s\",\"values\":[%s]}]", name, type, one)),
        false, &added);
    EXPECT_END(added, true, "yes", "");
    CHECK_INT(json_array_size(json_object_get(added.result, "rrsets")), 1);
    json_t *values = look(name, type, &seen);
    CHECK_INT(json_array_size(values), 1);
    CHECK_TEXT(json_string_value(json_array_get(values, 0)), one);
    json_t *updates =
        with_value("[{\"op\":\"delete_value\",\"name\":\"%s\",\"type\":\"%s\",\"value\":%s}]", name,
            type, one);
    scoped(json_done) json_t *more =
        with_value("[{\"op\":\"add\",\"name\":\"%s\",\"type\":\"%s\",\"ttl\":60,\"value\":%s}]",
            name, type, two);
    json_array_extend(updates, more);
    run_at(update_job("local",
               with_value(
                   "[{\"is\":\"rrset_equals\",\"name\":\"%s\",\"type\":\"%s\",\"values\":[%s]}]",
                   name, type, one),
               json_incref(updates),
               with_value("[{\"name\":\"%s\",\"type\":\"%s\",\"values\":[%s]}]", name, type, two)),
        false, &changed);
    EXPECT_END(changed, true, "yes", "");
    json_decref(updates);
    /* the old plan: the world moved */
    run_at(update_job("local",
               with_value(
                   "[{\"is\":\"rrset_equals\",\"name\":\"%s\",\"type\":\"%s\",\"values\":[%s]}]",
                   name, type, one),
               with_value(
                   "[{\"op\":\"delete_rrset\",\"name\":\"%s\",\"type\":\"%s\"}]", name, type, ""),
               with_value("[{\"name\":\"%s\",\"type\":\"%s\",\"values\":[]}]", name, type, "")),
        false, &late);
    EXPECT_END(late, false, "no", "world_moved");
    CHECK(strstr(late.err.message, "the world moved") && strstr(late.err.message, two));
    run_at(update_job("local",
               with_value(
                   "[{\"is\":\"rrset_equals\",\"name\":\"%s\",\"type\":\"%s\",\"values\":[%s]}]",
                   name, type, two),
               with_value(
                   "[{\"op\":\"delete_rrset\",\"name\":\"%s\",\"type\":\"%s\"}]", name, type, ""),
               with_value("[{\"name\":\"%s\",\"type\":\"%s\",\"values\":[]}]", name, type, "")),
        false, &deleted);
    EXPECT_END(deleted, true, "yes", "");
}

TEST(each_type_is_added_changed_and_deleted)
{
    add_change_delete("A", "192.168.1.100", "192.168.1.101");
    add_change_delete("AAAA", "2001:db8::7", "2001:db8::8");
    add_change_delete("CNAME", "ns.local", "other.local");
    add_change_delete("TXT", "\"v=spf1 -all\"", "\"a;b\\\"c\\\\ $INCLUDE\" \"two\"");
    add_change_delete("MX", "10 mail.home.arpa", "20 mail.home.arpa");
    add_change_delete("SRV", "0 5 5060 sip.home.arpa", "1 5 5060 sip.home.arpa");
    add_change_delete("PTR", "printer.local", "scanner.local");
    add_change_delete("CAA", "0 issue \"letsencrypt.org\"", "0 issuewild \";\"");
    add_change_delete("NS", "ns.local", "ns2.local");
}

TEST(a_look_gives_all_rrsets_the_serial_and_the_coverage)
{
    scoped(hand_end_done) struct hand_end end;

    CHECK(look("ns.local", "A", &end));
    CHECK(end.ok);
    CHECK(json_integer_value(json_object_get(end.result, "zone_serial")) > 0);
    CHECK_INT(
        json_integer_value(json_object_get(json_object_get(end.result, "coverage"), "ok")), 1);
    CHECK_TEXT(hand_changed_word(end.changed), "no");
}

TEST(each_kind_of_prerequisite_stops_an_update)
{
    static const char *const ROWS[] = {
        "[{\"is\":\"rrset_equals\",\"name\":\"ns.local\",\"type\":\"A\",\"values\":[\"127.0.0.9\"]}"
        "]",
        "[{\"is\":\"rrset_equals\",\"name\":\"ns.local\",\"type\":\"A\",\"values\":[\"127.0.0.1\","
        "\"127.0.0.2\"]}]",
        "[{\"is\":\"rrset_absent\",\"name\":\"ns.local\",\"type\":\"A\"}]",
        "[{\"is\":\"rrset_exists\",\"name\":\"ns.local\",\"type\":\"TXT\"}]",
        "[{\"is\":\"name_absent\",\"name\":\"ns.local\"}]",
        "[{\"is\":\"name_in_use\",\"name\":\"nobody.local\"}]",
    };

    for (size_t i = 0; i < COUNT(ROWS); i++) {
        scoped(hand_end_done) struct hand_end end, seen;
        run_at(update_job("local", json_of("%s", ROWS[i]),
                   json_of("[{\"op\":\"delete_name\",\"name\":\"ns.local\"}]"),
                   json_of("[{\"name\":\"ns.local\",\"type\":\"A\",\"values\":[]}]")),
            false, &end);
        EXPECT_END(end, false, "no", "world_moved");
        CHECK(strstr(end.err.message, "now has"));
        CHECK(look("ns.local", "A", &seen));
    }
}

/* The PTR of an address, the target of a CNAME: they lie in other zones of the same server. */
TEST(names_of_other_zones_are_looked_at_too)
{
    scoped(hand_end_done) struct hand_end end = {0}, absent = {0}, foreign = {0};
    const json_t *values = look("ns.home.arpa", "A", &end);

    EXPECT_END(end, true, "no", "");
    CHECK_TEXT(json_string_value(json_array_get(values, 0)), "127.0.0.1");
    CHECK(!look("nobody.home.arpa", "A", &absent));
    EXPECT_END(absent, true, "no", "");
    look("www.example.org", "A", &foreign); /* nobody here knows */
    EXPECT_END(foreign, false, "no", "refused");
}

TEST(what_a_wildcard_makes_up_is_not_there)
{
    scoped(hand_end_done) struct hand_end made, wild, real, real_seen, gone;

    run_at(add_a("*.w.local", "10.0.0.1"), false, &made);
    CHECK(made.ok);
    CHECK(!look("x.w.local", "A", &wild) && wild.ok);
    run_at(add_a("y.w.local", "10.0.0.2"), false, &real);
    CHECK(real.ok);
    json_t *values = look("y.w.local", "A", &real_seen);
    CHECK_TEXT(json_string_value(json_array_get(values, 0)), "10.0.0.2");
    CHECK(look("*.w.local", "A", &gone));
}

TEST(another_secret_another_key_and_another_time_are_told_apart)
{
    scoped(hand_end_done) struct hand_end badsig, badkey, behind, ahead, looked;

    secret_name = "stranger";
    run_at(add_a("a1.local", "10.0.0.1"), false, &badsig);
    EXPECT_END(badsig, false, "no", "tsig_badsig");
    key_name = "nobody";
    run_at(add_a("a1.local", "10.0.0.1"), false, &badkey);
    EXPECT_END(badkey, false, "no", "tsig_badkey");
    CHECK(!look("ns.local", "A", &looked) && !looked.ok);
    CHECK_TEXT(looked.err.code, "tsig_badkey");
    secret_name = "home";
    key_name = "logic-node";
    limits.clock_offset_s = -1000;
    run_at(add_a("a1.local", "10.0.0.1"), false, &behind);
    EXPECT_END(behind, false, "no", "tsig_badtime");
    CHECK(strstr(behind.err.message, "1000 s ahead of") ||
          strstr(behind.err.message, "1001 s ahead of"));
    limits.clock_offset_s = 1000;
    run_at(add_a("a1.local", "10.0.0.1"), false, &ahead);
    EXPECT_END(ahead, false, "no", "tsig_badtime");
    CHECK(strstr(ahead.err.message, "s behind ours"));
    limits.clock_offset_s = 0;
}

static json_t *elsewhere(const char *zone)
{
    char name[64];

    snprintf(name, sizeof name, "a.%s", zone);
    return update_job(zone, json_of("[{\"is\":\"name_absent\",\"name\":\"%s\"}]", name),
        json_of("[{\"op\":\"delete_name\",\"name\":\"%s\"}]", name),
        json_of("[{\"name\":\"%s\",\"type\":\"A\",\"values\":[]}]", name));
}

TEST(a_zone_not_served_and_one_that_is_locked_are_told_apart)
{
    scoped(hand_end_done) struct hand_end strange, locked, no_right;

    run_at(elsewhere("example.org"), false, &strange);
    EXPECT_END(strange, false, "no", "not_served");
    run_at(elsewhere("locked.test"), false, &locked);
    EXPECT_END(locked, false, "no", "refused");
    key_name = secret_name = "stranger";
    run_at(add_a("a2.local", "10.0.0.1"), false, &no_right);
    EXPECT_END(no_right, false, "no", "refused");
    key_name = "logic-node";
    secret_name = "home";
}

TEST(a_look_at_a_zone_not_served_says_so)
{
    scoped(hand_end_done) struct hand_end end;

    run_at(
        json_pack("{s:s, s:s, s:s, s:I, s:s, s:o, s:[s]}", "hand", "dns", "op", "look", "server",
            "127.0.0.1", "port", port(), "zone", "sub.local", "key", key(), "names", "a.sub.local"),
        false, &end);
    EXPECT_END(end, false, "no", "not_served");
}

TEST(a_server_that_is_down_is_unreachable)
{
    scoped(hand_end_done) struct hand_end end;
    json_t *job = add_a("a3.local", "10.0.0.1");

    json_object_set_new(job, "port", json_integer(1));
    run_at(job, false, &end);
    EXPECT_END(end, false, "no", "unreachable");
}

TEST(a_silent_server_leaves_the_outcome_unknown)
{
    scoped(hand_end_done) struct hand_end end, asked;
    scoped(fd_done) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof at;

    REQUIRE(bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 4) == 0 &&
            getsockname(fd, (struct sockaddr *)&at, &bytes) == 0);
    json_t *job = add_a("a4.local", "10.0.0.1");
    json_object_set_new(job, "port", json_integer(ntohs(at.sin_port)));
    limits.timeout_ms = 200;
    int64_t before_ms = clock_steady_ms();
    json_incref(job);
    run_at(job, false, &end);
    EXPECT_END(end, false, "unknown", "silent");
    CHECK(clock_steady_ms() - before_ms >= 200);
    CHECK(strstr(end.err.message, "unknown whether"));
    run_at(job, true, &asked);
    EXPECT_END(asked, false, "unknown", "silent");
    limits.timeout_ms = 3000;
}

TEST(the_outcome_is_read_from_the_world)
{
    scoped(hand_end_done) struct hand_end before, done, after, third;

    run_at(add_a("a5.local", "10.0.0.5"), true, &before);
    EXPECT_END(before, false, "no", "not_done");
    run_at(add_a("a5.local", "10.0.0.5"), false, &done);
    CHECK(done.ok);
    run_at(add_a("a5.local", "10.0.0.5"), true, &after);
    EXPECT_END(after, true, "yes", "");
    run_at(add_a("a5.local", "10.0.0.6"), true, &third);
    EXPECT_END(third, false, "unknown", "outcome_unknown");
}

TEST(an_update_that_does_not_bring_what_was_expected_is_not_verified)
{
    scoped(hand_end_done) struct hand_end end;
    json_t *job = add_a("a6.local", "10.0.0.5");

    json_object_set_new(job, "expect",
        json_of("[{\"name\":\"a6.local\",\"type\":\"A\",\"values\":[\"10.9.9.9\"]}]"));
    run_at(job, false, &end);
    EXPECT_END(end, false, "yes", "not_verified");
    CHECK(strstr(end.err.message, "10.0.0.5"));
}

static json_t *set_ttl(void)
{
    return update_job("local",
        json_of("[{\"is\":\"rrset_equals\",\"name\":\"ns.local\",\"type\":\"A\",\"values\":[\"127."
                "0.0.1\"]}]"),
        json_of("[{\"op\":\"delete_rrset\",\"name\":\"ns.local\",\"type\":\"A\"},{\"op\":\"add\","
                "\"name\":\"ns.local\",\"type\":\"A\",\"ttl\":77,\"value\":\"127.0.0.1\"}]"),
        json_of("[{\"name\":\"ns.local\",\"type\":\"A\",\"values\":[\"127.0.0.1\"]}]"));
}

TEST(a_change_of_the_ttl_alone_is_seen)
{
    scoped(hand_end_done) struct hand_end before, done, after;

    run_at(set_ttl(), true, &before);
    EXPECT_END(before, false, "no", "not_done");
    run_at(set_ttl(), false, &done);
    EXPECT_END(done, true, "yes", "");
    run_at(set_ttl(), true, &after);
    EXPECT_END(after, true, "yes", "");
}

TEST(a_lookup_follows_and_says_when_there_is_nothing)
{
    scoped(hand_end_done) struct hand_end there, nothing;

    run_at(json_of("{\"hand\":\"dns\",\"op\":\"lookup\",\"server\":\"127.0.0.1\",\"port\":%lld,"
                   "\"name\":\"ns.local\",\"type\":\"A\"}",
               (long long)port()),
        false, &there);
    CHECK(there.ok);
    CHECK_TEXT(json_string_value(json_object_get(there.result, "rcode")), "NOERROR");
    CHECK_INT(json_array_size(json_object_get(there.result, "rrsets")), 1);
    run_at(json_of("{\"hand\":\"dns\",\"op\":\"lookup\",\"server\":\"127.0.0.1\",\"port\":%lld,"
                   "\"name\":\"no.local\",\"type\":\"A\"}",
               (long long)port()),
        false, &nothing);
    CHECK(nothing.ok);
    CHECK_TEXT(json_string_value(json_object_get(nothing.result, "rcode")), "NXDOMAIN");
}

static json_t *list_job(const char *zone)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:s, s:o}", "hand", "dns", "op", "list", "server",
        "127.0.0.1", "port", port(), "zone", zone, "key", key());
}

/* Big enough for several messages: each of them is signed and checked. */
TEST(a_list_is_a_whole_transfer)
{
    scoped(hand_end_done) struct hand_end end, refused;
    scoped(json_done) json_t *updates = json_array();

    for (int batch = 0; batch < 8; batch++) {
        scoped(hand_end_done) struct hand_end added;
        json_array_clear(updates);
        for (int i = 0; i < 100; i++)
            json_array_append_new(
                updates, json_of("{\"op\":\"add\",\"name\":\"host-%d-%d-of-a-long-list.home.arpa\","
                                 "\"type\":\"TXT\",\"ttl\":60,\"value\":\"\\\"%040d\\\"\"}",
                             batch, i, i));
        run_at(
            update_job("home.arpa", json_of("[{\"is\":\"name_in_use\",\"name\":\"home.arpa\"}]"),
                json_incref(updates),
                json_of("[{\"name\":\"ns.home.arpa\",\"type\":\"A\",\"values\":[\"127.0.0.1\"]}]")),
            false, &added);
        CHECK(added.ok);
    }
    run_at(list_job("home.arpa"), false, &end);
    CHECK(end.ok);
    CHECK_INT(json_array_size(json_object_get(end.result, "rrsets")), 802);
    key_name = secret_name = "stranger";
    run_at(list_job("home.arpa"), false, &refused);
    EXPECT_END(refused, false, "no", "refused");
    key_name = "logic-node";
    secret_name = "home";
}

TEST(a_list_beyond_the_limit_is_refused)
{
    scoped(hand_end_done) struct hand_end end;
    scoped(json_done) json_t *updates = json_array();

    for (int batch = 0; batch < 8; batch++) {
        scoped(hand_end_done) struct hand_end added;
        json_array_clear(updates);
        for (int i = 0; i < 100; i++)
            json_array_append_new(updates,
                json_of("{\"op\":\"add\",\"name\":\"more-%d-%d.home.arpa\",\"type\":\"TXT\","
                        "\"ttl\":60,\"value\":\"\\\"%0100d\\\"\"}",
                    batch, i, i));
        run_at(
            update_job("home.arpa", json_of("[{\"is\":\"name_in_use\",\"name\":\"home.arpa\"}]"),
                json_incref(updates),
                json_of("[{\"name\":\"ns.home.arpa\",\"type\":\"A\",\"values\":[\"127.0.0.1\"]}]")),
            false, &added);
        CHECK(added.ok);
    }
    run_at(list_job("home.arpa"), false, &end);
    EXPECT_END(end, false, "no", "too_many_records");
}

static json_t *filtered(const char *name, const char *type)
{
    json_t *job = list_job("home.arpa");

    if (name)
        json_object_set_new(job, "name", json_string(name));
    if (type)
        json_object_set_new(job, "type", json_string(type));
    return job;
}

/* The zone is the one of the test before: too long for a whole list. */
TEST(a_list_may_be_of_one_type_or_name_and_only_what_is_listed_counts)
{
    scoped(hand_end_done) struct hand_end by_type, by_name, by_both, other, outside, strange;

    run_at(filtered(NULL, "A"), false, &by_type);
    CHECK(by_type.ok);
    json_t *sets = json_object_get(by_type.result, "rrsets");
    CHECK_INT(json_array_size(sets), 1);
    CHECK_TEXT(json_string_value(json_object_get(json_array_get(sets, 0), "name")), "ns.home.arpa");
    run_at(filtered("More-7-99.HOME.arpa", NULL), false, &by_name);
    CHECK(by_name.ok);
    CHECK_INT(json_array_size(json_object_get(by_name.result, "rrsets")), 1);
    run_at(filtered("ns.home.arpa", "A"), false, &by_both);
    CHECK(by_both.ok);
    CHECK_INT(json_array_size(json_object_get(by_both.result, "rrsets")), 1);
    run_at(filtered("ns.home.arpa", "MX"), false, &other);
    CHECK(other.ok);
    CHECK_INT(json_array_size(json_object_get(other.result, "rrsets")), 0);
    run_at(filtered("ns.local", NULL), false, &outside);
    EXPECT_END(outside, false, "no", "not_in_zone");
    run_at(filtered(NULL, "LOC"), false, &strange);
    EXPECT_END(strange, false, "no", "bad_type");
}

TEST(a_server_by_name_is_refused)
{
    scoped(hand_end_done) struct hand_end end;
    json_t *job = add_a("a7.local", "10.0.0.1");

    json_object_set_new(job, "server", json_string("localhost"));
    run_at(job, false, &end);
    EXPECT_END(end, false, "no", "bad_server");
}

TAP_MAIN
