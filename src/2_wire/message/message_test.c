/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "message/message.h"
#include "tap.h"

static bool reads(const char *text, struct err *err)
{
    enum message_type type;
    scoped(json_done) json_t *message = NULL;
    return message_read(str_from(text), &message, &type, err);
}

TEST(made_message_reads_back)
{
    enum message_type type;
    struct err err = {0};
    scoped(json_done) json_t *made = message_make(
        MESSAGE_done, "{s:I, s:b, s:s}", "id", (json_int_t)7, "ok", 1, "changed", "no");
    scoped(free_done) char *text = json_dumps(made, JSON_COMPACT);
    scoped(json_done) json_t *message = NULL;
    REQUIRE(message_read(str_from(text), &message, &type, &err));
    CHECK_INT(type, MESSAGE_done);
    CHECK_INT(message_int(message, "id"), 7);
    CHECK_TEXT(message_text(message, "error"), "");
}

TEST(unknown_type_missing_and_extra_fields_are_refused)
{
    struct err err = {0};
    CHECK(reads("{\"v\":1,\"type\":\"beat\"}", &err));
    CHECK(!reads("{\"v\":1,\"type\":\"shout\"}", &err));
    CHECK_TEXT(err.code, "unknown_type");
    CHECK(!reads("{\"v\":1,\"type\":\"hello\"}", &err));
    CHECK_TEXT(err.code, "missing_field");
    CHECK(!reads("{\"v\":1,\"type\":\"beat\",\"x\":1}", &err));
    CHECK_TEXT(err.code, "unknown_field");
    CHECK(!reads("{\"v\":1,\"type\":\"hello\",\"boot\":1}", &err));
    CHECK_TEXT(err.code, "bad_field");
    CHECK(!reads("{\"v\":2,\"type\":\"beat\"}", &err));
    CHECK_TEXT(err.code, "bad_version");
    CHECK(!reads("[]", &err));
    CHECK(!reads("{\"v\":1,\"type\":\"beat\",\"type\":\"beat\"}", &err));
    CHECK(!reads("", &err));
}

TEST(too_long_message_is_refused_before_it_is_parsed)
{
    struct err err = {0};
    scoped(free_done) char *text = malloc(MESSAGE_BYTES_MAX + 2);
    memset(text, ' ', MESSAGE_BYTES_MAX + 1);
    text[MESSAGE_BYTES_MAX + 1] = '\0';
    CHECK(!reads(text, &err));
    CHECK_INT(err.kind, ERR_LIMIT);
}

TEST(errors_cross_the_wire_whole)
{
    struct err sent = {0}, got = {0};
    err_code(&sent, ERR_PEER, "world_moved", "name", "'%s' is taken", "a.local");
    scoped(json_done) json_t *error = message_from_err(&sent);
    message_to_err(error, &got);
    CHECK_INT(got.kind, ERR_PEER);
    CHECK_TEXT(got.code, "world_moved");
    CHECK_TEXT(got.param, "name");
    CHECK_TEXT(got.message, "'a.local' is taken");
}

TAP_MAIN
