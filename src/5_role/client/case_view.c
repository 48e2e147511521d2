/* SPDX-License-Identifier: Apache-2.0 */
#include "client/case_view.h"

#include "base/scoped.h"
#include "client/plan_view.h"
#include "json/json_text.h"

#include <stdio.h>
#include <string.h>

#define LINE_BYTES_MAX (64u << 10)
#define PROOF_DEPTH_MAX 12 /* deeper steps are in --json */
#define SHOWN_MAX 12       /* members of a list beside an answer in words; more are in --json */

static const struct status_row {
    const char *word;
    enum client_exit exit;
    enum style style;
    bool ended;
} STATUS_ROWS[] = {
    {"success", EXIT_DONE, GREEN, true},
    {"understood", EXIT_DONE, GREEN, true},
    {"done", EXIT_DONE, GREEN, true},
    {"awaiting_consent", EXIT_CONSENT, YELLOW, false},
    {"awaiting", EXIT_CONSENT, YELLOW, false},
    {"denied", EXIT_DENIED, RED, true},
    {"refused", EXIT_DENIED, RED, true},
    {"question", EXIT_QUESTION, YELLOW, true},
    {"not_understood", EXIT_QUESTION, YELLOW, true},
    {"failed", EXIT_TROUBLE, RED, true},
    {"expired", EXIT_TROUBLE, RED, true},
    {"proposed", EXIT_DONE, CYAN, false},
    {"judged", EXIT_DONE, CYAN, false},
    {"planned", EXIT_DONE, CYAN, false},
    {"consented", EXIT_DONE, CYAN, false},
    {"acting", EXIT_DONE, CYAN, false},
    {"working", EXIT_DONE, CYAN, false},
};

static const struct status_row *row_of(struct str status)
{
    static const struct status_row STRANGER = {"", EXIT_TROUBLE, PLAIN, false};

    for (size_t i = 0; i < COUNT(STATUS_ROWS); i++)
        if (str_eq(status, str_from(STATUS_ROWS[i].word)))
            return &STATUS_ROWS[i];
    return &STRANGER;
}

enum client_exit case_exit(struct str status)
{
    return row_of(status)->exit;
}

enum style case_style(struct str status)
{
    return row_of(status)->style;
}

bool case_ended(struct str state)
{
    return row_of(state)->ended;
}

struct str case_view_time(struct str at, char scratch[CASE_TIME_BYTES])
{
    if (at.len < 19 || at.at[10] != 'T')
        return at;
    snprintf(scratch, CASE_TIME_BYTES, "%.10s %.8s", at.at, at.at + 11);
    return str_from(scratch);
}

void case_view_params(struct buf *out, const json_t *params)
{
    const char *name;
    json_t *value;
    struct err ignored;

    json_object_foreach ((json_t *)params, name, value) {
        buf_printf(out, "%s%s=", out->len ? " " : "", name);
        if (json_is_string(value))
            buf_add(out, (struct str){json_string_value(value), json_string_length(value)});
        else
            (void)json_plain(value, out, &ignored);
    }
}

static void view_action(const struct screen *screen, const char *label, const json_t *intent)
{
    scoped(buf_done) struct buf line = buf_of(LINE_BYTES_MAX);

    if (!json_is_object(intent))
        return;
    buf_add(&line, json_str(intent, "action"));
    buf_add_char(&line, ' ');
    scoped(buf_done) struct buf params = buf_of(LINE_BYTES_MAX);
    case_view_params(&params, json_object_get(intent, "params"));
    buf_add(&line, buf_str(&params));
    screen_field(screen, label, CYAN, buf_str(&line));
}

/* A list of strings, or of objects with "words". */
static void view_words_list(
    const struct screen *screen, const char *mark, enum style style, const json_t *list)
{
    size_t i;
    json_t *member;

    json_array_foreach (list, i, member) {
        struct str words = json_is_string(member)
                               ? (struct str){json_string_value(member), json_string_length(member)}
                               : json_str(member, "words");
        struct str rule = json_str(member, "rule");
        if (rule.len)
            screen_print(screen, style, "    %s %.*s  [%.*s]\n", mark, STR(words), STR(rule));
        else
            screen_print(screen, style, "    %s %.*s\n", mark, STR(words));
    }
}

static void view_proof(const struct screen *screen, const json_t *proof, int depth)
{
    struct str words = json_str(proof, "words");
    size_t i;
    json_t *step;

    if (!words.len)
        words = json_str(proof, "goal");
    if (!words.len || depth == PROOF_DEPTH_MAX)
        return;
    screen_print(
        screen, PLAIN, "    %*s%s%.*s\n", 2 * depth, "", depth ? "because " : "", STR(words));
    json_array_foreach (json_object_get(proof, "because"), i, step)
        view_proof(screen, step, depth + 1);
}

void case_view_why(const struct screen *screen, const json_t *verdict)
{
    struct str decision = json_str(verdict, "verdict");
    bool deny = str_eq(decision, S("deny"));

    screen_field(screen, "verdict",
        deny                            ? RED
        : str_eq(decision, S("permit")) ? GREEN
                                        : YELLOW,
        decision);
    screen_field(screen, "tier", PLAIN, json_str(verdict, "tier"));
    screen_paragraph(screen, 2, json_str(verdict, "words"));
    if (json_array_size(json_object_get(verdict, "reasons"))) {
        screen_print(screen, BOLD, "\n  Reasons\n");
        view_words_list(screen, "·", PLAIN, json_object_get(verdict, "reasons"));
    }
    if (json_is_object(json_object_get(verdict, "proof"))) {
        screen_print(screen, BOLD, "\n  Proof\n");
        view_proof(screen, json_object_get(verdict, "proof"), 0);
    }
    if (json_array_size(json_object_get(verdict, "would_permit"))) {
        screen_print(screen, BOLD, "\n  It would be permitted if\n");
        view_words_list(screen, "·", GREEN, json_object_get(verdict, "would_permit"));
    }
}

static void view_question(const struct screen *screen, const json_t *question)
{
    size_t i;
    json_t *missing;

    if (!json_is_object(question))
        return;
    screen_field(screen, "question", YELLOW, json_str(question, "text"));
    json_array_foreach (json_object_get(question, "missing"), i, missing)
        if (json_is_string(missing))
            screen_field(
                screen, i == 0 ? "missing" : "", PLAIN, str_from(json_string_value(missing)));
}

/* Is it said already, word for word? */
static bool is_within(struct str all, struct str part)
{
    return part.len == 0 || memmem(all.at, all.len, part.at, part.len);
}

/* What has words is told by them, behind its name where they do not name it; nested lists are for
 * --json. False: there is nothing that was not said. */
static bool add_member(struct buf *line, const json_t *member, struct str said)
{
    struct str words = json_str(member, "words"), name = json_str(member, "name");
    struct str host = json_str(member, "host");
    const char *key;
    json_t *value;

    if (json_is_string(member))
        buf_add(line, (struct str){json_string_value(member), json_string_length(member)});
    else if (words.len) {
        if (!is_within(words, name))
            buf_printf(line, "%.*s%s%.*s: ", STR(name), host.len ? " " : "", STR(host));
        buf_add(line, words);
        return !is_within(said, words);
    } else {
        scoped(json_done) json_t *flat = json_object();
        json_object_foreach ((json_t *)member, key, value)
            if (!json_is_array(value))
                json_object_set(flat, key, value);
        case_view_params(line, flat);
    }
    return line->len && !is_within(said, buf_str(line));
}

static void view_list(
    const struct screen *screen, const char *label, const json_t *list, struct str said)
{
    size_t i, shown = 0, left_out = 0;
    json_t *member;

    json_array_foreach (list, i, member) {
        scoped(buf_done) struct buf line = buf_of(LINE_BYTES_MAX);
        if (!add_member(&line, member, said))
            continue;
        if (said.len && shown == SHOWN_MAX)
            left_out++;
        else
            screen_field(screen, shown++ == 0 ? label : "", PLAIN, buf_str(&line));
    }
    if (left_out)
        screen_print(screen, DIM, "  %-14s… and %zu more: --json\n", "", left_out);
}

/* An answer of the judge itself: a list of things, or one thing. `said`: its words, which stand
 * above and are not said again. */
static void view_payload(const struct screen *screen, const json_t *payload, struct str said)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)payload, name, value) {
        char scratch[SCRATCH_BYTES], label[SCRATCH_BYTES];
        if (said.len && strcmp(name, "words") == 0)
            continue;
        snprintf(label, sizeof label, "%s", name);
        for (char *at = label; (at = strchr(at, '_'));)
            *at = ' ';
        if (json_is_array(value)) {
            view_list(screen, label, value, said);
            continue;
        }
        scoped(buf_done) struct buf line = buf_of(LINE_BYTES_MAX);
        if (json_is_object(value))
            (void)add_member(&line, value, S(""));
        else
            buf_add(&line, json_text(payload, name, scratch));
        screen_field(screen, label, PLAIN, buf_str(&line));
    }
}

static void view_next(const struct screen *screen, struct str status, struct str id)
{
    if (str_eq(status, S("awaiting_consent")) && id.len)
        screen_print(
            screen, YELLOW, "\n  It waits for a signature:  logicctl approve %.*s\n", STR(id));
    else if (str_eq(status, S("denied")) && id.len)
        screen_print(screen, DIM, "\n  The proof:  logicctl why %.*s\n", STR(id));
}

static void view_examples(const struct screen *screen, const json_t *answer)
{
    const json_t *examples = json_object_get(answer, "examples");

    if (!json_array_size(examples))
        examples = json_object_get(json_object_get(answer, "question"), "examples");
    if (!json_array_size(examples))
        return;
    screen_print(screen, PLAIN, "  Sentences like these are understood:\n");
    view_words_list(screen, "·", CYAN, examples);
}

static enum client_exit view_one(const struct screen *screen, const json_t *answer)
{
    struct str status = json_str(answer, "status"), id = json_str(answer, "case");
    const json_t *verdict = json_object_get(answer, "verdict");
    const json_t *plan = json_object_get(answer, "plan");
    const json_t *intents = json_object_get(answer, "intents");
    /* A question that was answered: the answer itself, not that it was allowed to ask. */
    struct str said = json_str(json_object_get(answer, "execution"), "words");
    bool denied = str_eq(status, S("denied"));
    size_t i;
    json_t *intent;

    screen_text(screen, case_style(status), status);
    screen_print(screen, PLAIN, "%s%.*s\n", id.len ? "  " : "", STR(id));
    screen_paragraph(screen, 2, said.len ? said : json_str(answer, "text"));
    if (json_array_size(intents) > 1)
        json_array_foreach (intents, i, intent)
            view_action(screen, i == 0 ? "understood" : "", intent);
    else
        view_action(screen, "understood",
            json_array_size(intents) ? json_array_get(intents, 0)
                                     : json_object_get(answer, "intent"));
    view_question(screen, json_object_get(answer, "question"));
    view_examples(screen, answer);
    if (denied) {
        view_words_list(screen, "·", PLAIN, json_object_get(verdict, "reasons"));
        if (json_array_size(json_object_get(verdict, "would_permit")))
            screen_print(screen, PLAIN, "  It would be permitted if\n");
        view_words_list(screen, "·", GREEN, json_object_get(verdict, "would_permit"));
    }
    plan_view_diff(screen, json_object_get(plan, "diff"));
    view_payload(screen, json_object_get(answer, "execution"), said);
    view_next(screen, status, id);
    return case_exit(status);
}

enum client_exit case_view_answer(const struct screen *screen, const json_t *answer)
{
    const json_t *results = json_object_get(answer, "results");
    size_t i;
    json_t *result;

    if (json_array_size(results) == 0)
        return view_one(screen, answer);
    screen_paragraph(screen, 0, json_str(answer, "text"));
    json_array_foreach (results, i, result)
        (void)view_one(screen, result);
    return case_exit(json_str(answer, "status"));
}

static void view_history(const struct screen *screen, const json_t *history)
{
    static const char *const TITLES[] = {"SEQ", "AT (UTC)", "STEP"};
    scoped(table_done) struct table table = {0};
    size_t i;
    json_t *step;

    if (json_array_size(history) == 0)
        return;
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach (history, i, step) {
        char seq[SCRATCH_BYTES], at[CASE_TIME_BYTES];
        struct str row[] = {json_text(step, "seq", seq), case_view_time(json_str(step, "at"), at),
            json_str(step, "kind")};
        table_add(&table, row, NULL);
    }
    fputc('\n', screen->out);
    table_print(&table, screen);
}

static void view_consents(const struct screen *screen, const json_t *consents)
{
    size_t i;
    json_t *consent;

    json_array_foreach (consents, i, consent) {
        char line[256];
        snprintf(line, sizeof line, "%.*s with %.*s %.*s", STR(json_str(consent, "person")),
            STR(json_str(consent, "how")), STR(json_str(consent, "key_id")));
        screen_field(screen, i == 0 ? "signed by" : "", GREEN, str_from(line));
    }
}

static void view_refusal(const struct screen *screen, const json_t *refusal)
{
    char line[256];

    if (!json_is_object(refusal))
        return;
    snprintf(line, sizeof line, "%.*s with %.*s %.*s", STR(json_str(refusal, "person")),
        STR(json_str(refusal, "how")), STR(json_str(refusal, "key_id")));
    screen_field(screen, "refused by", RED, str_from(line));
    screen_field(screen, "because", PLAIN, json_str(refusal, "reason"));
}

void case_view_full(const struct screen *screen, const json_t *view)
{
    struct str status = json_str(view, "status"), id = json_str(view, "id");
    const json_t *verdict = json_object_get(view, "verdict");
    const json_t *plan = json_object_get(view, "plan");
    char at[CASE_TIME_BYTES];

    screen_text(screen, case_style(status), status);
    screen_print(screen, PLAIN, "  %.*s\n", STR(id));
    screen_paragraph(screen, 2, json_str(verdict, "words"));
    view_action(screen, "action", view);
    screen_field(screen, "said", PLAIN, json_str(view, "nl"));
    screen_field(screen, "by", PLAIN, json_str(json_object_get(view, "by"), "principal"));
    screen_field(screen, "via",
        str_eq(json_str(json_object_get(view, "by"), "via"), S("model")) ? YELLOW : PLAIN,
        json_str(json_object_get(view, "by"), "via"));
    screen_field(screen, "opened", PLAIN, case_view_time(json_str(view, "opened_at"), at));
    screen_field(screen, "updated", PLAIN, case_view_time(json_str(view, "updated_at"), at));
    if (!case_ended(status))
        screen_field(screen, "expires", PLAIN, case_view_time(json_str(view, "expires_at"), at));
    view_consents(screen, json_object_get(view, "consents"));
    view_refusal(screen, json_object_get(view, "refusal"));
    screen_field(screen, "plan", DIM, json_str(view, "plan_sha256"));
    screen_field(screen, "error", RED, json_str(json_object_get(view, "error"), "message"));
    plan_view_diff(screen, json_object_get(plan, "diff"));
    view_payload(screen, json_object_get(view, "execution"),
        json_str(json_object_get(view, "execution"), "words"));
    view_history(screen, json_object_get(view, "history"));
    view_next(screen, status, id);
}
