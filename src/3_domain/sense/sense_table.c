/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of door `senses`, made ready for looking up. */
#include "sense/sense_inside.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "json/json_take.h"

#include <math.h>
#include <stdlib.h>

static bool bad(struct err *err, const char *words, const char *name)
{
    return err_code(
        err, ERR_INPUT, "bad_table", NULL, "the table of senses: %s: '%.100s'", words, name);
}

uint64_t sense_hash(uint64_t seed, struct str text)
{
    uint64_t hash = seed ^ 0xcbf29ce484222325;

    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.at[i]) * 0x100000001b3;
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93;
    return hash ^ hash >> 32;
}

/* --- reading ------------------------------------------------------------------------------------
 */

static bool whole_of(const json_t *object, const char *name, int64_t *ret)
{
    const json_t *number = json_object_get(object, name);

    if (!json_is_integer(number))
        return false;
    *ret = json_integer_value(number);
    return true;
}

/* A place in a list of words; -1 none. */
static int word_of(struct str word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(word, str_from(words[i])))
            return (int)i;
    return -1;
}

static bool read_test(const char *label, const json_t *patterns, struct sense_test *ret)
{
    size_t count = json_array_size(patterns), i;
    json_t *one;

    if (!json_is_array(patterns) || count > SENSE_PATTERNS_MAX)
        return false;
    ret->label = str_from(label);
    ret->patterns = calloc(count + 1, sizeof *ret->patterns);
    check(ret->patterns);
    ret->patterns_count = count;
    json_array_foreach (patterns, i, one) {
        struct sense_pattern *pattern = &ret->patterns[i];
        if (!json_is_string(one))
            return false;
        pattern->text = (struct str){json_string_value(one), json_string_length(one)};
        if (str_starts(pattern->text, S("!"))) {
            pattern->not = true;
            pattern->text = (struct str){pattern->text.at + 1, pattern->text.len - 1};
        }
        if (str_ends(pattern->text, S("*"))) {
            pattern->prefix = true;
            pattern->text.len--;
        }
    }
    return true;
}

static bool read_tests(const json_t *labels, struct sense_tests *ret)
{
    const char *label;
    json_t *patterns;

    if (!json_is_object(labels) || json_object_size(labels) > SENSE_LABELS_MAX)
        return false;
    json_object_foreach ((json_t *)labels, label, patterns)
        if (!read_test(label, patterns, &ret->at[ret->count++]))
            return false;
    return true;
}

static bool read_sides(const json_t *json, struct sense_row_of_table *row)
{
    const json_t *parts = json_object_get(json, "part"), *ofs = json_object_get(json, "of");
    const json_t *join = json_object_get(json, "join");
    json_t *one;
    size_t i;

    if (json_array_size(parts) > SENSE_PARTS_MAX || json_array_size(ofs) > SENSE_OFS_MAX)
        return false;
    json_array_foreach (parts, i, one) {
        if (!json_is_string(one))
            return false;
        row->parts[row->parts_count++] =
            (struct str){json_string_value(one), json_string_length(one)};
    }
    json_array_foreach (ofs, i, one) {
        struct sense_of *of = &row->of[row->of_count++];
        of->name = json_str(one, "name");
        if (!of->name.len || !read_tests(json_object_get(one, "labels"), &of->tests))
            return false;
    }
    if (!json_is_object(join))
        return true;
    row->joined = true;
    row->join_name = json_str(join, "name");
    row->join_on = json_str(join, "on");
    row->join_take = json_str(join, "take");
    return row->join_name.len && row->join_on.len && row->join_take.len;
}

static bool read_row(const json_t *json, struct sense_row_of_table *row)
{
    static const char *const HOWS[] = {
        "value", "rate", "delta", "ratio", "rest", "less", "ratio_rate", "ahead", "ago"};
    static const char *const MANYS[] = {"sum", "max", "min", "count"};
    int how = word_of(json_str(json, "how"), HOWS, COUNT(HOWS));
    int many = word_of(json_str(json, "many"), MANYS, COUNT(MANYS));

    row->name = json_str(json, "name");
    if (!row->name.len || how < 0 || many < 0)
        return false;
    row->how = (enum sense_how)how;
    row->many = (enum sense_many)many;
    row->nonzero = str_eq(json_str(json, "keep"), S("nonzero"));
    row->untaken = json_is_true(json_object_get(json, "untaken"));
    row->scale = json_number_value(json_object_get(json, "scale"));
    row->divide = json_number_value(json_object_get(json, "divide"));
    if (!(row->scale > 0 && row->divide > 0))
        return false;
    return read_tests(json_object_get(json, "labels"), &row->tests) && read_sides(json, row);
}

static bool read_metric(const json_t *json, struct sense_table *table, struct err *err)
{
    struct sense_metric *metric = &table->metrics[table->metrics_count];
    const json_t *from = json_object_get(json, "from");
    int64_t stale_s;
    json_t *one;
    size_t i;

    metric->name = json_str(json, "metric").at;
    metric->unit = json_str(json, "unit").at;
    if (!metric->name[0] || !whole_of(json, "min", &metric->min) ||
        !whole_of(json, "max", &metric->max) || metric->min > metric->max ||
        !whole_of(json, "stale_s", &stale_s) || stale_s < 1 || stale_s > 86400 * 366)
        return bad(err, "a metric without name, range or staleness", metric->name);
    metric->stale_ms = stale_s * 1000;
    json_array_foreach (from, i, one) {
        if (table->rows_count == SENSE_ROWS_MAX)
            return bad(err, "too many rows", metric->name);
        struct sense_row_of_table *row = &table->rows[table->rows_count++];
        row->metric = (uint16_t)table->metrics_count;
        if (!read_row(one, row))
            return bad(err, "a row that cannot be read, of metric", metric->name);
    }
    table->metrics_count++;
    return true;
}

static bool read_source(const json_t *json, struct sense_table *table, struct err *err)
{
    static const char *const KINDS[] = {"exporter", "agent", "push", "backup"};
    struct sense_source *source = &table->sources[table->sources_count];
    int kind = word_of(json_str(json, "kind"), KINDS, COUNT(KINDS));
    int64_t every_s;

    source->source = json_str(json, "source").at;
    source->node = json_str(json, "node").at;
    source->where = json_str(json, "where").at;
    if (!source->source[0] || !source->node[0] || kind < 0 ||
        strlen(source->where) > SENSE_WHERE_BYTES_MAX || !whole_of(json, "every_s", &every_s) ||
        every_s < 1 || every_s > 86400)
        return bad(err, "a source that cannot be read", source->source);
    source->kind = (enum sense_kind)kind;
    source->every_ms = every_s * 1000;
    table->sources_count++;
    return true;
}

/* --- names --------------------------------------------------------------------------------------
 */

static struct sense_name *name_slot(struct sense_table *table, struct str name)
{
    uint32_t hash = (uint32_t)sense_hash(0, name);
    size_t mask = table->slots_count - 1, i = hash & mask;

    for (; table->slots[i]; i = (i + 1) & mask) {
        struct sense_name *at = &table->names[table->slots[i] - 1];
        if (at->hash == hash && str_eq(at->name, name))
            return at;
    }
    struct sense_name *at = &table->names[table->names_count++];
    *at = (struct sense_name){.name = name, .hash = hash};
    table->slots[i] = (uint16_t)table->names_count;
    return at;
}

static void add_use(
    struct sense_table *table, struct str name, size_t row, int of, bool join, bool counted)
{
    struct sense_name *at = name_slot(table, name);

    at->uses = realloc(at->uses, (at->uses_count + 1) * sizeof *at->uses);
    check(at->uses);
    at->uses[at->uses_count++] =
        (struct sense_use){.row = (uint16_t)row, .of = (int8_t)of, .join = join};
    at->counted = at->counted || counted;
}

static void make_names(struct sense_table *table)
{
    size_t most = 1;

    for (size_t i = 0; i < table->rows_count; i++)
        most += 2 + table->rows[i].of_count;
    table->names = calloc(most, sizeof *table->names);
    for (table->slots_count = 64; table->slots_count < 2 * most;)
        table->slots_count *= 2;
    table->slots = calloc(table->slots_count, sizeof *table->slots);
    check(table->names && table->slots);
    for (size_t i = 0; i < table->rows_count; i++) {
        const struct sense_row_of_table *row = &table->rows[i];
        bool counted =
            row->how == SENSE_RATE || row->how == SENSE_DELTA || row->how == SENSE_RATIO_RATE;
        add_use(table, row->name, i, -1, false, counted);
        for (size_t k = 0; k < row->of_count; k++)
            add_use(table, row->of[k].name, i, (int)k, false, counted);
        if (row->joined)
            add_use(table, row->join_name, i, -1, true, false);
    }
}

const struct sense_name *sense_table_name(const struct sense_table *table, struct str name)
{
    uint32_t hash = (uint32_t)sense_hash(0, name);
    size_t mask = table->slots_count - 1;

    for (size_t i = hash & mask; table->slots[i]; i = (i + 1) & mask) {
        const struct sense_name *at = &table->names[table->slots[i] - 1];
        if (at->hash == hash && str_eq(at->name, name))
            return at;
    }
    return NULL;
}

/* --- all of it ----------------------------------------------------------------------------------
 */

static bool read_lists(const json_t *json, struct sense_table *table, struct err *err)
{
    const json_t *sources = json_object_get(json, "sources");
    const json_t *metrics = json_object_get(json, "metrics");
    json_t *one;
    size_t i;

    if (!json_is_array(sources) || !json_is_array(metrics))
        return bad(err, "it has no lists of sources and metrics", "");
    if (json_array_size(sources) > SENSE_SOURCES_MAX ||
        json_array_size(metrics) > SENSE_METRICS_MAX)
        return bad(err, "too many sources or metrics", "");
    json_array_foreach (sources, i, one)
        if (!read_source(one, table, err))
            return false;
    json_array_foreach (metrics, i, one)
        if (!read_metric(one, table, err))
            return false;
    table->history = json_string_value(json_object_get(json, "history"));
    return true;
}

bool sense_table_read(const json_t *json, struct sense_table **ret_table, struct err *err)
{
    struct sense_table *table = calloc(1, sizeof *table);

    check(table);
    table->json = json_incref((json_t *)json);
    table->rows = calloc(SENSE_ROWS_MAX, sizeof *table->rows);
    check(table->rows);
    if (!read_lists(json, table, err)) {
        sense_table_free(&table);
        return false;
    }
    make_names(table);
    *ret_table = table;
    return true;
}

static void tests_done(struct sense_tests *tests)
{
    for (size_t i = 0; i < tests->count; i++)
        free(tests->at[i].patterns);
}

void sense_table_free(struct sense_table **at)
{
    struct sense_table *table = *at;

    *at = NULL;
    if (!table)
        return;
    for (size_t i = 0; i < table->rows_count; i++) {
        tests_done(&table->rows[i].tests);
        for (size_t k = 0; k < table->rows[i].of_count; k++)
            tests_done(&table->rows[i].of[k].tests);
    }
    for (size_t i = 0; i < table->names_count; i++)
        free(table->names[i].uses);
    free(table->names);
    free(table->slots);
    free(table->rows);
    json_decref(table->json);
    free(table);
}

size_t sense_table_sources(const struct sense_table *table)
{
    return table->sources_count;
}

const struct sense_source *sense_table_source(const struct sense_table *table, size_t i)
{
    return &table->sources[i];
}

const struct sense_metric *sense_table_metric(const struct sense_table *table, uint16_t metric)
{
    return &table->metrics[metric];
}

int sense_table_find(const struct sense_table *table, struct str metric)
{
    for (size_t i = 0; i < table->metrics_count; i++)
        if (str_eq(metric, str_from(table->metrics[i].name)))
            return (int)i;
    return -1;
}

const char *sense_table_history(const struct sense_table *table)
{
    return table->history;
}
