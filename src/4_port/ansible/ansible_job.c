/* SPDX-License-Identifier: Apache-2.0 */
#include "ansible/ansible.h"

#include "base/scoped.h"
#include "json/json_take.h"

#include <ctype.h>

#define NAME_BYTES_MAX 64
#define SHA256_HEX 64

static bool is_word(struct str word)
{
    for (size_t i = 0; i < word.len; i++)
        if (!memchr("abcdefghijklmnopqrstuvwxyz0123456789_-", word.at[i], 38))
            return false;
    return word.len > 0 && word.at[0] != '-';
}

/* (word/)+word.yml */
static bool check_path(struct str path, const char *param, struct err *err)
{
    struct str rest = path;
    size_t folders = 0;
    bool fine = str_ends(path, S(".yml"));

    if (fine)
        rest = (struct str){path.at, path.len - 4};
    while (fine && memchr(rest.at, '/', rest.len)) {
        fine = is_word(str_cut(rest, '/', &rest));
        folders++;
    }
    if (!fine || folders == 0 || !is_word(rest))
        return err_code(err, ERR_INPUT, "bad_path", param,
            "'%.*s' is no %s; it must be like services/dns/zone.yml, of a-z 0-9 _ -",
            STR(str_utf8_prefix(path)), param);
    return true;
}

/* What would change how Ansible itself connects, finds or runs. */
static bool is_ansibles_own(struct str name)
{
    static const char *const OWN[] = {"become", "connection", "delegate_to", "environment",
        "group_names", "groups", "hostvars", "inventory_dir", "inventory_file",
        "inventory_hostname", "inventory_hostname_short", "omit", "play_hosts", "playbook_dir",
        "port", "remote_user", "role_name", "role_names", "role_path", "vars"};

    for (size_t i = 0; i < COUNT(OWN); i++)
        if (str_eq(name, str_from(OWN[i])))
            return true;
    return str_starts(name, S("ansible_"));
}

static bool check_name(struct str name, struct err *err)
{
    bool fine = name.len > 0 && name.len <= NAME_BYTES_MAX && islower((unsigned char)name.at[0]);

    for (size_t i = 0; fine && i < name.len; i++)
        fine = memchr("abcdefghijklmnopqrstuvwxyz0123456789_", name.at[i], 37) != NULL;
    if (!fine)
        return err_code(err, ERR_INPUT, "bad_variable", "variables",
            "'%.*s' is no name of a variable; it must be like zone_ttl, at most %d of a-z 0-9 _",
            STR(str_utf8_prefix(name)), NAME_BYTES_MAX);
    if (is_ansibles_own(name))
        return err_code(err, ERR_INPUT, "bad_variable", "variables",
            "the variable '%.*s' is Ansible's own and cannot be given", STR(name));
    return true;
}

static bool check_text(const char *name, struct str text, struct err *err)
{
    static const char *const MARKS[] = {"{{", "}}", "{%", "%}", "{#", "#}", "!unsafe", "!vault"};

    if (text.len > ANSIBLE_VALUE_BYTES_MAX)
        return err_code(err, ERR_INPUT, "bad_variable", "variables",
            "the variable '%s' has %zu bytes, at most %d are allowed", name, text.len,
            ANSIBLE_VALUE_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < ' ' || text.at[i] == 127)
            return err_code(err, ERR_INPUT, "bad_variable", "variables",
                "the variable '%s' holds a control character", name);
    for (size_t i = 0; i < COUNT(MARKS); i++)
        if (text.len && memmem(text.at, text.len, MARKS[i], strlen(MARKS[i])))
            return err_code(err, ERR_INPUT, "bad_variable", "variables",
                "the variable '%s' holds '%s', a mark of templates; give plain text", name,
                MARKS[i]);
    return true;
}

static bool check_variables(const struct ansible_job *job, struct err *err)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)job->variables, name, value) {
        struct str text = {json_string_value(value), json_string_length(value)};
        if (!check_name(str_from(name), err))
            return false;
        if (!json_is_string(value) && !json_is_integer(value) && !json_is_boolean(value))
            return err_code(err, ERR_INPUT, "bad_variable", "variables",
                "the variable '%s' must be text, a whole number, true or false", name);
        if (text.at && !check_text(name, text, err))
            return false;
    }
    json_object_foreach((json_t *)job->secrets, name, value) {
        struct str handle = {json_string_value(value), json_string_length(value)};
        if (!check_name(str_from(name), err) || !secret_handle_check(handle, err))
            return false;
        if (json_object_get(job->variables, name))
            return err_code(err, ERR_INPUT, "bad_variable", "secrets",
                "'%s' is given as a variable and as a secret", name);
    }
    return true;
}

static bool check_hash(struct str text, const char *param, struct err *err)
{
    for (size_t i = 0; i < text.len; i++)
        if (!memchr("0123456789abcdef", text.at[i], 16))
            return err_code(err, ERR_INPUT, "bad_job", param, "'%s' is no SHA-256 in hex", param);
    return true;
}

bool ansible_job_read(const json_t *json, struct ansible_job *ret_job, struct err *err)
{
    struct ansible_job job = {0};
    struct str hand, op;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("hand", &hand, 7, 7),
        JSON_TAKE_TEXT("op", &op, 3, 5),
        JSON_TAKE_TEXT("playbook", &job.playbook, 1, ANSIBLE_PATH_BYTES_MAX),
        JSON_TAKE_TEXT("inventory", &job.inventory, 1, ANSIBLE_PATH_BYTES_MAX),
        JSON_TAKE_OBJECT("variables", (json_t **)&job.variables),
        JSON_TAKE_OBJECT("secrets", (json_t **)&job.secrets),
        JSON_TAKE_TEXT("content_sha256", &job.content_sha256, SHA256_HEX, SHA256_HEX),
        JSON_TAKE_TEXT("fingerprint", &job.fingerprint, SHA256_HEX, SHA256_HEX),
    };
    const char *word = json_string_value(json_object_get(json, "op"));
    const char *hand_word = json_string_value(json_object_get(json, "hand"));

    if (!hand_word || strcmp(hand_word, "ansible") != 0 || !word ||
        (strcmp(word, "check") != 0 && strcmp(word, "run") != 0))
        return err_code(err, ERR_INPUT, "bad_job", "op",
            "'%.40s' is no job of the Ansible hand; see docs/protocol.md", word ? word : "");
    job.run = strcmp(word, "run") == 0;
    if (!json_take(json, fields, COUNT(fields) - (job.run ? 0 : 2), err) ||
        !check_path(job.playbook, "playbook", err) || !check_path(job.inventory, "inventory", err))
        return false;
    if (!str_starts(job.inventory, S("inventory/")))
        return err_code(err, ERR_INPUT, "bad_path", "inventory",
            "'%.*s' does not lie below inventory/", STR(job.inventory));
    if (json_object_size(job.variables) + json_object_size(job.secrets) > ANSIBLE_VARIABLES_MAX)
        return err_code(err, ERR_INPUT, "bad_variable", "variables", "more than %d variables",
            ANSIBLE_VARIABLES_MAX);
    if (!check_variables(&job, err) || !check_hash(job.content_sha256, "content_sha256", err) ||
        !check_hash(job.fingerprint, "fingerprint", err))
        return false;
    *ret_job = job;
    return true;
}
