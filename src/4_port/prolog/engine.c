/* SPDX-License-Identifier: Apache-2.0 */
#include "prolog/engine.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "prolog/boot.h"
#include "prolog/term.h"
#include "json/json_read.h"

#include <inttypes.h>

static const struct door {
    const char *word;
    const char *module;
    int64_t inference_limit;
} DOORS[PROLOG_DOORS] = {
#define DOOR(constant, name, inference_limit, writes)                                              \
    [PROLOG_##constant] = {#name, "door_" #name, inference_limit},
#include "prolog/doors.def"
#undef DOOR
};

static struct {
    predicate_t ask;
    functor_t door[PROLOG_DOORS]; /* name/2 */
    atom_t module[PROLOG_DOORS];
    functor_t in_module; /* (:)/2 */
    functor_t limit, threw;
    atom_t done, aborted;
} names;

const char *prolog_door_word(enum prolog_door door)
{
    check((size_t)door < PROLOG_DOORS);
    return DOORS[door].word;
}

bool prolog_door_from_word(struct str word, enum prolog_door *ret_door, struct err *err)
{
    for (size_t i = 0; i < PROLOG_DOORS; i++)
        if (str_eq(word, str_from(DOORS[i].word))) {
            *ret_door = (enum prolog_door)i;
            return true;
        }
    struct str shown = str_utf8_prefix((struct str){word.at, word.len < 64 ? word.len : 64});
    return err_code(
        err, ERR_INPUT, "unknown_door", NULL, "the rules have no door '%.*s'", STR(shown));
}

void engine_open_doors(void)
{
    term_open();
    names.ask = PL_predicate("ask", 3, BOOT_MODULE);
    names.in_module = PL_new_functor(PL_new_atom(":"), 2);
    names.limit = PL_new_functor(PL_new_atom("limit"), 1);
    names.threw = PL_new_functor(PL_new_atom("threw"), 1);
    names.done = PL_new_atom("done");
    names.aborted = PL_new_atom("$aborted");
    for (size_t i = 0; i < PROLOG_DOORS; i++) {
        names.door[i] = PL_new_functor(PL_new_atom(DOORS[i].word), 2);
        names.module[i] = PL_new_atom(DOORS[i].module);
    }
}

void engine_init(struct engine *engine)
{
    pthread_mutex_init(&engine->mutex, NULL);
    engine->thread = PL_thread_self();
    check(engine->thread > 0);
}

static void begin(struct engine *engine, enum prolog_door door, int64_t deadline_at_ms)
{
    pthread_mutex_lock(&engine->mutex);
    engine->running = ++engine->asked;
    engine->door = door;
    engine->deadline_at_ms = deadline_at_ms;
    pthread_mutex_unlock(&engine->mutex);
}

/* A kill that comes late dies here, and not in the next question. */
static void end(struct engine *engine)
{
    pthread_mutex_lock(&engine->mutex);
    engine->running = 0;
    pthread_mutex_unlock(&engine->mutex);
    if (PL_handle_signals() < 0)
        PL_clear_exception();
}

static bool was_killed(struct engine *engine)
{
    pthread_mutex_lock(&engine->mutex);
    bool killed = engine->killed == engine->running;
    pthread_mutex_unlock(&engine->mutex);
    return killed;
}

static bool rule_error(struct err *err, enum prolog_door door, const char *what)
{
    return err_code(err, ERR_SYSTEM, "rule_error", NULL, "the rules behind door '%s' are wrong: %s",
        DOORS[door].word, what);
}

static bool over_limit(struct err *err, enum prolog_door door, const char *what)
{
    const char *code = "stack_limit", *words = "its stack";

    if (strcmp(what, "inferences") == 0) {
        code = "inference_limit";
        words = "its inferences";
    } else if (strstr(what, "table")) {
        code = "table_limit";
        words = "its table space";
    }
    return err_code(err, ERR_LIMIT, code, NULL,
        "the rules behind door '%s' used up %s (%s); ask for less", DOORS[door].word, words, what);
}

static bool over_deadline(struct err *err, enum prolog_door door)
{
    return err_code(err, ERR_LIMIT, "deadline", NULL,
        "the rules behind door '%s' did not answer in time and were stopped", DOORS[door].word);
}

/* The status is limit(What) or threw(Text). */
static bool not_done(term_t status, enum prolog_door door, struct err *err)
{
    term_t what = PL_new_term_ref();
    char *chars;
    size_t len;

    PL_STRINGS_MARK(); /* opens a block: no return before RELEASE */
    check(PL_get_arg(1, status, what));
    if (!PL_get_nchars(what, &len, &chars, CVT_ATOM | CVT_STRING | REP_UTF8)) {
        PL_clear_exception();
        rule_error(err, door, "an exception that has no text");
    } else if (PL_is_functor(status, names.limit)) {
        over_limit(err, door, chars);
    } else {
        rule_error(err, door, chars);
    }
    PL_STRINGS_RELEASE();
    return false;
}

/* What came through ask/3 itself: our abort, or an overflow in its last step. */
static bool exception(struct engine *engine, term_t ball, enum prolog_door door, struct err *err)
{
    atom_t atom;

    if (was_killed(engine))
        return over_deadline(err, door);
    if (PL_get_atom(ball, &atom) && atom == names.aborted)
        return rule_error(err, door, "it called abort");
    return over_limit(err, door, "stack");
}

/* {"error":{…}} and nothing else is a refusal of the question. */
static bool refusal(struct str answer, enum prolog_door door, struct err *err)
{
    scoped(json_done) json_t *value = NULL;
    const char *kind = NULL, *code = "", *param = "", *message = "";

    if (!str_starts(answer, S("{\"error\":{")))
        return false;
    if (!json_read(answer, answer.len, &value, err) || json_object_size(value) != 1)
        return false;
    if (json_unpack(json_object_get(value, "error"), "{s:s, s?s, s?s, s:s}", "kind", &kind, "code",
            &code, "param", &param, "message", &message) < 0)
        rule_error(err, door, "its error lacks kind or message");
    else if (strcmp(kind, err_word(err_from_word(kind))) != 0 || err_from_word(kind) == ERR_NONE)
        rule_error(err, door, "its error is of a kind that we do not have");
    else
        err_code(err, err_from_word(kind), code, param, "%s", message);
    return true;
}

static bool run(struct engine *engine, enum prolog_door door, int64_t inferences, term_t goal,
    term_t out, struct buf *text, struct err *err)
{
    term_t args = PL_new_term_refs(3), limit = args + 1, status = args + 2;
    bool done = false;

    if (!args || !PL_put_term(args, goal) || !PL_put_int64(limit, inferences))
        return over_limit(err, door, "stack");
    qid_t query = PL_open_query(NULL, PL_Q_NODEBUG | PL_Q_CATCH_EXCEPTION, names.ask, args);
    if (!query)
        return over_limit(err, door, "stack");
    if (PL_next_solution(query)) {
        atom_t word;
        done = PL_get_atom(status, &word) && word == names.done ? term_write(out, text, err)
                                                                : not_done(status, door, err);
    } else {
        term_t ball = PL_exception(query);
        done = ball ? exception(engine, ball, door, err)
                    : rule_error(err, door, "it has no answer (it failed)");
    }
    PL_cut_query(query);
    return done;
}

/* door_NAME:NAME(In, Out) */
static bool make_goal(
    const struct engine_question *asked, term_t ret_goal, term_t out, struct err *err)
{
    enum prolog_door door = asked->door;
    term_t question = PL_new_term_refs(3), call = question + 1, module = question + 2;

    if (!question)
        return over_limit(err, door, "stack");
    if (!(asked->in ? term_build(question, asked->in, err)
                    : term_build_tape(question, asked->tape, asked->token, err)))
        return false;
    if (!PL_put_atom(module, names.module[door]) ||
        !PL_cons_functor(call, names.door[door], question, out) ||
        !PL_cons_functor(ret_goal, names.in_module, module, call)) {
        PL_clear_exception();
        return over_limit(err, door, "stack");
    }
    return true;
}

bool engine_ask(struct engine *engine, struct watchdog *watchdog,
    const struct engine_question *question, const struct engine_limits *limits, struct buf *out,
    struct err *err)
{
    enum prolog_door door = question->door;
    int64_t inferences = limits->inferences ? limits->inferences : DOORS[door].inference_limit;
    size_t before = out->len;
    bool done = false;

    check((size_t)door < PROLOG_DOORS && PL_thread_self() == engine->thread);
    begin(engine, door, limits->deadline_at_ms);
    watchdog_expect(watchdog, limits->deadline_at_ms);

    PL_STRINGS_MARK();
    fid_t frame = PL_open_foreign_frame();
    if (frame) {
        term_t goal = PL_new_term_refs(2), answer = goal + 1;
        done = goal && make_goal(question, goal, answer, err) &&
               run(engine, door, inferences, goal, answer, out, err);
        end(engine);
        PL_discard_foreign_frame(frame);
    } else {
        end(engine);
        over_limit(err, door, "stack");
    }
    PL_STRINGS_RELEASE();
    if (done && refusal((struct str){out->at + before, out->len - before}, door, err))
        done = false;
    if (!done) {
        out->len = before;
        out->overflowed = false;
    }
    return done;
}
