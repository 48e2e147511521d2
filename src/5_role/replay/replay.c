/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/replay.h"

#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "message/message.h"
#include "os/file.h"
#include "prolog/check.h"
#include "replay/again.h"
#include "supervisor/version.h"
#include "json/json_read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct seen {
    struct version version;
    int64_t entries;
};

struct replay {
    const struct replay_options *options;
    FILE *entries;
    struct seen seen[REPLAY_VERSIONS_MAX];
    size_t versions;
    int64_t total, of[AGAIN_WHATS], replayed, altered, reworded, beyond;
    json_t *differences, *missing;
};

/* --- which versions judged -------------------------------------------------------------------- */

static void count(struct replay *r, const json_t *entry)
{
    const json_t *body = json_object_get(entry, "body");
    const char *rules = message_text(body, "rules"), *site = message_text(body, "site");
    size_t i = 0;

    r->total++;
    r->of[again_what(entry)]++;
    while (i < r->versions && (strcmp(r->seen[i].version.rules, rules) != 0 ||
                                  strcmp(r->seen[i].version.site, site) != 0))
        i++;
    if (i == REPLAY_VERSIONS_MAX) {
        r->beyond++;
        return;
    }
    struct seen *seen = &r->seen[i];
    if (i == r->versions) {
        r->versions++;
        snprintf(seen->version.rules, sizeof seen->version.rules, "%s", rules);
        snprintf(seen->version.site, sizeof seen->version.site, "%s", site);
    }
    seen->entries++;
}

static bool count_all(struct replay *r, struct err *err)
{
    const struct again all = {.since = r->options->since};
    int64_t line = 0;

    for (;;) {
        scoped(json_done) json_t *entry = NULL;
        if (!again_read(r->entries, &line, &entry, err))
            return false;
        if (!entry)
            return true;
        if (again_wanted(&all, entry))
            count(r, entry);
    }
}

static void miss(struct replay *r, const char *name, int64_t entries, const char *words)
{
    json_array_append_new(r->missing, json_pack("{s:s, s:I, s:s}", "version", name, "entries",
                                          (json_int_t)entries, "words", words));
}

/* --- a child for each ---------------------------------------------------------------------------
 */

/* Fork, run `work` with the end of a pipe for its words, give what it said and how it ended. */
static bool in_child(int (*work)(const void *context, FILE *out), const void *context,
    struct buf *said, int *ret_status, struct err *err)
{
    int ends[2];
    char bytes[4096];
    ssize_t got;

    fflush(NULL);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(err, ERR_SYSTEM, "cannot make a pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        FILE *out = fdopen(ends[1], "w");
        close(ends[0]);
        _exit(out ? work(context, out) : 1);
    }
    close(ends[1]);
    while (child > 0 &&
           ((got = read(ends[0], bytes, sizeof bytes)) > 0 || (got < 0 && errno == EINTR)))
        if (got > 0)
            buf_add(said, (struct str){bytes, (size_t)got});
    close(ends[0]);
    if (child < 0)
        return err_set(err, ERR_SYSTEM, "cannot start a process: %s", strerror(errno));
    while (waitpid(child, ret_status, 0) < 0 && errno == EINTR)
        continue;
    return true;
}

struct task {
    struct again again;
    int entries_fd;
};

static int work_again(const void *context, FILE *out)
{
    const struct task *task = context;
    FILE *entries =
        lseek(task->entries_fd, 0, SEEK_SET) == 0 ? fdopen(task->entries_fd, "r") : NULL;

    return entries ? again_run(&task->again, entries, out) : 1;
}

static void take_difference(struct replay *r, json_t *difference)
{
    if (json_array_size(r->differences) < REPLAY_LISTED_MAX)
        json_array_append(r->differences, difference);
}

/* What the child said, line by line. False: it did not come to its end; *ret_why says how far. */
static bool take_words(struct replay *r, struct str said, char *ret_why, size_t why_bytes)
{
    bool whole = false;

    snprintf(ret_why, why_bytes, "the process that judged again ended in the middle");
    while (said.len) {
        scoped(json_done) json_t *line = NULL;
        struct err err;
        if (!json_read(str_cut(said, '\n', &said), REPLAY_LINE_BYTES_MAX, &line, &err))
            continue; /* cut off */
        if (json_object_get(line, "difference"))
            take_difference(r, json_object_get(line, "difference"));
        if (json_object_get(line, "error"))
            snprintf(ret_why, why_bytes, "%s", message_text(line, "error"));
        if (json_object_get(line, "replayed")) {
            whole = true;
            r->replayed += message_int(line, "replayed");
            r->altered += message_int(line, "altered");
            r->reworded += message_int(line, "reworded");
        }
    }
    return whole;
}

static bool judge_again(
    struct replay *r, const struct again *again, const char *name, int64_t entries, struct err *err)
{
    scoped(buf_done) struct buf said = buf_of((size_t)REPLAY_LISTED_MAX * 4096);
    const struct task task = {*again, fileno(r->entries)};
    char why[ERR_MESSAGE_BYTES_MAX];
    int status;

    if (!in_child(work_again, &task, &said, &status, err))
        return false;
    if (!take_words(r, buf_str(&said), why, sizeof why))
        miss(r, name, entries, why);
    return true;
}

/* The folder must be there, and be what its name says. */
static bool judge_version(struct replay *r, struct seen *seen, struct err *err)
{
    struct version now = {0};
    struct err why = {0};
    char site[PATH_MAX + 8];

    if (!version_folder(r->options->versions, &seen->version))
        return err_set(err, ERR_LIMIT, "path '%s' is too long", r->options->versions);
    const char *name = seen->version.folder + strlen(r->options->versions) + 1;
    snprintf(site, sizeof site, "%s/site", seen->version.folder);
    if (!file_exists(seen->version.folder)) {
        miss(r, name, seen->entries, "these rules are not kept any more (supervisor.versions_max)");
        return true;
    }
    if (!version_hash(seen->version.folder, site, &now, &why)) {
        miss(r, name, seen->entries, why.message);
        return true;
    }
    if (strcmp(now.rules, seen->version.rules) != 0 || strcmp(now.site, seen->version.site) != 0) {
        miss(r, name, seen->entries, "somebody changed these rules since they were in force");
        return true;
    }
    const struct again again = {.kb = seen->version.folder,
        .site = site,
        .rules = seen->version.rules,
        .hash = seen->version.site,
        .since = r->options->since};
    return judge_again(r, &again, name, seen->entries, err);
}

/* --- with other rules
 * ------------------------------------------------------------------------------ */

static int work_check(const void *context, FILE *out)
{
    const struct replay_options *o = context;
    const struct check_settings settings = {.kb_folder = o->with_kb, .site_folder = o->with_site};
    scoped(buf_done) struct buf report = buf_of(CHECK_REPORT_BYTES_MAX);
    struct err err = {0};
    bool good = false;

    if (!prolog_check(&settings, &good, &report, &err))
        fputs(err.message, out);
    fputs(buf_text(&report), out);
    return fflush(out) == 0 && good ? 0 : 1;
}

static bool judge_with(struct replay *r, struct err *err)
{
    const struct replay_options *o = r->options;
    const struct again again = {.kb = o->with_kb, .site = o->with_site, .since = o->since};
    scoped(buf_done) struct buf said = buf_of(CHECK_REPORT_BYTES_MAX);
    int status = 0;

    if (!in_child(work_check, o, &said, &status, err))
        return false;
    if (status != 0)
        return err_code(err, ERR_INPUT, "bad_rules", NULL, "the rules in %s are refused: %.400s",
            o->with_kb, buf_text(&said));
    return judge_again(r, &again, o->with_kb, r->total, err);
}

/* --- the report
 * ------------------------------------------------------------------------------------- */

/* "41 verdicts, 6 alert entries and 2 runbooks" */
static void add_list(const struct replay *r, struct buf *words)
{
    static const char *const ONE[AGAIN_WHATS] = {"verdict", "alert entry", "runbook"},
                             *const MANY[AGAIN_WHATS] = {"verdicts", "alert entries", "runbooks"};
    size_t left = 0;

    for (size_t i = 0; i < AGAIN_WHATS; i++)
        left += r->of[i] > 0;
    for (size_t i = 0; i < AGAIN_WHATS; i++)
        if (r->of[i])
            buf_printf(words, "%" PRId64 " %s%s", r->of[i], (r->of[i] == 1 ? ONE : MANY)[i],
                --left > 1  ? ", "
                : left == 1 ? " and "
                            : "");
}

static void add_words(const struct replay *r, int64_t missed, struct buf *words)
{
    if (r->total == 0) {
        buf_add(words, S("there is nothing to give again"));
        return;
    }
    if (r->options->with_kb) {
        buf_printf(words, "this change would alter %" PRId64 " of ", r->altered);
        add_list(r, words);
    } else {
        buf_add(words, missed ? S("of ") : S(""));
        add_list(r, words);
        if (missed)
            buf_printf(words, ", %" PRId64 " given again", r->replayed);
        else
            buf_add(words, S(" given again"));
        if (r->altered)
            buf_printf(words, ": %" PRId64 " differ%s", r->altered, r->altered == 1 ? "s" : "");
        else if (r->replayed)
            buf_add(words, S(": all the same"));
    }
    if (r->reworded)
        buf_printf(words, ", %" PRId64 " of them only in words", r->reworded);
    if (missed)
        buf_printf(words, "; %" PRId64 " could not be given again", missed);
}

static json_t *report(const struct replay *r)
{
    scoped(buf_done) struct buf words = buf_of(ERR_MESSAGE_BYTES_MAX);
    int64_t missed = r->total - r->replayed;
    size_t listed = json_array_size(r->differences);

    add_words(r, missed, &words);
    json_t *whole = json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O, s:I, s:O}", "ok",
        (int)(r->altered == 0 && missed == 0), "words", buf_text(&words), "verdicts",
        (json_int_t)r->of[AGAIN_VERDICT], "alerts", (json_int_t)r->of[AGAIN_ALERT], "runbooks",
        (json_int_t)r->of[AGAIN_RUNBOOK], "same", (json_int_t)(r->replayed - r->altered), "altered",
        (json_int_t)r->altered, "reworded", (json_int_t)r->reworded, "not_replayed",
        (json_int_t)missed, "differences", r->differences, "not_listed",
        (json_int_t)(r->altered - (int64_t)listed), "missing", r->missing);
    check(whole);
    return whole;
}

/* Children read it from the beginning, each in its turn; and Prolog takes descriptor 0 away. */
static bool keep_entries(FILE *given, FILE **ret_entries, struct err *err)
{
    char bytes[65536];
    size_t got;
    bool seekable = fseek(given, 0, SEEK_SET) == 0;
    int fd = seekable ? fcntl(fileno(given), F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;
    FILE *kept = seekable ? fdopen(fd, "r") : tmpfile();

    while (!seekable && kept && (got = fread(bytes, 1, sizeof bytes, given)) > 0)
        if (fwrite(bytes, 1, got, kept) != got)
            break;
    *ret_entries = kept;
    return (kept && !ferror(kept) && !ferror(given) && fseek(kept, 0, SEEK_SET) == 0) ||
           err_set(err, ERR_SYSTEM, "cannot keep the entries: %s", strerror(errno));
}

static bool judge_all(struct replay *r, struct err *err)
{
    if (!count_all(r, err))
        return false;
    if (r->options->with_kb)
        return judge_with(r, err);
    for (size_t i = 0; i < r->versions; i++)
        if (!judge_version(r, &r->seen[i], err))
            return false;
    if (r->beyond)
        miss(r, "others", r->beyond, "too many versions at once; replay a part with --since");
    return true;
}

bool replay_run(
    const struct replay_options *options, FILE *entries, json_t **ret_report, struct err *err)
{
    struct replay *r = calloc(1, sizeof *r);

    check(r);
    r->options = options;
    r->differences = json_array();
    r->missing = json_array();
    bool done = keep_entries(entries, &r->entries, err) && judge_all(r, err);
    if (done)
        *ret_report = report(r);
    if (r->entries)
        fclose(r->entries);
    json_decref(r->differences);
    json_decref(r->missing);
    free(r);
    return done;
}
