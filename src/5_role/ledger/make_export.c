/* SPDX-License-Identifier: Apache-2.0
 *
 * make_export FOLDER COUNT START_MS — for tests: a ledger of COUNT entries in FOLDER, the first
 * just after START_MS (civil); its export on stdout.
 */
#include "ledger/fixture.h"

int main(int argc, char **argv)
{
    scoped(ledger_close) struct ledger_core *core = NULL;
    struct err err = {0};

    if (argc != 4)
        return 2;
    fixture_clock_ms = strtoll(argv[3], NULL, 10);
    if (!fixture_open(argv[1], &core, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    for (int64_t i = 1; i <= strtoll(argv[2], NULL, 10); i++) {
        char case_id[32];
        snprintf(case_id, sizeof case_id, "CASE%" PRId64, i / 5);
        fixture_clock_ms += 7;
        json_decref(fixture_one(
            core, fixture_append(i, i % 5 ? "case_judged" : "case_opened", case_id, i % 5)));
        if (i % 100 == 0 && !ledger_checkpoint(core, &err))
            return 1;
    }
    if (fixture_export(core, stdout, &err))
        return 0;
    fprintf(stderr, "%s\n", err.message);
    return 1;
}
