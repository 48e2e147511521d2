/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/again.h"

#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "case/case.h"
#include "message/message.h"
#include "os/sandbox.h"
#include "prolog/prolog.h"
#include "json/json_read.h"
#include "json/json_text.h"

#include <string.h>

#define DOOR_MS 60000 /* the inference limit is the one that counts: it is the same everywhere */
#define ANSWER_BYTES_MAX (1024 * 1024)

/* In these a verdict may differ and still decide the same. */
static const char *const WORDING[] = {"words", "reasons", "proof", "would_permit"};

struct walk {
    const struct again *again;
    struct prolog *prolog;
    json_t *deeds; /* entries of the kinds of ledger/learned.def, in order; null where learned */
    size_t learned;
    FILE *out;
    int64_t replayed, altered, reworded, listed;
};

bool again_read(FILE *entries, int64_t *line, json_t **ret_entry, struct err *err)
{
    static char text[REPLAY_LINE_BYTES_MAX + 2]; /* with its newline and an end */

    *ret_entry = NULL;
    while (fgets(text, sizeof text, entries)) {
        scoped(json_done) json_t *entry = NULL;
        struct str whole = str_trim(str_from(text));
        (*line)++;
        if (strlen(text) == sizeof text - 1 && text[sizeof text - 2] != '\n')
            return err_set(err, ERR_LIMIT, "line %lld is longer than %d bytes", (long long)*line,
                REPLAY_LINE_BYTES_MAX);
        if (!json_read(whole, REPLAY_LINE_BYTES_MAX, &entry, err))
            return err_wrap(err, "line %lld is no ledger entry", (long long)*line);
        if (!json_object_get(entry, "seq")) /* the export's head or a checkpoint */
            continue;
        *ret_entry = json_incref(entry);
        return true;
    }
    return !ferror(entries) || err_set(err, ERR_SYSTEM, "the entries cannot be read: %m");
}

static bool is(const json_t *entry, const char *kind)
{
    return strcmp(message_text(entry, "kind"), kind) == 0;
}

/* --- kinds ---------------------------------------------------------------------------------- */

static json_t *of_verdict(const json_t *body)
{
    const json_t *question = json_object_get(body, "question");

    return json_is_object(question) ? json_deep_copy(question) : NULL;
}

static json_t *verdict_was(const json_t *body)
{
    return json_incref(json_object_get(body, "verdict"));
}

/* State before, readings and thresholds stand in it: nothing else is looked at. */
static json_t *of_alert(const json_t *body)
{
    scoped(json_done) json_t *question = of_verdict(body);

    return question ? json_pack("{s:O}", "question", question) : NULL;
}

static json_t *alert_was(const json_t *body)
{
    return json_incref(json_object_get(body, "answer"));
}

static json_t *whole(const json_t *answer)
{
    return json_incref((json_t *)answer);
}

static json_t *of_runbook(const json_t *body)
{
    json_t *alert = json_object_get(body, "alert"), *answer = json_object_get(body, "answer");
    scoped(json_done) json_t *copy = answer ? json_deep_copy(answer) : NULL;

    return alert && copy ? json_pack("{s:O, s:O, s:b}", "alert", alert, "answer", copy, "truncated",
                               (int)message_true(body, "truncated"))
                         : NULL;
}

static json_t *runbook_was(const json_t *body)
{
    return json_pack("{s:O?, s:O?}", "markdown", json_object_get(body, "markdown"), "sections",
        json_object_get(body, "sections"));
}

/* The same two of an answer of the door. */
static json_t *runbook_kept(const json_t *answer)
{
    return runbook_was(answer);
}

/* What the rules answered once and can answer again. */
static const struct kind {
    const char *name;
    enum again_what what;
    enum prolog_door door;
    json_t *(*question)(const json_t *body); /* NULL: the entry holds none */
    json_t *(*was)(const json_t *body);      /* what it says the answer was */
    json_t *(*kept)(const json_t *answer);   /* what of an answer the entry keeps */
} KINDS[] = {
    {"case_judged", AGAIN_VERDICT, PROLOG_JUDGE, of_verdict, verdict_was, case_verdict_kept},
    {"alert_raised", AGAIN_ALERT, PROLOG_ALERT, of_alert, alert_was, whole},
    {"alert_changed", AGAIN_ALERT, PROLOG_ALERT, of_alert, alert_was, whole},
    {"alert_cleared", AGAIN_ALERT, PROLOG_ALERT, of_alert, alert_was, whole},
    {"runbook_generated", AGAIN_RUNBOOK, PROLOG_RUNBOOK, of_runbook, runbook_was, runbook_kept},
};

static const struct kind *kind_of(const json_t *entry)
{
    for (size_t i = 0; i < COUNT(KINDS); i++)
        if (is(entry, KINDS[i].name))
            return &KINDS[i];
    return NULL;
}

enum again_what again_what(const json_t *entry)
{
    const struct kind *kind = kind_of(entry);

    check(kind);
    return kind->what;
}

static bool is_learned(const json_t *entry)
{
#define LEARNED(kind) is(entry, #kind) ||
    return
#include "ledger/learned.def"
        false;
#undef LEARNED
}

bool again_wanted(const struct again *again, const json_t *entry)
{
    const json_t *body = json_object_get(entry, "body");

    return kind_of(entry) && message_int(entry, "seq") > again->since &&
           (!again->rules || (strcmp(message_text(body, "rules"), again->rules) == 0 &&
                                 strcmp(message_text(body, "site"), again->hash) == 0));
}

static void say(FILE *out, json_t *line)
{
    scoped(free_done) char *text = json_dumps(line, JSON_COMPACT);

    check(text);
    fprintf(out, "%s\n", text);
    json_decref(line);
}

/* --- facts ---------------------------------------------------------------------------------- */

static void learn(struct walk *w, const json_t *entry)
{
    struct prolog_answer answer = {0};

    /* What these rules do not take they did not take then either. */
    (void)prolog_ask_now(w->prolog, PROLOG_LEARN, case_learn_question(entry), DOOR_MS, &answer);
    prolog_answer_done(&answer);
}

/* All that the rules knew when they gave this verdict: up to `learned`, or, in a record that does
 * not say it, all that stands before. */
static void learn_until(struct walk *w, const json_t *judged)
{
    const json_t *learned = json_object_get(json_object_get(judged, "body"), "learned");

    for (; w->learned < json_array_size(w->deeds); w->learned++) {
        const json_t *next = json_array_get(w->deeds, w->learned);
        if (json_is_integer(learned) && message_int(next, "seq") > json_integer_value(learned))
            return;
        learn(w, next);
        json_array_set_new(w->deeds, w->learned, json_null());
    }
}

/* --- verdicts ------------------------------------------------------------------------------- */

static bool equal(const json_t *a, const json_t *b)
{
    scoped(buf_done) struct buf one = buf_of(ANSWER_BYTES_MAX), other = buf_of(ANSWER_BYTES_MAX);
    struct err err;

    return a && b && json_canonical(a, &one, &err) && json_canonical(b, &other, &err) &&
           str_eq(buf_str(&one), buf_str(&other));
}

static bool only_wording(const char *member)
{
    for (size_t i = 0; i < COUNT(WORDING); i++)
        if (strcmp(WORDING[i], member) == 0)
            return true;
    return false;
}

/* Names of the members in which the two differ. */
static json_t *differing(const json_t *was, const json_t *now)
{
    json_t *names = json_array(), *value;
    const char *name;

    json_object_foreach ((json_t *)was, name, value)
        if (!equal(value, json_object_get(now, name)))
            json_array_append_new(names, json_string(name));
    json_object_foreach ((json_t *)now, name, value)
        if (!json_object_get(was, name))
            json_array_append_new(names, json_string(name));
    return names;
}

/* The word of an answer: what a verdict decided; what became of an alert. */
static const char *word_of(const json_t *answer, const json_t *entry)
{
    const char *verdict = message_text(answer, "verdict");

    return *verdict ? verdict : message_text(entry, "kind");
}

static void differs(
    struct walk *w, const json_t *entry, const json_t *was, const json_t *now, const char *error)
{
    const json_t *question = json_object_get(json_object_get(entry, "body"), "question");
    const char *action = message_text(question, "action");
    scoped(json_done) json_t *members = differing(was, now);
    bool reworded = now && json_array_size(members) > 0;
    size_t i;
    json_t *name;

    json_array_foreach (members, i, name)
        reworded = reworded && only_wording(json_string_value(name));
    w->altered++;
    w->reworded += reworded;
    if (w->listed++ >= REPLAY_LISTED_MAX)
        return;
    json_t *line = json_pack("{s:{s:O, s:O, s:s, s:s, s:s, s:b, s:O}}", "difference", "seq",
        json_object_get(entry, "seq"), "case", json_object_get(entry, "case"), "action",
        *action ? action : message_text(entry, "kind"), "was", word_of(was, entry), "now",
        error ? error : word_of(now, entry), "reworded", (int)reworded, "members", members);
    check(line);
    say(w->out, line);
}

static void judge_again(struct walk *w, const json_t *entry)
{
    const json_t *body = json_object_get(entry, "body");
    const struct kind *kind = kind_of(entry);
    scoped(json_done) json_t *was = kind->was(body);
    json_t *question = kind->question(body);
    struct prolog_answer answer = {0};

    if (is(entry, "case_judged")) /* the others' doors are pure */
        learn_until(w, entry);
    w->replayed++;
    if (!question) {
        differs(w, entry, was, NULL, "the entry holds no question");
        return;
    }
    bool answered = prolog_ask_now(w->prolog, kind->door, question, DOOR_MS, &answer);
    scoped(json_done) json_t *now = answered ? kind->kept(prolog_answer_json(&answer)) : NULL;
    if (!now || !equal(was, now))
        differs(w, entry, was, now, now ? NULL : answer.err.message);
    prolog_answer_done(&answer);
}

/* --- the walk ------------------------------------------------------------------------------- */

static bool walk(struct walk *w, FILE *entries, struct err *err)
{
    int64_t line = 0;

    for (;;) {
        scoped(json_done) json_t *entry = NULL;
        if (!again_read(entries, &line, &entry, err))
            return false;
        if (!entry)
            return true;
        if (again_wanted(
                w->again, entry)) /* first: no entry is among the facts of its own answer */
            judge_again(w, entry);
        if (is_learned(entry))
            json_array_append(w->deeds, entry);
    }
}

static bool load_and_lock(const struct again *again, struct prolog **ret_prolog, struct err *err)
{
    const struct prolog_settings settings = {.kb_folder = again->kb,
        .site_folder = again->site,
        .workers = 1,
        .answer_bytes_max = ANSWER_BYTES_MAX};
    const char *const read[] = {again->kb, again->site, "/dev/null", "/proc/self", NULL};
    const char *const none[] = {NULL};
    const struct sandbox sandbox = {
        .deny = SANDBOX_DENY_NETWORK | SANDBOX_DENY_EXEC | SANDBOX_DENY_FORK,
        .read = read,
        .write = none,
        .execute = none};
    bool has_landlock;

    return prolog_start(&settings, ret_prolog, err) && sandbox_enter(&sandbox, &has_landlock, err);
}

int again_run(const struct again *again, FILE *entries, FILE *out)
{
    struct walk w = {.again = again, .out = out, .deeds = json_array()};
    struct err err = {0};

    bool fine = load_and_lock(again, &w.prolog, &err) && walk(&w, entries, &err);
    say(out, fine ? json_pack("{s:I, s:I, s:I}", "replayed", (json_int_t)w.replayed, "altered",
                        (json_int_t)w.altered, "reworded", (json_int_t)w.reworded)
                  : json_pack("{s:s}", "error", err.message));
    json_decref(w.deeds);
    prolog_stop(w.prolog);
    return fflush(out) == 0 && fine ? 0 : 1;
}
