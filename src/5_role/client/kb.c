/* SPDX-License-Identifier: Apache-2.0
 *
 * kb — check a folder of rules in a process of its own, and ask the node to take new rules.
 */
#include "client/beside.h"
#include "client/client.h"
#include "client/home.h"

#include "base/buf.h"
#include "base/scoped.h"
#include "os/file.h"

#include <string.h>

#define CHECK_TEXT_BYTES_MAX (1u << 20)

/* HOME/`below` if it is there, else NULL: rules can also be checked where no node lives. */
static const char *of_home(const struct client *client, const char *below, char ret_path[PATH_MAX])
{
    struct err err;

    return home_path(&client->options, below, ret_path, &err) && file_exists(ret_path) ? ret_path
                                                                                       : NULL;
}

enum client_exit client_kb_check(struct client *client)
{
    scoped(buf_done) struct buf words = buf_of(CHECK_TEXT_BYTES_MAX);
    char site[PATH_MAX], state[PATH_MAX];
    const char *args[] = {"kb-check", client->options.args[0], of_home(client, "site", site),
        of_home(client, "state", state), NULL};
    struct err err;
    bool fine;

    if (!beside_run(args, -1, &words, &fine, &err))
        return client_fail(client, &err);
    if (client->options.json) {
        struct str text = str_utf8_prefix(buf_str(&words));
        scoped(json_done) json_t *document =
            json_pack("{s:b, s:s%}", "ok", (int)fine, "words", text.at, text.len);
        client_print(client, document);
    } else {
        screen_text(&client->screen, PLAIN, buf_str(&words));
        screen_print(&client->screen, fine ? GREEN : RED,
            fine ? "%s: these rules may be loaded\n" : "%s: these rules are refused\n",
            client->options.args[0]);
    }
    return fine ? EXIT_DONE : EXIT_TROUBLE;
}

enum client_exit client_kb_reload(struct client *client)
{
    scoped(json_done) json_t *document = NULL;
    enum client_exit code;

    if (!client_fetch(client, "POST", "/api/v1/kb/reload", NULL, &document, &code))
        return code;
    bool fine = str_eq(json_str(document, "status"), S("success"));
    if (client->options.json)
        return fine ? EXIT_DONE : EXIT_TROUBLE;
    screen_print(&client->screen, fine ? GREEN : RED,
        fine ? "the node uses the new rules\n" : "the node keeps its old rules\n");
    screen_field(&client->screen, "rules", PLAIN, json_str(document, "rules"));
    screen_paragraph(&client->screen, 2, json_str(document, "text"));
    return fine ? EXIT_DONE : EXIT_TROUBLE;
}
