/* SPDX-License-Identifier: Apache-2.0 */
#include "prolog/prolog.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/fd.h"
#include "prolog/boot.h"
#include "prolog/engine.h"
#include "json/json_read.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK_BYTES 67108864
#define TABLE_BYTES 33554432
#define ANSWER_BYTES 1048576
#define QUESTIONS 1024
#define STUCK_MS 2000

struct question {
    struct question *next;
    enum prolog_door door;
    json_t *in;
    int64_t deadline_at_ms;
    void (*answered)(void *context, struct prolog_answer *answer);
    void *context;
    struct prolog_answer answer;
};

/* First in, first out. */
struct queue {
    struct question *first, **end;
};

struct worker {
    struct prolog *prolog;
    struct engine *engine;
    pthread_t thread;
};

/* engines[0] is the owner's, engines[1 + i] that of workers[i]. */
struct prolog {
    struct prolog_settings settings;
    int eventfd;
    struct watchdog watchdog;
    struct engine engines[1 + PROLOG_WORKERS_MAX];
    struct worker workers[PROLOG_WORKERS_MAX];
    int workers_n;

    /* The owner's alone. */
    struct question *questions; /* settings.questions_max of them */
    struct question *unused;
    struct prolog_counts counts;
    _Atomic int64_t spent_ns[PROLOG_DOORS];

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t work, writer_left;
    struct queue reading, writing, done;
    bool writer_inside, stopping;
    int sleeping, ready, failed; /* workers */
};

static const bool WRITES[PROLOG_DOORS] = {
#define DOOR(constant, name, inference_limit, writes) [PROLOG_##constant] = writes,
#include "prolog/doors.def"
#undef DOOR
};

/* ---- queues ---- */

static void queue_init(struct queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static void queue_put(struct queue *queue, struct question *question)
{
    question->next = NULL;
    *queue->end = question;
    queue->end = &question->next;
}

static struct question *queue_take(struct queue *queue)
{
    struct question *question = queue->first;

    if (question) {
        queue->first = question->next;
        if (!queue->first)
            queue->end = &queue->first;
    }
    return question;
}

/* ---- workers ---- */

/* The next question that may begin now. Writers first: they are few and others wait for what they
 * learn. */
static struct question *next_question(struct prolog *prolog)
{
    struct question *question = prolog->writer_inside ? NULL : queue_take(&prolog->writing);

    if (question) {
        prolog->writer_inside = true;
        return question;
    }
    return queue_take(&prolog->reading);
}

/* Into an answer of its own. */
static void ask_engine(struct prolog *prolog, struct engine *engine, enum prolog_door door,
    const json_t *in, const struct engine_limits *limits, struct prolog_answer *ret_answer)
{
    const struct engine_question question = {.door = door, .in = in};

    int64_t began_ns = clock_steady_ns();
    *ret_answer = (struct prolog_answer){.text = buf_of((size_t)prolog->settings.answer_bytes_max)};
    ret_answer->ok = engine_ask(
        engine, &prolog->watchdog, &question, limits, &ret_answer->text, &ret_answer->err);
    atomic_fetch_add(&prolog->spent_ns[door], clock_steady_ns() - began_ns);
    if (!ret_answer->ok)
        buf_done(&ret_answer->text);
}

static void answer_question(struct worker *worker, struct question *question)
{
    if (question->deadline_at_ms <= clock_steady_ms()) {
        question->answer = (struct prolog_answer){0};
        err_code(&question->answer.err, ERR_LIMIT, "deadline", NULL,
            "the question to door '%s' waited until its deadline; the rules are busy, try again",
            prolog_door_word(question->door));
        return;
    }
    const struct engine_limits limits = {.deadline_at_ms = question->deadline_at_ms};
    ask_engine(
        worker->prolog, worker->engine, question->door, question->in, &limits, &question->answer);
}

/* Mutex held. A worker takes the next writer itself; the owner may wait in prolog_ask_now(). */
static void writer_leaves(struct prolog *prolog)
{
    prolog->writer_inside = false;
    pthread_cond_signal(&prolog->writer_left);
}

/* One wake for all answers that come before the owner looks. */
static void wake_owner(struct prolog *prolog)
{
    uint64_t one = 1;
    ssize_t written = write(prolog->eventfd, &one, sizeof one);

    check(written == sizeof one);
}

/* Called and returns with the mutex held. */
static void work_on(struct worker *worker, struct question *question)
{
    struct prolog *prolog = worker->prolog;

    pthread_mutex_unlock(&prolog->mutex);
    answer_question(worker, question);
    pthread_mutex_lock(&prolog->mutex);
    if (WRITES[question->door])
        writer_leaves(prolog);
    bool first = !prolog->done.first;
    queue_put(&prolog->done, question);
    if (first)
        wake_owner(prolog);
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct prolog *prolog = worker->prolog;
    bool attached = PL_thread_attach_engine(NULL) > 0;
    struct question *question;

    if (attached)
        engine_init(worker->engine);
    pthread_mutex_lock(&prolog->mutex);
    prolog->ready += attached;
    prolog->failed += !attached;
    pthread_cond_broadcast(&prolog->work);
    while (attached) {
        if ((question = next_question(prolog))) {
            work_on(worker, question);
        } else if (prolog->stopping) {
            break;
        } else {
            prolog->sleeping++;
            pthread_cond_wait(&prolog->work, &prolog->mutex);
            prolog->sleeping--;
        }
    }
    pthread_mutex_unlock(&prolog->mutex);
    if (attached)
        PL_thread_destroy_engine();
    return NULL;
}

/* Signals of the process are for the owner's loop, never for a worker. */
static bool start_workers(struct prolog *prolog, struct err *err)
{
    int wanted = prolog->settings.workers, failed = 0;
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 0; i < wanted && !failed; i++) {
        struct worker *worker = &prolog->workers[i];
        *worker = (struct worker){.prolog = prolog, .engine = &prolog->engines[1 + i]};
        failed = pthread_create(&worker->thread, NULL, work, worker);
        prolog->workers_n += !failed;
    }
    pthread_mutex_lock(&prolog->mutex);
    while (prolog->ready + prolog->failed < prolog->workers_n)
        pthread_cond_wait(&prolog->work, &prolog->mutex);
    bool ready = !failed && prolog->failed == 0;
    pthread_mutex_unlock(&prolog->mutex);
    ready = ready && watchdog_start(&prolog->watchdog, prolog->engines, (size_t)(1 + wanted),
                         prolog->settings.stuck_ms, err);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ready || err_set(err, ERR_SYSTEM, "%d of %d Prolog workers start%s%s", prolog->ready,
                        wanted, failed ? ": " : "", failed ? strerror(failed) : "");
}

static void join_workers(struct prolog *prolog)
{
    pthread_mutex_lock(&prolog->mutex);
    prolog->stopping = true;
    pthread_cond_broadcast(&prolog->work);
    pthread_mutex_unlock(&prolog->mutex);
    for (int i = 0; i < prolog->workers_n; i++)
        pthread_join(prolog->workers[i].thread, NULL);
}

/* ---- start, stop ---- */

static int64_t or_standard(int64_t number, int64_t standard)
{
    return number > 0 ? number : standard;
}

static struct prolog_settings with_standards(struct prolog_settings settings)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (settings.workers <= 0)
        settings.workers = cores > 0 ? (int)cores : 1;
    if (settings.workers > PROLOG_WORKERS_MAX)
        settings.workers = PROLOG_WORKERS_MAX;
    settings.stack_bytes_max = or_standard(settings.stack_bytes_max, STACK_BYTES);
    settings.table_bytes_max = or_standard(settings.table_bytes_max, TABLE_BYTES);
    settings.answer_bytes_max = or_standard(settings.answer_bytes_max, ANSWER_BYTES);
    settings.questions_max = or_standard(settings.questions_max, QUESTIONS);
    settings.stuck_ms = or_standard(settings.stuck_ms, STUCK_MS);
    return settings;
}

static bool load_rules(const struct prolog_settings *settings, struct err *err)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/core", settings->kb_folder);
    boot_folder("core", path);
    if (settings->site_folder)
        boot_folder("site", settings->site_folder);
    if (settings->state_folder)
        boot_folder("state", settings->state_folder);
    snprintf(path, sizeof path, "%s/main.pl", settings->kb_folder);
    if (!boot_load(path, NULL, err))
        return false;
    for (size_t i = 0; i < PROLOG_DOORS; i++) {
        const char *word = prolog_door_word((enum prolog_door)i);
        if (!boot_has_door(word))
            return err_code(err, ERR_INPUT, "bad_rules", NULL,
                "%s lacks the door '%s': define %s/2 in module door_%s", path, word, word, word);
    }
    boot_loaded();
    return true;
}

static struct prolog *make(const struct prolog_settings *settings)
{
    struct prolog *prolog = calloc(1, sizeof *prolog);

    check(prolog);
    prolog->settings = *settings;
    prolog->questions = calloc((size_t)settings->questions_max, sizeof *prolog->questions);
    check(prolog->questions);
    for (int64_t i = settings->questions_max; i-- > 0;) {
        prolog->questions[i].next = prolog->unused;
        prolog->unused = &prolog->questions[i];
    }
    pthread_mutex_init(&prolog->mutex, NULL);
    pthread_cond_init(&prolog->work, NULL);
    pthread_cond_init(&prolog->writer_left, NULL);
    queue_init(&prolog->reading);
    queue_init(&prolog->writing);
    queue_init(&prolog->done);
    prolog->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return prolog;
}

static void release(struct prolog *prolog)
{
    fd_done(&prolog->eventfd);
    pthread_cond_destroy(&prolog->work);
    pthread_cond_destroy(&prolog->writer_left);
    pthread_mutex_destroy(&prolog->mutex);
    free(prolog->questions);
    free(prolog);
}

bool prolog_start(const struct prolog_settings *wanted, struct prolog **ret_prolog, struct err *err)
{
    struct prolog_settings settings = with_standards(*wanted);
    struct boot_settings boot = {settings.home, settings.stack_bytes_max, settings.table_bytes_max};

    if (!boot_start(&boot, err))
        return false;
    if (!load_rules(&settings, err)) {
        boot_stop();
        return false;
    }
    engine_open_doors();
    struct prolog *prolog = make(&settings);
    engine_init(&prolog->engines[0]);
    if (prolog->eventfd < 0)
        err_set(err, ERR_SYSTEM, "no event descriptor: %s", strerror(errno));
    if (prolog->eventfd < 0 || !start_workers(prolog, err)) {
        join_workers(prolog);
        release(prolog);
        boot_stop();
        return false;
    }
    *ret_prolog = prolog;
    return true;
}

/* What nobody has begun is answered with "stopping". Mutex held. */
static void refuse_waiting(struct prolog *prolog, struct queue *queue)
{
    struct question *question;

    while ((question = queue_take(queue))) {
        question->answer = (struct prolog_answer){0};
        err_code(&question->answer.err, ERR_SYSTEM, "stopping", NULL,
            "the rules are being stopped; ask again after the restart");
        queue_put(&prolog->done, question);
    }
}

void prolog_stop(struct prolog *prolog)
{
    if (!prolog)
        return;
    pthread_mutex_lock(&prolog->mutex);
    prolog->stopping = true;
    refuse_waiting(prolog, &prolog->reading);
    refuse_waiting(prolog, &prolog->writing);
    pthread_mutex_unlock(&prolog->mutex);
    watchdog_kill_all(&prolog->watchdog);
    join_workers(prolog);
    watchdog_stop(&prolog->watchdog);
    prolog_collect(prolog);
    release(prolog);
    boot_stop();
}

/* ---- asking ---- */

static int64_t deadline_at(int64_t deadline_ms)
{
    check(deadline_ms > 0 && deadline_ms <= PROLOG_DEADLINE_MS_MAX);
    return clock_steady_ms() + deadline_ms;
}

bool prolog_ask(struct prolog *prolog, enum prolog_door door, json_t *in, int64_t deadline_ms,
    void (*answered)(void *context, struct prolog_answer *answer), void *context, struct err *err)
{
    struct question *question = prolog->unused;

    check(in && answered && (size_t)door < PROLOG_DOORS);
    if (!question || prolog->stopping) {
        json_decref(in);
        prolog->counts.refused++;
        return err_code(err, ERR_LIMIT, "judge_busy", NULL,
            "the judge is busy: %" PRId64 " questions are under way; try again later",
            prolog->counts.under_way);
    }
    prolog->unused = question->next;
    prolog->counts.asked++;
    prolog->counts.under_way++;
    *question = (struct question){.door = door,
        .in = in,
        .answered = answered,
        .context = context,
        .deadline_at_ms = deadline_at(deadline_ms)};
    pthread_mutex_lock(&prolog->mutex);
    queue_put(WRITES[door] ? &prolog->writing : &prolog->reading, question);
    bool wake = prolog->sleeping > 0;
    pthread_mutex_unlock(&prolog->mutex);
    if (wake)
        pthread_cond_signal(&prolog->work);
    return true;
}

size_t prolog_collect(struct prolog *prolog)
{
    struct queue done;
    struct question *question;
    size_t delivered = 0;
    uint64_t wakes;
    ssize_t got = read(prolog->eventfd, &wakes, sizeof wakes);

    (void)got; /* nothing to read is no news: answers may still wait */
    pthread_mutex_lock(&prolog->mutex);
    done = prolog->done;
    if (!done.first)
        queue_init(&done);
    queue_init(&prolog->done);
    pthread_mutex_unlock(&prolog->mutex);
    while ((question = done.first)) {
        done.first = question->next;
        struct question mine = *question;
        question->next = prolog->unused; /* free first: the callback may ask again */
        prolog->unused = question;
        prolog->counts.under_way--;
        prolog->counts.answered++;
        delivered++;
        json_decref(mine.in);
        mine.answered(mine.context, &mine.answer);
        prolog_answer_done(&mine.answer);
    }
    return delivered;
}

/* A door that writes waits for the one inside; the owner's thread is the only one that can, so it
 * cannot wait for itself. */
static void enter_as_writer(struct prolog *prolog)
{
    pthread_mutex_lock(&prolog->mutex);
    while (prolog->writer_inside)
        pthread_cond_wait(&prolog->writer_left, &prolog->mutex);
    prolog->writer_inside = true;
    pthread_mutex_unlock(&prolog->mutex);
}

static void leave_as_writer(struct prolog *prolog)
{
    pthread_mutex_lock(&prolog->mutex);
    writer_leaves(prolog);
    bool next = prolog->writing.first != NULL;
    pthread_mutex_unlock(&prolog->mutex);
    if (next)
        pthread_cond_signal(&prolog->work);
}

bool prolog_ask_now(struct prolog *prolog, enum prolog_door door, json_t *in, int64_t deadline_ms,
    struct prolog_answer *ret_answer)
{
    check(in && (size_t)door < PROLOG_DOORS);
    const struct engine_limits limits = {.deadline_at_ms = deadline_at(deadline_ms)};
    if (WRITES[door])
        enter_as_writer(prolog);
    ask_engine(prolog, &prolog->engines[0], door, in, &limits, ret_answer);
    if (WRITES[door])
        leave_as_writer(prolog);
    json_decref(in);
    return ret_answer->ok;
}

enum prolog_brief prolog_ask_brief(struct prolog *prolog, enum prolog_door door,
    const struct json_tape *tape, size_t token, struct buf *out, struct err *err)
{
    const struct engine_question question = {.door = door, .tape = tape, .token = token};
    const struct engine_limits limits = {
        .deadline_at_ms = deadline_at(PROLOG_BRIEF_MS), .inferences = PROLOG_BRIEF_INFERENCES};

    check((size_t)door < PROLOG_DOORS && !WRITES[door]);
    int64_t began_ns = clock_steady_ns();
    bool answered =
        engine_ask(&prolog->engines[0], &prolog->watchdog, &question, &limits, out, err);
    atomic_fetch_add(&prolog->spent_ns[door], clock_steady_ns() - began_ns);
    if (!answered && err->kind == ERR_LIMIT)
        return PROLOG_BRIEF_NOT;
    prolog->counts.asked++;
    prolog->counts.answered++;
    return answered ? PROLOG_BRIEF_YES : PROLOG_BRIEF_ERROR;
}

json_t *prolog_answer_json(struct prolog_answer *answer)
{
    if (answer->ok && !answer->value &&
        !json_read_any(
            buf_str(&answer->text), answer->text.bytes_max, &answer->value, &answer->err))
        answer->ok = false;
    return answer->ok ? answer->value : NULL;
}

void prolog_answer_done(struct prolog_answer *answer)
{
    json_done(&answer->value);
    buf_done(&answer->text);
}

int prolog_fd(const struct prolog *prolog)
{
    return prolog->eventfd;
}

void prolog_count(const struct prolog *prolog, struct prolog_counts *ret_counts)
{
    *ret_counts = prolog->counts;
    ret_counts->killed = atomic_load(&prolog->watchdog.kills);
    ret_counts->workers = prolog->workers_n;
    for (size_t i = 0; i < PROLOG_DOORS; i++)
        ret_counts->spent_ns[i] = atomic_load(&prolog->spent_ns[i]);
}
