/* SPDX-License-Identifier: Apache-2.0 */
#include "model/model.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdlib.h>

#define REQUEST_BYTES_MAX (1024 * 1024) /* a catalogue of schemas and one sentence */
#define CONNECT_MS 5000
#define HEADER_BYTES_MAX 8192

struct model_call {
    uv_work_t work;
    struct model *model;
    struct model_call *next; /* of those that wait */
    void (*answered)(void *owner, const struct model_answer *answer);
    void *owner;
    int64_t asked_ms, budget_ms;
    struct model_reading reading;
    struct buf request;
    char *authorization; /* a header, or NULL */
    atomic_bool cancelled;
    /* the worker's until after_work */
    struct model_response response;
    struct err why;
};

struct model {
    uv_loop_t *loop;
    struct model_place place;
    char *name;
    int64_t calls_max, queue_max, budget_ms, response_bytes_max;
    int64_t running, waiting;
    struct model_call *first, *last; /* waiting */
    atomic_bool closed;              /* workers look at it too */
};

bool model_open(
    uv_loop_t *loop, const struct model_config *config, struct model **ret_model, struct err *err)
{
    struct model_place place;

    if (!model_place_read(config->url, &place, err))
        return false;
    struct model *model = calloc(1, sizeof *model);
    check(model);
    *model = (struct model){.loop = loop,
        .place = place,
        .name = str_dup(str_from(config->name)),
        .calls_max = config->calls_max,
        .queue_max = config->queue_max,
        .budget_ms = config->budget_ms,
        .response_bytes_max = config->response_bytes_max};
    *ret_model = model;
    return true;
}

static void call_free(struct model_call *call)
{
    buf_done(&call->request);
    json_decref(call->response.content);
    free(call->authorization);
    free(call);
}

static void model_free_if_idle(struct model *model)
{
    if (!model->closed || model->running)
        return;
    free(model->name);
    free(model);
}

/* --- on a worker -------------------------------------------------------------------- */

static size_t take_bytes(char *at, size_t size, size_t count, void *context)
{
    struct buf *response = context;

    buf_add(response, (struct str){at, size * count});
    return response->overflowed ? 0 : count;
}

/* Also between bytes: libcurl asks at least once a second. */
static int stop_if_cancelled(
    void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    struct model_call *call = context;

    (void)total, (void)now, (void)up_total, (void)up_now;
    return atomic_load(&call->cancelled) || atomic_load(&call->model->closed);
}

static bool say_failure(
    const struct model_call *call, CURLcode code, bool overflowed, struct err *err)
{
    if (overflowed)
        return err_code(err, ERR_PEER, "model_too_long", NULL,
            "the engine sent more than %zu bytes", call->reading.bytes_max);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_code(err, ERR_PEER, "model_silent", NULL,
            "the engine did not answer within %lld ms", (long long)call->budget_ms);
    return err_code(err, ERR_PEER, "model_away", NULL, "the engine cannot be asked: %s",
        curl_easy_strerror(code));
}

static void set_options(CURL *curl, struct model_call *call, struct curl_slist *headers,
    struct buf *response, int64_t left_ms)
{
    const struct model_place *place = &call->model->place;

    curl_easy_setopt(curl, CURLOPT_URL, place->url);
    if (*place->socket_path)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, place->socket_path);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"); /* never through a proxy of the environment */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->request.at);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)call->request.len);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)left_ms);
    curl_easy_setopt(
        curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(left_ms < CONNECT_MS ? left_ms : CONNECT_MS));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, response);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, stop_if_cancelled);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, call);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "logic-node/" LOGIC_NODE_VERSION);
}

static bool exchange(struct model_call *call, CURL *curl, struct curl_slist *headers,
    struct buf *response, struct err *err)
{
    int64_t left_ms = call->asked_ms + call->budget_ms - clock_steady_ms();
    char word[MODEL_CODE_BYTES] = "";
    long status = 0;

    if (left_ms <= 0)
        return say_failure(call, CURLE_OPERATION_TIMEDOUT, false, err);
    set_options(curl, call, headers, response, left_ms);
    CURLcode code = curl_easy_perform(curl);
    if (!response->overflowed)
        model_error_code(buf_str(response), word);
    if (code != CURLE_OK && !*word)
        return say_failure(call, code, response->overflowed, err);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 || *word)
        return err_code(err, ERR_PEER, "model_refused", NULL, "the engine answered HTTP %ld%s%s%s",
            status, status == 200 ? " with an error" : " instead of 200", *word ? ": " : "", word);
    return model_response_read(buf_str(response), &call->reading, &call->response, err);
}

static void on_worker(uv_work_t *work)
{
    struct model_call *call = work->data;
    scoped(buf_done) struct buf response = buf_of(call->reading.bytes_max);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURL *curl = curl_easy_init();

    headers = curl_slist_append(headers, "Expect:");
    if (call->authorization)
        headers = curl_slist_append(headers, call->authorization);
    if (!curl)
        err_code(&call->why, ERR_SYSTEM, "model_away", NULL, "cannot start libcurl");
    else
        (void)exchange(call, curl, headers, &response, &call->why);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
}

/* --- on the loop -------------------------------------------------------------------- */

static void after_worker(uv_work_t *work, int status);

static void start(struct model_call *call)
{
    call->model->running++;
    call->work.data = call;
    check(uv_queue_work(call->model->loop, &call->work, on_worker, after_worker) == 0);
}

static void start_waiting(struct model *model)
{
    while (!model->closed && model->first && model->running < model->calls_max) {
        struct model_call *call = model->first;
        model->first = call->next;
        if (!model->first)
            model->last = NULL;
        model->waiting--;
        start(call);
    }
}

static void after_worker(uv_work_t *work, int status)
{
    struct model_call *call = work->data;
    struct model *model = call->model;
    const struct model_answer answer = {.content = call->response.content,
        .name = call->response.name,
        .spent_ms = clock_steady_ms() - call->asked_ms,
        .truncated = call->response.truncated,
        .why = call->response.content ? NULL : &call->why};

    check(status == 0);
    model->running--;
    if (!atomic_load(&call->cancelled) && !model->closed)
        call->answered(call->owner, &answer);
    call_free(call);
    start_waiting(model);
    model_free_if_idle(model);
}

/* The header, or NULL. */
static char *bearer(const char *token)
{
    struct buf text = buf_of(HEADER_BYTES_MAX);

    if (!token)
        return NULL;
    buf_printf(&text, "Authorization: Bearer %s", token);
    check(!text.overflowed);
    buf_add(&text, (struct str){"", 1});
    return text.at;
}

bool model_ask(struct model *model, const struct model_question *question,
    void (*answered)(void *owner, const struct model_answer *answer), void *owner,
    struct model_call **ret_call, struct err *err)
{
    scoped(buf_done) struct buf request = buf_of(REQUEST_BYTES_MAX);

    if (model->running >= model->calls_max && model->waiting >= model->queue_max)
        return err_code(err, ERR_LIMIT, "model_busy", NULL,
            "the engine is busy: %lld calls run and %lld wait", (long long)model->running,
            (long long)model->waiting);
    if (!model_request_write(question, model->name, &request, err))
        return false;
    struct model_call *call = calloc(1, sizeof *call);
    check(call);
    call->model = model;
    call->answered = answered;
    call->owner = owner;
    call->asked_ms = clock_steady_ms();
    call->budget_ms = model->budget_ms;
    call->reading = (struct model_reading){.bytes_max = (size_t)model->response_bytes_max,
        .content_bytes_max =
            question->content_bytes_max ? question->content_bytes_max : MODEL_CONTENT_BYTES_MAX,
        .may_be_cut = question->may_be_cut};
    call->authorization = bearer(question->token);
    call->request = request;
    request = (struct buf){0};
    *ret_call = call;
    if (model->running < model->calls_max) {
        start(call);
        return true;
    }
    if (model->last)
        model->last->next = call;
    else
        model->first = call;
    model->last = call;
    model->waiting++;
    return true;
}

static bool unlink_waiting(struct model_call *call)
{
    struct model *model = call->model;

    for (struct model_call **at = &model->first, *before = NULL; *at;
         before = *at, at = &(*at)->next) {
        if (*at != call)
            continue;
        *at = call->next;
        if (model->last == call)
            model->last = before;
        model->waiting--;
        return true;
    }
    return false;
}

void model_cancel(struct model_call *call)
{
    if (unlink_waiting(call))
        call_free(call);
    else
        atomic_store(&call->cancelled, true);
}

void model_close(struct model *model)
{
    if (!model)
        return;
    while (model->first)
        model_cancel(model->first);
    model->closed = true;
    model_free_if_idle(model);
}

int64_t model_calls(const struct model *model)
{
    return model->running + model->waiting;
}
