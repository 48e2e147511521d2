/* SPDX-License-Identifier: Apache-2.0 */
#include "case/case.h"

#include "base/scoped.h"
#include "tap.h"

static int64_t seq;

static json_t *entry(const char *kind, const char *body)
{
    json_t *made = json_pack("{s:I, s:s, s:s, s:s, s:o}", "seq", (json_int_t)++seq, "at",
        "2026-11-21T02:47:00.000Z", "case", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "kind", kind, "body",
        json_loads(body, 0, NULL));
    if (!made)
        abort();
    return made;
}

static bool fold(struct kase *kase, const char *kind, const char *body)
{
    struct err err = {0};
    scoped(json_done) json_t *e = entry(kind, body);
    return case_apply(kase, e, &err);
}

#define OPENED "{\"action\":\"dns_record_delete\",\"params\":{\"name\":\"a.local\"},\"by\":{}}"
#define CONSENT_VERDICT                                                                            \
    "{\"question\":{},\"verdict\":{\"verdict\":\"needs_consent\",\"words\":\"w\"}}"
#define PERMIT_VERDICT "{\"question\":{},\"verdict\":{\"verdict\":\"permit\",\"words\":\"w\"}}"
#define DENY_VERDICT "{\"question\":{},\"verdict\":{\"verdict\":\"deny\",\"words\":\"not yours\"}}"
#define CONSENT_PLAN                                                                               \
    "{\"plan\":\"{\\\"summary\\\":\\\"delete a\\\"}\",\"plan_sha256\":\"ab\","                     \
    "\"expires_at_ms\":1000,\"consent\":{\"signatures\":1}}"
#define FREE_PLAN                                                                                  \
    "{\"plan\":\"{\\\"summary\\\":\\\"add a\\\"}\",\"plan_sha256\":\"ab\","                        \
    "\"expires_at_ms\":1000,\"consent\":null}"

TEST(consented_change_goes_its_whole_way)
{
    scoped(case_done) struct kase k = {0};
    CHECK(fold(&k, "case_opened", OPENED));
    CHECK(fold(&k, "case_judged", CONSENT_VERDICT));
    CHECK(fold(&k, "case_judged", CONSENT_VERDICT));
    CHECK(fold(&k, "case_planned", CONSENT_PLAN));
    CHECK_INT(k.state, CASE_AWAITING);
    CHECK(!fold(&k, "warrant_issued", "{}")); /* no signature, no warrant */
    CHECK(fold(&k, "consent_rejected", "{\"code\":\"late\"}"));
    CHECK(fold(&k, "consent_given", "{\"key_id\":\"k1\",\"person\":\"p\",\"enough\":false}"));
    CHECK(!fold(&k, "warrant_issued", "{}"));
    CHECK(fold(&k, "consent_given", "{\"key_id\":\"k2\",\"person\":\"q\",\"enough\":true}"));
    CHECK(!fold(&k, "consent_given", "{\"key_id\":\"k3\",\"person\":\"r\",\"enough\":true}"));
    CHECK(fold(&k, "warrant_issued", "{\"nonce\":\"n\"}"));
    CHECK(!fold(&k, "warrant_issued", "{\"nonce\":\"n\"}")); /* one use */
    CHECK(fold(&k, "case_executed", "{\"result\":{\"verified\":true}}"));
    CHECK_INT(k.state, CASE_DONE);
    CHECK_INT(k.consent_count, 2);
    CHECK_TEXT(case_status(k.state), "success");
}

TEST(closed_case_takes_no_entry_at_all)
{
    static const char *const KINDS[] = {"case_opened", "case_judged", "case_answered",
        "case_planned", "consent_given", "consent_refused", "consent_rejected", "warrant_issued",
        "case_executed", "case_failed", "case_expired"};
    scoped(case_done) struct kase k = {0};
    CHECK(fold(&k, "case_opened", OPENED));
    CHECK(fold(&k, "case_judged", DENY_VERDICT));
    CHECK_INT(k.state, CASE_DENIED);
    for (size_t i = 0; i < COUNT(KINDS); i++)
        CHECK(!fold(&k, KINDS[i], CONSENT_VERDICT));
    CHECK_INT(k.state, CASE_DENIED);
}

/* Walk every path of the table: a state that acts is reached only through a verdict, and, when the
 * plan asked for consent, through enough of it. Invariants 1 and 3. */
TEST(invariant_1_no_path_reaches_acting_without_verdict_and_consent)
{
    for (int from = CASE_NONE; from < CASE_STATES; from++)
        for (int on = 0; on < CASE_EVENTS; on++) {
            enum case_state next;
            if (!case_step((enum case_state)from, (enum case_event)on, &next))
                continue;
            CHECK(!case_closed((enum case_state)from));
            if (next == CASE_ACTING)
                CHECK(on == CASE_WARRANT && (from == CASE_PLANNED || from == CASE_CONSENTED));
            if (next == CASE_CONSENTED)
                CHECK(on == CASE_CONSENT_ENOUGH && from == CASE_AWAITING);
            if (next == CASE_PLANNED || next == CASE_AWAITING)
                CHECK(from == CASE_JUDGED || from == CASE_AWAITING);
            if (next == CASE_JUDGED)
                CHECK(on == CASE_VERDICT_GO);
            if (on == CASE_EXECUTED)
                CHECK(from == CASE_ACTING);
        }
}

TEST(unreadable_verdict_counts_as_deny)
{
    scoped(case_done) struct kase k = {0};
    CHECK(fold(&k, "case_opened", OPENED));
    CHECK(fold(&k, "case_judged", "{\"question\":{},\"verdict\":{\"verdict\":\"perhaps\"}}"));
    CHECK_INT(k.state, CASE_DENIED);
}

TEST(free_plan_needs_no_signature_and_takes_none)
{
    scoped(case_done) struct kase k = {0};
    CHECK(fold(&k, "case_opened", OPENED));
    CHECK(fold(&k, "case_judged", PERMIT_VERDICT));
    CHECK(fold(&k, "case_planned", FREE_PLAN));
    CHECK_INT(k.state, CASE_PLANNED);
    CHECK(!fold(&k, "consent_given", "{\"key_id\":\"k\",\"person\":\"p\",\"enough\":true}"));
    CHECK(fold(&k, "warrant_issued", "{}"));
    CHECK(fold(&k, "case_failed", "{\"error\":{\"message\":\"m\"},\"changed\":\"no\"}"));
    CHECK_INT(k.state, CASE_FAILED);
}

TEST(refused_entry_changes_nothing)
{
    scoped(case_done) struct kase k = {0};
    CHECK(!fold(&k, "case_judged", PERMIT_VERDICT));
    CHECK(!fold(&k, "martian", "{}"));
    CHECK_INT(k.state, CASE_NONE);
    CHECK(k.history == NULL && k.verdict == NULL);
}

TEST(view_shows_the_plan_and_the_history)
{
    scoped(case_done) struct kase k = {0};
    CHECK(fold(&k, "case_opened", OPENED));
    CHECK(fold(&k, "case_judged", CONSENT_VERDICT));
    CHECK(fold(&k, "case_planned", CONSENT_PLAN));
    scoped(json_done) json_t *view = case_view(&k);
    CHECK_TEXT(json_string_value(json_object_get(view, "status")), "awaiting_consent");
    CHECK_TEXT(json_string_value(json_object_get(view, "expires_at")), "1970-01-01T00:00:01Z");
    CHECK_INT(json_array_size(json_object_get(view, "history")), 3);
    CHECK_TEXT(
        json_string_value(json_object_get(json_object_get(view, "plan"), "summary")), "delete a");
    scoped(json_done) json_t *answer = case_answer(&k);
    CHECK(strstr(json_string_value(json_object_get(answer, "text")), "logicctl approve 01ARZ3"));
}

TEST(view_shows_how_it_was_signed)
{
    scoped(case_done) struct kase k = {0};
    fold(&k, "case_opened", OPENED);
    fold(&k, "case_judged", CONSENT_VERDICT);
    fold(&k, "case_planned", CONSENT_PLAN);
    CHECK(fold(&k, "consent_given", "{\"key_id\":\"k1\",\"person\":\"p\",\"enough\":false}"));
    CHECK(fold(&k, "consent_given",
        "{\"key_id\":\"k2\",\"person\":\"q\",\"enough\":false,\"passkey\":{}}"));
    scoped(json_done) json_t *view = case_view(&k);
    const json_t *consents = json_object_get(view, "consents");
    CHECK_TEXT(json_string_value(json_object_get(json_array_get(consents, 0), "how")), "key");
    CHECK_TEXT(json_string_value(json_object_get(json_array_get(consents, 1), "how")), "passkey");
    CHECK(json_is_null(json_object_get(view, "refusal")));
}

static json_t *refused_view(const char *body)
{
    scoped(case_done) struct kase k = {0};

    fold(&k, "case_opened", OPENED);
    fold(&k, "case_judged", CONSENT_VERDICT);
    fold(&k, "case_planned", CONSENT_PLAN);
    fold(&k, "consent_refused", body);
    return case_view(&k);
}

TEST(view_shows_who_refused_and_why)
{
    scoped(json_done) json_t *view = refused_view("{\"key_id\":\"k\",\"person\":\"p\",\"reason\":"
                                                  "\"not today\",\"passkey\":{}}");
    scoped(json_done) json_t *old = refused_view("{\"key_id\":\"k\",\"person\":\"p\"}");
    const json_t *refusal = json_object_get(view, "refusal");

    CHECK_TEXT(json_string_value(json_object_get(view, "status")), "refused");
    CHECK_TEXT(json_string_value(json_object_get(refusal, "person")), "p");
    CHECK_TEXT(json_string_value(json_object_get(refusal, "reason")), "not today");
    CHECK_TEXT(json_string_value(json_object_get(refusal, "how")), "passkey");
    refusal = json_object_get(old, "refusal");
    CHECK_TEXT(json_string_value(json_object_get(refusal, "how")), "key");
    CHECK(json_is_null(json_object_get(refusal, "reason")));
}

TEST(a_refusal_signs_its_reason)
{
    scoped(buf_done) struct buf text = buf_of(CASE_REFUSAL_BYTES_MAX);

    case_refusal_text("ab", S(""), &text);
    CHECK_TEXT(buf_text(&text), "logic-node/refusal/v1\nab\n");
    buf_clear(&text);
    case_refusal_text("ab", S("not today"), &text);
    CHECK_TEXT(buf_text(&text), "logic-node/refusal/v2\nab\nnot today\n");
}

static bool good_reason(struct str reason, const char *code)
{
    struct err err = {0};
    bool good = case_reason_good(reason, &err);

    CHECK_TEXT(err.code, code);
    return good;
}

TEST(invariant_9_a_reason_is_words_of_at_most_so_many_characters)
{
    scoped(buf_done) struct buf text = buf_of(CASE_REFUSAL_BYTES_MAX);
    char sha256[65] = "";

    memset(sha256, 'a', 64);
    for (int i = 0; i < CASE_REASON_CHARS_MAX; i++)
        buf_add(&text, S("\xf0\x9f\x98\x80")); /* four bytes a character */
    CHECK(good_reason(buf_str(&text), ""));
    CHECK_INT(text.len, CASE_REASON_BYTES_MAX);
    scoped(buf_done) struct buf whole = buf_of(CASE_REFUSAL_BYTES_MAX);
    case_refusal_text(sha256, buf_str(&text), &whole);
    CHECK(!whole.overflowed);
    buf_add_char(&text, '!');
    CHECK(!good_reason(buf_str(&text), "out_of_range"));
    CHECK(!good_reason(S(""), "out_of_range"));
    CHECK(!good_reason(S(" \n"), "out_of_range"));
    CHECK(good_reason(S("two\nlines"), ""));
    CHECK(good_reason(S("caf\xc3\xa9 \xc2\xa0"), ""));
    CHECK(!good_reason(S("a\x1b[2J"), "bad_value"));
    CHECK(!good_reason(S("a\x7f"), "bad_value"));
    CHECK(!good_reason(S("a\xc2\x9b"), "bad_value"));
    CHECK(!good_reason(S("a\xff"), "bad_value"));
}

TEST(what_is_kept_of_a_verdict_can_be_judged_again)
{
    scoped(json_done) json_t *out = json_pack(
        "{s:s, s:{}, s:{}, s:i, s:n}", "verdict", "permit", "plan", "look", "learned", 7, "answer");
    scoped(json_done) json_t *kept = case_verdict_kept(out);
    scoped(json_done) json_t *want = json_pack("{s:s, s:n}", "verdict", "permit", "answer");

    CHECK(json_equal(kept, want));
    CHECK_INT(json_object_size(out), 5);
}

TEST(what_is_learned_of_an_entry_is_neither_its_hash_nor_its_actor)
{
    scoped(json_done) json_t *entry =
        json_pack("{s:s, s:s, s:i, s:s, s:{s:i}, s:s, s:s}", "kind", "case_executed", "case", "01A",
            "seq", 7, "at", "2026", "body", "x", 1, "prev", "00", "actor", "judge");
    scoped(json_done) json_t *question = case_learn_question(entry);
    scoped(json_done) json_t *want = json_pack("{s:s, s:s, s:i, s:s, s:{s:i}}", "kind",
        "case_executed", "case", "01A", "seq", 7, "at", "2026", "body", "x", 1);

    CHECK(json_equal(question, want));
}

TAP_MAIN
