/* SPDX-License-Identifier: Apache-2.0
 *
 * The other roles' numbers (common/stats.def) as Prometheus reads them. A number that no row knows
 * is left out: what a role sends never becomes a name or a label. */
#include "gateway/metrics.h"

#include "base/scoped.h"

#include <stdio.h>
#include <string.h>

#define RESTARTS "restarts_"
#define UP "up_"

static const struct row {
    const char *role, *key, *type, *name, *label;
    double scale;
    const char *help;
} ROWS[] = {
#define STAT(role, key, type, name, label, scale, help)                                            \
    {#role, #key, #type, name, label, scale, help},
#include "common/stats.def"
#undef STAT
};

static const char *const ROLES_SHOWN[] = {
    "supervisor", "gateway", "judge", "actuator", "sensor", "ledger", "agent"};

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP logic_%s %s\n# TYPE logic_%s %s\n", name, help, name, type);
}

static bool number_of(const json_t *roles, const char *role, const char *key, double *ret)
{
    const json_t *value = json_object_get(json_object_get(roles, role), key);

    *ret = json_number_value(value);
    return json_is_number(value);
}

/* One family for all roles, by label. */
static void by_role(
    const json_t *roles, const struct row *family, const char *before, struct buf *out)
{
    bool any = false;

    for (size_t i = 0; i < COUNT(ROLES_SHOWN); i++) {
        char key[64];
        double value;
        snprintf(key, sizeof key, "%s%s", family->key, *before ? ROLES_SHOWN[i] : "");
        if (!number_of(roles, *before ? before : ROLES_SHOWN[i], key, &value))
            continue;
        if (!any)
            head(out, family->name, family->type, family->help);
        any = true;
        buf_printf(out, "logic_%s{role=\"%s\"} %.17g\n", family->name, ROLES_SHOWN[i],
            value / family->scale);
    }
}

/* Rows of one name stand together: the first that has a number writes their head. */
static void write_row(const json_t *roles, size_t at, const char **last, struct buf *out)
{
    const struct row *row = &ROWS[at];
    double value;

    if (!number_of(roles, row->role, row->key, &value))
        return;
    if (strcmp(*last, row->name) != 0)
        head(out, row->name, row->type, row->help);
    *last = row->name;
    buf_printf(out, "logic_%s%s%s%s %.17g\n", row->name, *row->label ? "{" : "", row->label,
        *row->label ? "}" : "", value / row->scale);
}

void metrics_write_roles(const json_t *roles, struct buf *out)
{
    static const struct row CPU = {
        "", "cpu_ms", "counter", "role_cpu_seconds_total", "", 1000, "CPU time of each role."};
    static const struct row MEMORY = {
        "", "memory_bytes", "gauge", "role_memory_bytes", "", 1, "Resident memory of each role."};
    static const struct row STARTED_AGAIN = {"", RESTARTS, "counter", "role_restarts_total", "", 1,
        "Times a role ended and was started again."};
    static const struct row IS_UP = {
        "", UP, "gauge", "role_up", "", 1, "1 while the role runs and is ready."};
    const char *last = "";

    by_role(roles, &IS_UP, "supervisor", out);
    by_role(roles, &STARTED_AGAIN, "supervisor", out);
    by_role(roles, &CPU, "", out);
    by_role(roles, &MEMORY, "", out);
    for (size_t i = 0; i < COUNT(ROWS); i++)
        write_row(roles, i, &last, out);
}
