/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/notice.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"

#include <curl/curl.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_MS_MAX 5000
#define SYSTEM_CERTIFICATES "/etc/ssl/certs"

struct talk {
    const struct notice_limits *limits;
    const atomic_bool *stop;
    size_t body_bytes, head_bytes;
    bool too_long;
};

/* Counted and thrown away: nothing that a receiver says is believed. */
static size_t count(struct talk *talk, size_t *total, size_t bytes)
{
    *total += bytes;
    talk->too_long = talk->too_long || *total > talk->limits->reply_bytes_max;
    return talk->too_long ? 0 : bytes;
}

static size_t on_body(char *at, size_t size, size_t items, void *user)
{
    struct talk *talk = user;

    (void)at;
    return count(talk, &talk->body_bytes, size * items);
}

static size_t on_head(char *at, size_t size, size_t items, void *user)
{
    struct talk *talk = user;

    (void)at;
    return count(talk, &talk->head_bytes, size * items);
}

static int on_progress(
    void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    const struct talk *talk = user;

    (void)total, (void)now, (void)up_total, (void)up_now;
    return talk->stop && atomic_load(talk->stop);
}

/* The system's certificates, and the house's own if it has some. */
static void trust(CURL *curl, const char *ca_file)
{
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (!ca_file || access(ca_file, R_OK) != 0)
        return;
    curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(curl, CURLOPT_CAPATH, SYSTEM_CERTIFICATES);
}

static void set_options(
    CURL *curl, struct talk *talk, const char *url, struct str body, struct curl_slist *headers)
{
    long answer_ms = (long)talk->limits->answer_ms;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"); /* never through a proxy of the environment */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.at);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.len);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, answer_ms);
    curl_easy_setopt(
        curl, CURLOPT_CONNECTTIMEOUT_MS, answer_ms < CONNECT_MS_MAX ? answer_ms : CONNECT_MS_MAX);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, talk);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, talk);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, talk);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "logic-node/" LOGIC_NODE_VERSION);
    trust(curl, talk->limits->ca_file);
}

static bool is_of_tls(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
           code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM ||
           code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_CIPHER;
}

/* None of these words is the receiver's: an address may be a secret. */
static bool why_not(const struct talk *talk, CURLcode code, long status, struct err *err)
{
    const char *said = curl_easy_strerror(code);

    if (talk->stop && atomic_load(talk->stop) && code != CURLE_OK)
        return err_code(err, ERR_LIMIT, "stopped", NULL, "the actuator is ending");
    if (talk->too_long)
        return err_code(err, ERR_PEER, "receiver_too_long", NULL,
            "the receiver answered more than %zu bytes, so it is no such receiver",
            talk->limits->reply_bytes_max);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_code(err, ERR_PEER, "receiver_silent", NULL,
            "the receiver did not answer within %lld ms", (long long)talk->limits->answer_ms);
    if (is_of_tls(code))
        return err_code(err, ERR_PEER, "receiver_tls", NULL,
            "the receiver's certificate is not good: %s", said);
    if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT)
        return err_code(
            err, ERR_PEER, "receiver_away", NULL, "the receiver cannot be reached: %s", said);
    if (code != CURLE_OK)
        return err_code(
            err, ERR_PEER, "receiver_garbage", NULL, "the receiver gave no HTTP answer: %s", said);
    if (status >= 300 && status < 400)
        return err_code(err, ERR_PEER, "receiver_redirects", NULL,
            "the receiver answered HTTP %ld and wants it elsewhere; write that address into the "
            "site facts if it is right",
            status);
    return err_code(
        err, ERR_PEER, "receiver_refused", NULL, "the receiver answered HTTP %ld", status);
}

static bool post(
    struct talk *talk, const char *url, struct str body, long *ret_status, struct err *err)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURL *curl = curl_easy_init();
    long status = 0;

    headers = curl_slist_append(headers, "Expect:");
    check(curl && headers);
    set_options(curl, talk, url, body, headers);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    bool good = code == CURLE_OK && status >= 200 && status < 300;
    if (!good)
        why_not(talk, code, status, err);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    *ret_status = status;
    return good;
}

void notice_send(const struct notice *notice, struct secret_store *secrets,
    const struct notice_limits *limits, const atomic_bool *stop, struct hand_end *ret_end)
{
    scoped(buf_done) struct buf url = buf_of(NOTICE_URL_BYTES_MAX + 1);
    scoped(buf_done) struct buf body = buf_of(NOTICE_BODY_BYTES_MAX);
    struct talk talk = {.limits = limits, .stop = stop};
    struct str where = notice->where;
    int64_t began_ms = clock_steady_ms();
    struct err err = {0};
    long status = 0;

    *ret_end = (struct hand_end){.changed = HAND_CHANGED_NO};
    if (str_starts(where, S("secret:")) && !secret_get(secrets, where, &where, &err))
        ret_end->err = err;
    else if (!notice_form(notice, where, &url, &body, &err) ||
             !post(&talk, buf_text(&url), buf_str(&body), &status, &err))
        ret_end->err = err;
    else
        ret_end->ok = true;
    if (url.at)
        explicit_bzero(url.at, url.len);
    if (ret_end->ok)
        ret_end->result = json_pack("{s:I, s:I}", "ms", (json_int_t)(clock_steady_ms() - began_ms),
            "status", (json_int_t)status);
    else
        secret_scrub_err(secrets, &ret_end->err);
}
