/* SPDX-License-Identifier: Apache-2.0
 * The parts that need no network: routes, bodies, tokens, metrics, the advisor, the page. */
#include "base/scoped.h"
#include "gateway/advisor.h"
#include "gateway/body.h"
#include "gateway/link.h"
#include "gateway/metrics.h"
#include "gateway/open_api.h"
#include "gateway/page.h"
#include "gateway/route.h"
#include "gateway/token.h"
#include "message/message.h"
#include "os/file.h"
#include "tap.h"
#include "webauthn/webauthn.h"

#include <sys/stat.h>
#include <unistd.h>

#define ID "01J0000000000000000000000Z"

static enum route_found find(enum http_method method, struct str path,
    const struct route **ret_route, struct str *ret_id, struct buf *allow)
{
    buf_clear(allow);
    return route_find(method, path, ret_route, ret_id, allow);
}

TEST(routes_are_found_by_method_and_path)
{
    scoped(buf_done) struct buf allow = buf_of(64);
    const struct route *route = NULL;
    struct str id;

    CHECK(find(METHOD_GET, S("/api/v1/cases"), &route, &id, &allow) == ROUTE_FOUND);
    CHECK_INT(route->id, ROUTE_cases);
    CHECK(find(METHOD_HEAD, S("/api/v1/cases/" ID "/plan"), &route, &id, &allow) == ROUTE_FOUND);
    CHECK_INT(route->id, ROUTE_plan);
    CHECK_STR(id, ID);
    CHECK(find(METHOD_GET, S("/api/v1/intent"), &route, &id, &allow) == ROUTE_WRONG_METHOD);
    CHECK_TEXT(buf_text(&allow), "POST");
    CHECK(
        find(METHOD_DELETE, S("/api/v1/ledger/verify"), &route, &id, &allow) == ROUTE_WRONG_METHOD);
    CHECK_TEXT(buf_text(&allow), "POST, GET, HEAD");
    static const char *const UNKNOWN[] = {"/api/v1/cases/", "/api/v1/cases/x",
        "/api/v1/cases/" ID "/", "/api/v1/cases/" ID "/plan/x", "/api/v1", "",
        "/api/v1/cases/" ID "x"};
    for (size_t i = 0; i < COUNT(UNKNOWN); i++)
        CHECK(find(METHOD_GET, str_from(UNKNOWN[i]), &route, &id, &allow) == ROUTE_UNKNOWN);
}

static bool compose(bool (*f)(struct str, struct buf *, struct err *), const char *text,
    struct buf *out, struct err *err)
{
    buf_clear(out);
    out->overflowed = false;
    *err = (struct err){0};
    return f(str_from(text), out, err);
}

TEST(bodies_are_checked_field_by_field)
{
    static const struct {
        bool (*f)(struct str, struct buf *, struct err *);
        const char *text, *code, *param;
    } BAD[] = {
        {body_query, "", "bad_json", ""},
        {body_query, "{\"query\":\"a\"", "bad_json", ""},
        {body_query, "{\"query\":\"a\",\"query\":\"b\"}", "bad_json", ""},
        {body_query, "[]", "bad_json", ""},
        {body_query, "{\"query\":\"\xff\"}", "bad_json", ""},
        {body_query, "{}", "missing_field", "query"},
        {body_query, "{\"query\":1}", "bad_type", "query"},
        {body_query, "{\"query\":\"a\",\"args\":[]}", "bad_type", "args"},
        {body_query, "{\"query\":\"halt.\"}", "bad_value", "query"},
        {body_query, "{\"query\":\"Upper\"}", "bad_value", "query"},
        {body_query, "{\"query\":\"a\",\"goal\":\"b\"}", "unknown_field", "goal"},
        {body_proposal, "{\"action\":\"x\"}", "missing_field", "params"},
        {body_proposal, "{\"action\":\"x\",\"params\":{},\"via\":\"grammar\"}", "unknown_field",
            "via"},
        {body_proposal, "{\"action\":\"x;y\",\"params\":{}}", "bad_value", "action"},
        {body_nothing, "{\"a\":1}", "unknown_field", "a"},
        {body_cases, "limit=0", "bad_value", "limit"},
        {body_cases, "limit=201", "bad_value", "limit"},
        {body_cases, "limit=1&limit=2", "duplicate_field", "limit"},
        {body_cases, "before=x", "bad_value", "before"},
        {body_cases, "status=a%20b", "bad_value", "status"},
        {body_cases, "page=2", "unknown_field", ""},
        {body_cases, "limit=%zz", "bad_query", "limit"},
        {body_ledger, "after=-1", "bad_value", "after"},
        {body_ledger, "limit=501", "bad_value", "limit"},
    };
    scoped(buf_done) struct buf out = buf_of(MESSAGE_BYTES_MAX);
    struct err err;

    for (size_t i = 0; i < COUNT(BAD); i++) {
        CHECK(!compose(BAD[i].f, BAD[i].text, &out, &err));
        CHECK_TEXT(err.code, BAD[i].code);
        CHECK_TEXT(err.param, BAD[i].param);
    }
}

TEST(good_bodies_become_requests)
{
    scoped(buf_done) struct buf out = buf_of(MESSAGE_BYTES_MAX);
    struct err err;

    CHECK(compose(body_query, " {\"query\":\"a\", \"args\":{}} ", &out, &err));
    CHECK_TEXT(buf_text(&out), " {\"query\":\"a\", \"args\":{}} ");
    CHECK(compose(body_query, "{\"query\":\"a\"}", &out, &err));
    CHECK_TEXT(buf_text(&out), "{\"query\":\"a\",\"args\":{}}");
    CHECK(compose(body_proposal, "{\"params\":{\"a\":[1]},\"action\":\"x_1\"}", &out, &err));
    CHECK_TEXT(buf_text(&out), "{\"action\":\"x_1\",\"via\":\"api\",\"params\":{\"a\":[1]}}");
    CHECK(compose(body_cases, "", &out, &err));
    CHECK_TEXT(buf_text(&out), "{\"limit\":50}");
    CHECK(compose(body_cases, "status=success&before=" ID "&limit=7", &out, &err));
    CHECK_TEXT(buf_text(&out), "{\"limit\":7,\"before\":\"" ID "\",\"status\":\"success\"}");
    CHECK(compose(body_ledger, "after=12", &out, &err));
    CHECK_TEXT(buf_text(&out), "{\"after\":12,\"limit\":100}");
    CHECK(compose(body_nothing, "", &out, &err));
    CHECK_TEXT(buf_text(&out), "{}");
}

TEST(a_sentence_is_counted_in_characters)
{
    scoped(buf_done) struct buf text = buf_of(32768), out = buf_of(MESSAGE_BYTES_MAX);
    struct body_intent intent = {0};
    struct err err;

    for (int extra = 0; extra <= 1; extra++) {
        buf_clear(&text);
        buf_clear(&out);
        buf_add(&text, S("{\"nl\":\""));
        for (int i = 0; i < SENTENCE_CHARS_MAX + extra; i++)
            buf_add(&text, S("\xc3\xbc"));
        buf_add(&text, S("\",\"model\":false}"));
        CHECK(body_intent(buf_str(&text), &intent, &out, &err) == !extra);
    }
    CHECK_TEXT(err.code, "out_of_range");
    CHECK_INT(strlen(intent.sentence), 2 * SENTENCE_CHARS_MAX);
    CHECK(intent.model == BODY_NO);
    free(intent.sentence);
}

TEST(consents_have_the_form_of_signatures)
{
#define GOOD_KEY "0123456789abcdef"
#define GOOD_HASH GOOD_KEY GOOD_KEY GOOD_KEY GOOD_KEY
#define CONSENT(key, decision, hash, signature)                                                    \
    "{\"key_id\":\"" key "\",\"decision\":\"" decision "\",\"plan_sha256\":\"" hash                \
    "\",\"signature\":\"" signature "\"}"
    scoped(buf_done) struct buf out = buf_of(MESSAGE_BYTES_MAX);
    struct err err;

    CHECK(body_consent(S(CONSENT(GOOD_KEY, "approve", GOOD_HASH, "AA==")), S(ID), &out, &err));
    CHECK(strstr(buf_text(&out), "{\"id\":\"" ID "\",\"key_id\":\"" GOOD_KEY "\"") != NULL);
    CHECK(!body_consent(
        S(CONSENT("0123456789ABCDEF", "approve", GOOD_HASH, "AA==")), S(ID), &out, &err));
    CHECK_TEXT(err.param, "key_id");
    CHECK(!body_consent(S(CONSENT(GOOD_KEY, "maybe", GOOD_HASH, "AA==")), S(ID), &out, &err));
    CHECK_TEXT(err.param, "decision");
    CHECK(!body_consent(S(CONSENT(GOOD_KEY, "refuse", "00", "AA==")), S(ID), &out, &err));
    CHECK_TEXT(err.param, "plan_sha256");
    CHECK(!body_consent(S(CONSENT(GOOD_KEY, "refuse", GOOD_HASH, "%")), S(ID), &out, &err));
    CHECK_TEXT(err.param, "signature");
}

/* A consent by passkey whose fields are these. */
static const char *passkey_code(
    const char *more, const char *authenticator_data, const char *client, const char *signature)
{
    scoped(buf_done) struct buf text = buf_of(16384), out = buf_of(MESSAGE_BYTES_MAX);
    static struct err err;

    buf_printf(&text,
        "{\"key_id\":\"" GOOD_KEY "\",\"plan_sha256\":\"" GOOD_HASH "\",%s,\"passkey\":{"
        "\"authenticator_data\":\"%s\",\"client_data_json\":\"%s\",\"signature\":\"%s\"}}",
        more, authenticator_data, client, signature);
    err = (struct err){0};
    if (!body_consent(buf_str(&text), S(ID), &out, &err))
        return err.param;
    CHECK(strstr(buf_text(&out), ",\"passkey\":{\"authenticator_data\":\"") != NULL);
    return "";
}

TEST(consents_by_passkey_have_bounds)
{
    static const char APPROVE[] = "\"decision\":\"approve\"";
    static const char REFUSE[] = "\"decision\":\"refuse\",\"reason\":\"not today\"";
    scoped(buf_done) struct buf long_text = buf_of(4096);

    CHECK_TEXT(passkey_code(APPROVE, "A-_w", "AA", "AAA"), "");
    CHECK_TEXT(passkey_code(REFUSE, "A-_w", "AA", "AAA"), "");
    CHECK_TEXT(passkey_code(APPROVE, "A+/w", "AA", "AAA"), "authenticator_data");
    CHECK_TEXT(passkey_code(APPROVE, "AA", "AA==", "AAA"), "client_data_json");
    CHECK_TEXT(passkey_code(APPROVE, "AA", "AA", ""), "signature");
    while (long_text.len < WEBAUTHN_TEXT_LENGTH(WEBAUTHN_SIGNATURE_BYTES_MAX))
        buf_add_char(&long_text, 'A');
    CHECK_TEXT(passkey_code(APPROVE, "AA", "AA", buf_text(&long_text)), "");
    buf_add_char(&long_text, 'A');
    CHECK_TEXT(passkey_code(APPROVE, "AA", "AA", buf_text(&long_text)), "signature");
    CHECK_TEXT(passkey_code(APPROVE, buf_text(&long_text), buf_text(&long_text), "AA"), "");
}

/* printf %s 0123456789012345678901234567890123456789 | sha256sum */
#define TOKEN "0123456789012345678901234567890123456789"

TEST(tokens_are_found_by_their_hash)
{
    char hex[SHA256_HEX_BYTES], text[256];
    struct tokens tokens;
    struct err err;

    sha256_hex(S(TOKEN), hex);
    snprintf(text, sizeof text, "# people\n\nada sha256:%s\r\n", hex);
    REQUIRE(tokens_read(str_from(text), &tokens, &err));
    CHECK_INT(tokens.count, 1);
    CHECK_TEXT(tokens_find(&tokens, S("Bearer " TOKEN)), "ada");
    CHECK_TEXT(tokens_find(&tokens, S("bearer  " TOKEN)), "ada");
    CHECK(!tokens_find(&tokens, S("Bearer " TOKEN "0")));
    CHECK(!tokens_find(&tokens, S("Basic " TOKEN)));
    CHECK(!tokens_find(&tokens, S("Bearer x")));
    CHECK(!tokens_find(&tokens, S("")));
    tokens_done(&tokens);
    static const char *const BAD[] = {
        "ada", "ada x", "Ada sha256:00", "ada sha256:00", "a\"b sha256:"};
    for (size_t i = 0; i < COUNT(BAD); i++) {
        CHECK(!tokens_read(str_from(BAD[i]), &tokens, &err));
        CHECK_TEXT(err.code, "bad_tokens");
    }
}

TEST(a_token_file_that_others_may_write_is_refused)
{
    char path[] = "/tmp/gateway_tokens.XXXXXX";
    struct tokens tokens;
    struct err err;

    close(mkstemp(path));
    chmod(path, 0620);
    CHECK(!tokens_load(path, &tokens, &err));
    CHECK(strstr(err.message, "chmod 600") != NULL);
    chmod(path, 0600);
    CHECK(tokens_load(path, &tokens, &err));
    tokens_done(&tokens);
    unlink(path);
}

TEST(metrics_have_bounded_labels_and_true_sums)
{
    struct metrics metrics;
    const struct metrics_now now = {.in_flight = 5, .judge_connected = true};
    scoped(buf_done) struct buf out = buf_of(65536);
    scoped(json_done) json_t *judge = json_pack("{s:i, s:{s:i, s:i}, s:{s:i}}", "open_cases", 2,
        "closed_cases", "success", 9, "invented", 1, "judge", "under_way", 4);

    metrics_init(&metrics);
    metrics_count(&metrics, ROUTE_query, 200, 60 * 1000);
    metrics_count(&metrics, ROUTE_query, 200, 3600LL * 1000000000);
    metrics_count(&metrics, METRICS_NO_ROUTE, 999, 1);
    metrics_write(&metrics, &now, judge, &out);
    const char *text = buf_text(&out);
    static const char *const WANTED[] = {
        "logic_http_requests_total{route=\"query\",code=\"200\"} 2\n",
        "logic_http_requests_total{route=\"none\",code=\"other\"} 1\n",
        "logic_http_request_seconds_bucket{route=\"query\",le=\"5e-05\"} 0\n",
        "logic_http_request_seconds_bucket{route=\"query\",le=\"0.0001\"} 1\n",
        "logic_http_request_seconds_bucket{route=\"query\",le=\"60\"} 1\n",
        "logic_http_request_seconds_bucket{route=\"query\",le=\"+Inf\"} 2\n",
        "logic_http_request_seconds_count{route=\"query\"} 2\n", "logic_in_flight 5\n",
        "logic_judge_connected 1\n", "logic_cases_open 2\n",
        "logic_cases_closed_total{status=\"success\"} 9\n", "logic_judge_queue 4\n",
        "logic_build_info{version=\"", "logic_process_resident_memory_bytes ",
        "logic_process_cpu_seconds_total "};
    for (size_t i = 0; i < COUNT(WANTED); i++)
        if (!strstr(text, WANTED[i]))
            CHECK_TEXT("missing", WANTED[i]);
    CHECK(!strstr(text, "invented"));
    metrics_done(&metrics);
}

static const struct stat_row {
    const char *role, *key, *type, *name, *label;
    double scale;
    const char *help;
} STAT_ROWS[] = {
#define STAT(role, key, type, name, label, scale, help)                                            \
    {#role, #key, #type, name, label, scale, help},
#include "common/stats.def"
#undef STAT
};

/* Each row gets a number of its own, so that one shown in another's place is seen. */
static json_t *numbers_of_all_roles(void)
{
    json_t *roles = json_object();

    for (size_t i = 0; i < COUNT(STAT_ROWS); i++) {
        const struct stat_row *row = &STAT_ROWS[i];
        if (!json_object_get(roles, row->role))
            json_object_set_new(roles, row->role, json_object());
        CHECK(!json_object_get(json_object_get(roles, row->role), row->key));
        json_object_set_new(
            json_object_get(roles, row->role), row->key, json_real((double)(i + 1) * row->scale));
    }
    return roles;
}

static size_t lines_with(const char *text, const char *start)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, start)); at++)
        count += at == text || at[-1] == '\n';
    return count;
}

TEST(every_row_of_the_table_is_shown_once_under_one_head)
{
    scoped(json_done) json_t *roles = numbers_of_all_roles();
    scoped(buf_done) struct buf out = buf_of(65536);
    char line[256];

    metrics_write_roles(roles, &out);
    const char *text = buf_text(&out);
    for (size_t i = 0; i < COUNT(STAT_ROWS); i++) {
        const struct stat_row *row = &STAT_ROWS[i];
        bool counts = strcmp(row->type, "counter") == 0;
        snprintf(line, sizeof line, "logic_%s%s%s%s %zu\n", row->name, *row->label ? "{" : "",
            row->label, *row->label ? "}" : "", i + 1);
        if (lines_with(text, line) != 1)
            CHECK_TEXT("once", line);
        snprintf(line, sizeof line, "# TYPE logic_%s %s\n", row->name, row->type);
        if (lines_with(text, line) != 1)
            CHECK_TEXT("one head", line);
        CHECK(counts || strcmp(row->type, "gauge") == 0);
        size_t len = strlen(row->name);
        CHECK(counts == (len > 6 && strcmp(row->name + len - 6, "_total") == 0));
    }
}

TEST(what_roles_send_becomes_no_name_and_no_label)
{
    scoped(json_done) json_t *roles =
        json_pack("{s:{s:i, s:i, s:s, s:{}}, s:{s:i, s:i, s:i, s:i, s:i}, s:{s:i}, s:[i]}",
            "ledger", "invented", 1, "x{y=\"z\"} 1\nlogic_evil", 2, "size", "7", "entries",
            "supervisor", "up_judge", 1, "restarts_judge", 3, "up_", 4, "up_stranger\"", 5,
            "restarts_", 6, "stranger", "cpu_ms", 8, "judge", 9);
    scoped(buf_done) struct buf out = buf_of(65536);

    metrics_write_roles(roles, &out);
    CHECK_TEXT(buf_text(&out),
        "# HELP logic_role_up 1 while the role runs and is ready.\n"
        "# TYPE logic_role_up gauge\nlogic_role_up{role=\"judge\"} 1\n"
        "# HELP logic_role_restarts_total Times a role ended and was started again.\n"
        "# TYPE logic_role_restarts_total counter\n"
        "logic_role_restarts_total{role=\"judge\"} 3\n");
    buf_clear(&out);
    metrics_write_roles(NULL, &out);
    CHECK_TEXT(buf_text(&out), "");
}

static json_t *catalogue(void)
{
    return json_loads(
        "{\"actions\":[{\"name\":\"a\",\"summary\":\"does a\",\"parameters\":{\"type\":\"object\","
        "\"$schema\":\"x\",\"properties\":{\"pattern\":{\"type\":\"string\",\"pattern\":\"^x\","
        "\"format\":\"y\","
        "\"enum\":[{\"format\":1}]}}}}]}",
        0, NULL);
}

TEST(the_schema_for_engines_keeps_known_keywords_and_all_names)
{
    scoped(json_done) json_t *actions = catalogue(), *schema = NULL;
    scoped(json_done) json_t *wanted =
        json_loads("{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"action\":{\"const\":\"a\"},"
                   "\"params\":{\"type\":\"object\","
                   "\"properties\":{\"pattern\":{\"type\":\"string\",\"enum\":[{\"format\":1}]}}}},"
                   "\"required\":[\"action\",\"params\"],"
                   "\"additionalProperties\":false},{\"type\":\"object\",\"properties\":{"
                   "\"action\":{\"const\":\"none\"}},"
                   "\"required\":[\"action\"],\"additionalProperties\":false}]}",
            0, NULL);
    scoped(json_done) json_t *empty = json_object();
    scoped(buf_done) struct buf prompt = buf_of(ADVISOR_PROMPT_BYTES_MAX);
    struct err err;

    REQUIRE(advisor_schema(actions, &schema, &err));
    CHECK(json_equal(schema, wanted));
    json_t *none = NULL;
    CHECK(!advisor_schema(empty, &none, &err));
    advisor_prompt(actions, &prompt);
    CHECK(strstr(buf_text(&prompt), "- a: does a\n") != NULL);
}

TEST(for_a_question_an_engine_is_given_what_only_looks)
{
    static const struct str ASKS[] = {S("which node is hot"), S("What's wrong"), S(" is it up"),
        S("delete everything? "), S("\"Could you wake it"), S("wake it ?!"), S("HOW"), S("(why)"),
        S("?"), S("wake it?\")")};
    static const struct str TELLS[] = {S("wake tower"), S("island"), S("isn2 up"), S(""), S("  "),
        S("delete what is old"), S("what\xc3\xa9 is this"), S("a? no: wake it"), S("7 is it")};
    scoped(json_done) json_t *both =
        json_loads("{\"actions\":[{\"name\":\"wake\",\"tier\":\"change\",\"parameters\":{}},"
                   "{\"name\":\"look\",\"tier\":\"observe\",\"parameters\":{}},"
                   "{\"name\":\"none_said\",\"parameters\":{}}]}",
            0, NULL);
    scoped(json_done) json_t *wake = json_loads("{\"action\":\"wake\",\"params\":{}}", 0, NULL);
    struct advice advice;
    struct err err;

    for (size_t i = 0; i < COUNT(ASKS) + COUNT(TELLS); i++) {
        bool asks = i < COUNT(ASKS);
        struct str sentence = asks ? ASKS[i] : TELLS[i - COUNT(ASKS)];
        scoped(json_done) json_t *actions = advisor_catalogue(both, sentence), *schema = NULL;
        REQUIRE(advisor_schema(actions, &schema, &err));
        scoped(free_done) char *text = json_dumps(schema, JSON_COMPACT);
        scoped(buf_done) struct buf prompt = buf_of(ADVISOR_PROMPT_BYTES_MAX);
        advisor_prompt(actions, &prompt);
        CHECK(strstr(text, "\"look\"") && strstr(buf_text(&prompt), "- look:"));
        CHECK((strstr(text, "\"wake\"") == NULL) == asks);
        CHECK((strstr(text, "none_said") == NULL) == asks);
        CHECK((strstr(buf_text(&prompt), "- wake:") == NULL) == asks);
        CHECK(advisor_read(wake, actions, &advice, &err) != asks);
    }
}

TEST(advice_is_an_action_of_the_catalogue_and_nothing_else)
{
    scoped(json_done) json_t *actions = catalogue();
    struct advice advice;
    struct err err;
    static const struct {
        const char *text;
        bool good;
    } ROWS[] = {{"{\"action\":\"a\",\"params\":{}}", true}, {"{\"action\":\"none\"}", true},
        {"{\"action\":\"none\",\"params\":{}}", false}, {"{\"action\":\"b\",\"params\":{}}", false},
        {"{\"action\":\"a\",\"params\":[]}", false}, {"{\"action\":\"a\"}", false}, {"{}", false},
        {"{\"action\":\"a\",\"params\":{},\"via\":\"grammar\"}", false}, {"{\"action\":1}", false}};

    for (size_t i = 0; i < COUNT(ROWS); i++) {
        scoped(json_done) json_t *content = json_loads(ROWS[i].text, 0, NULL);
        CHECK(advisor_read(content, actions, &advice, &err) == ROWS[i].good);
    }
}

TEST(a_reply_is_split_only_if_its_body_is_one_object)
{
#define REPLY(body) "{\"v\":1,\"type\":\"reply\",\"id\":12,\"ok\":true,\"body\":" body "}"
    static const char *const BAD[] = {REPLY("{},\"x\":{}"), REPLY("[]"), REPLY("{\"a\":1"),
        REPLY("{\"a\":\"}"), REPLY("{}}{"), REPLY(""), REPLY("{\"\xff\":1}"),
        "{\"v\":1,\"type\":\"reply\",\"id\":-1,\"ok\":true,\"body\":{}}",
        "{\"v\":1,\"type\":\"reply\",\"id\":1,\"ok\":false,\"body\":{}}",
        "{\"v\":1,\"type\":\"reply\",\"id\":", ""};
    struct str body;
    uint64_t id = 0;

    CHECK(link_split_reply(S(REPLY("{\"a\":[{\"}]\\\"\":1}],\"b\":{}}")), &id, &body));
    CHECK_INT(id, 12);
    CHECK_STR(body, "{\"a\":[{\"}]\\\"\":1}],\"b\":{}}");
    for (size_t i = 0; i < COUNT(BAD); i++)
        CHECK(!link_split_reply(str_from(BAD[i]), &id, &body));
}

TEST(every_route_is_documented)
{
    scoped(json_done) json_t *actions = catalogue();
    scoped(json_done) json_t *document = open_api_make(actions);
    const json_t *paths = json_object_get(document, "paths");
    const json_t *schemas = json_object_get(json_object_get(document, "components"), "schemas");

    for (size_t i = 0; i < ROUTES; i++) {
        const struct route *route = &ROUTE_TABLE[i];
        const json_t *path = json_object_getn(paths, route->pattern.at, route->pattern.len);
        const json_t *operation = json_object_get(path, route->method == METHOD_GET      ? "get"
                                                        : route->method == METHOD_DELETE ? "delete"
                                                                                         : "post");
        CHECK_TEXT(json_string_value(json_object_get(operation, "operationId")), route->name);
        CHECK(json_object_get(operation, "responses") != NULL);
    }
    CHECK(json_object_get(schemas, "Action_a") != NULL);
    CHECK(json_object_get(schemas, "Proposal") != NULL);
}

TEST(the_page_is_read_whole_with_types_and_tags)
{
    char folder[] = "/tmp/gateway_page.XXXXXX", path[96];
    struct pages pages;
    struct err err;
    static const char *const NAMES[] = {"index.html", "sub/a.js", ".hidden.html", "secret.pem"};

    REQUIRE(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/sub", folder);
    mkdir(path, 0700);
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, NAMES[i]);
        CHECK(file_replace(path, S("hello"), 0600, &err));
    }
    REQUIRE(pages_load(folder, &pages, &err));
    CHECK_INT(pages.count, 2);
    CHECK_STR(pages_find(&pages, S("/"))->type, "text/html; charset=utf-8");
    CHECK_STR(pages_find(&pages, S("/sub/a.js"))->type, "text/javascript; charset=utf-8");
    CHECK(!pages_find(&pages, S("/secret.pem")) && !pages_find(&pages, S("/../x")));
    pages_done(&pages);
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, NAMES[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/sub", folder);
    rmdir(path);
    rmdir(folder);
    CHECK(pages_load("/nowhere/at/all", &pages, &err) && pages.count == 0);
    pages_done(&pages);
}

TAP_MAIN
