/* SPDX-License-Identifier: Apache-2.0
 *
 * nodes — the machines of the house, what they tell now, what they told, and who tells it.
 */
#include "client/amounts.h"
#include "client/argument.h"
#include "client/case_view.h"
#include "client/client.h"

#include "base/scoped.h"
#include "os/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES_MAX 4096
#define NAME_BYTES_MAX 64
#define SINCE_S 3600
#define STEP_S_MAX 86400
#define UNKNOWN "unknown"

static enum style state_style(struct str state)
{
    static const char *const GOOD[] = {"ok", "awake"}, *const BAD[] = {"critical", "failing",
                                                           "refused", "down"};

    for (size_t i = 0; i < COUNT(GOOD); i++)
        if (str_eq(state, str_from(GOOD[i])))
            return GREEN;
    for (size_t i = 0; i < COUNT(BAD); i++)
        if (str_eq(state, str_from(BAD[i])))
            return RED;
    return YELLOW;
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!memchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.", name.at[i],
                65))
            return false;
    return name.len > 0 && name.len <= NAME_BYTES_MAX;
}

/* Words of a list with commas between. */
static void add_words(struct buf *out, const json_t *list)
{
    size_t i;
    json_t *word;

    json_array_foreach ((json_t *)list, i, word)
        if (json_is_string(word))
            buf_printf(out, "%s%s", i ? ", " : "", json_string_value(word));
}

/* --- the list ----------------------------------------------------------------------------------
 */

static void add_node(struct table *table, const json_t *node)
{
    scoped(buf_done) struct buf wrong = buf_of(LINE_BYTES_MAX);
    struct str health = json_str(node, "health"), power = json_str(node, "power");
    struct str name = json_str(node, "name").len ? json_str(node, "name") : json_str(node, "node");
    size_t i;
    json_t *reason;

    health = health.len ? health : S(UNKNOWN);
    power = power.len ? power : S(UNKNOWN);
    json_array_foreach (json_object_get(node, "because"), i, reason)
        buf_printf(&wrong, "%s%.*s", i ? " " : "",
            STR(json_is_string(reason) ? str_from(json_string_value(reason))
                                       : json_str(reason, "words")));
    if (!wrong.len)
        buf_add(&wrong, json_str(node, "words"));
    if (!wrong.len && str_eq(health, S(UNKNOWN))) /* as 4_say/health_answers.pl words it */
        buf_printf(&wrong, "%s",
            str_eq(power, S("down"))     ? "it does not answer"
            : str_eq(power, S("asleep")) ? "it was put to sleep"
                                         : "nothing fresh is known of it");
    struct str row[] = {name, health, power, buf_str(&wrong)};
    enum style styles[] = {BOLD, state_style(health), state_style(power), PLAIN};
    table_add(table, row, styles);
}

enum client_exit client_node_list(struct client *client)
{
    static const char *const TITLES[] = {"NODE", "HEALTH", "POWER", "WHAT"};
    scoped(json_done) json_t *document = NULL;
    scoped(table_done) struct table table = {0};
    enum client_exit code;
    size_t i;
    json_t *node;

    if (!client_fetch(client, "GET", "/api/v1/nodes", NULL, &document, &code))
        return code;
    if (client->options.json)
        return EXIT_DONE;
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach (json_object_get(document, "nodes"), i, node)
        add_node(&table, node);
    if (table.rows == 0)
        screen_print(&client->screen, DIM,
            "no nodes are written down: facts node(NAME, HOST, WORDS) in HOME/site, then `logicctl "
            "kb reload`\n");
    else
        table_print(&table, &client->screen);
    return EXIT_DONE;
}

/* --- one ---------------------------------------------------------------------------------------
 */

static void view_number(const struct screen *screen, const json_t *card, const char *name,
    const char *label, const char *unit)
{
    const json_t *value = json_object_get(card, name);
    char text[AMOUNT_BYTES];

    if (json_is_integer(value))
        screen_field(
            screen, label, PLAIN, str_from(amount_text(json_integer_value(value), unit, text)));
}

static void view_card(const struct screen *screen, const json_t *card)
{
    static const char *const LISTS[][2] = {{"roles", "is"}, {"can", "can"}};
    size_t i;
    json_t *row;
    char line[256];

    screen_field(screen, "address", PLAIN, json_str(card, "host"));
    for (i = 0; i < COUNT(LISTS); i++) {
        scoped(buf_done) struct buf words = buf_of(LINE_BYTES_MAX);
        add_words(&words, json_object_get(card, LISTS[i][0]));
        screen_field(screen, LISTS[i][1], PLAIN, buf_str(&words));
    }
    json_array_foreach (json_object_get(card, "gpus"), i, row) {
        struct str gpu = json_str(row, "gpu");
        snprintf(line, sizeof line,
            "%.*s, %" JSON_INTEGER_FORMAT " MiB, %" JSON_INTEGER_FORMAT " lanes",
            (int)(gpu.len < 80 ? gpu.len : 80), gpu.at,
            json_integer_value(json_object_get(row, "vram_mib")),
            json_integer_value(json_object_get(row, "pcie_lanes")));
        screen_field(screen, i == 0 ? "GPU" : "", PLAIN, str_from(line));
    }
    view_number(screen, card, "memory_mib", "memory", "MiB");
    view_number(screen, card, "cores", "cores", "");
    view_number(screen, card, "boot_s", "boots in", "seconds");
    screen_field(screen, "volatility", PLAIN, json_str(card, "volatility"));
    const json_t *power = json_object_get(card, "power");
    if (json_is_object(power)) {
        snprintf(line, sizeof line,
            "%" JSON_INTEGER_FORMAT " W idle, %" JSON_INTEGER_FORMAT " W at its peak",
            json_integer_value(json_object_get(power, "idle_watts")),
            json_integer_value(json_object_get(power, "peak_watts")));
        screen_field(screen, "draws", PLAIN, str_from(line));
    }
}

/* A reading that is not fresh says nothing: its last value is not shown. */
static void add_fact(struct table *table, const json_t *fact)
{
    const json_t *number = json_object_get(fact, "value");
    struct str unit = json_str(fact, "unit"), part = json_str(fact, "part");
    bool known = json_is_integer(number) && !json_is_false(json_object_get(fact, "fresh"));
    int64_t age_s = json_integer_value(json_object_get(fact, "age_s"));
    char value[AMOUNT_BYTES], span[AMOUNT_BYTES], age[AMOUNT_BYTES + 8];

    snprintf(age, sizeof age, "%s ago", span_text(age_s, span));
    struct str row[] = {json_str(fact, "metric"), part,
        known ? str_from(amount_text(json_integer_value(number), unit.len ? unit.at : "", value))
              : S(UNKNOWN),
        str_from(age)};
    enum style styles[] = {PLAIN, PLAIN, known ? BOLD : YELLOW, DIM};
    table_add(table, row, styles);
}

static void view_node(const struct screen *screen, const json_t *answer, const char *name)
{
    static const char *const TITLES[] = {"READING", "PART", "NOW", "TOLD"};
    scoped(table_done) struct table table = {0};
    const json_t *card = json_object_get(answer, "node");
    struct str power = json_str(answer, "power");
    size_t i;
    json_t *fact;

    screen_print(screen, BOLD, "%s  ", name);
    screen_text(screen, state_style(power), power.len ? power : S(UNKNOWN));
    screen_print(screen, PLAIN, "\n");
    screen_paragraph(screen, 2, json_str(answer, "words"));
    view_card(screen, card);
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach (json_object_get(answer, "facts"), i, fact)
        add_fact(&table, fact);
    if (table.rows) {
        screen_print(screen, PLAIN, "\n");
        table_print(&table, screen);
    }
}

enum client_exit client_node_show(struct client *client)
{
    scoped(json_done) json_t *answer = NULL;
    const char *name = client->options.args[0];
    char path[API_PATH_BYTES_MAX];
    enum client_exit code;
    struct err err;

    if (!is_name(str_from(name))) {
        err_set(
            &err, ERR_INPUT, "'%.80s' is no name of a node; `logicctl node list` shows them", name);
        return client_fail(client, &err);
    }
    snprintf(path, sizeof path, "/api/v1/nodes/%s", name);
    if (!client_fetch(client, "GET", path, NULL, &answer, &code))
        return code;
    if (!client->options.json)
        view_node(&client->screen, answer, name);
    return EXIT_DONE;
}

/* --- history ------------------------------------------------------------------------------------
 */

static void add_escaped(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "&%s=", name);
    for (; *text; text++)
        if (is_name((struct str){text, 1}))
            buf_add_char(out, *text);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
}

static bool history_path(const struct options *o, struct buf *path, struct err *err)
{
    int64_t since_s = SINCE_S, step_s = 60;

    if (o->since && !span_read(str_from(o->since), "since", &since_s, err))
        return false;
    if (o->step && !span_read(str_from(o->step), "step", &step_s, err))
        return false;
    if (step_s > STEP_S_MAX)
        return err_set(err, ERR_INPUT, "--step is at most a day");
    if (o->promql ? o->args_count || o->part : o->args_count != 2)
        return err_set(err, ERR_INPUT,
            "history is asked of NODE METRIC, or by --promql QUERY alone: logicctl history tower "
            "cpu_temperature");
    buf_printf(path, "/api/v1/history?since_s=%" PRId64 "&step_s=%" PRId64, since_s, step_s);
    if (o->promql)
        add_escaped(path, "promql", o->promql);
    else {
        add_escaped(path, "node", o->args[0]);
        add_escaped(path, "metric", o->args[1]);
    }
    if (o->part)
        add_escaped(path, "part", o->part);
    if (path->overflowed)
        return err_set(err, ERR_LIMIT, "the query is too long");
    return true;
}

/* "cpu_temperature tower cpu0" of {"__name__":"logic_cpu_temperature","node":…}. */
static void series_name(const json_t *labels, struct buf *out)
{
    struct str name = json_str(labels, "__name__");
    const char *label;
    json_t *value;

    if (str_starts(name, S("logic_")))
        name = (struct str){name.at + 6, name.len - 6};
    buf_add(out, name);
    json_object_foreach ((json_t *)labels, label, value)
        if (strcmp(label, "__name__") != 0 && json_is_string(value) && json_string_length(value))
            buf_printf(out, "%s%s=%s", out->len ? " " : "", label, json_string_value(value));
}

static struct str point_value(const json_t *value, const char *unit, char text[AMOUNT_BYTES])
{
    if (json_is_integer(value))
        return str_from(amount_text(json_integer_value(value), unit, text));
    if (json_is_string(value))
        return (struct str){json_string_value(value), json_string_length(value)};
    return S(UNKNOWN);
}

static void view_series(const struct screen *screen, const json_t *series, const char *unit)
{
    static const char *const TITLES[] = {"TIME (UTC)", "VALUE"};
    scoped(buf_done) struct buf name = buf_of(LINE_BYTES_MAX);
    scoped(table_done) struct table table = {0};
    size_t i;
    json_t *point;

    series_name(json_object_get(series, "labels"), &name);
    screen_line(screen, BOLD, buf_str(&name));
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach (json_object_get(series, "points"), i, point) {
        char at[CLOCK_TEXT_BYTES], scratch[CASE_TIME_BYTES], text[AMOUNT_BYTES];
        clock_text(json_integer_value(json_array_get(point, 0)), at);
        struct str row[] = {case_view_time(str_from(at), scratch),
            point_value(json_array_get(point, 1), unit, text)};
        table_add(&table, row, NULL);
    }
    table_print(&table, screen);
}

enum client_exit client_history(struct client *client)
{
    scoped(json_done) json_t *document = NULL;
    scoped(buf_done) struct buf path = buf_of(16384);
    enum client_exit code;
    struct err err;
    size_t i;
    json_t *series;

    if (!history_path(&client->options, &path, &err))
        return client_fail(client, &err);
    if (!client_fetch(client, "GET", buf_text(&path), NULL, &document, &code))
        return code;
    if (client->options.json)
        return EXIT_DONE;
    const json_t *all = json_object_get(document, "series");
    struct str unit = json_str(document, "unit");
    json_array_foreach ((json_t *)all, i, series) {
        if (i)
            screen_print(&client->screen, PLAIN, "\n");
        view_series(&client->screen, series, unit.len ? unit.at : "");
    }
    if (json_array_size(all) == 0)
        screen_print(&client->screen, YELLOW, "nothing was kept of that in this time\n");
    return EXIT_DONE;
}

/* --- sources ------------------------------------------------------------------------------------
 */

static void add_source(struct table *table, const json_t *source, int64_t now_ms)
{
    scoped(buf_done) struct buf what = buf_of(LINE_BYTES_MAX);
    struct str state = json_str(source, "state");
    const json_t *at = json_object_get(source, "at_ms");
    const char *reason;
    json_t *count;
    size_t refused = 0;
    char span[AMOUNT_BYTES], age[AMOUNT_BYTES + 8] = "never", series[SCRATCH_BYTES];

    if (json_is_integer(at) && json_integer_value(at) > 0)
        snprintf(
            age, sizeof age, "%s ago", span_text((now_ms - json_integer_value(at)) / 1000, span));
    buf_add(&what, json_str(source, "words"));
    json_object_foreach (json_object_get(source, "refused"), reason, count)
        buf_printf(&what, "%s%s %" JSON_INTEGER_FORMAT,
            !refused++ ? (what.len ? "; refused: " : "refused: ") : ", ", reason,
            json_integer_value(count));
    struct str row[] = {json_str(source, "source"), json_str(source, "node"), state, str_from(age),
        json_text(source, "series", series), buf_str(&what)};
    enum style styles[] = {BOLD, PLAIN, state_style(state), DIM, PLAIN, PLAIN};
    table_add(table, row, styles);
}

enum client_exit client_sense_list(struct client *client)
{
    static const char *const TITLES[] = {"SOURCE", "NODE", "STATE", "ASKED", "SERIES", "WHAT"};
    scoped(json_done) json_t *document = NULL;
    scoped(table_done) struct table table = {0};
    enum client_exit code;
    size_t i;
    json_t *source;

    if (!client_fetch(client, "GET", "/api/v1/sources", NULL, &document, &code))
        return code;
    if (client->options.json)
        return EXIT_DONE;
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach (json_object_get(document, "sources"), i, source)
        add_source(&table, source, clock_civil_ms());
    if (table.rows == 0)
        screen_print(&client->screen, YELLOW,
            "no source of numbers is written down: facts sense_source in HOME/site/senses.pl, then "
            "`logicctl kb reload`\n");
    else
        table_print(&table, &client->screen);
    if (str_eq(json_str(document, "sensor"), S("away")))
        screen_print(&client->screen, YELLOW, "the sensor is away: nothing new is told\n");
    if (!json_str(document, "history").len)
        screen_print(&client->screen, DIM,
            "there is no history: no fact history(URL) in HOME/site/senses.pl\n");
    return EXIT_DONE;
}
