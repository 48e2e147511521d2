/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/call.h"

#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "json/json_read.h"

#include <curl/curl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct call {
    uv_work_t work;
    atomic_bool cancelled;
    char *socket, *path, *body;
    uint16_t port;
    int64_t limit_ms;
    long status;
    struct buf reply;
    char why[CURL_ERROR_SIZE];
    void (*done)(void *user, int status, struct str body, const char *why);
    void *user;
};

static size_t on_bytes(char *bytes, size_t size, size_t count, void *user)
{
    struct call *call = user;

    buf_add(&call->reply, (struct str){bytes, size * count});
    return call->reply.overflowed || call->cancelled ? 0 : size * count;
}

static int on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct call *call = user;

    (void)a, (void)b, (void)c, (void)d;
    return call->cancelled;
}

/* On a worker. */
static void perform(uv_work_t *work)
{
    struct call *call = work->data;
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = NULL;
    char url[256];

    if (!curl)
        return;
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", call->socket ? 80U : call->port, call->path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)call->limit_ms);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, call->why);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, call);
    if (call->socket)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, call->socket);
    if (call->body) {
        headers = curl_slist_append(headers, "Content-Type: application/json");
        headers = curl_slist_append(headers, "Expect:");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body);
    }
    headers = curl_slist_append(headers, "Connection: close");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &call->status);
    else if (!call->why[0])
        snprintf(call->why, sizeof call->why, "%s", curl_easy_strerror(code));
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}

static void on_done(uv_work_t *work, int status)
{
    struct call *call = work->data;

    (void)status;
    if (!call->cancelled)
        call->done(call->user, (int)call->status, buf_str(&call->reply), call->why);
    free(call->socket);
    free(call->path);
    free(call->body);
    buf_done(&call->reply);
    free(call);
}

static char *copy(const char *text)
{
    return text ? str_dup(str_from(text)) : NULL;
}

void call_start(uv_loop_t *loop, const struct call_order *order,
    void (*done)(void *user, int status, struct str body, const char *why), void *user,
    struct call **ret_call)
{
    struct call *call = calloc(1, sizeof *call);

    if (!call)
        panic("no memory");
    call->socket = copy(order->socket);
    call->path = copy(order->path);
    call->body = copy(order->body);
    call->port = order->port;
    call->limit_ms = order->limit_ms;
    call->reply = buf_of(CALL_REPLY_BYTES_MAX);
    call->done = done;
    call->user = user;
    call->work.data = call;
    if (uv_queue_work(loop, &call->work, perform, on_done) != 0)
        panic("uv_queue_work failed");
    *ret_call = call;
}

void call_cancel(struct call **at)
{
    if (*at)
        (*at)->cancelled = true; /* libcurl looks at it at least once a second */
    *at = NULL;
}

/* --- what the replies say ---------------------------------------------------------------- */

static json_t *read_object(struct str body)
{
    json_t *object = NULL;
    struct err ignored;

    return json_read(body, CALL_REPLY_BYTES_MAX, &object, &ignored) ? object : NULL;
}

bool call_read_health(struct str body)
{
    scoped(json_done) json_t *object = read_object(body);
    const char *status = json_string_value(json_object_get(object, "status"));

    return status && strcmp(status, "ok") == 0;
}

bool call_read_props(struct str body, int64_t *ret_slots, int64_t *ret_context)
{
    scoped(json_done) json_t *object = read_object(body);
    const json_t *slots = json_object_get(object, "total_slots");
    const json_t *settings = json_object_get(object, "default_generation_settings");
    const json_t *context = json_object_get(settings, "n_ctx");

    if (!json_is_integer(slots) || !json_is_integer(context))
        return false;
    *ret_slots = json_integer_value(slots);
    *ret_context = json_integer_value(context);
    return true;
}

bool call_read_token(struct str body)
{
    scoped(json_done) json_t *object = read_object(body);
    const json_t *choices = json_object_get(object, "choices");
    const json_t *usage = json_object_get(object, "usage");

    return json_is_array(choices) && json_array_size(choices) > 0 &&
           json_is_string(json_object_get(json_array_get(choices, 0), "text")) &&
           json_integer_value(json_object_get(usage, "completion_tokens")) >= 1;
}

bool call_read_embedding(struct str body)
{
    scoped(json_done) json_t *object = read_object(body);
    const json_t *first = json_array_get(json_object_get(object, "data"), 0);
    const json_t *vector = json_object_get(first, "embedding");
    size_t i;
    json_t *number;

    json_array_foreach (vector, i, number)
        if (!json_is_number(number) || !isfinite(json_number_value(number)))
            return false;
    json_array_foreach (vector, i, number)
        if (fabs(json_number_value(number)) > 0)
            return true;
    return false;
}

void call_words(struct str body, char ret_words[CALL_WORDS_BYTES])
{
    scoped(json_done) json_t *object = read_object(body);
    const json_t *error = json_object_get(object, "error");
    const char *message = json_string_value(json_object_get(error, "message"));
    struct str from = message ? str_from(message) : str_trim(body);
    size_t len = 0;

    for (size_t i = 0; i < from.len && len < CALL_WORDS_BYTES - 1; i++)
        if (from.at[i] >= ' ' && from.at[i] <= '~')
            ret_words[len++] = from.at[i];
    ret_words[len] = '\0';
}
