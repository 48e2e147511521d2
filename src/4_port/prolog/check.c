/* SPDX-License-Identifier: Apache-2.0 */
#include "prolog/check.h"

#include "prolog/boot.h"

#include <string.h>

static const char CHECKER_TEXT[] =
#include "checker_text.h"
    ;

#define CHECKER_NAME "kb_check.pl"
#define STACK_BYTES 268435456 /* nothing else runs in this process */
#define TABLE_BYTES 67108864

static bool put_folder(term_t list, const char *folder)
{
    term_t element = PL_new_term_ref();

    return !folder || (PL_put_chars(element, PL_ATOM | REP_FN, strlen(folder), folder) &&
                          PL_cons_list(list, element, list));
}

/* checked(+Argv, -ExitCode, -Text) of boot.pl. */
static bool run_checker(
    const struct check_settings *settings, int *ret_exit_code, struct buf *report, struct err *err)
{
    fid_t frame = PL_open_foreign_frame();
    term_t args = PL_new_term_refs(3);
    bool ran = false;
    char *chars;
    size_t len;

    PL_STRINGS_MARK(); /* opens a block: no return before RELEASE */
    PL_put_nil(args);
    if (put_folder(args, settings->site_folder ? settings->state_folder : NULL) &&
        put_folder(args, settings->site_folder) && put_folder(args, settings->kb_folder) &&
        PL_call_predicate(NULL, PL_Q_NODEBUG | PL_Q_CATCH_EXCEPTION,
            PL_predicate("checked", 3, BOOT_MODULE), args) &&
        PL_get_integer(args + 1, ret_exit_code) &&
        PL_get_nchars(args + 2, &len, &chars, CVT_STRING | REP_UTF8)) {
        buf_add(report, (struct str){chars, len});
        ran = true;
    }
    PL_STRINGS_RELEASE();
    PL_discard_foreign_frame(frame);
    return ran || err_set(err, ERR_SYSTEM, "the checker gave no verdict");
}

bool prolog_check(
    const struct check_settings *settings, bool *ret_good, struct buf *report, struct err *err)
{
    struct boot_settings boot = {settings->home, STACK_BYTES, TABLE_BYTES};
    int exit_code;

    if (!boot_start(&boot, err))
        return false;
    if (!boot_load_text(CHECKER_NAME, settings->checker ? settings->checker : CHECKER_TEXT, err)) {
        boot_stop();
        err->kind = ERR_SYSTEM; /* the checker is ours, not the caller's */
        return err_wrap(err, "the checker does not load");
    }
    boot_listen(report);
    bool ran = run_checker(settings, &exit_code, report, err);
    boot_listen(NULL);
    boot_stop();
    if (ran)
        *ret_good = exit_code == 0;
    return ran;
}
