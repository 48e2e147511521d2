/* SPDX-License-Identifier: Apache-2.0
 * What is left of the body of every kind of entry, and that no text of it is long. */
#include "gateway/brief.h"

#include "base/buf.h"
#include "base/scoped.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static json_t *json_of(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

    if (!value) {
        printf("# %s: %s\n", text, error.text);
        abort();
    }
    return value;
}

/* What `body` is cut to; written with ' for ". */
static void check_brief(const char *kind, const char *body, const char *wanted)
{
    scoped(free_done) char *from = strdup(body), *to = strdup(wanted);
    for (char *c = from; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    for (char *c = to; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    scoped(json_done) json_t *given = json_of(from), *want = json_of(to);
    scoped(json_done) json_t *before = json_deep_copy(given), *got = brief_body(kind, given);
    scoped(free_done) char *text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);

    CHECK_TEXT(text, to);
    CHECK(json_equal(got, want));
    CHECK(json_equal(given, before));
}

TEST(every_kind_keeps_what_a_page_needs_and_no_more)
{
    static const struct {
        const char *kind, *body, *brief;
    } ROWS[] = {
        {"case_opened",
            "{'action':'dns_record_add','params':{'name':'a'},'by':{'principal':'p'},'nl':'add a',"
            "'model':{'name':'m'},'secret':1}",
            "{'action':'dns_record_add','params':{'name':'a'},'by':{'principal':'p'},'nl':'add a',"
            "'model':{'name':'m'}}"},
        {"case_opened", "{'action':'node_list','params':{},'by':{}}",
            "{'action':'node_list','params':{},'by':{}}"},
        {"case_judged",
            "{'question':{'action':'x','seen':[1,2]},'verdict':{'verdict':'deny','tier':'change',"
            "'words':'no','reasons':[{'rule':'r','words':'w'}],'proof':{'goal':'g'}},'learned':7,"
            "'rules':'r','site':'s'}",
            "{'verdict':{'verdict':'deny','tier':'change','words':'no'}}"},
        {"case_judged", "{'question':{}}", "{'verdict':null}"},
        {"case_answered", "{'answer':{'words':'yes','nodes':[1]}}", "{}"},
        {"case_planned",
            "{'plan':'{\\'summary\\':\\'adds a\\',\\'diff\\':[1]}','plan_sha256':'ab',"
            "'expires_at_ms':9,'consent':{'signatures':1}}",
            "{'plan_sha256':'ab','expires_at_ms':9,'consent':{'signatures':1},'summary':'adds a'}"},
        {"case_planned", "{'plan':'no plan','plan_sha256':'ab','expires_at_ms':9,'consent':null}",
            "{'plan_sha256':'ab','expires_at_ms':9,'consent':null}"},
        {"consent_given", "{'key_id':'k','person':'p','signature':'s','enough':true}",
            "{'key_id':'k','person':'p','signature':'s','enough':true}"},
        {"consent_refused", "{'person':'p','reason':'no'}", "{'person':'p','reason':'no'}"},
        {"consent_rejected", "{'code':'c','words':'w','key_id':'k'}",
            "{'code':'c','words':'w','key_id':'k'}"},
        {"warrant_issued", "{'plan_sha256':'ab','nonce':'n','boot':'b','expires_at_ms':1}",
            "{'plan_sha256':'ab','nonce':'n','boot':'b','expires_at_ms':1}"},
        {"case_executed", "{'result':{'rrsets':[]},'undo':null,'action':'a','params':{},'by':{}}",
            "{}"},
        {"case_failed",
            "{'error':{'kind':'peer','code':'away','param':null,'message':'m'},'changed':'no',"
            "'action':'a','params':{},'by':{}}",
            "{'error':{'code':'away','message':'m'},'changed':'no'}"},
        {"case_expired", "{}", "{}"},
        {"kb_loaded", "{'version':'v','rules':'r','site':'s'}",
            "{'version':'v','rules':'r','site':'s'}"},
        {"kb_refused", "{'words':'w'}", "{'words':'w'}"},
        {"clock_stepped", "{'back_ms':5}", "{'back_ms':5}"},
        {"alert_raised",
            "{'condition':'hot','node':'n','part':'','severity':'warning','words':'w',"
            "'question':{'readings':[1]},'answer':{'x':1},'rules':'r','site':'s'}",
            "{'condition':'hot','node':'n','part':'','severity':'warning','words':'w','rules':'r',"
            "'site':'s'}"},
        {"alert_changed", "{'alert':7,'severity':'critical','question':{},'answer':{}}",
            "{'alert':7,'severity':'critical'}"},
        {"alert_cleared", "{'alert':7,'words':'w','why':'clear','question':{},'answer':{}}",
            "{'alert':7,'words':'w','why':'clear'}"},
        {"runbook_generated",
            "{'alert':7,'markdown':'# Do','sections':{},'model':{},'truncated':false,'answer':{}}",
            "{'alert':7,'truncated':false}"},
        {"runbook_failed", "{'alert':7,'code':'c','words':'w'}",
            "{'alert':7,'code':'c','words':'w'}"},
        {"notification_sent", "{'channel':'phone','about':{'seq':3},'tries':1,'ms':20}",
            "{'channel':'phone','about':{'seq':3},'tries':1,'ms':20}"},
        {"notification_failed", "{'channel':'phone','code':'c'}", "{'channel':'phone','code':'c'}"},
        {"a_kind_of_tomorrow", "{'deep':[{'er':[1,2.5,null]}]}", "{'deep':[{'er':[1,2.5,null]}]}"},
    };

    for (size_t i = 0; i < COUNT(ROWS); i++)
        check_brief(ROWS[i].kind, ROWS[i].body, ROWS[i].brief);
}

/* `count` characters of two bytes. */
static void add_long(struct buf *out, size_t count)
{
    while (count--)
        buf_add(out, S("\xc3\xbc"));
}

TEST(long_texts_are_cut_by_characters_wherever_they_stand)
{
    static const char *const PLACES[][2] = {
        {"notification_failed", "{\"about\":[{\"words\":\"%s\"}]}"},
        {"kb_refused", "{\"words\":\"%s\"}"}, {"case_opened", "{\"nl\":\"%s\"}"},
        {"case_judged", "{\"verdict\":{\"words\":\"%s\"}}"},
        {"case_failed", "{\"error\":{\"message\":\"%s\"}}"},
        {"alert_raised", "{\"words\":\"%s\"}"}};
    scoped(buf_done) struct buf whole = buf_of(8192), more = buf_of(8192), marked = buf_of(8192);

    add_long(&whole, BRIEF_CHARS_MAX);
    add_long(&more, BRIEF_CHARS_MAX + 1);
    add_long(&marked, BRIEF_CHARS_MAX);
    buf_add(&marked, S("\xe2\x80\xa6"));
    for (size_t i = 0; i < COUNT(PLACES); i++) {
        for (int is_long = 0; is_long < 2; is_long++) {
            scoped(buf_done) struct buf body = buf_of(16384), want = buf_of(16384);
            const char *mark = strchr(PLACES[i][1], '%');
            struct str head = {PLACES[i][1], (size_t)(mark - PLACES[i][1])};
            buf_add(&body, head);
            buf_add(&body, buf_str(is_long ? &more : &whole));
            buf_add(&body, str_from(mark + 2));
            scoped(json_done) json_t *given = json_of(buf_text(&body));
            scoped(json_done) json_t *brief = brief_body(PLACES[i][0], given);
            scoped(free_done) char *text = json_dumps(brief, JSON_COMPACT);
            buf_add(&want, buf_str(is_long ? &marked : &whole));
            CHECK(strstr(text, buf_text(&want)) != NULL);
            CHECK(strlen(text) <= body.len + strlen("\xe2\x80\xa6"));
            CHECK((strstr(text, "\xe2\x80\xa6") != NULL) == (is_long == 1));
        }
    }
}

TEST(a_body_that_is_none_stays_as_it_is)
{
    check_brief("case_opened", "null", "null");
    check_brief("case_judged", "[1]", "[1]");
    check_brief("case_judged", "{'verdict':'odd'}", "{'verdict':'odd'}");
    check_brief("case_failed", "{'error':'odd'}", "{'error':'odd'}");
    scoped(json_done) json_t *none = brief_body("case_opened", NULL);
    CHECK(json_is_null(none));
}

TAP_MAIN
