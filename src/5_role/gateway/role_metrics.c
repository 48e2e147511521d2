/* SPDX-License-Identifier: Apache-2.0
 *
 * The other roles' numbers (common/stats.def) as Prometheus reads them. A number that no row knows
 * is left out: what a role sends never becomes a name or a label. */
#include "gateway/metrics.h"

#include "base/scoped.h"

#include <stdio.h>

#define RESTARTS "restarts_"
#define UP "up_"

static const struct row {
    const char *role, *key, *type, *name;
    double scale;
    const char *help;
} ROWS[] = {
#define STAT(role, key, type, name, scale, help) {#role, #key, #type, name, scale, help},
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

void metrics_write_roles(const json_t *roles, struct buf *out)
{
    static const struct row CPU = {
        "", "cpu_ms", "counter", "role_cpu_seconds_total", 1000, "CPU time of each role."};
    static const struct row MEMORY = {
        "", "memory_bytes", "gauge", "role_memory_bytes", 1, "Resident memory of each role."};
    static const struct row STARTED_AGAIN = {"", RESTARTS, "counter", "role_restarts_total", 1,
        "Times a role ended and was started again."};
    static const struct row IS_UP = {
        "", UP, "gauge", "role_up", 1, "1 while the role runs and is ready."};

    by_role(roles, &IS_UP, "supervisor", out);
    by_role(roles, &STARTED_AGAIN, "supervisor", out);
    by_role(roles, &CPU, "", out);
    by_role(roles, &MEMORY, "", out);
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        double value;
        if (!number_of(roles, ROWS[i].role, ROWS[i].key, &value))
            continue;
        head(out, ROWS[i].name, ROWS[i].type, ROWS[i].help);
        buf_printf(out, "logic_%s %.17g\n", ROWS[i].name, value / ROWS[i].scale);
    }
}
