/* SPDX-License-Identifier: Apache-2.0
 *
 * Labels: which sample fits which row, and what part it is of. */
#include "sense/sense_reader.h"

struct str sense_label_of(struct str labels, struct str name, char room[SENSE_LABEL_ROOM])
{
    struct exposition_label label;

    while (exposition_label_next(&labels, &label))
        if (str_eq(label.name, name)) {
            if (!label.escaped)
                return label.raw;
            if (label.raw.len > SENSE_LABEL_ROOM)
                break;
            return exposition_unescape(label.raw, room);
        }
    return (struct str){"", 0};
}

static bool one_fits(const struct sense_test *test, struct str value)
{
    bool wanted = false, found = false;

    for (size_t i = 0; i < test->patterns_count; i++) {
        const struct sense_pattern *pattern = &test->patterns[i];
        bool is = pattern->prefix ? str_starts(value, pattern->text) : str_eq(value, pattern->text);
        if (pattern->not &&is)
            return false;
        wanted = wanted || !pattern->not ;
        found = found || (is && !pattern->not );
    }
    return found || !wanted;
}

bool sense_fits(struct sense_reader *reader, const struct sense_used *used,
    const struct sense_tests *tests, struct str take, struct str taken)
{
    for (size_t i = 0; i < tests->count; i++) {
        const struct sense_test *test = &tests->at[i];
        struct str value = take.at && str_eq(take, test->label)
                               ? taken
                               : sense_label_of(used->labels, test->label, reader->room);
        if (!one_fits(test, value))
            return false;
    }
    return true;
}

static bool part_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_./:-", c));
}

bool sense_part_of(struct sense_reader *reader, const struct sense_used *used,
    const struct sense_row_of_table *row, char ret_part[SENSE_PART_BYTES_MAX], uint8_t *ret_len)
{
    size_t len = 0;

    for (size_t i = 0; i < row->parts_count; i++) {
        struct str value = sense_label_of(used->labels, row->parts[i], reader->room);
        if (len + value.len + (i > 0) > SENSE_PART_BYTES_MAX)
            return false;
        if (i > 0)
            ret_part[len++] = '/';
        for (size_t k = 0; k < value.len; k++)
            ret_part[len++] = part_byte(value.at[k]) ? value.at[k] : '_';
    }
    *ret_len = (uint8_t)len;
    return true;
}

uint64_t sense_key_of(uint64_t seed, struct str name, struct str labels)
{
    uint64_t sum = sense_hash(seed, name);
    struct exposition_label label;

    while (exposition_label_next(&labels, &label))
        sum += sense_hash(sense_hash(seed, label.name), label.raw);
    return sum ? sum : 1;
}

/* --- joins --------------------------------------------------------------------------------------
 */

static struct sense_slot *join_slot(struct sense_reader *reader, uint16_t row, struct str on)
{
    size_t i = sense_hash(reader->seed + row, on) % SENSE_SLOTS;

    for (;; i = (i + 1) % SENSE_SLOTS) {
        struct sense_slot *slot = &reader->joins[i];
        if (slot->life != reader->life)
            return slot;
        if (slot->at >> 16 != row)
            continue;
        const struct sense_used *used = &reader->used[slot->at & 0xffff];
        struct str other =
            sense_label_of(used->labels, reader->table->rows[row].join_on, reader->taken);
        if (str_eq(other, on))
            return slot;
    }
}

void sense_joins_make(struct sense_reader *reader)
{
    size_t made = 0;

    for (size_t i = 0; i < reader->used_count; i++) {
        const struct sense_used *used = &reader->used[i];
        for (size_t k = 0; k < used->name->uses_count && made < SENSE_SLOTS / 2; k++) {
            const struct sense_use *use = &used->name->uses[k];
            if (!use->join)
                continue;
            struct str on =
                sense_label_of(used->labels, reader->table->rows[use->row].join_on, reader->room);
            struct sense_slot *slot = join_slot(reader, use->row, on);
            if (slot->life == reader->life)
                continue; /* the first counts */
            *slot = (struct sense_slot){reader->life, (uint32_t)use->row << 16 | (uint32_t)i};
            made++;
        }
    }
}

struct str sense_join(struct sense_reader *reader, uint16_t row, const struct sense_used *used)
{
    const struct sense_row_of_table *at = &reader->table->rows[row];
    struct str on = sense_label_of(used->labels, at->join_on, reader->room);
    const struct sense_slot *slot = join_slot(reader, row, on);

    if (slot->life != reader->life)
        return (struct str){"", 0};
    return sense_label_of(reader->used[slot->at & 0xffff].labels, at->join_take, reader->taken);
}
