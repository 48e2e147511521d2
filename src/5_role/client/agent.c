/* SPDX-License-Identifier: Apache-2.0
 *
 * agent — certificates and the bundle of a host, made beside the node's own, as the node's user:
 * nothing here talks to the node or to the host.
 */
#include "client/client.h"
#include "client/home.h"

#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "host/order_key.h"
#include "os/clock.h"
#include "os/file.h"
#include "pki/pki.h"
#include "json/json_read.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGENT_PORT 30443
#define HOST_BYTES_MAX 48
#define BUNDLE_BYTES_MAX (64 * 1024)
#define DAY_S 86400

struct places {
    char pki[PATH_MAX], secrets[PATH_MAX];
    char leaf[PATH_MAX + 80];   /* pki/hosts/HOST */
    char bundle[PATH_MAX + 80]; /* where it is written */
    bool bundle_is_callers;     /* --out */
};

static bool host_check(const char *host, struct err *err)
{
    size_t len = strlen(host);

    for (size_t i = 0; i < len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", host[i]))
            len = 0;
    return (len > 0 && len <= HOST_BYTES_MAX) ||
           err_code(err, ERR_INPUT, "bad_name", NULL,
               "'%.80s' is no name of a host: small letters, digits, '_' and '-', at most %d", host,
               HOST_BYTES_MAX);
}

static bool places_find(
    const struct client *client, const char *host, struct places *ret, struct err *err)
{
    if (!host_check(host, err) || !home_path(&client->options, "pki", ret->pki, err) ||
        !home_path(&client->options, "secrets", ret->secrets, err))
        return false;
    snprintf(ret->leaf, sizeof ret->leaf, "%s/hosts/%s", ret->pki, host);
    ret->bundle_is_callers = client->options.out;
    if (client->options.out)
        snprintf(ret->bundle, sizeof ret->bundle, "%s", client->options.out);
    else
        snprintf(ret->bundle, sizeof ret->bundle, "%s/bundles/%s", ret->pki, host);
    return true;
}

static int64_t now_s(void)
{
    return clock_civil_ms() / 1000;
}

/* --- making -------------------------------------------------------------------------------- */

/* The certificate of a role that calls agents: made at first use, renewed when it is time. */
static bool role_issue(const char *pki, const char *role, struct err *err)
{
    const struct pki_want want = {.name = role, .use = PKI_CLIENT, .days = PKI_LEAF_DAYS};
    char path[PATH_MAX], leaf[PATH_MAX + 8];
    struct pki_certificate seen;
    struct err none;

    if (snprintf(path, sizeof path, "%s/%s", pki, role) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.200s…' is too long", pki);
    snprintf(leaf, sizeof leaf, "%s.crt", path);
    if (pki_read(pki, leaf, &seen, &none) && seen.until_s - now_s() > PKI_RENEW_DAYS * DAY_S)
        return true;
    return pki_issue(pki, &want, now_s(), path, err);
}

static bool node_ensure(
    const struct places *at, char ret_key[PUBLIC_KEY_TEXT_BYTES], struct err *err)
{
    return (pki_authority_exists(at->pki) || pki_authority_make(at->pki, now_s(), err)) &&
           role_issue(at->pki, "gateway", err) && pki_show(at->pki, "gateway", err) &&
           role_issue(at->pki, "actuator", err) && role_issue(at->pki, "sensor", err) &&
           order_key_ensure(at->secrets, at->pki, ret_key, err);
}

static bool copy(const char *from, const char *folder, const char *name, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(BUNDLE_BYTES_MAX);
    char path[PATH_MAX + 128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return file_read(from, &text, err) && file_replace(path, buf_str(&text), 0600, err);
}

static json_t *read_config(struct str text)
{
    json_t *config = NULL;
    struct err none;

    return json_read(text, BUNDLE_BYTES_MAX, &config, &none) ? config : NULL;
}

/* agent.json is the owner's after the first time: what stands there stays, but the key. */
static bool write_config(const struct places *at, const char *host, const json_t *names,
    const char *order_key, struct err *err)
{
    scoped(buf_done) struct buf before = buf_of(BUNDLE_BYTES_MAX);
    char path[PATH_MAX + 128], listen[32];
    struct err none;

    snprintf(path, sizeof path, "%s/agent.json", at->bundle);
    snprintf(listen, sizeof listen, "0.0.0.0:%d", AGENT_PORT);
    json_t *config = file_read(path, &before, &none) ? read_config(buf_str(&before)) : NULL;
    scoped(json_done) json_t *own =
        json_is_object(config) ? config
                               : json_pack("{s:s, s:s, s:s}", "schema", "logic-node/agent/v1",
                                     "host", host, "listen", listen);
    if (own != config)
        json_decref(config);
    json_object_set_new(own, "certificate", json_string("host.crt"));
    json_object_set_new(own, "key", json_string("host.key"));
    json_object_set_new(own, "authority", json_string("ca.crt"));
    json_object_set(own, "names", (json_t *)names);
    json_object_set_new(own, "order_key", json_string(order_key));
    scoped(free_done) char *text = json_dumps(own, JSON_INDENT(2));
    check(text);
    return file_replace(path, str_from(text), 0600, err);
}

static bool write_bundle(const struct places *at, const char *host, const json_t *names,
    const char *order_key, struct err *err)
{
    char from[PATH_MAX + 128];

    if (!file_make_folder(at->bundle, 0700, err) || !write_config(at, host, names, order_key, err))
        return false;
    snprintf(from, sizeof from, "%s/ca.crt", at->pki);
    if (!copy(from, at->bundle, "ca.crt", err))
        return false;
    snprintf(from, sizeof from, "%s.key", at->leaf);
    if (!copy(from, at->bundle, "host.key", err))
        return false;
    snprintf(from, sizeof from, "%s.crt", at->leaf);
    return copy(from, at->bundle, "host.crt", err);
}

/* `names`: JSON texts beside the host's own. A bundle of --out is of whoever calls, all else the
 * node's. */
static bool issue_and_bundle(const struct places *at, const char *host, const json_t *names,
    enum pki_key key, struct home_stay *stay, struct err *err)
{
    const char *list[PKI_NAMES_MAX + 1] = {host};
    struct pki_want want = {
        .name = host, .names = list, .use = PKI_SERVER, .key = key, .days = PKI_LEAF_DAYS};
    char order_key[PUBLIC_KEY_TEXT_BYTES];

    if (json_array_size(names) >= PKI_NAMES_MAX)
        return err_set(err, ERR_INPUT, "at most %d names and addresses", PKI_NAMES_MAX - 1);
    for (size_t i = 0; i < json_array_size(names); i++)
        list[i + 1] = json_string_value(json_array_get(names, i));
    if (!node_ensure(at, order_key, err) || !pki_issue(at->pki, &want, now_s(), at->leaf, err))
        return false;
    if (at->bundle_is_callers)
        home_leave(stay);
    return write_bundle(at, host, names, order_key, err);
}

/* --- telling --------------------------------------------------------------------------------- */

static enum client_exit tell(const struct client *client, const struct places *at, const char *host)
{
    struct pki_certificate seen;
    char leaf[PATH_MAX + 128], until[CLOCK_TEXT_BYTES];
    struct err err;

    snprintf(leaf, sizeof leaf, "%s.crt", at->leaf);
    if (!pki_read(at->pki, leaf, &seen, &err))
        return client_fail(client, &err);
    clock_text(seen.until_s * 1000, until);
    if (client->options.json) {
        scoped(json_done) json_t *document =
            json_pack("{s:s, s:s, s:s, s:s, s:s}", "host", host, "names", seen.names, "until",
                until, "fingerprint", seen.fingerprint, "bundle", at->bundle);
        client_print(client, document);
        return EXIT_DONE;
    }
    screen_print(&client->screen, PLAIN, "%s\n", at->bundle);
    struct screen hints = screen_of(stderr, client->options.no_color);
    screen_print(&hints, DIM,
        "The bundle of '%s' is ready (valid until %.10s; host.key is a secret).\n"
        "1. Copy the folder to the host, e.g. scp -pr %s root@%s:/etc/logicagent\n"
        "2. There: logicagent serve --config /etc/logicagent/agent.json\n"
        "   (\"home\", \"models\", \"engines\", \"suspend\" and \"poweroff\" may be set in "
        "agent.json)\n"
        "3. In site/ of the node: host(%s, \"https://ADDRESS:%d\", \"words\"), its pools and "
        "grants,\n"
        "   then: logicctl kb reload\n",
        host, until, at->bundle, host, host, AGENT_PORT);
    return EXIT_DONE;
}

/* --- this machine -------------------------------------------------------------------------- */

/* HOME/agent/agent.json: the node's own role `agent` starts with it; no certificate is needed. */
static bool write_local(
    const struct client *client, const struct places *at, const char *host, struct err *err)
{
    char folder[PATH_MAX], path[PATH_MAX + 16], engines[PATH_MAX], models[PATH_MAX],
        key[PUBLIC_KEY_TEXT_BYTES];

    if (!node_ensure(at, key, err) || !home_path(&client->options, "agent", folder, err) ||
        !home_path(&client->options, "catalogue/engines.json", engines, err))
        return false;
    if (client->options.models_dir && !realpath(client->options.models_dir, models))
        return err_set(err, ERR_INPUT, "there is no folder of models '%s': %s",
            client->options.models_dir, strerror(errno));
    if (!client->options.models_dir && !home_path(&client->options, "models", models, err))
        return false;
    scoped(json_done) json_t *config =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "schema", "logic-node/agent/v1", "host", host,
            "models", models, "engines", engines, "order_key", key);
    scoped(free_done) char *text = json_dumps(config, JSON_INDENT(2));
    check(text);
    snprintf(path, sizeof path, "%s/agent.json", folder);
    return file_make_folder(folder, 0700, err) && file_make_folder(models, 0755, err) &&
           file_replace(path, str_from(text), 0600, err);
}

static enum client_exit enroll_local(
    const struct client *client, const struct places *at, const char *host)
{
    struct err err;

    if (!write_local(client, at, host, &err))
        return client_fail(client, &err);
    if (client->options.json) {
        scoped(json_done) json_t *document =
            json_pack("{s:s, s:s}", "host", host, "agent", "local");
        client_print(client, document);
        return EXIT_DONE;
    }
    struct screen hints = screen_of(stderr, client->options.no_color);
    screen_print(&hints, DIM,
        "The node runs engines itself after its next start, as host '%s'.\n"
        "1. logicctl engine prepare --bin /path/of/llama-server; logicctl model add FILE\n"
        "2. In site/ of the node: host(%s, \"local\", \"words\"), a pool with pool_serves and "
        "pool_engine\n"
        "3. Start the node again\n",
        host, host);
    return EXIT_DONE;
}

enum client_exit client_agent_enroll(struct client *client)
{
    const char *host = client->options.args[0];
    scoped(json_done) json_t *names = json_array();
    scoped(home_leave) struct home_stay stay = {0};
    char leaf[PATH_MAX + 128];
    struct places at;
    struct err err;

    for (size_t i = 1; i < client->options.args_count; i++)
        json_array_append_new(names, json_string(client->options.args[i]));
    if (!places_find(client, host, &at, &err) || !home_enter(&client->options, &stay, &err))
        return client_fail(client, &err);
    if (client->options.args_count == 2 && strcmp(client->options.args[1], "local") == 0)
        return enroll_local(client, &at, host);
    snprintf(leaf, sizeof leaf, "%s.crt", at.leaf);
    if (file_exists(leaf) && !client->options.yes) {
        err_set(&err, ERR_INPUT,
            "'%s' is enrolled already: logicctl agent renew %s keeps its key; --yes makes a new "
            "one, and the host needs the new bundle then",
            host, host);
        return client_fail(client, &err);
    }
    if (!issue_and_bundle(&at, host, names, PKI_NEW_KEY, &stay, &err))
        return client_fail(client, &err);
    return tell(client, &at, host);
}

enum client_exit client_agent_renew(struct client *client)
{
    const char *host = client->options.args[0];
    scoped(json_done) json_t *names = json_array();
    struct pki_certificate seen;
    scoped(home_leave) struct home_stay stay = {0};
    char leaf[PATH_MAX + 128];
    struct places at;
    struct err err;

    if (!places_find(client, host, &at, &err) || !home_enter(&client->options, &stay, &err))
        return client_fail(client, &err);
    snprintf(leaf, sizeof leaf, "%s.crt", at.leaf);
    if (!pki_read(at.pki, leaf, &seen, &err)) {
        err_wrap(&err, "'%s' is not enrolled", host);
        return client_fail(client, &err);
    }
    for (struct str name, rest = str_from(seen.names); rest.len;) {
        name = str_cut(rest, ' ', &rest);
        if (!str_eq(name, str_from(host)))
            json_array_append_new(names, json_stringn(name.at, name.len));
    }
    if (!issue_and_bundle(&at, host, names, PKI_KEEP_KEY, &stay, &err))
        return client_fail(client, &err);
    return tell(client, &at, host);
}

/* --- listing -----------------------------------------------------------------------------------
 */

static void add_row(json_t *list, const char *pki, const char *name, const char *path)
{
    struct pki_certificate seen;
    char until[CLOCK_TEXT_BYTES];
    struct err err;

    if (!pki_read(pki, path, &seen, &err)) {
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:n, s:s}", "host", name, "names",
                                        "", "until", "", "days", "state", err.message));
        return;
    }
    clock_text(seen.until_s * 1000, until);
    int64_t days = (seen.until_s - now_s()) / DAY_S;
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:s}", "host", name, "names",
                                    seen.names, "until", until, "days", (json_int_t)days, "state",
                                    days < 0                ? "expired"
                                    : days < PKI_RENEW_DAYS ? "renew"
                                                            : "good"));
}

static int only_certificates(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && str_ends(str_from(entry->d_name), S(".crt"));
}

static json_t *rows(const char *pki)
{
    json_t *list = json_array();
    struct dirent **entries = NULL;
    char folder[PATH_MAX + 16], path[PATH_MAX + 300];

    snprintf(folder, sizeof folder, "%s/hosts", pki);
    int count = scandir(folder, &entries, only_certificates, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        entries[i]->d_name[strlen(entries[i]->d_name) - 4] = '\0';
        add_row(list, pki, entries[i]->d_name, path);
        free(entries[i]);
    }
    free(entries);
    return list;
}

enum client_exit client_agent_list(struct client *client)
{
    static const char *const TITLES[] = {"HOST", "NAMES", "UNTIL", "STATE"};
    char pki[PATH_MAX];
    json_t *row;
    size_t i;
    struct err err;

    if (!home_path(&client->options, "pki", pki, &err))
        return client_fail(client, &err);
    scoped(json_done) json_t *list = rows(pki);
    if (client->options.json) {
        scoped(json_done) json_t *document = json_pack("{s:O}", "agents", list);
        client_print(client, document);
        return EXIT_DONE;
    }
    scoped(table_done) struct table table;
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach (list, i, row) {
        struct str until = json_str(row, "until");
        const struct str texts[] = {json_str(row, "host"), json_str(row, "names"),
            {until.at, until.len < 10 ? until.len : 10}, json_str(row, "state")};
        bool good = str_eq(texts[3], S("good"));
        const enum style styles[] = {PLAIN, DIM, PLAIN, good ? GREEN : RED};
        table_add(&table, texts, styles);
    }
    table_print(&table, &client->screen);
    return EXIT_DONE;
}
