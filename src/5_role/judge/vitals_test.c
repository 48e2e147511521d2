/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/vitals.h"

#include "base/scoped.h"
#include "tap.h"

#include <stdio.h>

static json_t *house_of(int count)
{
    json_t *nodes = json_array();
    char name[16];

    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "n%d", i);
        json_array_append_new(
            nodes, json_pack("{s:s, s:[s], s:n, s:s, s:s, s:[]}", "node", name, "roles", "server",
                       "sleeps_as", "health", "ok", "power", "awake", "because"));
    }
    return json_pack("{s:s, s:o}", "words", "so", "nodes", nodes);
}

/* As rich as a node of a house without GPUs is. */
static json_t *numbers_of(int count)
{
    json_t *found = json_object();
    char name[16];

    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "n%d", i);
        json_object_set_new(found, name,
            json_pack("{s:s, s:[i, i], s:{s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:i}}", "words",
                "a machine in the rack of the cellar", "watts_range", 40, 600, "vitals", "cpu", 100,
                "memory", 40, "memory_mib", 65536, "celsius", 61, "disk_celsius", 40, "disk", 93,
                "disk_part", "/media", "watts", 290));
    }
    return found;
}

static size_t size_of(const json_t *value)
{
    return json_dumpb(value, NULL, 0, JSON_COMPACT);
}

TEST(a_row_gets_what_was_found_for_it)
{
    scoped(json_done) json_t *told = house_of(2), *found = numbers_of(1);
    const json_t *rows = json_object_get(told, "nodes");

    vitals_add(told, found, VITALS_REPLY_BYTES_MAX);
    const json_t *vitals = json_object_get(json_array_get(rows, 0), "vitals");
    CHECK_INT(json_integer_value(json_object_get(vitals, "watts")), 290);
    CHECK(!json_object_get(json_array_get(rows, 1), "vitals"));
    CHECK_INT(json_integer_value(json_object_get(told, "vitals_left_out")), 1);
}

TEST(what_a_row_says_already_stays)
{
    scoped(json_done) json_t *told = house_of(1),
                             *found = json_pack("{s:{s:s}}", "n0", "health", "critical");

    vitals_add(told, found, VITALS_REPLY_BYTES_MAX);
    const json_t *row = json_array_get(json_object_get(told, "nodes"), 0);
    CHECK_TEXT(json_string_value(json_object_get(row, "health")), "ok");
    CHECK(!json_object_get(told, "vitals_left_out"));
}

TEST(five_hundred_nodes_fit_a_message)
{
    scoped(json_done) json_t *told = house_of(500), *found = numbers_of(500);

    vitals_add(told, found, VITALS_REPLY_BYTES_MAX);
    CHECK(!json_object_get(told, "vitals_left_out"));
    CHECK(size_of(told) < MESSAGE_BYTES_MAX);
}

TEST(what_does_not_fit_is_left_out_and_counted)
{
    scoped(json_done) json_t *told = house_of(100), *found = numbers_of(100);
    size_t bare = size_of(told), max = bare + 2000;

    vitals_add(told, found, max);
    json_int_t left = json_integer_value(json_object_get(told, "vitals_left_out"));
    CHECK(left > 80 && left < 100);
    CHECK(size_of(told) <= max);
    CHECK(json_object_get(json_array_get(json_object_get(told, "nodes"), 0), "vitals"));
    CHECK(!json_object_get(json_array_get(json_object_get(told, "nodes"), 99), "vitals"));
}

TEST(a_reply_that_is_full_already_gets_nothing)
{
    scoped(json_done) json_t *told = house_of(3), *found = numbers_of(3);

    vitals_add(told, found, 10);
    CHECK_INT(json_integer_value(json_object_get(told, "vitals_left_out")), 3);
}

TEST(nothing_that_could_be_had_is_said)
{
    scoped(json_done) json_t *told = house_of(3);

    vitals_add(told, NULL, VITALS_REPLY_BYTES_MAX);
    CHECK_INT(json_integer_value(json_object_get(told, "vitals_left_out")), 3);
}

TAP_MAIN
