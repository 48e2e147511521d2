/* SPDX-License-Identifier: Apache-2.0
 *
 * Exporters and agents are asked. */
#include "sensor/inside.h"

#include "base/scoped.h"

#include <stdio.h>

static struct sense_turn *turn_of(struct source *source)
{
    struct sensor *sensor = source->sensor;
    size_t i = 0;

    while (sensor->sources[i] != source)
        i++;
    return &sensor->turns[i];
}

/* --- places -------------------------------------------------------------------------------------
 */

/* "http://host:9100/metrics?x=1" into a place and a path. */
static bool take_url(
    struct source *source, struct str url, char ret_place[SENSOR_URL_BYTES], struct err *err)
{
    bool https = str_starts(url, S("https://"));
    size_t scheme = https ? 8 : 7, end = scheme;
    bool port = false;

    if (!https && !str_starts(url, S("http://")))
        return err_code(err, ERR_INPUT, "bad_place", NULL, "where it is does not begin with http");
    for (; end < url.len && url.at[end] != '/' && url.at[end] != '?'; end++) {
        if (url.at[end] == '@' || url.at[end] == '#')
            return err_code(err, ERR_INPUT, "bad_place", NULL, "where it is names a user");
        port = url.at[end] == ':' || (port && url.at[end] != ']');
    }
    snprintf(ret_place, SENSOR_URL_BYTES, "%.*s%s", (int)end, url.at,
        port    ? ""
        : https ? ":443"
                : ":80");
    snprintf(source->path_text, sizeof source->path_text, "%s%.*s",
        end == url.len || url.at[end] == '?' ? "/metrics" : "", (int)(url.len - end), url.at + end);
    source->path = str_from(source->path_text);
    return true;
}

bool source_place(struct source *source, struct err *err)
{
    const struct sensor_setup *setup = &source->sensor->setup;
    const char *where = source->fact.where;
    bool agent = source->fact.kind == SENSE_AGENT;
    char place[SENSOR_URL_BYTES];
    struct tls *tls = NULL;

    if (agent && strcmp(where, "local") == 0) {
        if (snprintf(place, sizeof place, "unix:%s", setup->agent_socket) >= (int)sizeof place)
            return err_code(
                err, ERR_INPUT, "bad_place", NULL, "the agent's socket is too far away");
    } else if (!take_url(source, str_from(where), place, err)) {
        return false;
    }
    bool https = strncmp(place, "https://", 8) == 0;
    if (https)
        tls = agent ? setup->agent_tls : setup->public_tls(setup->owner);
    if (https && !tls)
        return err_code(err, ERR_INPUT, "bad_place", NULL, "%s",
            agent ? "there is no certificate for the sensor: logicctl agent enroll makes one"
                  : "this machine trusts no authority: /etc/ssl/certs is empty");
    if (agent && !https && strncmp(place, "unix:", 5) != 0)
        return err_code(err, ERR_INPUT, "bad_place", NULL, "an agent is asked by https or local");
    if (agent)
        source->path = S("/v1/metrics");
    return upstream_place_open(
        source->sensor->upstream, place, https ? tls : NULL, NULL, &source->place, err);
}

/* --- an answer ----------------------------------------------------------------------------------
 */

static void ended(struct source *source)
{
    source->call = NULL;
    source->sensor->asking--;
    buf_done(&source->body);
    source->body = buf_of((size_t)source->sensor->setup.settings.reply_bytes);
}

static void failed(struct source *source, enum source_state state, const char *words)
{
    source->sensor->counts.failed++;
    ended(source);
    source_is(source, state, words);
    source_ok(source, false);
    sense_turn_ended(turn_of(source), false, sensor_chance(), sensor_now().steady_ms);
    sensor_plan(source->sensor);
}

/* NULL: it may be read. */
static const char *wrong_with(const struct http_reply *reply, char room[SENSOR_WORDS_BYTES])
{
    struct str coding = http_reply_field(reply, S("Content-Encoding"));

    if (reply->status != 200) {
        snprintf(room, SENSOR_WORDS_BYTES, "it answered %d%s", reply->status,
            reply->status >= 300 && reply->status < 400 ? ": a redirect is not followed" : "");
        return room;
    }
    if (coding.len && !str_eq_nocase(coding, S("identity")))
        return "its answer is compressed, which was not asked for";
    return NULL;
}

static void read_answer(struct source *source, struct str text)
{
    struct err err = {0};
    size_t readings;

    if (!source_says(source, text, &readings, &err)) {
        failed(source, SOURCE_REFUSED, err.message);
        return;
    }
    ended(source);
    source_is(source, SOURCE_OK, "");
    source_ok(source, true);
    sense_turn_ended(turn_of(source), true, sensor_chance(), sensor_now().steady_ms);
    sensor_plan(source->sensor);
}

static void on_whole(
    struct upstream_call *call, const struct http_reply *reply, struct str body, void *user)
{
    struct source *source = user;
    char room[SENSOR_WORDS_BYTES];
    const char *wrong = wrong_with(reply, room);

    (void)call;
    if (wrong)
        failed(source, SOURCE_FAILING, wrong);
    else if (body.len > source->body.bytes_max)
        failed(source, SOURCE_REFUSED, "its answer is too long");
    else
        read_answer(source, body);
}

static void on_head(struct upstream_call *call, const struct http_reply *reply, void *user)
{
    struct source *source = user;
    char room[SENSOR_WORDS_BYTES];
    const char *wrong = wrong_with(reply, room);

    if (!wrong && reply->framing == HTTP_BODY_LENGTH && reply->length > source->body.bytes_max) {
        upstream_cancel(call);
        failed(source, SOURCE_REFUSED, "its answer is too long");
    } else if (wrong) {
        upstream_cancel(call);
        failed(source, SOURCE_FAILING, wrong);
    }
}

static void on_body(struct upstream_call *call, struct str bytes, void *user)
{
    struct source *source = user;

    buf_add(&source->body, bytes);
    if (!source->body.overflowed)
        return;
    upstream_cancel(call);
    failed(source, SOURCE_REFUSED, "its answer is too long");
}

static void on_end(struct upstream_call *call, const struct upstream_end *end, void *user)
{
    struct source *source = user;
    char words[SENSOR_WORDS_BYTES];

    (void)call;
    if (end->how == UPSTREAM_WHOLE) {
        struct buf body = source->body; /* ended() makes a new one */
        source->body = (struct buf){0};
        read_answer(source, buf_str(&body));
        buf_done(&body);
        return;
    }
    snprintf(words, sizeof words, "it does not answer: %.60s", end->err->code);
    failed(source, SOURCE_FAILING, words);
}

static const struct upstream_hooks HOOKS = {on_whole, on_head, on_body, on_end};

/* --- asking -------------------------------------------------------------------------------------
 */

void source_ask(struct sensor *sensor, size_t i)
{
    static const struct http_field FIELDS[] = {
        {S("Accept"), S("text/plain;version=0.0.4")}, {S("User-Agent"), S("logic-node")}};
    if (sensor->sources[i]->fact.kind == SENSE_BACKUP) {
        backup_source_ask(sensor, i);
        return;
    }
    struct source *source = sensor->sources[i];
    const struct upstream_request request = {.method = METHOD_GET,
        .path = source->path,
        .fields = FIELDS,
        .fields_count = COUNT(FIELDS),
        .hooks = &HOOKS,
        .user = source};
    struct err err = {0};

    sensor->turns[i].asking = true;
    sensor->counts.asked++;
    sensor->asking++;
    source->limit_ms = sensor_now().steady_ms + sensor->setup.settings.ask_ms;
    source->call = upstream_send(source->place, &request, &err);
    if (!source->call)
        failed(source, SOURCE_FAILING, err.message);
}

void source_late(struct source *source)
{
    upstream_cancel(source->call);
    failed(source, SOURCE_FAILING, "it did not answer in time");
}

void source_stop(struct source *source)
{
    if (!source->call)
        return;
    upstream_cancel(source->call);
    ended(source);
}
