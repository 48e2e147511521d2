/* SPDX-License-Identifier: Apache-2.0 */
#include "prolog/boot.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char BOOT_TEXT[] =
#include "boot_text.h"
    ;

#define OPTION_BYTES_MAX 4200 /* a path and its name */

/* Prolog is one per process, so this is too. The load runs in the owner's thread, before any
 * worker. */
static struct {
    bool started;
    int kill_signal;
    bool loading;
    size_t problems;
    char first[ERR_MESSAGE_BYTES_MAX];
    struct buf *report;
} boot;

/* Prolog keeps the argument vector. */
static char option_home[OPTION_BYTES_MAX], option_stack[64], option_table[64];

int boot_kill_signal(void)
{
    return boot.kill_signal;
}

/* report(+Kind, +Text), called by boot.pl for each error and warning. */
static foreign_t report(term_t kind, term_t text)
{
    char *kind_chars, *chars;
    size_t len;

    PL_STRINGS_MARK();
    if (PL_get_atom_chars(kind, &kind_chars) &&
        PL_get_nchars(text, &len, &chars, CVT_ATOM | CVT_STRING | REP_UTF8)) {
        struct str said = str_trim((struct str){chars, len});
        scoped(free_done) char *line = str_dup(str_utf8_prefix(said));
        for (char *at = line; *at; at++)
            if ((unsigned char)*at < 0x20)
                *at = ' ';
        if (!boot.loading || PL_thread_self() != 1) {
            log_error("prolog_message_printed", "kind", kind_chars, "text", line, NULL);
        } else {
            if (boot.problems++ == 0)
                snprintf(boot.first, sizeof boot.first, "%s", line);
            if (boot.report)
                buf_printf(boot.report, "%s: %s\n", kind_chars, line);
        }
    }
    PL_STRINGS_RELEASE();
    return TRUE;
}

/* read/1 in a rule must not eat the role's standard input; a socket there is a channel of ours. */
static bool quiet_stdin(struct err *err)
{
    struct stat status;

    if (fstat(STDIN_FILENO, &status) == 0 && S_ISSOCK(status.st_mode))
        return true;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0)
        return err_set(err, ERR_SYSTEM, "cannot open /dev/null: %s", strerror(errno));
    if (null == STDIN_FILENO)
        return true;
    dup2(null, STDIN_FILENO);
    close(null);
    return true;
}

static bool initialise(const struct boot_settings *settings, struct err *err)
{
    const char *home = settings->home ? settings->home : SWIPL_HOME;
    static char *argv[] = {"logicd", option_home, "-q", "-f", "none", "-F", "none", "--no-packs",
        "--no-tty", "--no-signals", "--sigalert=0", "-O", option_stack, option_table, NULL};
    struct stat status;
    char prc[OPTION_BYTES_MAX];

    /* A wrong home is a fatal abort inside Prolog, so look first. */
    snprintf(prc, sizeof prc, "%s/boot.prc", home);
    if (stat(prc, &status) < 0)
        return err_set(err, ERR_SYSTEM,
            "no SWI-Prolog in %s (boot.prc is missing): install swi-prolog-core", home);
    snprintf(option_home, sizeof option_home, "--home=%s", home);
    snprintf(option_stack, sizeof option_stack, "--stack-limit=%" PRId64 "k",
        settings->stack_bytes_max / 1024);
    snprintf(option_table, sizeof option_table, "--table-space=%" PRId64 "k",
        settings->table_bytes_max / 1024);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("HOME", "", 1);
    unsetenv("SWI_HOME_DIR");
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_DATA_HOME");
    if (!quiet_stdin(err))
        return false;
    if (!PL_initialise((int)COUNT(argv) - 1, argv))
        return err_set(err, ERR_SYSTEM, "SWI-Prolog in %s does not start", home);
    setlocale(LC_NUMERIC, "C"); /* PL_initialise took it from the environment */
    return true;
}

/* Run a predicate of boot.pl once; false if it fails or throws. */
static bool call(const char *name, int arity, term_t args)
{
    predicate_t predicate = PL_predicate(name, arity, BOOT_MODULE);

    return PL_call_predicate(NULL, PL_Q_NODEBUG | PL_Q_CATCH_EXCEPTION, predicate, args);
}

/* load_files/2 from a stream over a text: module, directives and all. */
static bool load_text(const char *name, const char *text)
{
    bool loaded = false;
    fid_t frame = PL_open_foreign_frame();
    term_t args = PL_new_term_refs(2);

    if (PL_put_chars(args, PL_STRING | REP_UTF8, strlen(text), text) &&
        PL_call_predicate(NULL, PL_Q_NODEBUG | PL_Q_CATCH_EXCEPTION,
            PL_predicate("open_string", 2, "system"), args)) {
        term_t load = PL_new_term_refs(2), option = PL_new_term_ref();
        functor_t stream = PL_new_functor(PL_new_atom("stream"), 1);
        loaded = PL_put_atom_chars(load, name) && PL_put_nil(load + 1) &&
                 PL_cons_functor(option, stream, args + 1) &&
                 PL_cons_list(load + 1, option, load + 1) &&
                 PL_call_predicate(NULL, PL_Q_NODEBUG | PL_Q_CATCH_EXCEPTION,
                     PL_predicate("load_files", 2, "user"), load);
    }
    PL_discard_foreign_frame(frame);
    return loaded;
}

static bool make_kill_signal(void)
{
    pl_sigaction_t action = {
        .sa_flags = PLSIG_SYNC, .sa_predicate = PL_predicate("kill", 1, BOOT_MODULE)};

    boot.kill_signal = PL_sigaction(0, &action, NULL);
    return boot.kill_signal > 0;
}

bool boot_start(const struct boot_settings *settings, struct err *err)
{
    if (boot.started)
        return err_set(err, ERR_SYSTEM, "Prolog starts once in a process; start a new process");
    if (!initialise(settings, err))
        return false;
    boot.started = true;
    boot.loading = true;
    PL_register_foreign_in_module(BOOT_MODULE, "report", 2, (pl_function_t)report, 0);
    bool loaded = load_text("logic_node_boot.pl", BOOT_TEXT);
    boot.loading = false;
    if (!loaded || boot.problems)
        return err_set(err, ERR_SYSTEM, "boot.pl does not load: %s", boot.first);
    if (!make_kill_signal())
        return err_set(err, ERR_SYSTEM, "Prolog gives no signal to stop a rule with");
    return true;
}

void boot_folder(const char *which, const char *folder)
{
    fid_t frame = PL_open_foreign_frame();
    term_t args = PL_new_term_refs(2);

    check(PL_put_atom_chars(args, which));
    check(PL_put_chars(args + 1, PL_ATOM | REP_FN, strlen(folder), folder));
    check(call("folder", 2, args));
    PL_discard_foreign_frame(frame);
}

static void begin_loading(struct buf *report_to)
{
    boot.loading = true;
    boot.problems = 0;
    boot.report = report_to;
    snprintf(boot.first, sizeof boot.first, "it stopped loading without a word");
}

static bool end_loading(bool loaded, struct err *err)
{
    boot.loading = false;
    boot.report = NULL;
    if (loaded && boot.problems == 0)
        return true;
    return err_code(err, ERR_INPUT, "bad_rules", NULL,
        boot.problems > 1 ? "%s (and %zu more)" : "%s", boot.first, boot.problems - 1);
}

bool boot_load(const char *file, struct buf *report_to, struct err *err)
{
    fid_t frame = PL_open_foreign_frame();
    term_t args = PL_new_term_refs(1);

    begin_loading(report_to);
    check(PL_put_chars(args, PL_ATOM | REP_FN, strlen(file), file));
    bool loaded = call("load", 1, args);
    PL_discard_foreign_frame(frame);
    return end_loading(loaded, err);
}

bool boot_load_text(const char *name, const char *text, struct err *err)
{
    begin_loading(NULL);
    return end_loading(load_text(name, text), err);
}

void boot_listen(struct buf *report_to)
{
    boot.loading = report_to != NULL;
    boot.report = report_to;
}

bool boot_has_door(const char *name)
{
    fid_t frame = PL_open_foreign_frame();
    term_t args = PL_new_term_refs(1);

    bool there = PL_put_atom_chars(args, name) && call("door", 1, args);
    PL_discard_foreign_frame(frame);
    return there;
}

void boot_loaded(void)
{
    fid_t frame = PL_open_foreign_frame();

    check(call("loaded", 0, PL_new_term_refs(0)));
    PL_discard_foreign_frame(frame);
}

/* The collector first: a thread of Prolog's own that ends during PL_cleanup() is a race in there.
 */
void boot_stop(void)
{
    fid_t frame = PL_open_foreign_frame();

    call("stop", 0, PL_new_term_refs(0));
    PL_discard_foreign_frame(frame);
    PL_cleanup(PL_CLEANUP_NO_CANCEL);
}
