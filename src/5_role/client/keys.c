/* SPDX-License-Identifier: Apache-2.0
 *
 * keys — make a person's key, and say the fact that makes it count. Nothing here talks to the
 * node: who may sign is a site fact, written by the owner, never by the API.
 */
#include "client/client.h"
#include "client/home.h"

#include "base/scoped.h"
#include "crypto/crypto.h"
#include "os/file.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define KEY_NAME_BYTES_MAX 32

/* A Prolog atom that needs no quotes, and a plain file name. */
static bool is_name(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > KEY_NAME_BYTES_MAX || name[0] < 'a' || name[0] > 'z')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!(name[i] >= 'a' && name[i] <= 'z') && !isdigit((unsigned char)name[i]) &&
            name[i] != '_')
            return false;
    return true;
}

static void print_key(
    const struct client *client, const struct sign_key *key, const char *name, const char *path)
{
    uint8_t public_key[PUBLIC_KEY_BYTES];
    char text[PUBLIC_KEY_TEXT_BYTES], id[KEY_ID_BYTES], fact[256];

    sign_key_public(key, public_key);
    public_key_text(public_key, text);
    key_id_of(public_key, id);
    snprintf(fact, sizeof fact, "operator_key(%s, \"%s\").", name, text);
    if (client->options.json) {
        scoped(json_done) json_t *document = json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", name,
            "file", path, "key_id", id, "public_key", text, "fact", fact);
        client_print(client, document);
        return;
    }
    screen_print(&client->screen, PLAIN, "%s\n", fact);
}

enum client_exit client_key_new(struct client *client)
{
    scoped(sign_key_done) struct sign_key *key = NULL;
    const char *name = client->options.args[0], *path = client->options.out;
    char below[KEY_NAME_BYTES_MAX + 16], standard[PATH_MAX];
    struct err err;

    if (!is_name(name)) {
        err_set(&err, ERR_INPUT,
            "'%.80s' is no name of a person here: a small letter, then small letters, digits or _, "
            "at most %d",
            name, KEY_NAME_BYTES_MAX);
        return client_fail(client, &err);
    }
    if (!path) {
        if (!home_path(&client->options, "keys", standard, &err) ||
            !file_make_folder(standard, 0700, &err))
            return client_fail(client, &err);
        snprintf(below, sizeof below, "keys/%s.pem", name);
        if (!home_path(&client->options, below, standard, &err))
            return client_fail(client, &err);
        path = standard;
    }
    sign_key_make(&key);
    if (!sign_key_save(key, path, &err))
        return client_fail(client, &err);
    print_key(client, key, name, path);
    struct screen hints = screen_of(stderr, client->options.no_color);
    screen_print(&hints, DIM,
        "The private key is in %s (readable by you alone; there is no second copy).\n"
        "Put the line above into site/keys.pl of the node, then: logicctl kb reload\n",
        path);
    return EXIT_DONE;
}

/* The person's name is the file's: keys/anna.pem is anna's. */
static void name_of_file(const char *path, char ret_name[KEY_NAME_BYTES_MAX + 1])
{
    const char *slash = strrchr(path, '/');
    struct str rest, base = str_cut(str_from(slash ? slash + 1 : path), '.', &rest);

    snprintf(ret_name, KEY_NAME_BYTES_MAX + 1, "%.*s", STR(base));
    if (!is_name(ret_name))
        snprintf(ret_name, KEY_NAME_BYTES_MAX + 1, "name");
}

enum client_exit client_key_show(struct client *client)
{
    scoped(sign_key_done) struct sign_key *key = NULL;
    char name[KEY_NAME_BYTES_MAX + 1];
    struct err err;

    if (!sign_key_load(client->options.args[0], &key, &err))
        return client_fail(client, &err);
    name_of_file(client->options.args[0], name);
    print_key(client, key, name, client->options.args[0]);
    return EXIT_DONE;
}
