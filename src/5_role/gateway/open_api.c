/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/open_api.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "gateway/body.h"
#include "gateway/route.h"
#include "identity/enrolment_file.h"
#include "retrieval/retrieval.h"

#include <ctype.h>
#include <stdio.h>

#define JSON_TYPE "application/json"
#define NUMBER_OF(text) #text
#define TEXT_OF(macro) NUMBER_OF(macro)
#define PARAMETER(where, name, schema)                                                             \
    "{\"name\":\"" name "\",\"in\":\"" where "\",\"schema\":" schema "}"
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define COUNT_SCHEMA(low, high)                                                                    \
    "{\"type\":\"integer\",\"minimum\":" TEXT_OF(low) ",\"maximum\":" TEXT_OF(high) "}"
#define SEQ_SCHEMA "{\"type\":\"integer\",\"minimum\":0}"

/* A prompt: members that we do not know go on to the engine. */
#define ASKS(text)                                                                                 \
    "{\"type\":\"object\",\"required\":[\"model\"],\"properties\":{\"model\":{\"type\":"           \
    "\"string\"},"                                                                                 \
    "\"stream\":{\"type\":\"boolean\"},\"" text "\":{}}}"

/* Texts are base64url without padding. */
#define TEXT_MEMBER(name) "\"" name "\":{\"type\":\"string\"}"
#define PASSKEY_SCHEMA                                                                             \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"credential_id\","         \
    "\"authenticator_data\",\"client_data_json\",\"signature\"],\"properties\":{" TEXT_MEMBER(     \
        "credential_id") "," TEXT_MEMBER("authenticator_data") "," TEXT_MEMBER(                    \
        "client_data_json") "," TEXT_MEMBER("signature") "}}"

/* clang-format off: JSON in C strings reads best by hand */
/* What a row of route.def does not say. A missing text is left out. */
static const struct operation {
    const char *parameters; /* beside {id} */
    const char *request;    /* schema of the body */
    const char *type;       /* of the reply; NULL is JSON */
    const char *reply;      /* schema of the reply; NULL is any object */
} OPERATIONS[ROUTES] = {
    [ROUTE_intent] = {NULL,
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"nl\"],\"properties\":{"
        "\"nl\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":" TEXT_OF(
            SENTENCE_CHARS_MAX) "},"
                                "\"parse_only\":{\"type\":\"boolean\",\"description\":\"say how it "
                                "is understood; open no case\"},"
                                "\"model\":{\"type\":\"boolean\",\"description\":\"ask the engine "
                                "where the grammar does not understand\"}}}",
        NULL, REF("Answer")},
    [ROUTE_proposals] = {NULL, REF("Proposal"), NULL, REF("Answer")},
    [ROUTE_cases] = {"[" PARAMETER("query", "limit",
                         COUNT_SCHEMA(1, CASES_LIMIT_MAX)) "," PARAMETER("query", "before",
                         REF("Id")) "," PARAMETER("query", "status", "{\"type\":\"string\"}") "]",
        NULL, NULL,
        "{\"type\":\"object\",\"properties\":{\"cases\":{\"type\":\"array\",\"items\":" REF(
            "Case") "}}}"},
    [ROUTE_case] = {NULL, NULL, NULL, REF("Case")},
    [ROUTE_plan] = {NULL, NULL, "application/vnd.logic-node.plan+json", NULL},
    [ROUTE_consent] = {NULL,
        "{\"type\":\"object\",\"additionalProperties\":false,"
        "\"required\":[\"key_id\",\"decision\",\"plan_sha256\"],\"properties\":{"
        "\"key_id\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{16}$\"},"
        "\"decision\":{\"enum\":[\"approve\",\"refuse\"]},"
        "\"plan_sha256\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{64}$\"},"
        "\"signature\":{\"type\":\"string\",\"description\":\"base64 of the Ed25519 signature over "
        "the plan's "
        "bytes, or over the words of a refusal\"},"
        "\"reason\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":500,\"description\":\"of a "
        "refusal; a passkey's must have one\"},"
        "\"passkey\":{\"type\":\"object\",\"additionalProperties\":false,\"description\":\"instead "
        "of signature: what navigator.credentials.get gave, in base64url; the challenge is the "
        "SHA-256 of the signed text\",\"required\":[\"authenticator_data\",\"client_data_json\","
        "\"signature\"],\"properties\":{\"authenticator_data\":{\"type\":\"string\"},"
        "\"client_data_json\":{\"type\":\"string\"},\"signature\":{\"type\":\"string\"}}}}}",
        NULL, REF("Answer")},
    [ROUTE_v1_chat] = {NULL, ASKS("messages"), NULL, NULL},
    [ROUTE_v1_completions] = {NULL, ASKS("prompt"), NULL, NULL},
    [ROUTE_v1_embeddings] = {NULL, ASKS("input"), NULL, NULL},
    [ROUTE_ollama_chat] = {NULL, ASKS("messages"), NULL, NULL},
    [ROUTE_ollama_generate] = {NULL, ASKS("prompt"), NULL, NULL},
    [ROUTE_ollama_embed] = {NULL, ASKS("input"), NULL, NULL},
    [ROUTE_ollama_embeddings] = {NULL, ASKS("prompt"), NULL, NULL},
    [ROUTE_ollama_show] = {NULL,
        "{\"type\":\"object\",\"required\":[\"model\"],\"properties\":{\"model\":{\"type\":"
        "\"string\"}}}",
        NULL, NULL},
    [ROUTE_usage] =
        {"[" PARAMETER("query", "since", "{\"type\":\"string\",\"format\":\"date\"}") "," PARAMETER(
             "query", "by",
             "{\"enum\":[\"caller\",\"model\",\"day\",\"both\"]}") "," PARAMETER("query", "caller",
             "{\"type\":\"string\"}") "," PARAMETER("query", "model", "{\"type\":\"string\"}") "]",
            NULL, NULL, NULL},
    [ROUTE_docs] = {"[" PARAMETER("query", "after", "{\"type\":\"string\"}") "," PARAMETER(
                        "query", "limit", COUNT_SCHEMA(1, 1000)) "]",
        NULL, NULL, NULL},
    [ROUTE_docs_add] = {NULL,
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"source\",\"text\"],"
        "\"properties\":{\"source\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
        "\"text\":{\"type\":\"string\"}}}",
        NULL, NULL},
    [ROUTE_docs_search] = {"[" PARAMETER("query", "q", "{\"type\":\"string\"}") "," PARAMETER(
                               "query", "limit", COUNT_SCHEMA(1, RETRIEVAL_HITS_MAX)) "]",
        NULL, NULL, NULL},
    [ROUTE_alerts] = {"["
        PARAMETER("query", "status",
            "{\"enum\":[\"open\",\"raised\",\"acknowledged\",\"cleared\",\"all\"]}") ","
        PARAMETER("query", "limit", COUNT_SCHEMA(1, ALERTS_LIMIT_MAX)) ","
        PARAMETER("query", "before", SEQ_SCHEMA) "]",
        NULL, NULL,
        "{\"type\":\"object\",\"properties\":{\"alerts\":{\"type\":\"array\"},\"open\":{\"type\":"
        "\"integer\"}}}"},
    [ROUTE_alert_acknowledge] = {NULL,
        "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"words\":{\"type\":"
        "\"string\",\"minLength\":1,\"maxLength\":" TEXT_OF(ACKNOWLEDGE_WORDS_MAX) "}}}",
        NULL, REF("Answer")},
    [ROUTE_history] = {"["
        PARAMETER("query", "node", "{\"type\":\"string\"}") ","
        PARAMETER("query", "metric", "{\"type\":\"string\"}") ","
        PARAMETER("query", "part", "{\"type\":\"string\"}") ","
        PARAMETER("query", "promql", "{\"type\":\"string\"}") ","
        PARAMETER("query", "from_ms", SEQ_SCHEMA) ","
        PARAMETER("query", "to_ms", SEQ_SCHEMA) ","
        PARAMETER("query", "since_s", COUNT_SCHEMA(1, HISTORY_SINCE_S_MAX)) ","
        PARAMETER("query", "step_s", COUNT_SCHEMA(1, HISTORY_STEP_S_MAX)) "]",
        NULL, NULL, NULL},
    [ROUTE_notifications_test] = {NULL,
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"channel\"],"
        "\"properties\":{\"channel\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":" TEXT_OF(
            WORD_BYTES_MAX) "}}}",
        NULL, NULL},
    [ROUTE_passkey_options] = {NULL,
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"code\"],"
        "\"properties\":{\"code\":{\"type\":\"string\",\"description\":\"XXXX-XXXX-XXXX, as "
        "logicctl operator enroll prints it\"}}}",
        NULL, NULL},
    [ROUTE_passkeys] = {NULL,
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"code\",\"words\","
        "\"credential_id\",\"authenticator_data\",\"client_data_json\"],\"properties\":{"
        "\"code\":{\"type\":\"string\"},\"words\":{\"type\":\"string\",\"maxLength\":" TEXT_OF(
            ENROLMENT_WORDS_CHARS_MAX) "},\"credential_id\":{\"type\":\"string\",\"description\":"
        "\"base64url, as all three\"},\"authenticator_data\":{\"type\":\"string\"},"
        "\"client_data_json\":{\"type\":\"string\"},"
        "\"transports\":{\"type\":\"array\",\"maxItems\":" TEXT_OF(
            ENROLMENT_TRANSPORTS_MAX) ",\"items\":{\"type\":\"string\"}}}}",
        NULL,
        "{\"type\":\"object\",\"properties\":{\"enrolment\":{\"type\":\"string\"},"
        "\"key_id\":{\"type\":\"string\"},\"person\":{\"type\":\"string\"}}}"},
    [ROUTE_sign_in] = {NULL,
        "{\"oneOf\":[{\"type\":\"object\",\"additionalProperties\":false,\"required\":["
        "\"token\"],\"properties\":{" TEXT_MEMBER("token") "}},"
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"passkey\"],"
        "\"properties\":{\"passkey\":" PASSKEY_SCHEMA "}}]}",
        NULL, REF("Session")},
    [ROUTE_session] = {NULL, NULL, NULL, REF("Session")},
    [ROUTE_sessions] = {NULL, NULL, NULL,
        "{\"type\":\"object\",\"properties\":{\"sessions\":{\"type\":\"array\"}}}"},
    [ROUTE_query] = {NULL,
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"query\"],"
        "\"properties\":{"
        "\"query\":{\"type\":\"string\",\"pattern\":\"^[a-z][a-z0-9_]*$\",\"maxLength\":" TEXT_OF(
            WORD_BYTES_MAX) "},\"args\":{\"type\":\"object\"}}}",
        NULL, "{\"type\":\"object\",\"properties\":{\"answers\":{\"type\":\"array\"}}}"},
    [ROUTE_events] = {"["
        PARAMETER("header", "Last-Event-ID", SEQ_SCHEMA) ","
        PARAMETER("query", "after", SEQ_SCHEMA) ","
        PARAMETER("query", "form", "{\"enum\":[\"full\",\"brief\"]}") ","
        PARAMETER("query", "with", "{\"type\":\"string\",\"description\":\"house, queue, stages: "
                                   "with commas between\"}") "]",
        NULL, "text/event-stream", "{\"type\":\"string\"}"},
    [ROUTE_ledger] = {"[" PARAMETER("query", "after", SEQ_SCHEMA) "," PARAMETER(
                          "query", "limit", COUNT_SCHEMA(1, LEDGER_LIMIT_MAX)) "]",
        NULL, NULL,
        "{\"type\":\"object\",\"properties\":{\"entries\":{\"type\":\"array\",\"items\":" REF(
            "Entry") "},\"more\":{\"type\":\"boolean\"}}}"},
    [ROUTE_ledger_verify] = {"[" PARAMETER("query", "after", SEQ_SCHEMA) "]", NULL, NULL, NULL},
    [ROUTE_ledger_verified] = {"[" PARAMETER("query", "after", SEQ_SCHEMA) "]", NULL, NULL, NULL},
    [ROUTE_ledger_export] = {"[" PARAMETER("query", "after", "{\"const\":0}") "]", NULL,
        "application/x-ndjson", "{\"type\":\"string\"}"},
    [ROUTE_metrics] = {NULL, NULL, "text/plain", "{\"type\":\"string\"}"},
    [ROUTE_page] = {NULL, NULL, "text/html", "{\"type\":\"string\"}"},
};

static const char SCHEMAS[] =
    "{\"Id\":{\"type\":\"string\",\"pattern\":\"^[0-9A-HJKMNP-TV-Z]{26}$\"},"
    "\"Error\":{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{\"error\":{\"type\":"
    "\"object\","
    "\"required\":[\"message\",\"type\",\"param\",\"code\"],\"properties\":{"
    "\"message\":{\"type\":\"string\"},\"type\":{\"enum\":[\"input\",\"denied\",\"limit\",\"peer\","
    "\"system\"]},"
    "\"param\":{\"type\":[\"string\",\"null\"]},\"code\":{\"type\":[\"string\",\"null\"]}}}}},"
    "\"Answer\":{\"type\":\"object\",\"required\":[\"status\"],\"properties\":{"
    "\"status\":{\"enum\":[\"success\",\"awaiting_consent\",\"denied\",\"question\",\"not_"
    "understood\",\"failed\","
    "\"refused\",\"expired\",\"working\"]},"
    "\"case\":{\"type\":[\"string\",\"null\"]},\"intent\":{\"type\":[\"object\",\"null\"]},"
    "\"intents\":{\"type\":\"array\"},\"verdict\":{\"type\":[\"object\",\"null\"]},"
    "\"plan\":{\"type\":[\"object\",\"null\"]},\"plan_sha256\":{\"type\":[\"string\",\"null\"]},"
    "\"execution\":{\"type\":[\"object\",\"null\"]},\"question\":{\"type\":[\"object\",\"null\"]},"
    "\"text\":{\"type\":\"string\"},\"results\":{\"type\":\"array\"},\"model\":{\"type\":"
    "\"object\"}}},"
    "\"Case\":{\"type\":\"object\",\"required\":[\"id\",\"status\"],\"properties\":{\"id\":{"
    "\"type\":\"string\"},"
    "\"status\":{\"type\":\"string\"},\"action\":{\"type\":\"string\"},\"params\":{\"type\":"
    "\"object\"}}},"
    "\"Session\":{\"type\":\"object\",\"required\":[\"signed_in\"],\"properties\":{"
    "\"signed_in\":{\"type\":\"boolean\"},\"principal\":{\"type\":[\"string\",\"null\"]},"
    "\"role\":{\"enum\":[\"operator\",\"viewer\",null]},"
    "\"how\":{\"enum\":[\"local\",\"token\",\"passkey\",null]},"
    "\"csrf\":{\"type\":[\"string\",\"null\"]},\"passkeys\":{\"type\":\"boolean\"}}},"
    "\"Entry\":{\"type\":\"object\",\"required\":[\"seq\",\"kind\",\"case\",\"at\",\"body\"],"
    "\"properties\":{"
    "\"seq\":{\"type\":\"integer\"},\"kind\":{\"type\":\"string\"},\"case\":{\"type\":\"string\"},"
    "\"at\":{\"type\":\"string\",\"format\":\"date-time\"},\"actor\":{\"type\":\"string\"},"
    "\"prev\":{\"type\":\"string\"},"
    "\"body\":{\"type\":\"object\"}}}}";

/* clang-format on */

static json_t *parsed(const char *text)
{
    json_error_t why;
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why);

    if (!value)
        panic("open_api: %s in %s", why.text, text);
    return value;
}

static json_t *reply_of(const char *words, const char *type, json_t *schema)
{
    return json_pack("{s:s, s:{s:{s:o}}}", "description", words, "content", type ? type : JSON_TYPE,
        "schema", schema);
}

static json_t *parameters_of(const struct route *route)
{
    const char *text = OPERATIONS[route->id].parameters;
    json_t *parameters = text ? parsed(text) : json_array();

    const char *mark = memchr(route->pattern.at, '{', route->pattern.len);
    if (mark) {
        bool named = mark[1] == 'n';
        json_array_append_new(parameters,
            json_pack("{s:s, s:s, s:b, s:o}", "name", named ? "name" : "id", "in", "path",
                "required", 1, "schema", parsed(named ? "{\"type\":\"string\"}" : REF("Id"))));
    }
    return parameters;
}

static json_t *operation_of(const struct route *route)
{
    const struct operation *more = &OPERATIONS[route->id];
    json_t *reply = parsed(more->reply ? more->reply : "{\"type\":\"object\"}");
    json_t *operation = json_pack("{s:s, s:s, s:o, s:{s:o, s:o}}", "operationId", route->name,
        "summary", route->summary, "parameters", parameters_of(route), "responses", "200",
        reply_of("The answer.", more->type, reply), "default",
        reply_of("What was wrong, and what to do.", NULL, parsed(REF("Error"))));

    check(operation);
    if (route->id == ROUTE_senses)
        json_object_set_new(operation, "requestBody",
            json_pack("{s:b, s:{s:{s:{s:s}}}}", "required", 1, "content", "text/plain", "schema",
                "type", "string"));
    if (more->request)
        json_object_set_new(operation, "requestBody",
            json_pack("{s:b, s:{s:{s:o}}}", "required", 1, "content", JSON_TYPE, "schema",
                parsed(more->request)));
    if (route->open)
        json_object_set_new(operation, "security", json_array());
    return operation;
}

/* A schema of its own for each action, and Proposal as one of them. */
static void add_actions(json_t *schemas, const json_t *catalogue)
{
    json_t *choices = json_array(), *action;
    size_t i;

    json_array_foreach (json_object_get(catalogue, "actions"), i, action) {
        const char *name = json_string_value(json_object_get(action, "name"));
        json_t *parameters = json_object_get(action, "parameters");
        const char *title = json_string_value(json_object_get(action, "title"));
        char key[WORD_BYTES_MAX + 16], ref[WORD_BYTES_MAX + 48];
        if (!name || !json_is_object(parameters) || strlen(name) > WORD_BYTES_MAX)
            continue;
        snprintf(key, sizeof key, "Action_%s", name);
        snprintf(ref, sizeof ref, "#/components/schemas/%s", key);
        json_object_set_new(schemas, key,
            json_pack("{s:s, s:s, s:b, s:[s,s], s:{s:{s:s}, s:O}}", "type", "object", "title",
                title ? title : name, "additionalProperties", 0, "required", "action", "params",
                "properties", "action", "const", name, "params", parameters));
        json_array_append_new(choices, json_pack("{s:s}", "$ref", ref));
    }
    json_object_set_new(schemas, "Proposal", json_pack("{s:o}", "oneOf", choices));
}

json_t *open_api_make(const json_t *catalogue)
{
    json_t *paths = json_object(), *schemas = parsed(SCHEMAS);

    for (size_t i = 0; i < ROUTES; i++) {
        const struct route *route = &ROUTE_TABLE[i];
        json_t *path = json_object_getn(paths, route->pattern.at, route->pattern.len);
        char method[16] = "";
        const char *name = http_method_name(route->method);
        for (size_t c = 0; name[c] && c < sizeof method - 1; c++)
            method[c] = (char)tolower((unsigned char)name[c]);
        if (!path) {
            path = json_object();
            json_object_setn_new(paths, route->pattern.at, route->pattern.len, path);
        }
        json_object_set_new(path, method, operation_of(route));
    }
    add_actions(schemas, catalogue);
    json_t *document = json_pack(
        "{s:s, s:{s:s, s:s, s:s}, s:o, s:{s:o, s:{s:{s:s, s:s}}}, s:[{s:[]}, {}]}", "openapi",
        "3.1.0", "info", "title", "Logic Node", "version", LOGIC_NODE_VERSION, "description",
        "A sentence or a typed action becomes a proven, signed and recorded change.", "paths",
        paths, "components", "schemas", schemas, "securitySchemes", "token", "type", "http",
        "scheme", "bearer", "security", "token");
    check(document);
    return document;
}
