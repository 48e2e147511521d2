/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/memory.h"

#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/file.h"

#include <stdio.h>

#define LINE_BYTES_MAX 96

static bool read_line(struct memory *memory, struct str line)
{
    struct str nonce, number = str_cut(line, ' ', &nonce);
    uint64_t until_ms;

    if (memory->count == memory->count_max || !str_to_u64(number, INT64_MAX, &until_ms) ||
        nonce.len == 0 || nonce.len >= MEMORY_NONCE_BYTES)
        return false;
    struct memory_entry *entry = &memory->entries[memory->count++];
    entry->until_ms = (int64_t)until_ms;
    snprintf(entry->nonce, sizeof entry->nonce, "%.*s", STR(nonce));
    return true;
}

bool memory_init(struct memory *memory, const char *path, size_t count_max, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(count_max * LINE_BYTES_MAX + 1);

    *memory = (struct memory){.count_max = count_max};
    snprintf(memory->path, sizeof memory->path, "%s", path);
    memory->entries = calloc(count_max, sizeof *memory->entries);
    check(memory->entries);
    if (!file_exists(path))
        return true;
    if (!file_read(path, &text, err)) {
        memory_done(memory);
        return false;
    }
    struct str rest = buf_str(&text);
    while (rest.len) {
        bool whole = memchr(rest.at, '\n', rest.len) != NULL;
        if (!read_line(memory, str_cut(rest, '\n', &rest)) || !whole) {
            memory_done(memory);
            return err_set(err, ERR_SYSTEM,
                "'%.300s' is not the memory of used orders; without it an order could be used "
                "twice: look at it, and remove it ten minutes after the last order",
                path);
        }
    }
    return true;
}

void memory_done(struct memory *memory)
{
    free(memory->entries);
    *memory = (struct memory){0};
}

static void forget(struct memory *memory, int64_t now_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < memory->count; i++)
        if (memory->entries[i].until_ms > now_ms)
            memory->entries[kept++] = memory->entries[i];
    memory->count = kept;
}

static bool write_all(const struct memory *memory, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(memory->count * LINE_BYTES_MAX + 1);

    for (size_t i = 0; i < memory->count; i++)
        buf_printf(
            &text, "%lld %s\n", (long long)memory->entries[i].until_ms, memory->entries[i].nonce);
    check(!text.overflowed);
    return file_replace(memory->path, buf_str(&text), 0600, err);
}

bool memory_use(
    struct memory *memory, struct str nonce, int64_t expires_at_ms, int64_t now_ms, struct err *err)
{
    check(nonce.len > 0 && nonce.len < MEMORY_NONCE_BYTES);
    for (size_t i = 0; i < memory->count; i++)
        if (str_eq(str_from(memory->entries[i].nonce), nonce))
            return err_code(err, ERR_DENIED, "used", "nonce",
                "the order is refused, nothing was done: it was used before");
    forget(memory, now_ms);
    if (memory->count == memory->count_max)
        return err_code(err, ERR_LIMIT, "too_many_orders", NULL,
            "more than %zu orders of a day are remembered, nothing was done", memory->count_max);
    struct memory_entry *entry = &memory->entries[memory->count++];
    entry->until_ms = expires_at_ms + MEMORY_KEPT_MS;
    snprintf(entry->nonce, sizeof entry->nonce, "%.*s", STR(nonce));
    if (write_all(memory, err))
        return true;
    memory->count--;
    return err_wrap(err, "the order cannot be remembered as used, so nothing was done");
}
