/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/inside.h"
#include "os/file.h"

#include "base/scoped.h"
#include "os/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SWEEP_PROCESSES_MAX 100000
#define ENVIRON_BYTES 65536

static void open_file(struct engine_record *record)
{
    struct stat seen;

    record->fd = open(
        record->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    record->bytes = record->fd >= 0 && fstat(record->fd, &seen) == 0 ? seen.st_size : 0;
}

bool engine_record_open(
    struct engine_record *record, const char *folder, int64_t bytes_max, struct err *err)
{
    record->bytes_max = bytes_max;
    record->recent = buf_of((size_t)2 * ENGINE_TAIL_BYTES);
    record->shown = buf_of(ENGINE_TAIL_BYTES);
    record->fd = -1;
    if (!file_make_folder(folder, S_IRWXU, err))
        return false;
    if (chmod(folder, S_IRWXU) != 0)
        return err_set(err, ERR_SYSTEM, "cannot make '%s' private: %s", folder, strerror(errno));
    snprintf(record->path, sizeof record->path, "%s/engine.log", folder);
    open_file(record);
    return record->fd >= 0 ||
           err_set(err, ERR_SYSTEM, "cannot open '%s': %s", record->path, strerror(errno));
}

void engine_record_add(struct engine_record *record, struct str bytes)
{
    char old[sizeof record->path + 2];
    struct str recent = bytes;

    if (recent.len > ENGINE_TAIL_BYTES)
        recent = (struct str){bytes.at + bytes.len - ENGINE_TAIL_BYTES, ENGINE_TAIL_BYTES};
    if (record->recent.len + recent.len > record->recent.bytes_max)
        buf_drop(&record->recent, record->recent.len + recent.len - record->recent.bytes_max);
    buf_add(&record->recent, recent);
    if (record->bytes + (int64_t)bytes.len > record->bytes_max) {
        snprintf(old, sizeof old, "%s.1", record->path);
        fd_done(&record->fd);
        (void)rename(record->path, old);
        open_file(record);
    }
    while (record->fd >= 0 && bytes.len > 0) { /* a full disk costs the record, not the engine */
        ssize_t done = write(record->fd, bytes.at, bytes.len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        record->bytes += done;
        bytes = (struct str){bytes.at + done, bytes.len - (size_t)done};
    }
}

struct str engine_record_tail(struct engine_record *record)
{
    struct str rest = buf_str(&record->recent);

    buf_clear(&record->shown);
    if (rest.len > ENGINE_TAIL_BYTES) {
        rest = (struct str){rest.at + rest.len - ENGINE_TAIL_BYTES, ENGINE_TAIL_BYTES};
        const char *line = memchr(rest.at, '\n', rest.len);
        if (line) /* begin with a whole one */
            rest = (struct str){line + 1, (size_t)(rest.at + rest.len - line - 1)};
    }
    while (rest.len > 0) {
        struct str good = str_utf8_prefix(rest);
        for (size_t i = 0; i < good.len; i++) {
            unsigned char c = (unsigned char)good.at[i];
            buf_add_char(&record->shown, c == '\n' || (c >= ' ' && c != 127) ? good.at[i] : '?');
        }
        if (good.len < rest.len) {
            buf_add_char(&record->shown, '?');
            good.len++;
        }
        rest = (struct str){rest.at + good.len, rest.len - good.len};
    }
    return buf_str(&record->shown);
}

void engine_record_done(struct engine_record *record)
{
    fd_done(&record->fd);
    buf_done(&record->recent);
    buf_done(&record->shown);
}

/* /proc/PID/NAME, as far as it fits. */
static struct str read_proc(const char *pid, const char *name, char *space, size_t size)
{
    char path[64];
    size_t len = 0;

    snprintf(path, sizeof path, "/proc/%.20s/%s", pid, name);
    scoped(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && len < size) {
        ssize_t got = read(fd, space + len, size - len);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    return (struct str){space, len};
}

uint64_t engine_process_work(pid_t pid)
{
    char space[1024], number[16];
    uint64_t sum = 0, value;

    snprintf(number, sizeof number, "%d", pid);
    struct str rest = read_proc(number, "stat", space, sizeof space);
    while (rest.len > 0 && rest.at[rest.len - 1] != ')') /* the name may hold anything */
        rest.len--;
    if (rest.len == 0)
        return 0;
    rest = (struct str){rest.at + rest.len, sizeof space - rest.len};
    rest = str_trim((struct str){rest.at, strnlen(rest.at, rest.len)});
    for (int field = 3; field <= 15 && rest.len > 0; field++) {
        struct str cell = str_cut(rest, ' ', &rest);
        /* minor and major page faults, user and system time */
        if ((field == 10 || field == 12 || field == 14 || field == 15) &&
            str_to_u64(cell, UINT64_MAX / 8, &value))
            sum += value;
    }
    return sum;
}

static bool is_marked(struct str environ_bytes, const char *folder)
{
    while (environ_bytes.len > 0) {
        struct str word = str_cut(environ_bytes, '\0', &environ_bytes);
        if (str_starts(word, S(ENGINE_MARK)))
            return str_eq(
                (struct str){word.at + strlen(ENGINE_MARK), word.len - strlen(ENGINE_MARK)},
                str_from(folder));
    }
    return false;
}

size_t engine_sweep(const char *folder)
{
    size_t killed = 0, seen = 0;
    DIR *processes = opendir("/proc");
    char *space = malloc(ENVIRON_BYTES);
    struct dirent *entry;

    while (processes && space && seen++ < SWEEP_PROCESSES_MAX &&
           (entry = readdir(processes)) != NULL) {
        uint64_t pid;
        if (!str_to_u64(str_from(entry->d_name), INT32_MAX, &pid) || (pid_t)pid == getpid())
            continue;
        if (is_marked(read_proc(entry->d_name, "environ", space, ENVIRON_BYTES), folder) &&
            kill((pid_t)pid, SIGKILL) == 0)
            killed++;
    }
    if (processes)
        closedir(processes);
    free(space);
    return killed;
}
