/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"
#include "base/scoped.h"
#include "base/settings.h"
#include "host/host.h"
#include "json/json_take.h"

#include <stdio.h>

static const struct setting ROWS[] = {
#define SETTING(name, min, max, standard, help)                                                    \
    {#name, min, max, standard, help, offsetof(struct agent_settings, name)},
#include "agent/settings.def"
#undef SETTING
#define HTTP_LIMIT(name, min, max, standard, help)                                                 \
    {#name, min, max, standard, help, offsetof(struct agent_settings, http.name)},
#include "net/http_limits.def"
#undef HTTP_LIMIT
};

#define BODY_BYTES_STANDARD (32 << 20) /* prompts with pictures */

static bool bad(struct err *err, const char *param, const char *words)
{
    return err_code(err, ERR_INPUT, "bad_config", param, "agent configuration: %s", words);
}

/* An absolute path, or one below `folder`. */
static bool path_of(struct str text, const char *folder, char ret_path[PATH_MAX], struct err *err)
{
    int len = str_starts(text, S("/")) ? snprintf(ret_path, PATH_MAX, "%.*s", STR(text))
                                       : snprintf(ret_path, PATH_MAX, "%s/%.*s", folder, STR(text));

    return len < PATH_MAX || bad(err, NULL, "a path is too long");
}

/* A list of texts, NULL-ended. */
static bool texts_of(
    const json_t *list, size_t max, const char **ret, const char *param, struct err *err)
{
    json_t *one;
    size_t i;

    if (json_array_size(list) > max)
        return bad(err, param, "a list is too long");
    json_array_foreach (list, i, one) {
        if (!json_is_string(one) || json_string_length(one) == 0 ||
            strlen(json_string_value(one)) != json_string_length(one))
            return bad(err, param, "a list holds something else than texts");
        ret[i] = json_string_value(one);
    }
    ret[json_array_size(list)] = NULL;
    return true;
}

static bool argv_of(const json_t *list, const char *word, const char **ret, struct err *err)
{
    ret[0] = "systemctl";
    ret[1] = word;
    ret[2] = NULL;
    if (!list)
        return true;
    if (json_array_size(list) == 0)
        return bad(err, word, "the command is empty");
    return texts_of(list, AGENT_ARGV_MAX, ret, word, err);
}

static bool listen_of(struct str text, struct agent_config *config, struct err *err)
{
    const char *colon = memrchr(text.at, ':', text.len);
    size_t len = colon ? (size_t)(colon - text.at) : 0;
    uint64_t port;

    if (!colon || !str_to_u64((struct str){colon + 1, text.len - len - 1}, 65535, &port))
        return bad(err, "listen", "'listen' is ADDRESS:PORT");
    struct str address = {text.at, len};
    if (str_starts(address, S("[")) && str_ends(address, S("]")))
        address = (struct str){address.at + 1, address.len - 2};
    if (!address.len || address.len >= sizeof config->address)
        return bad(err, "listen", "'listen' is ADDRESS:PORT");
    snprintf(config->address, sizeof config->address, "%.*s", STR(address));
    config->port = (uint16_t)port;
    return true;
}

struct raw {
    struct str schema, host, listen, socket, order_key, home, models, engines, nvidia_smi;
    struct str certificate, key, authority;
    json_t *names, *suspend, *poweroff, *execute, *push, *settings;
};

static bool take(const json_t *json, struct raw *raw, struct err *err)
{
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("schema", &raw->schema, 1, 64),
        JSON_TAKE_TEXT("host", &raw->host, 1, HOST_NAME_BYTES_MAX),
        JSON_TAKE_TEXT("order_key", &raw->order_key, 1, 128),
        JSON_MAY_TEXT("listen", &raw->listen, 1, 80),
        JSON_MAY_TEXT("socket", &raw->socket, 1, 107),
        JSON_MAY_TEXT("certificate", &raw->certificate, 1, PATH_MAX - 1),
        JSON_MAY_TEXT("key", &raw->key, 1, PATH_MAX - 1),
        JSON_MAY_TEXT("authority", &raw->authority, 1, PATH_MAX - 1),
        JSON_MAY_TEXT("home", &raw->home, 1, PATH_MAX - 1),
        JSON_MAY_TEXT("models", &raw->models, 1, PATH_MAX - 1),
        JSON_MAY_TEXT("engines", &raw->engines, 1, PATH_MAX - 1),
        JSON_MAY_TEXT("nvidia_smi", &raw->nvidia_smi, 1, 1023),
        JSON_MAY_ARRAY("names", &raw->names, 0, AGENT_NAMES_MAX - 1),
        JSON_MAY_ARRAY("suspend", &raw->suspend, 0, AGENT_ARGV_MAX),
        JSON_MAY_ARRAY("poweroff", &raw->poweroff, 0, AGENT_ARGV_MAX),
        JSON_MAY_ARRAY("execute", &raw->execute, 0, AGENT_NAMES_MAX),
        JSON_MAY_OBJECT("push", &raw->push),
        JSON_MAY_OBJECT("settings", &raw->settings),
    };

    return json_take(json, fields, COUNT(fields), err);
}

static bool place(
    const struct raw *raw, const char *folder, struct agent_config *c, struct err *err)
{
    bool tls = raw->certificate.at && raw->key.at && raw->authority.at;

    if (!raw->listen.at == !raw->socket.at)
        return bad(err, "listen", "either 'listen' or 'socket' says where the agent listens");
    if (raw->listen.at && !tls)
        return bad(err, "certificate",
            "an address needs 'certificate', 'key' and 'authority': without them everybody on the "
            "network could use the engines");
    if (raw->socket.at)
        return path_of(raw->socket, folder, c->socket, err);
    return listen_of(raw->listen, c, err) &&
           path_of(raw->certificate, folder, c->certificate, err) &&
           path_of(raw->key, folder, c->key, err) &&
           path_of(raw->authority, folder, c->authority, err);
}

static bool folders(
    const struct raw *raw, const char *folder, struct agent_config *c, struct err *err)
{
    char home[PATH_MAX];

    if (!path_of(raw->home.at ? raw->home : str_from(folder), folder, home, err))
        return false;
    if (strlen(home) > AGENT_HOME_BYTES_MAX)
        return bad(err, "home", "the path of 'home' is longer than 64 bytes: sockets lie below it");
    memcpy(c->home, home, strlen(home) + 1);
    return path_of(raw->models.at ? raw->models : S("models"), c->home, c->models, err) &&
           path_of(raw->engines.at ? raw->engines : S("catalogue/engines.json"), c->home,
               c->engines, err);
}

/* Whose token goes out must be sure who gets it: https, or this machine. */
static bool push_of(
    const struct raw *raw, const char *folder, struct agent_config *c, struct err *err)
{
    struct str url, token, authority = {NULL, 0};
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("url", &url, 8, 500),
        JSON_TAKE_TEXT("token", &token, 1, AGENT_TOKEN_BYTES_MAX),
        JSON_MAY_INTEGER("every_s", &c->push.every_s, 1, 3600),
        JSON_MAY_TEXT("authority", &authority, 1, PATH_MAX - 1),
    };

    c->push.every_s = 10;
    if (!raw->push)
        return true;
    if (!json_take(raw->push, fields, COUNT(fields), err))
        return err_wrap(err, "push");
    if (!str_starts(url, S("https://")) && !str_starts(url, S("http://127.0.0.1:")))
        return bad(err, "push", "'push' goes by https, or to http://127.0.0.1:PORT");
    for (size_t i = 0; i < token.len; i++)
        if (token.at[i] <= ' ' || token.at[i] > '~')
            return bad(err, "push", "the token of 'push' is no token");
    c->push.url = url.at;
    c->push.token = token.at;
    struct str file = authority.at ? authority : raw->authority;
    if (!file.at && str_starts(url, S("https://")))
        return bad(err, "push", "'push' by https needs the 'authority' of the node's certificate");
    return !file.at || path_of(file, folder, c->push.authority, err);
}

static bool read_config(
    const json_t *json, const char *folder, struct agent_config *c, struct err *err)
{
    struct raw raw = {0};

    if (!take(json, &raw, err))
        return false;
    if (!str_eq(raw.schema, S(AGENT_SCHEMA)))
        return bad(err, "schema", "the schema is not " AGENT_SCHEMA);
    for (size_t i = 0; i < raw.host.len; i++)
        if (!memchr("abcdefghijklmnopqrstuvwxyz0123456789_-", raw.host.at[i], 38))
            return bad(err, "host", "a host is named by small letters, digits, '_' and '-'");
    c->host = raw.host.at;
    c->nvidia_smi = raw.nvidia_smi.at;
    settings_default(ROWS, COUNT(ROWS), &c->settings);
    c->settings.http.body_bytes_max = BODY_BYTES_STANDARD;
    if (!place(&raw, folder, c, err) || !folders(&raw, folder, c, err) ||
        !push_of(&raw, folder, c, err) ||
        !texts_of(raw.names, AGENT_NAMES_MAX - 1, c->names, "names", err) ||
        !texts_of(raw.execute, AGENT_NAMES_MAX, c->execute, "execute", err) ||
        !argv_of(raw.suspend, "suspend", c->suspend, err) ||
        !argv_of(raw.poweroff, "poweroff", c->poweroff, err) ||
        !public_key_parse(raw.order_key, c->order_key, err))
        return false;
    size_t count = json_array_size(raw.names);
    c->names[count] = c->host; /* its own name always */
    c->names[count + 1] = NULL;
    return settings_apply(ROWS, COUNT(ROWS), raw.settings, &c->settings, err);
}

bool agent_config_read(
    json_t *json, const char *folder, struct agent_config *ret_config, struct err *err)
{
    scoped(free_done) struct agent_config *config = calloc(1, sizeof *config);

    if (!config || !read_config(json, folder, config, err))
        return false;
    config->json = json_incref(json);
    *ret_config = *config;
    return true;
}

void agent_config_done(struct agent_config *config)
{
    json_decref(config->json);
    config->json = NULL;
}
