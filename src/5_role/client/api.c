/* SPDX-License-Identifier: Apache-2.0 */
#include "client/api.h"

#include "base/scoped.h"
#include "client/home.h"
#include "json/json_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_SHOWN_AFTER_S 1
#define ERROR_BODY_SHOWN_BYTES 200

static void headers_done(struct curl_slist **list)
{
    curl_slist_free_all(*list);
    *list = NULL;
}

static bool choose_address(struct api *api, const struct options *options, struct err *err)
{
    char socket_path[PATH_MAX];

    if (options->url) {
        if (!str_starts(str_from(options->url), S("http://")) &&
            !str_starts(str_from(options->url), S("https://")))
            return err_set(
                err, ERR_INPUT, "--url '%s' must begin with http:// or https://", options->url);
        struct str url = str_from(options->url);
        while (str_ends(url, S("/")))
            url.len--;
        if (url.len >= sizeof api->base)
            return err_set(err, ERR_LIMIT, "--url is longer than %zu bytes", sizeof api->base);
        snprintf(api->base, sizeof api->base, "%.*s", STR(url));
    } else {
        char home[PATH_MAX];
        home_find(options, home);
        snprintf(api->base, sizeof api->base, "%s", *home ? "http://localhost" : HOME_URL_STANDARD);
        if (*home) {
            if (!home_path(options, "run/api.sock", socket_path, err))
                return false;
            curl_easy_setopt(api->curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
            snprintf(api->where, sizeof api->where, "%s", socket_path);
            return true;
        }
        snprintf(api->where, sizeof api->where, "%s, and no node's folder is here (--home DIR)",
            api->base);
        return true;
    }
    snprintf(api->where, sizeof api->where, "%s", api->base);
    return true;
}

bool api_open(struct api *api, const struct options *options, struct err *err)
{
    *api = (struct api){.on_terminal = isatty(STDERR_FILENO) && !options->json};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(api->curl = curl_easy_init()))
        return err_set(err, ERR_SYSTEM, "cannot start libcurl");
    return choose_address(api, options, err);
}

void api_done(struct api *api)
{
    curl_easy_cleanup(api->curl);
    curl_global_cleanup();
    *api = (struct api){0};
}

static size_t take_bytes(char *at, size_t size, size_t count, void *context)
{
    struct buf *out = context;

    buf_add(out, (struct str){at, size * count});
    return out->overflowed ? 0 : count;
}

struct waiting {
    const struct api *api;
    curl_off_t shown_s;
};

/* After a second of silence a person wants to know that something happens. */
static int show_waiting(
    void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    struct waiting *waiting = context;
    curl_off_t spent_us = 0;

    (void)total, (void)now, (void)up_total, (void)up_now;
    curl_easy_getinfo(waiting->api->curl, CURLINFO_TOTAL_TIME_T, &spent_us);
    curl_off_t spent_s = spent_us / 1000000;
    if (waiting->api->on_terminal && spent_s >= WAIT_SHOWN_AFTER_S && spent_s > waiting->shown_s) {
        fprintf(stderr, "\r… waiting for the node, %" CURL_FORMAT_CURL_OFF_T " s", spent_s);
        waiting->shown_s = spent_s;
    }
    return 0;
}

static void set_common(
    struct api *api, const char *method, const char *path, struct curl_slist *headers)
{
    char url[sizeof api->base + API_PATH_BYTES_MAX];

    snprintf(url, sizeof url, "%s%s", api->base, path);
    curl_easy_setopt(api->curl, CURLOPT_URL, url);
    curl_easy_setopt(api->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(api->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(api->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(
        api->curl, CURLOPT_NOPROXY, "*"); /* never through a proxy of the environment */
    curl_easy_setopt(api->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(api->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)API_CONNECT_MS);
    curl_easy_setopt(api->curl, CURLOPT_USERAGENT, "logicctl/" LOGIC_NODE_VERSION);
}

static bool transport_error(
    const struct api *api, CURLcode code, const struct buf *out, struct err *err)
{
    if (code == CURLE_WRITE_ERROR && out && out->overflowed)
        return err_set(err, ERR_LIMIT, "the answer of %s is longer than %zu bytes; ask for less",
            api->where, out->bytes_max);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_code(err, ERR_PEER, "silent", NULL,
            "the node at %s did not answer in time; what it did stands in `logicctl cases`",
            api->where);
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST)
        return err_code(err, ERR_PEER, "unreachable", NULL,
            "the node does not answer at %s — is it running? `make run` starts it", api->where);
    return err_code(err, ERR_PEER, "broken_off", NULL,
        "the exchange with %s broke off (%s); what happened stands in `logicctl cases`", api->where,
        curl_easy_strerror(code));
}

static enum err_kind kind_of_status(long status)
{
    if (status == 401 || status == 403)
        return ERR_DENIED;
    if (status == 408 || status == 409 || status == 410 || status >= 500)
        return ERR_PEER;
    return status == 429 ? ERR_LIMIT : ERR_INPUT;
}

/* {"error":{"message","type","param","code"}} */
static bool answer_error(
    const struct api *api, long status, const struct buf *body, struct err *err)
{
    scoped(json_done) json_t *document = NULL;
    struct err unread; /* an answer that is no JSON is told by its status */
    (void)json_read(buf_str(body), body->bytes_max, &document, &unread);
    const json_t *error = json_object_get(document, "error");
    const char *message = json_string_value(json_object_get(error, "message"));
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *param = json_string_value(json_object_get(error, "param"));

    if (!message) {
        struct str shown = buf_str(body);
        shown.len = shown.len < ERROR_BODY_SHOWN_BYTES ? shown.len : ERROR_BODY_SHOWN_BYTES;
        return err_code(err, kind_of_status(status), "no_words", NULL,
            "%s answered HTTP %ld without a reason we can read: %.*s", api->where, status,
            STR(shown));
    }
    return err_code(err, kind_of_status(status), code, param, "%s", message);
}

bool api_call(struct api *api, const char *method, const char *path, const json_t *body,
    struct buf *out, struct err *err)
{
    scoped(headers_done) struct curl_slist *headers =
        curl_slist_append(NULL, "Content-Type: application/json");
    scoped(free_done) char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    scoped(buf_done) struct buf answer = buf_of(out->bytes_max);
    struct waiting waiting = {.api = api};
    long status = 0;

    headers = curl_slist_append(headers, "Expect:");
    set_common(api, method, path, headers);
    curl_easy_setopt(api->curl, CURLOPT_POSTFIELDS, text);
    if (!text && strcmp(method, "GET") == 0)
        curl_easy_setopt(api->curl, CURLOPT_HTTPGET, 1L);
    else if (!text)
        curl_easy_setopt(api->curl, CURLOPT_POSTFIELDSIZE, 0L);
    else
        curl_easy_setopt(api->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(text));
    curl_easy_setopt(api->curl, CURLOPT_TIMEOUT_MS, (long)API_CALL_MS);
    curl_easy_setopt(api->curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(api->curl, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(api->curl, CURLOPT_XFERINFOFUNCTION, show_waiting);
    curl_easy_setopt(api->curl, CURLOPT_XFERINFODATA, &waiting);
    curl_easy_setopt(api->curl, CURLOPT_NOPROGRESS, 0L);
    CURLcode code = curl_easy_perform(api->curl);
    if (waiting.shown_s)
        fputs("\r\033[K", stderr);
    if (code != CURLE_OK)
        return transport_error(api, code, &answer, err);
    curl_easy_getinfo(api->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299)
        return answer_error(api, status, &answer, err);
    buf_add(out, buf_str(&answer));
    return true;
}

struct following {
    struct api *api;
    bool (*take)(void *context, struct str bytes);
    void *context;
    struct buf refusal; /* the body of an answer that is no stream */
    bool stopped;
};

static size_t follow_bytes(char *at, size_t size, size_t count, void *context)
{
    struct following *following = context;
    struct str bytes = {at, size * count};
    long status = 0;

    curl_easy_getinfo(following->api->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        buf_add(&following->refusal, bytes);
        return count;
    }
    following->stopped = !following->take(following->context, bytes);
    return following->stopped ? 0 : count;
}

bool api_follow(struct api *api, const char *path, const char *last_event_id,
    bool (*take)(void *context, struct str bytes), void *context, struct err *err)
{
    scoped(headers_done) struct curl_slist *headers =
        curl_slist_append(NULL, "Accept: text/event-stream");
    struct following following = {
        .api = api, .take = take, .context = context, .refusal = buf_of(ERR_MESSAGE_BYTES_MAX)};
    char resume[64];
    long status = 0;
    bool fine = true;

    if (*last_event_id) {
        snprintf(resume, sizeof resume, "Last-Event-ID: %.40s", last_event_id);
        headers = curl_slist_append(headers, resume);
    }
    set_common(api, "GET", path, headers);
    curl_easy_setopt(api->curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(api->curl, CURLOPT_TIMEOUT_MS, 0L);
    curl_easy_setopt(api->curl, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(api->curl, CURLOPT_WRITEFUNCTION, follow_bytes);
    curl_easy_setopt(api->curl, CURLOPT_WRITEDATA, &following);
    CURLcode code = curl_easy_perform(api->curl);
    curl_easy_getinfo(api->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK && !following.stopped)
        fine = transport_error(api, code, NULL, err);
    else if (status != 200)
        fine = answer_error(api, status, &following.refusal, err);
    buf_done(&following.refusal);
    return fine;
}
