/* SPDX-License-Identifier: Apache-2.0 */
#include "exposition/exposition.h"
#include "presence/presence.h"
#include "json/json_string.h"

#include <stdio.h>

#define MIB (INT64_C(1) << 20)
#define TICKS_PER_S 1e7 /* 100 ns */

/* As the agent of Linux words it: who, and where. */
static void person_words(const struct presence_look *look, char ret_words[PRESENCE_WORDS_BYTES])
{
    bool full = look->front == PRESENCE_FRONT_FULL_SCREEN;

    snprintf(ret_words, PRESENCE_WORDS_BYTES, "%s at console%s%s%s",
        look->person[0] ? look->person : "somebody", full ? ", " : "",
        full ? (look->window.process[0] ? look->window.process : "an application") : "",
        full ? " has the whole screen" : "");
}

/* --- JSON --------------------------------------------------------------------------------------
 */

static void text_member(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, ",\"%s\":", name);
    json_add_string(out, str_from(text));
}

static void number_member(struct buf *out, const char *name, int64_t value)
{
    if (value == PRESENCE_UNKNOWN)
        buf_printf(out, ",\"%s\":null", name);
    else
        buf_printf(out, ",\"%s\":%lld", name, (long long)value);
}

static void front_json(const struct presence_look *look, struct buf *out)
{
    const struct presence_window *window = &look->window;

    buf_printf(out, ",\"front\":{\"is\":\"%s\"", presence_front_word(look->front));
    if (look->has_desktop && window->there) {
        text_member(out, "process", window->process);
        text_member(out, "title", window->title);
        text_member(out, "class", window->kind);
    }
    buf_add_char(out, '}');
}

static void processes_json(const struct presence_look *look, struct buf *out)
{
    buf_add(out, S(",\"processes\":["));
    for (size_t i = 0; i < look->processes_count; i++) {
        buf_printf(out, "%s{\"pid\":%u,\"name\":", i ? "," : "", look->processes[i].id);
        json_add_string(out, str_from(look->processes[i].name));
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
    number_member(out, "processes_left_out", (int64_t)look->processes_left_out);
}

void presence_json(const struct presence_look *look, int64_t idle_s, struct buf *out)
{
    char words[PRESENCE_WORDS_BYTES];

    buf_add(out, S("{\"v\":1,\"host\":"));
    json_add_string(out, str_from(look->host));
    text_member(out, "version", LOGIC_NODE_VERSION);
    number_member(out, "uptime_s", look->uptime_s);
    number_member(out, "cpus", (int64_t)look->cpus_count);
    number_member(out, "busy_permille", look->busy_permille);
    buf_printf(out, ",\"memory\":{\"total_bytes\":%lld,\"available_bytes\":%lld},\"users\":[",
        (long long)look->memory_bytes, (long long)look->memory_available_bytes);
    if (look->has_desktop) {
        buf_add(out, S("{\"name\":"));
        json_add_string(out, str_from(look->person));
        number_member(out, "idle_s", look->idle_s);
        buf_add(out, S(",\"line\":\"console\"}"));
    }
    buf_add(out, S("],\"inhibitors\":["));
    if (presence_person(look, idle_s)) {
        person_words(look, words);
        buf_add(out, S("{\"kind\":\"person\""));
        text_member(out, "words", words);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
    front_json(look, out);
    processes_json(look, out);
    buf_add(out, S("}\n"));
}

/* --- a table for a person ----------------------------------------------------------------------
 */

static void table_front(const struct presence_look *look, int64_t idle_s, struct buf *out)
{
    char words[PRESENCE_WORDS_BYTES];

    if (!look->has_desktop) {
        buf_add(out, S("desktop     unknown: this is session 0, which sees none; start it at logon "
                       "(docs/manual/windows.md)\n"));
        return;
    }
    if (look->idle_s >= 0)
        buf_printf(out, "idle        %lld s\n", (long long)look->idle_s);
    else
        buf_add(out, S("idle        unknown\n"));
    buf_printf(out, "in front    %s%s%s\n", presence_front_word(look->front),
        look->window.there ? ": " : "", look->window.there ? look->window.process : "");
    person_words(look, words);
    buf_printf(out, "inhibitor   %s%s\n", presence_person(look, idle_s) ? "person: " : "none",
        presence_person(look, idle_s) ? words : "");
}

void presence_table(const struct presence_look *look, int64_t idle_s, struct buf *out)
{
    buf_printf(out, "host        %s, up %lld s\n", look->host, (long long)look->uptime_s);
    if (look->busy_permille == PRESENCE_UNKNOWN)
        buf_printf(out, "processors  %d, how busy is unknown\n", (int)look->cpus_count);
    else
        buf_printf(out, "processors  %d, %lld.%lld %% busy\n", (int)look->cpus_count,
            (long long)look->busy_permille / 10, (long long)look->busy_permille % 10);
    buf_printf(out, "memory      %lld of %lld MiB available\n",
        (long long)(look->memory_available_bytes / MIB), (long long)(look->memory_bytes / MIB));
    table_front(look, idle_s, out);
    buf_printf(out, "processes   %d\n", (int)(look->processes_count + look->processes_left_out));
    for (size_t i = 0; i < look->processes_count; i++)
        buf_printf(out, "%10u  %s\n", look->processes[i].id, look->processes[i].name);
    if (look->processes_left_out)
        buf_printf(out, "            and %d more\n", (int)look->processes_left_out);
}

/* --- numbers for the node ----------------------------------------------------------------------
 */

static void gauge(struct buf *out, const char *name, const char *help, int64_t value)
{
    exposition_family(out, name, EXPOSITION_GAUGE, help);
    exposition_write_whole(out, name, NULL, 0, value);
}

static void processors(const struct presence_look *look, struct buf *out)
{
    static const char NAME[] = "node_cpu_seconds_total";

    exposition_family(out, NAME, EXPOSITION_COUNTER, "Seconds the processors spent in each mode.");
    for (size_t i = 0; i < look->cpus_count; i++) {
        const struct presence_cpu *cpu = &look->cpus[i];
        const struct {
            struct str mode;
            int64_t ticks;
        } parts[] = {{S("idle"), cpu->idle}, {S("system"), cpu->system}, {S("user"), cpu->user}};
        char number[24];
        snprintf(number, sizeof number, "%d", (int)i);
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
            const struct exposition_pair labels[] = {
                {S("cpu"), str_from(number)}, {S("mode"), parts[k].mode}};
            exposition_write(out, NAME, labels, 2, (double)parts[k].ticks / TICKS_PER_S);
        }
    }
}

void presence_metrics(const struct presence_look *look, int64_t idle_s, struct buf *out)
{
    static const char INHIBITORS[] = "logic_agent_inhibitors";
    const struct exposition_pair person[] = {{S("kind"), S("person")}};

    if (look->cpus_count)
        processors(look, out);
    gauge(out, "node_memory_MemTotal_bytes", "Memory.", look->memory_bytes);
    gauge(out, "node_memory_MemAvailable_bytes", "Memory that programs can get.",
        look->memory_available_bytes);
    gauge(
        out, "node_boot_time_seconds", "When it started.", look->civil_ms / 1000 - look->uptime_s);
    exposition_family(out, "node_time_seconds", EXPOSITION_GAUGE, "Its clock.");
    exposition_write(out, "node_time_seconds", NULL, 0, (double)look->civil_ms / 1e3);
    if (!look->has_desktop)
        return;
    exposition_family(out, INHIBITORS, EXPOSITION_GAUGE, "What keeps this machine awake.");
    exposition_write_whole(out, INHIBITORS, person, 1, presence_person(look, idle_s));
    gauge(out, "logic_agent_full_screen", "An application has the whole screen.",
        look->front == PRESENCE_FRONT_FULL_SCREEN);
    if (look->idle_s >= 0)
        gauge(out, "logic_agent_idle_seconds", "Since somebody typed or moved the mouse.",
            look->idle_s);
}
