/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent_harness.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "pki/pki.h"
#include "scratch.h"
#include "json/json_read.h"

#include <curl/curl.h>
#include <stdio.h>

const char *site_path(const struct site *site, const char *tail)
{
    static char paths[16][SITE_PATH_BYTES];
    static size_t next;
    char *path = paths[next++ % 16];

    snprintf(path, SITE_PATH_BYTES, "%s/%s", site->folder, tail);
    return path;
}

static void must(bool good, const struct err *err)
{
    if (!good)
        panic("%s", err->message);
}

static void issue(const struct site *site, const char *name, enum pki_use use)
{
    const char *const names[] = {name, "127.0.0.1", NULL};
    const struct pki_want want = {
        .name = name, .names = use == PKI_SERVER ? names : NULL, .use = use, .days = 30};
    char tail[64];
    struct err err;

    snprintf(tail, sizeof tail, "pki/%s", name);
    must(pki_issue(
             site_path(site, "pki"), &want, clock_civil_ms() / 1000, site_path(site, tail), &err),
        &err);
}

void site_make(struct site *site, bool local)
{
    static const char *const CLIENTS[] = {"gateway", "actuator", "sensor", "intruder"};
    uint8_t public_key[PUBLIC_KEY_BYTES];
    struct err err;

    *site = (struct site){.folder = scratch_folder(), .local = local, .more = json_object()};
    check(curl_global_init(CURL_GLOBAL_DEFAULT) == 0);
    must(pki_authority_make(site_path(site, "pki"), clock_civil_ms() / 1000, &err), &err);
    issue(site, "tower", PKI_SERVER);
    for (size_t i = 0; i < COUNT(CLIENTS); i++)
        issue(site, CLIENTS[i], PKI_CLIENT);
    order_seed_make(site->seed);
    must(order_seed_public(str_from(site->seed), public_key, &err), &err);
    public_key_text(public_key, site->order_key);
    must(secret_put(site_path(site, "secrets"), S(HOST_ORDER_SECRET), str_from(site->seed), &err),
        &err);
    snprintf(site->marker, sizeof site->marker, "%s/asleep", site->folder);
    snprintf(site->socket, sizeof site->socket, "%s/agent.sock", site->folder);
}

/* --- the agent's thread --------------------------------------------------------------------- */

static void on_stop(uv_async_t *async)
{
    struct site *site = async->data;

    agent_close(site->agent, NULL, NULL);
    uv_close((uv_handle_t *)async, NULL);
}

static void *run(void *user)
{
    struct site *site = user;

    uv_run(&site->loop, UV_RUN_DEFAULT);
    check(uv_loop_close(&site->loop) == 0); /* no handle is left */
    return NULL;
}

static json_t *config_json(const struct site *site)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:[s,s], s:{s:i}}", "schema", AGENT_SCHEMA,
        "host", "tower", "order_key", site->order_key, "home", site->folder, "suspend", "touch",
        site->marker, "settings", "sleep_delay_ms", 1);

    check(json);
    if (site->local) {
        json_object_set_new(json, "socket", json_string("agent.sock"));
    } else {
        json_object_set_new(json, "listen", json_string("127.0.0.1:0"));
        json_object_set_new(json, "certificate", json_string("pki/tower.crt"));
        json_object_set_new(json, "key", json_string("pki/tower.key"));
        json_object_set_new(json, "authority", json_string("pki/ca.crt"));
    }
    json_t *value;
    const char *name;
    json_object_foreach (site->more, name, value)
        if (strcmp(name, "settings") == 0)
            json_object_update(json_object_get(json, name), value);
        else
            json_object_set(json, name, value);
    return json;
}

void site_start(struct site *site)
{
    scoped(json_done) json_t *json = config_json(site);
    struct agent_config config;
    struct err err;

    must(agent_config_read(json, site->folder, &config, &err), &err);
    check(uv_loop_init(&site->loop) == 0);
    must(agent_open(&site->loop, &config, &site->agent, &err), &err);
    agent_config_done(&config);
    site->port = agent_port(site->agent);
    check(uv_async_init(&site->loop, &site->stop, on_stop) == 0);
    site->stop.data = site;
    check(pthread_create(&site->thread, NULL, run, site) == 0);
}

void site_stop(struct site *site)
{
    uv_async_send(&site->stop);
    pthread_join(site->thread, NULL);
    site->agent = NULL;
}

void site_done(struct site *site)
{
    if (site->agent)
        site_stop(site);
    json_decref(site->more);
    site->more = NULL;
}

/* --- asking ------------------------------------------------------------------------------------
 */

static size_t on_bytes(char *at, size_t size, size_t count, void *user)
{
    struct buf *out = user;

    if (out)
        buf_add(out, (struct str){at, size * count});
    return size * count;
}

static void set_place(CURL *curl, const struct site *site, const char *who, const char *path)
{
    char url[SITE_PATH_BYTES], tail[64];

    if (site->local) {
        snprintf(url, sizeof url, "http://localhost%s", path);
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, site->socket);
    } else {
        snprintf(url, sizeof url, "https://127.0.0.1:%u%s", site->port, path);
        curl_easy_setopt(curl, CURLOPT_CAINFO, site_path(site, "pki/ca.crt"));
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    if (!*who)
        return;
    snprintf(tail, sizeof tail, "%.40s.crt", who);
    curl_easy_setopt(curl, CURLOPT_SSLCERT, site_path(site, tail));
    snprintf(tail, sizeof tail, "%.40s.key", who);
    curl_easy_setopt(curl, CURLOPT_SSLKEY, site_path(site, tail));
}

long site_ask(const struct site *site, const char *who, const char *path, const char *body,
    const char *header, struct buf *out)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    char pki[64] = "";
    long status = 0;

    if (*who)
        snprintf(pki, sizeof pki, "pki/%s", who);
    set_place(curl, site, pki, path);
    if (header)
        headers = curl_slist_append(headers, header);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 30000L);
    if (body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return status;
}

void site_sign(
    const struct site *site, const struct site_order *order, const char *job, struct buf *out)
{
    scoped(json_done) json_t *json = json_loads(job, JSON_REJECT_DUPLICATES, NULL);
    char nonce[ID_BYTES];
    struct err err;

    check(json);
    id_make(clock_civil_ms(), nonce);
    const struct order whole = {.host = str_from(order->host),
        .case_id = S("01JCASE"),
        .nonce = str_from(order->nonce ? order->nonce : nonce),
        .expires_at_ms = clock_civil_ms() + order->expires_in_ms,
        .job = json};
    must(order_write(&whole, str_from(order->seed ? order->seed : site->seed), out, &err), &err);
}

/* {"error":{"code"}} of a refusal, or of the last line of an order that failed. */
static void find_code(struct str body, char ret_code[ERR_CODE_BYTES_MAX])
{
    struct str rest = str_trim(body), line = {0};
    struct err err;

    while (rest.len)
        line = str_cut(rest, '\n', &rest);
    scoped(json_done) json_t *json = NULL;
    ret_code[0] = '\0';
    if (!json_read(line, 1 << 20, &json, &err))
        return;
    const char *code = json_string_value(json_object_get(json_object_get(json, "error"), "code"));
    snprintf(ret_code, ERR_CODE_BYTES_MAX, "%s", code ? code : "");
}

long site_order(const struct site *site, const struct site_order *order, const char *job,
    struct buf *out, char ret_code[ERR_CODE_BYTES_MAX])
{
    scoped(buf_done) struct buf body = buf_of(ORDER_BODY_BYTES_MAX), own = buf_of(1 << 20);
    struct buf *into = out ? out : &own;

    site_sign(site, order, job, &body);
    long status = site_ask(site, "actuator", "/v1/orders", buf_text(&body), NULL, into);
    find_code(buf_str(into), ret_code);
    return status;
}

void site_run(const struct site *site, const char *job, struct hand_end *ret_end)
{
    scoped(secret_close) struct secret_store *secrets = secret_open(site_path(site, "secrets"));
    scoped(json_done) json_t *json = json_loads(job, JSON_REJECT_DUPLICATES, NULL);
    const struct host_limits limits = {.answer_ms = 5000,
        .connect_ms = 2000,
        .order_ms = 60000,
        .look_every_ms = 20,
        .packet_every_ms = 100,
        .silent_ms = 100};
    const struct host_paths paths = {.socket = site->socket,
        .pki = site_path(site, "pki"),
        .catalogue = site_path(site, "catalogue")};
    const struct host_call call = {
        .paths = &paths, .limits = &limits, .secrets = secrets, .case_id = "01JCASE"};
    char agent[64];
    struct host_job read;
    struct err err;

    check(json);
    snprintf(agent, sizeof agent, site->local ? "local" : "https://127.0.0.1:%u", site->port);
    json_object_set_new(json, "agent", json_string(agent));
    must(host_job_read(json, &read, &err), &err);
    host_job_run(&read, &call, ret_end);
}
