/* SPDX-License-Identifier: Apache-2.0
 *
 * sense_for_test — a small table with a row of each kind, and a source that is read with it.
 */
#pragma once

#include "base/panic.h"
#include "sense/sense.h"

#include <stdio.h>
#include <string.h>

#define ROW(name, how, more)                                                                       \
    "{\"name\":\"" name "\",\"how\":\"" how "\",\"labels\":{},\"part\":[],\"scale\":1,"            \
    "\"divide\":1,\"many\":\"sum\",\"keep\":\"all\",\"untaken\":false,\"of\":[],\"join\":"         \
    "null" more "}"
#define METRIC(name, min, max, from)                                                               \
    "{\"metric\":\"" name "\",\"unit\":\"count\",\"min\":" #min ",\"max\":" #max                   \
    ",\"stale_s\":60,\"from\":[" from "]}"

/* A later member of the same name counts: JSON is read without JSON_REJECT_DUPLICATES here. */
static const char TABLE_TEXT[] =
    "{\"history\":null,\"sources\":["
    "{\"source\":\"one\",\"node\":\"tower\",\"kind\":\"exporter\",\"where\":\"http:/"
    "/h:1/m\","
    "\"every_s\":10}],\"metrics\":[" METRIC("busy", 0, 1000,
        ROW("cpu", "ratio_rate",
            ",\"scale\":1000,\"labels\":{\"mode\":[\"!idle\"]}"
            ",\"of\":[{\"name\":\"cpu\",\"labels\":{}}]")) "," METRIC("cores", 1, 4096,
        ROW("cpu", "value",
            ",\"many\":\"count\",\"labels\":{\"mode\":[\"idle\"]}")) "," METRIC("loa"
                                                                                "d",
        0, 100000, ROW("load1", "value", ",\"scale\":1000")) "," METRIC("received", 0, 1000000,
        ROW("rx_total", "rate",
            ",\"part\":[\"device\"],"
            "\"labels\":{\"device\":[\"!lo\",\"!veth*\"]}")) "," METRIC("errors", 0, 1000000,
        ROW("rx_errors", "rate", ",\"part\":[\"device\"]") "," ROW(
            "tx_errors", "rate", ",\"part\":[\"device\"]")) "," METRIC("kills", 0, 1000,
        ROW("kills_total", "delta", "")) "," METRIC("used", 0, 1000,
        ROW("avail", "rest",
            ",\"scale\":1000,\"part\":[\"mount\"],"
            "\"of\":[{\"name\":\"size\",\"labels\":{}}]")) "," METRIC("free", 0, 9007199254740991,
        ROW("avail", "value", ",\"part\":[\"mount\"]")) "," METRIC("missing", 0, 64,
        ROW("disks", "less",
            ",\"labels\":{\"state\":[\"active\"]},"
            "\"of\":[{\"name\":\"required\",\"labels\":{}}]")) "," METRIC("heat", -50000, 150000,
        ROW("temp", "value",
            ",\"scale\":1000,\"many\":\"max\",\"part\":[\"chip\",\"sensor\"],"
            "\"labels\":{\"chip\":[\"cpu_*\"]}") "," ROW("temp", "value",
            ",\"scale\":1000,\"many\":\"max\",\"part\":[\"chip\",\"sensor\"],"
            "\"labels\":{\"chip_name\":[\"k10temp\"]},"
            "\"join\":{\"name\":\"chip_names\",\"on\":\"chip\",\"take\":\"chip_"
            "name\"}")) "," METRIC("board", -50000, 150000,
        ROW("temp", "value",
            ",\"scale\":1000,\"many\":\"max\",\"part\":[\"chip\",\"sensor\"],"
            "\"untaken\":true")) "," METRIC("ahead", -4102444800000, 4102444800000,
        ROW("time_s", "ahead", ",\"scale\":1000")) "," METRIC("uptime", 0, 10000000000,
        ROW("boot_s", "ago", "")) "," METRIC("failed", 0, 1,
        ROW("unit", "value", ",\"keep\":\"nonzero\",\"part\":[\"name\"]")) "," METRIC("speed", 1,
        1000000,
        ROW("speed_bytes", "value", ",\"scale\":8,\"divide\":1000000")) "," METRIC("source_ok", 0,
        1, "") "]}";

struct probe {
    struct sense_table *table;
    struct sense_reader *reader;
    struct sense_state *state;
    struct sense_clock now;
    size_t left;
    struct sense_result result;
    struct err err;
};

static inline void probe_init(struct probe *p)
{
    json_error_t why;
    json_t *json = json_loads(TABLE_TEXT, 0, &why);

    *p = (struct probe){.now = {1700000000000, 5000000}, .left = SENSE_SERIES_ALL_MAX};
    if (!json || !sense_table_read(json, &p->table, &p->err))
        panic("the table of the test: %s %s", why.text, p->err.message);
    json_decref(json);
    p->reader = sense_reader_make(4711);
    p->state = sense_state_make(10000);
}

static inline void probe_done(struct probe *p)
{
    sense_state_free(&p->state);
    sense_reader_free(&p->reader);
    sense_table_free(&p->table);
}

/* So much later a text comes. */
static inline bool probe_read(struct probe *p, int64_t later_ms, const char *text)
{
    p->now.civil_ms += later_ms;
    p->now.steady_ms += later_ms;
    p->result = (struct sense_result){0};
    return sense_read(
        p->reader, p->table, p->state, str_from(text), &p->now, &p->left, &p->result, &p->err);
}

/* "load=1500 free[/]=7 …" in the order told, "-" for none. */
static inline const char *probe_told(const struct probe *p)
{
    static char text[4096];
    size_t len = 0;

    snprintf(text, sizeof text, "-");
    for (size_t i = 0; i < p->result.readings_count && len < sizeof text; i++) {
        const struct sense_reading *r = &p->result.readings[i];
        const struct sense_series *s = sense_state_at(p->state, r->series);
        len += (size_t)snprintf(text + len, sizeof text - len,
            s->part_len ? "%s%s[%.*s]=%lld" : "%s%s%.*s=%lld", i ? " " : "",
            sense_table_metric(p->table, r->metric)->name, (int)s->part_len, s->part,
            (long long)r->value);
    }
    return text;
}
