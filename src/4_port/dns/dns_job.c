/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dns_job.h"

#include "base/scoped.h"
#include "dns/dns_name.h"
#include "json/json_take.h"

#define HOST_BYTES_MAX 45
#define HANDLE_BYTES_MAX 128
#define WORD_BYTES_MAX 16

static bool check_owner(struct str name, struct str zone, struct err *err)
{
    if (!dns_name_check(name, "name", err))
        return false;
    if (!dns_name_within(name, zone))
        return err_code(err, ERR_INPUT, "not_in_zone", "name", "'%.*s' is not in the zone '%.*s'",
            STR(name), STR(zone));
    return true;
}

static bool check_values(enum dns_type type, const json_t *values, struct err *err)
{
    size_t i;
    json_t *value;

    json_array_foreach(values, i, value) {
        scoped(buf_done) struct buf rdata = buf_of(DNS_VALUE_BYTES_MAX);
        struct str text = {json_string_value(value), json_string_length(value)};
        if (!json_is_string(value))
            return err_code(
                err, ERR_INPUT, "bad_value", "values", "each of 'values' must be a string");
        if (!dns_value_read(type, text, &rdata, err))
            return false;
    }
    return true;
}

/* {word_field, "name"[, "type"[, "values"]]}; what a kind does not have must not be there. */
bool dns_condition_read(
    const json_t *json, struct str zone, struct dns_condition *ret, struct err *err)
{
    static const struct {
        const char *word;
        size_t fields;
    } KINDS[] = {
        [DNS_RRSET_EQUALS] = {"rrset_equals", 4},
        [DNS_RRSET_EXISTS] = {"rrset_exists", 3},
        [DNS_RRSET_ABSENT] = {"rrset_absent", 3},
        [DNS_NAME_IN_USE] = {"name_in_use",  2},
        [DNS_NAME_ABSENT] = {"name_absent",  2},
    };
    struct dns_condition found = {0};
    struct str is, type = {0};
    json_t *values = NULL;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("is", &is, 1, WORD_BYTES_MAX),
        JSON_TAKE_TEXT("name", &found.name, 1, DNS_NAME_BYTES_MAX),
        JSON_TAKE_TEXT("type", &type, 1, WORD_BYTES_MAX),
        JSON_TAKE_ARRAY("values", &values, 1, DNS_VALUES_MAX),
    };
    const char *word = json_string_value(json_object_get(json, "is"));
    size_t kind = 0;

    while (kind < COUNT(KINDS) && !(word && strcmp(word, KINDS[kind].word) == 0))
        kind++;
    if (kind == COUNT(KINDS))
        return err_code(err, ERR_INPUT, "bad_job", "is",
            "'%.40s' is no kind of prerequisite; see docs/protocol.md", word ? word : "");
    found.kind = (enum dns_condition_kind)kind;
    if (!json_take(json, fields, KINDS[kind].fields, err) || !check_owner(found.name, zone, err))
        return false;
    if (type.len &&
        (!dns_type_read(type, "type", &found.type, err) || !check_values(found.type, values, err)))
        return false;
    found.values = values;
    *ret = found;
    return true;
}

bool dns_expectation_read(
    const json_t *json, struct str zone, struct dns_condition *ret, struct err *err)
{
    struct dns_condition found = {.kind = DNS_RRSET_EQUALS};
    struct str type;
    json_t *values;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("name", &found.name, 1, DNS_NAME_BYTES_MAX),
        JSON_TAKE_TEXT("type", &type, 1, WORD_BYTES_MAX),
        JSON_TAKE_ARRAY("values", &values, 0, DNS_VALUES_MAX),
    };

    if (!json_take(json, fields, COUNT(fields), err) || !check_owner(found.name, zone, err) ||
        !dns_type_read(type, "type", &found.type, err) || !check_values(found.type, values, err))
        return false;
    if (json_array_size(values) == 0)
        found.kind = DNS_RRSET_ABSENT;
    found.values = values;
    *ret = found;
    return true;
}

bool dns_update_read(const json_t *json, struct str zone, struct dns_update *ret, struct err *err)
{
    static const char *const KINDS[] = {
        [DNS_ADD] = "add",
        [DNS_DELETE_RRSET] = "delete_rrset",
        [DNS_DELETE_VALUE] = "delete_value",
        [DNS_DELETE_NAME] = "delete_name",
    };
    static const size_t FIELDS[] = {
        [DNS_ADD] = 5, [DNS_DELETE_RRSET] = 3, [DNS_DELETE_VALUE] = 4, [DNS_DELETE_NAME] = 2};
    struct dns_update found = {0};
    struct str op, type = {0};
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("op", &op, 1, WORD_BYTES_MAX),
        JSON_TAKE_TEXT("name", &found.name, 1, DNS_NAME_BYTES_MAX),
        JSON_TAKE_TEXT("type", &type, 1, WORD_BYTES_MAX),
        JSON_TAKE_TEXT("value", &found.value, 1, DNS_VALUE_TEXT_BYTES_MAX),
        JSON_TAKE_INTEGER("ttl", &found.ttl_s, 0, DNS_TTL_S_MAX),
    };
    scoped(buf_done) struct buf rdata = buf_of(DNS_VALUE_BYTES_MAX);
    const char *word = json_string_value(json_object_get(json, "op"));
    size_t kind = 0;

    while (kind < COUNT(KINDS) && !(word && strcmp(word, KINDS[kind]) == 0))
        kind++;
    if (kind == COUNT(KINDS))
        return err_code(err, ERR_INPUT, "bad_job", "op",
            "'%.40s' is no kind of update; see docs/protocol.md", word ? word : "");
    found.kind = (enum dns_update_kind)kind;
    if (!json_take(json, fields, FIELDS[kind], err) || !check_owner(found.name, zone, err) ||
        (type.len && !dns_type_read(type, "type", &found.type, err)) ||
        (found.value.at && !dns_value_read(found.type, found.value, &rdata, err)))
        return false;
    *ret = found;
    return true;
}

static bool read_key(const json_t *json, struct dns_job *job, struct err *err)
{
    struct str algorithm;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("name", &job->key, 1, DNS_NAME_BYTES_MAX),
        JSON_TAKE_TEXT("algorithm", &algorithm, 1, WORD_BYTES_MAX),
        JSON_TAKE_TEXT("secret", &job->secret, 1, HANDLE_BYTES_MAX),
    };

    if (!json) /* unsigned */
        return true;
    if (!json_take(json, fields, COUNT(fields), err) || !dns_name_check(job->key, "key", err))
        return false;
    if (!str_eq(algorithm, S("hmac-sha256")))
        return err_code(err, ERR_INPUT, "bad_job", "algorithm",
            "'%.*s' is not supported; a key must be hmac-sha256", STR(algorithm));
    return true;
}

static bool check_parts(const struct dns_job *job, struct err *err)
{
    struct dns_condition condition;
    struct dns_update update;
    size_t i;
    json_t *part;

    json_array_foreach(job->names, i, part) {
        struct str name = {json_string_value(part), json_string_length(part)};
        if (!name.at)
            return err_code(err, ERR_INPUT, "bad_job", "names", "each of 'names' must be a string");
        /* of any zone that the server knows: the PTR beside an A is looked at too */
        if (!dns_name_check(name, "names", err))
            return false;
    }
    json_array_foreach(job->prerequisites, i, part)
        if (!dns_condition_read(part, job->zone, &condition, err))
            return false;
    json_array_foreach(job->updates, i, part)
        if (!dns_update_read(part, job->zone, &update, err))
            return false;
    json_array_foreach(job->expect, i, part)
        if (!dns_expectation_read(part, job->zone, &condition, err))
            return false;
    return true;
}

#define ZONE_FIELD JSON_TAKE_TEXT("zone", &job->zone, 1, DNS_NAME_BYTES_MAX)
#define MAY_KEY_FIELD JSON_TAKE_OBJECT_OR_NULL("key", ret_key)

/* The four fields that every job begins with, then those of its op. An update without prerequisites
 * or without expectations is refused: it could neither be bound to what was approved nor be
 * verified. */
static bool read_fields(const json_t *json, struct dns_job *job, json_t **ret_key, struct err *err)
{
    struct str hand, op;
    int64_t port = 0;
    enum dns_type type;
    json_t **prerequisites = (json_t **)&job->prerequisites;
    const struct json_field head[] = {
        JSON_TAKE_TEXT("hand", &hand, 3, 3),
        JSON_TAKE_TEXT("op", &op, 1, WORD_BYTES_MAX),
        JSON_TAKE_TEXT("server", &job->server, 1, HOST_BYTES_MAX),
        JSON_TAKE_INTEGER("port", &port, 1, UINT16_MAX),
    };
    const struct json_field look[] = {ZONE_FIELD, MAY_KEY_FIELD,
        JSON_TAKE_ARRAY("names", (json_t **)&job->names, 1, DNS_NAMES_MAX)};
    const struct json_field list[] = {ZONE_FIELD, MAY_KEY_FIELD,
        JSON_MAY_TEXT("name", &job->name, 1, DNS_NAME_BYTES_MAX),
        JSON_MAY_TEXT("type", &job->type, 1, WORD_BYTES_MAX)};
    const struct json_field update[] = {ZONE_FIELD, JSON_TAKE_OBJECT("key", ret_key),
        JSON_TAKE_ARRAY("prerequisites", prerequisites, 1, DNS_CONDITIONS_MAX),
        JSON_TAKE_ARRAY("updates", (json_t **)&job->updates, 1, DNS_CONDITIONS_MAX),
        JSON_TAKE_ARRAY("expect", (json_t **)&job->expect, 1, DNS_CONDITIONS_MAX)};
    const struct json_field lookup[] = {JSON_TAKE_TEXT("name", &job->name, 1, DNS_NAME_BYTES_MAX),
        JSON_TAKE_TEXT("type", &job->type, 1, WORD_BYTES_MAX)};
    const struct {
        const struct json_field *fields;
        size_t count;
    } tails[] = {
        [DNS_LOOK] = {look,   COUNT(look)  },
        [DNS_UPDATE] = {update, COUNT(update)},
        [DNS_LOOKUP] = {lookup, COUNT(lookup)},
        [DNS_LIST] = {list,   COUNT(list)  },
    };
    struct json_field fields[COUNT(head) + COUNT(update)];
    size_t tail_count = tails[job->op].count;

    memcpy(fields, head, sizeof head);
    memcpy(fields + COUNT(head), tails[job->op].fields, tail_count * sizeof *fields);
    if (!json_take(json, fields, COUNT(head) + tail_count, err))
        return false;
    job->port = (int)port;
    if (job->op == DNS_LOOKUP)
        return dns_name_check(job->name, "name", err) &&
               dns_type_read(job->type, "type", &type, err);
    return dns_name_check(job->zone, "zone", err) &&
           (!job->name.at || check_owner(job->name, job->zone, err)) &&
           (!job->type.at || dns_type_read(job->type, "type", &type, err));
}

bool dns_job_read(const json_t *json, struct dns_job *ret_job, struct err *err)
{
    static const char *const OPS[] = {
        [DNS_LOOK] = "look", [DNS_UPDATE] = "update", [DNS_LOOKUP] = "lookup", [DNS_LIST] = "list"};
    const char *hand = json_string_value(json_object_get(json, "hand"));
    const char *word = json_string_value(json_object_get(json, "op"));
    struct dns_job job = {0};
    json_t *key = NULL;
    size_t op = 0;

    while (op < COUNT(OPS) && !(word && strcmp(word, OPS[op]) == 0))
        op++;
    if (op == COUNT(OPS) || !hand || strcmp(hand, "dns") != 0)
        return err_code(err, ERR_INPUT, "bad_job", "op",
            "'%.40s' is no job of the DNS hand; see docs/protocol.md", word ? word : "");
    job.op = (enum dns_op)op;
    if (!read_fields(json, &job, &key, err) || !read_key(key, &job, err) || !check_parts(&job, err))
        return false;
    *ret_job = job;
    return true;
}
