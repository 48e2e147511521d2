/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "base/scoped.h"
#include "host/host_inside.h"
#include "os/clock.h"
#include "json/json_read.h"
#include "json/json_take.h"
#include "json/json_text.h"

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define LINE_BYTES_MAX (64 * 1024)

struct talk {
    const struct host_ask *ask;
    struct host_heard *heard;
    CURL *curl;
    struct buf line;
    int64_t heard_ms; /* steady: the last byte, or the start */
    bool ended;       /* by the line callback */
    bool beyond;      /* too long */
    bool quiet;
};

static bool is_stopped(const struct host_call *call)
{
    return call->stop && atomic_load(call->stop);
}

static bool split_lines(struct talk *talk)
{
    struct str rest = buf_str(&talk->line), line;
    size_t used = 0;

    while (memchr(rest.at, '\n', rest.len)) {
        line = str_cut(rest, '\n', &rest);
        used += line.len + 1;
        if (!talk->ask->line(talk->ask->user, line)) {
            talk->ended = true;
            return false;
        }
    }
    buf_drop(&talk->line, used);
    return true;
}

static size_t on_bytes(char *at, size_t size, size_t count, void *user)
{
    struct talk *talk = user;
    struct str bytes = {at, size * count};
    long status = 0;

    talk->heard_ms = clock_steady_ms();
    curl_easy_getinfo(talk->curl, CURLINFO_RESPONSE_CODE, &status);
    struct buf *into = talk->ask->line && status == 200 ? &talk->line : &talk->heard->reply;
    buf_add(into, bytes);
    if (into->overflowed) {
        talk->beyond = true;
        return 0;
    }
    if (into == &talk->line && !split_lines(talk))
        return 0;
    return bytes.len;
}

static int on_progress(
    void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    struct talk *talk = user;
    const struct host_ask *ask = talk->ask;

    (void)total, (void)now, (void)up_total, (void)up_now;
    if (ask->tick)
        ask->tick(ask->user);
    talk->quiet = ask->quiet_ms && clock_steady_ms() - talk->heard_ms > ask->quiet_ms;
    return talk->quiet || is_stopped(ask->call);
}

/* --- where it is, and who we are --------------------------------------------------------- */

static bool set_local(CURL *curl, const struct host_ask *ask, struct err *err)
{
    char url[256];

    if (!ask->call->paths || !ask->call->paths->socket)
        return err_code(err, ERR_SYSTEM, "unreachable", NULL, "no local agent is configured");
    snprintf(url, sizeof url, "http://localhost%s", ask->path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, ask->call->paths->socket);
    return true;
}

/* The certificate must carry the host's own name, wherever its address may be by now. */
static bool set_remote(CURL *curl, const struct host_ask *ask, const struct host_place *place,
    struct curl_slist **ret_to, struct err *err)
{
    const char *pki = ask->call->paths ? ask->call->paths->pki : NULL;
    char url[256], to[512], path[PATH_MAX];
    const struct {
        CURLoption option;
        const char *file;
    } files[] = {{CURLOPT_CAINFO, "ca.crt"}, {CURLOPT_SSLCERT, "actuator.crt"},
        {CURLOPT_SSLKEY, "actuator.key"}};

    if (!pki)
        return err_code(err, ERR_SYSTEM, "no_certificate", NULL, "no certificates are configured");
    for (size_t i = 0; i < COUNT(files); i++) {
        if (snprintf(path, sizeof path, "%s/%s", pki, files[i].file) >= (int)sizeof path)
            return err_code(err, ERR_SYSTEM, "no_certificate", NULL, "a path is too long");
        curl_easy_setopt(curl, files[i].option, path);
    }
    snprintf(url, sizeof url, "https://%.*s:%d%s", STR(ask->job->host), place->port, ask->path);
    snprintf(to, sizeof to, "%.*s:%d:%s%.*s%s:%d", STR(ask->job->host), place->port,
        place->v6 ? "[" : "", STR(place->address), place->v6 ? "]" : "", place->port);
    *ret_to = curl_slist_append(NULL, to);
    check(*ret_to);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CONNECT_TO, *ret_to);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    return true;
}

static void set_options(struct talk *talk, struct curl_slist *headers)
{
    const struct host_ask *ask = talk->ask;
    CURL *curl = talk->curl;

    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (ask->body.at) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, ask->body.at);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)ask->body.len);
    }
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)ask->limit_ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
        (long)(ask->connect_ms < ask->limit_ms ? ask->connect_ms : ask->limit_ms));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, talk);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, talk);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "logic-node/" LOGIC_NODE_VERSION);
}

/* --- what came of it ------------------------------------------------------------------------ */

/* Nothing was sent: is the machine up? */
static enum host_reach not_connected(CURL *curl, CURLcode code)
{
    long why = 0;

    if (code != CURLE_COULDNT_CONNECT)
        return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR
                   ? HOST_REFUSED
                   : HOST_SILENT;
    curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &why);
    return why == ECONNREFUSED || why == ENOENT ? HOST_REFUSED : HOST_SILENT;
}

/* libcurl's word for it as ours. */
static void judge(struct talk *talk, CURLcode code)
{
    struct host_heard *heard = talk->heard;
    struct str host = talk->ask->job->host;
    curl_off_t connected_us = 0;
    long sent_bytes = 0;

    curl_easy_getinfo(talk->curl, CURLINFO_RESPONSE_CODE, &heard->status);
    curl_easy_getinfo(talk->curl, CURLINFO_APPCONNECT_TIME_T, &connected_us);
    curl_easy_getinfo(talk->curl, CURLINFO_REQUEST_SIZE, &sent_bytes);
    if (code == CURLE_OK || talk->ended) {
        heard->reach = HOST_ANSWERED;
    } else if (is_stopped(talk->ask->call)) {
        heard->reach = HOST_STOPPED;
        err_code(&heard->err, ERR_LIMIT, "stopped", NULL, "the actuator is ending");
    } else if (talk->beyond) {
        heard->reach = HOST_TORN;
        err_code(&heard->err, ERR_PEER, "bad_reply", NULL,
            "the agent of '%.*s' sent more than allowed", STR(host));
    } else if (code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE) {
        heard->reach = HOST_REFUSED;
        err_code(&heard->err, ERR_SYSTEM, "no_certificate", NULL,
            "the actuator's certificate cannot be used (%s): logicctl agent enroll %.*s",
            curl_easy_strerror(code), STR(host));
    } else if (sent_bytes > 0) {
        heard->reach = HOST_TORN;
        err_code(&heard->err, ERR_PEER,
            code == CURLE_OPERATION_TIMEDOUT || talk->quiet ? "silent" : "torn", NULL,
            "the agent of '%.*s' gave no whole answer: %s", STR(host),
            talk->quiet ? "nothing came for too long" : curl_easy_strerror(code));
    } else {
        heard->reach = not_connected(talk->curl, code);
        err_code(&heard->err, ERR_PEER, "unreachable", NULL,
            "the agent of '%.*s' cannot be reached: %s", STR(host), curl_easy_strerror(code));
    }
}

void host_ask_run(const struct host_ask *ask, struct host_heard *ret)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    struct curl_slist *to = NULL;
    struct host_place place;
    struct talk talk = {.ask = ask,
        .heard = ret,
        .curl = curl_easy_init(),
        .line = buf_of(LINE_BYTES_MAX),
        .heard_ms = clock_steady_ms()};

    headers = curl_slist_append(headers, "Expect:");
    check(talk.curl && headers);
    *ret = (struct host_heard){.reach = HOST_SILENT, .reply = buf_of(HOST_REPLY_BYTES_MAX)};
    if (host_agent_read(ask->job->agent, &place, &ret->err) &&
        (place.local ? set_local(talk.curl, ask, &ret->err)
                     : set_remote(talk.curl, ask, &place, &to, &ret->err))) {
        set_options(&talk, headers);
        judge(&talk, curl_easy_perform(talk.curl));
    }
    curl_easy_cleanup(talk.curl);
    curl_slist_free_all(headers);
    curl_slist_free_all(to);
    buf_done(&talk.line);
}

bool host_said_no(const struct host_heard *heard, struct err *err)
{
    scoped(json_done) json_t *reply = NULL;
    struct err why;
    struct str message = {0}, type = {0}, code = {0}, param = {0};
    const struct json_field fields[] = {JSON_TAKE_TEXT("message", &message, 0, 2048),
        JSON_TAKE_TEXT("type", &type, 0, 64), JSON_TAKE_TEXT_OR_NULL("code", &code, 0, 47),
        JSON_TAKE_TEXT_OR_NULL("param", &param, 0, 63)};

    if (!json_read(buf_str(&heard->reply), HOST_REPLY_BYTES_MAX, &reply, &why) ||
        !json_take(json_object_get(reply, "error"), fields, COUNT(fields), &why))
        return err_code(err, ERR_PEER, "bad_reply", NULL,
            "the agent answered HTTP %ld and no error of ours", heard->status);
    char code_text[ERR_CODE_BYTES_MAX], type_text[72];
    snprintf(code_text, sizeof code_text, "%.*s", STR(code));
    snprintf(type_text, sizeof type_text, "%.*s", STR(type));
    return err_code(err, err_from_word(type_text), code_text, NULL, "the agent says: %.*s",
        (int)(message.len < 400 ? message.len : 400), message.len ? message.at : "");
}

/* --- status ------------------------------------------------------------------------------- */

static bool status_is_one(const json_t *status, struct str host, struct err *err)
{
    int64_t version, uptime_s;
    struct str host_is, any;
    json_t *list, *driver, *memory;
    const struct json_field fields[] = {JSON_TAKE_INTEGER("v", &version, 1, 1),
        JSON_TAKE_TEXT("host", &host_is, 1, HOST_NAME_BYTES_MAX),
        JSON_TAKE_TEXT("version", &any, 1, 64), JSON_TAKE_TEXT("boot_id", &any, 1, 64),
        JSON_TAKE_INTEGER("uptime_s", &uptime_s, 0, JSON_INTEGER_MAX),
        JSON_TAKE_ARRAY("load_percent", &list, 3, 3), JSON_TAKE_OBJECT("memory", &memory),
        JSON_TAKE_ARRAY("gpus", &list, 0, 64), JSON_TAKE_OBJECT("driver", &driver),
        JSON_TAKE_ARRAY("users", &list, 0, 256), JSON_TAKE_ARRAY("inhibitors", &list, 0, 256),
        JSON_TAKE_ARRAY("pools", &list, 0, 256)};

    if (!json_take(status, fields, COUNT(fields), err)) {
        err->kind = ERR_PEER;
        snprintf(err->code, sizeof err->code, "bad_reply");
        return err_wrap(err, "the agent's status is none");
    }
    if (!str_eq(host_is, host))
        return err_code(err, ERR_PEER, "bad_reply", NULL, "it is the agent of another host");
    return true;
}

bool host_look(const struct host_job *job, const struct host_call *call, int64_t limit_ms,
    void (*tick)(void *user), void *user, json_t **ret_status, enum host_reach *ret_reach,
    struct err *err)
{
    const struct host_limits *limits = call->limits;
    const struct host_ask ask = {.job = job,
        .call = call,
        .path = "/v1/status",
        .connect_ms = limits->connect_ms,
        .limit_ms = limits->answer_ms < limit_ms ? limits->answer_ms : limit_ms,
        .tick = tick,
        .user = user};
    scoped(json_done) json_t *status = NULL;
    struct host_heard heard;
    bool good = false;

    host_ask_run(&ask, &heard);
    *ret_reach = heard.reach;
    if (heard.reach != HOST_ANSWERED)
        *err = heard.err;
    else if (heard.status != 200)
        good = host_said_no(&heard, err);
    else if (!json_read(buf_str(&heard.reply), HOST_REPLY_BYTES_MAX, &status, err))
        good = err_wrap(err, "the agent's status cannot be read");
    else
        good = status_is_one(status, job->host, err);
    buf_done(&heard.reply);
    if (good)
        *ret_status = json_incref(status);
    return good;
}

const json_t *host_pool_of(const json_t *status, struct str pool)
{
    json_t *one;
    size_t i;

    json_array_foreach (json_object_get(status, "pools"), i, one)
        if (str_eq(str_from(json_string_value(json_object_get(one, "pool"))), pool))
            return one;
    return NULL;
}
