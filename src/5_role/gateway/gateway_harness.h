/* SPDX-License-Identifier: Apache-2.0
 *
 * gateway_harness — the real gateway on a thread, a FAKE judge on another, a client of plain
 * sockets.
 *
 * The judge is fake because it is another role; what it says is what message.def allows. Its
 * `query` method obeys the name of the query: echo, refuse, silent, die, leave (hands the request
 * back, then waits for its end), leave_begun (as case 01JCASE, which goes on), raw (in the order of
 * the hot path), raw_broken, nonsense. A sentence with "gibberish" is not understood. What a test
 * puts into `answers` under a method's name (or "METHOD PRINCIPAL") is answered to it, a text there
 * is the code of a deny; the `runbook_` requests are kept in `told`.
 */
#pragma once

#include "base/buf.h"
#include "gateway/gateway.h"

#include <jansson.h>
#include <pthread.h>
#include <semaphore.h>

#define WAIT_MAX_S 20 /* only a broken gateway makes a test wait for this */

struct fake_judge {
    int fd;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t change;
    int asked;        /* requests of clients taken; `status`, `ledger`, `inference`,
                         `people` and what is of alerts do not count */
    int pages;        /* `ledger` requests taken */
    int left;         /* how often the gateway said that nothing more comes */
    int64_t entries;  /* how long its ledger is */
    int64_t page_max; /* entries a page */
    bool hold_pages;  /* do not answer `ledger` until false */
    json_t *last;     /* the last request */
    json_t *answers;  /* method: body */
    json_t *refusals; /* method: codes, each for one request */
    json_t *told;     /* requests runbook_… */
    int told_count;
};

struct node {
    struct role role;
    pthread_t thread;
    uv_async_t wake;
    sem_t done;
    int join_fd;
    bool stop;
    uint16_t port;
    char home[64];
};

/* `settings` and `more` (further configuration) are taken over; may be NULL. */
void node_open(struct node *node, json_t *settings, json_t *more);
/* Only try to open: for configurations that must be refused. */
bool node_try(json_t *more, struct err *err);
void node_close(struct node *node);

void judge_open(struct fake_judge *judge, int64_t entries);
/* Give it to the node (again). */
void judge_join(struct fake_judge *judge, struct node *node);
/* It dies. */
void judge_die(struct fake_judge *judge);
void judge_close(struct fake_judge *judge);
/* One more entry is made, and told. */
void judge_tell(struct fake_judge *judge);
/* A message of its own, e.g. an event. */
void judge_say(struct fake_judge *judge, json_t *message);
/* From now on that is answered to `method`; taken over. */
void judge_answers(struct fake_judge *judge, const char *method, json_t *body);
/* The next request `method` is refused once with that code (ERR_INPUT); more calls, more requests.
 */
void judge_refuses(struct fake_judge *judge, const char *method, const char *code);
/* The request runbook_… number `at` of that method, or NULL; a new reference. */
json_t *judge_told(struct fake_judge *judge, const char *method, int at);
/* The same, and not told: it died in between. */
void judge_make(struct fake_judge *judge);
/* Until *number is at least `least`. */
bool judge_wait(struct fake_judge *judge, const int *number, int least);
void judge_release_pages(struct fake_judge *judge);

struct reply {
    int status;
    struct buf text; /* all of it */
    struct str body;
    json_t *json; /* NULL if the body is none */
};

/* `head` are further lines, each with CR LF. One connection each. */
void ask(struct node *node, const char *method, const char *path, const char *head,
    const char *body, struct reply *reply);
void reply_done(struct reply *reply);
/* A header of the reply is there, with this text in it. */
bool reply_has(const struct reply *reply, const char *text);
/* error.code */
const char *reply_code(const struct reply *reply);

int client_open(struct node *node);
void client_send(int fd, const char *text);
bool client_until(int fd, struct buf *text, const char *mark);
bool client_ended(int fd, struct buf *text);
/* The ids in the text of a stream are exactly first … last, each once and in order. */
bool stream_has_run(struct buf *text, int64_t first, int64_t last);
