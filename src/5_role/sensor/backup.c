/* SPDX-License-Identifier: Apache-2.0
 *
 * The backup of this node as a source: what its last run left, under the names that /metrics has,
 * so that one node can watch another's. */
#include "sensor/inside.h"

#include "base/scoped.h"

#include <inttypes.h>

#define TEXT_BYTES_MAX 256

static void look(const struct sensor *sensor, struct backup_look *ret_look)
{
    static const struct backup_watch NONE = {.words = "this sensor was told of no backup"};

    backup_look(sensor->setup.backup ? sensor->setup.backup : &NONE, sensor_now().civil_ms / 1000,
        ret_look);
}

void backup_stats(const struct sensor *sensor, json_t *stats)
{
    struct backup_look found;

    look(sensor, &found);
    if (found.known == BACKUP_NOT_SET_UP)
        return;
    json_object_set_new(stats, "backup_known", json_integer(found.known == BACKUP_KNOWN));
    if (found.known == BACKUP_KNOWN)
        json_object_set_new(stats, "backup_age_s", json_integer(found.age_s));
}

/* A sensor that looks is heard, whatever it sees: that nothing is known is a reading of its own. */
void backup_source_ask(struct sensor *sensor, size_t i)
{
    scoped(buf_done) struct buf text = buf_of(TEXT_BYTES_MAX);
    struct source *source = sensor->sources[i];
    struct backup_look found;
    struct err err = {0};
    size_t readings;

    look(sensor, &found);
    if (found.known != BACKUP_NOT_SET_UP)
        buf_printf(&text, "logic_backup_known %d\n", found.known == BACKUP_KNOWN);
    if (found.known == BACKUP_KNOWN)
        buf_printf(&text, "logic_backup_age_seconds %" PRId64 "\n", found.age_s);
    sensor->counts.asked++;
    sensor->counts.failed += found.known == BACKUP_UNKNOWN;
    if (text.len && !source_says(source, buf_str(&text), &readings, &err))
        source_is(source, SOURCE_REFUSED, err.message);
    else
        source_is(source,
            found.known == BACKUP_KNOWN     ? SOURCE_OK
            : found.known == BACKUP_UNKNOWN ? SOURCE_REFUSED
                                            : SOURCE_SILENT,
            found.words);
    source_ok(source, true);
    sensor->turns[i].asking = true;
    sense_turn_ended(&sensor->turns[i], true, sensor_chance(), sensor_now().steady_ms);
}
