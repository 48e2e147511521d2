/* SPDX-License-Identifier: Apache-2.0
 *
 * setup — a new node: three questions, then its site from the example, the owner's key, its
 * options, a check of all that by the rules themselves, and the start of its service.
 */
#include "client/beside.h"
#include "client/client.h"
#include "client/home.h"

#include "base/scoped.h"
#include "client/site_keys.h"
#include "crypto/crypto.h"
#include "os/file.h"
#include "webauthn/webauthn.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXAMPLE "/usr/share/logic-node/site-example"
#define EXAMPLE_NAME "\"logic-node\"" /* what the example calls this node */
#define HOME_OF_SERVICE "/opt/logic-node"
#define UNIT "logic-orchestrator.service"
#define TIMER "ledger-checkpoint.timer"
#define FILE_BYTES_MAX (1u << 20)
#define ANSWER_BYTES 128
#define NAME_BYTES_MAX 63

extern char **environ;

struct setup {
    char name[ANSWER_BYTES], origin[ANSWER_BYTES], listen[ANSWER_BYTES];
    char site[PATH_MAX], key[PATH_MAX], options[PATH_MAX + 32];
    char key_id[KEY_ID_BYTES];
};

/* --- what is asked -----------------------------------------------------------------------------
 */

static bool check_name(const char *name, struct err *err)
{
    size_t len = strlen(name);
    bool good = len > 0 && len <= NAME_BYTES_MAX && name[0] != '-' && name[len - 1] != '-';

    for (size_t i = 0; i < len; i++)
        good = good && strchr("abcdefghijklmnopqrstuvwxyz0123456789-", name[i]);
    return good || err_code(err, ERR_INPUT, "bad_value", "name",
                       "'%.80s' is no name of a node: small letters, digits and -, at most %d",
                       name, NAME_BYTES_MAX);
}

static bool check_listen(const char *text, struct err *err)
{
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    bool good = colon && colon > text && str_to_u64(str_from(colon + 1), 65535, &port) && port > 0;

    for (const char *at = text; *at; at++)
        good = good && (isalnum((unsigned char)*at) || strchr(".:-[]", *at));
    return good ||
           err_code(err, ERR_INPUT, "bad_value", "listen",
               "'%.80s' is no address to listen at: HOST:PORT, such as 127.0.0.1:30080", text);
}

static bool check_origin(const char *text, struct err *err)
{
    struct webauthn_origin read;

    return webauthn_origin_read(str_from(text), &read, err) || err_wrap(err, "the page's address");
}

static void host_name(char ret_name[ANSWER_BYTES])
{
    char host[ANSWER_BYTES] = "";
    struct err err;

    (void)gethostname(host, sizeof host - 1);
    host[strcspn(host, ".")] = '\0';
    for (char *at = host; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    snprintf(ret_name, ANSWER_BYTES, "%s", check_name(host, &err) ? host : "logic-node");
}

/* The option, or what a person types; nothing typed, or --yes: the standard. */
static bool ask(const struct client *client, const char *question, const char *given,
    const char *standard, char ret_answer[ANSWER_BYTES], struct err *err)
{
    char line[ANSWER_BYTES];

    snprintf(ret_answer, ANSWER_BYTES, "%s", given ? given : standard);
    if (given && strlen(given) >= ANSWER_BYTES)
        return err_set(err, ERR_LIMIT, "'%.40s…' is longer than %d bytes", given, ANSWER_BYTES - 1);
    if (given || client->options.yes)
        return true;
    if (!isatty(STDIN_FILENO))
        return err_set(err, ERR_INPUT,
            "nobody can be asked here: stdin is no terminal; give --name, --origin and --listen, "
            "or "
            "--yes for what is usual");
    struct screen screen = screen_of(stderr, client->options.no_color);
    screen_print(&screen, BOLD, "%s [%s] ", question, standard);
    if (!fgets(line, sizeof line, stdin))
        return err_set(err, ERR_DENIED, "nothing was changed");
    struct str typed = str_trim(str_from(line));
    if (typed.len)
        snprintf(ret_answer, ANSWER_BYTES, "%.*s", STR(typed));
    return true;
}

static bool ask_all(const struct client *client, struct setup *s, struct err *err)
{
    const struct options *o = &client->options;
    char standard[ANSWER_BYTES + 32];

    host_name(standard);
    if (!ask(client, "What is this node called?", o->name, standard, s->name, err) ||
        !check_name(s->name, err) ||
        !ask(client, "Where does it listen?", o->listen, "127.0.0.1:30080", s->listen, err) ||
        !check_listen(s->listen, err))
        return false;
    snprintf(standard, sizeof standard, "http://localhost%s", strrchr(s->listen, ':'));
    return ask(client, "How do browsers reach its page?", o->origin, standard, s->origin, err) &&
           check_origin(s->origin, err);
}

/* --- what is written ---------------------------------------------------------------------------
 */

static bool is_facts(const char *name)
{
    return name[0] != '.' && str_ends(str_from(name), S(".pl"));
}

static int only_facts(const struct dirent *entry)
{
    return is_facts(entry->d_name);
}

/* Each file of facts of a folder, by name; false as soon as `each` says so. */
static bool each_file(const char *folder, void *owner,
    bool (*each)(void *owner, const char *folder, const char *name, struct err *err),
    size_t *ret_count, struct err *err)
{
    struct dirent **found;
    int count = scandir(folder, &found, only_facts, alphasort);
    bool good = count >= 0;

    if (!good)
        return err_set(err, ERR_SYSTEM, "cannot read the folder '%s': %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        good = good && (!each || each(owner, folder, found[i]->d_name, err));
        free(found[i]);
    }
    free(found);
    *ret_count = (size_t)count;
    return good;
}

static struct str str_after(struct str s, size_t bytes)
{
    return (struct str){s.at + bytes, s.len - bytes};
}

/* The example's name becomes the node's, but not where it is the name of a key of a name server. */
static void rename_in(struct str text, const char *name, struct buf *out)
{
    while (text.len) {
        struct str rest, line = str_cut(text, '\n', &rest);
        bool of_server = str_starts(str_trim(line), S("dns_server("));
        while (line.len) {
            if (!of_server && str_starts(line, S(EXAMPLE_NAME))) {
                buf_printf(out, "\"%s\"", name);
                line = str_after(line, strlen(EXAMPLE_NAME));
            } else {
                buf_add_char(out, line.at[0]);
                line = str_after(line, 1);
            }
        }
        buf_add_char(out, '\n');
        text = rest;
    }
}

static bool copy_one(void *owner, const char *folder, const char *name, struct err *err)
{
    struct setup *s = owner;
    scoped(buf_done) struct buf text = buf_of(FILE_BYTES_MAX), out = buf_of(2 * FILE_BYTES_MAX);
    char path[PATH_MAX + NAME_MAX + 2];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!file_read(path, &text, err))
        return false;
    rename_in(buf_str(&text), s->name, &out);
    snprintf(path, sizeof path, "%s/%s", s->site, name);
    return file_replace(path, buf_str(&out), 0644, err);
}

static bool remove_one(void *owner, const char *folder, const char *name, struct err *err)
{
    char path[PATH_MAX + NAME_MAX + 2];

    (void)owner, (void)err;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)unlink(path);
    return true;
}

static bool put(const struct setup *s, const char *name, const char *text, struct err *err)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof path, "%s/%s", s->site, name);
    return file_replace(path, str_from(text), 0644, err);
}

/* A key that is there is the owner's already. */
static bool write_key(struct setup *s, struct err *err)
{
    scoped(sign_key_done) struct sign_key *key = NULL;
    uint8_t public_key[PUBLIC_KEY_BYTES];
    char text[PUBLIC_KEY_TEXT_BYTES], facts[512];

    if (file_exists(s->key)) {
        if (!sign_key_load(s->key, &key, err))
            return false;
    } else {
        sign_key_make(&key);
        if (!sign_key_save(key, s->key, err))
            return false;
    }
    sign_key_public(key, public_key);
    public_key_text(public_key, text);
    key_id_of(public_key, s->key_id);
    snprintf(facts, sizeof facts,
        "%s"
        "operator_key(owner, \"%s\").\n",
        SITE_KEYS_HEAD, text);
    return put(s, "keys.pl", facts, err);
}

static bool write_all(const struct client *client, struct setup *s, struct err *err)
{
    const char *example = client->options.from ? client->options.from : EXAMPLE;
    char text[512];
    size_t count;

    snprintf(text, sizeof text,
        "%% SPDX-License-Identifier: Apache-2.0\n%% How browsers reach the page: the first one is "
        "in links; passkeys are bound to it.\npage_origin(\"%s\").\n",
        s->origin);
    if (!each_file(example, s, copy_one, &count, err))
        return err_wrap(err, "the example of a site (--from DIR)");
    if (count == 0)
        return err_set(err, ERR_INPUT, "there are no files of facts in '%s'", example);
    if (!put(s, "page.pl", text, err) || !write_key(s, err))
        return false;
    snprintf(text, sizeof text,
        "# Where the node listens, and further options of logicd serve (man logicd).\n"
        "LISTEN=%s\nLOGICD_OPTIONS=\n",
        s->listen);
    return file_replace(s->options, str_from(text), 0644, err);
}

/* --- places, check, start ----------------------------------------------------------------------
 */

static bool find_places(const struct client *client, struct setup *s, struct err *err)
{
    char site[PATH_MAX], keys[PATH_MAX];
    size_t count;

    if (!home_path(&client->options, "site", site, err))
        return false;
    if (!file_exists(site) && !home_folder(&client->options, "site", site, err))
        return false;
    if (!realpath(site, s->site))
        return err_set(err, ERR_SYSTEM, "cannot find '%s': %s", site, strerror(errno));
    if (!home_path(&client->options, "keys", keys, err) || !file_make_folder(keys, 0700, err) ||
        !home_path(&client->options, "keys/owner.pem", s->key, err))
        return false;
    /* beside the site: /etc/logic-node where the package put it there, else the node's folder */
    snprintf(s->options, sizeof s->options, "%s", s->site);
    snprintf(strrchr(s->options, '/'), 32, "/logic-node.conf");
    if (!each_file(s->site, NULL, NULL, &count, err))
        return false;
    return count == 0 ||
           err_code(err, ERR_INPUT, "set_up_already", NULL,
               "there are facts in %s already: this node is set up; edit them, then logicctl kb "
               "reload",
               s->site);
}

/* The rules that will load these facts say whether they do. */
static bool check_rules(const struct client *client, const struct setup *s, struct err *err)
{
    scoped(buf_done) struct buf words = buf_of(FILE_BYTES_MAX);
    char rules[PATH_MAX], main_file[PATH_MAX];
    bool fine;

    if (!home_path(&client->options, "kb", rules, err) ||
        !home_path(&client->options, "kb/main.pl", main_file, err))
        return false;
    if (!file_exists(main_file))
        return true; /* a folder without the package: logicd is told elsewhere where its rules are
                      */
    const char *args[] = {"kb-check", rules, s->site, NULL};
    if (!beside_run(args, -1, &words, &fine, err))
        return false;
    return fine || err_code(err, ERR_INPUT, "rules_refused", NULL,
                       "the rules refuse this site, nothing was kept: %.800s", buf_text(&words));
}

static bool systemctl(struct err *err)
{
    char *const argv[] = {"systemctl", "enable", "--now", UNIT, TIMER, NULL};
    pid_t child;
    int status, failed = posix_spawnp(&child, argv[0], NULL, NULL, argv, environ);

    if (failed)
        return err_set(err, ERR_SYSTEM, "cannot run systemctl: %s", strerror(failed));
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return err_set(err, ERR_SYSTEM, "cannot wait for systemctl: %s", strerror(errno));
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           err_set(err, ERR_PEER, "the service did not start; why: journalctl -u " UNIT);
}

static bool start(const struct client *client, bool *ret_started, struct err *err)
{
    char home[PATH_MAX];
    struct err no;

    home_find(&client->options, home);
    *ret_started = false;
    if (strcmp(home, HOME_OF_SERVICE) != 0 || geteuid() != 0 || !file_exists("/run/systemd/system"))
        return true;
    if (!client->options.yes && !client_ask_yes(client, "Start it now, and at each boot?", "", &no))
        return true;
    *ret_started = systemctl(err);
    return *ret_started;
}

static void report(const struct client *client, const struct setup *s, bool started)
{
    if (client->options.json) {
        scoped(json_done) json_t *document = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}",
            "name", s->name, "site", s->site, "origin", s->origin, "listen", s->listen, "options",
            s->options, "key", s->key, "key_id", s->key_id, "started", (int)started);
        client_print(client, document);
        return;
    }
    screen_print(&client->screen, GREEN, "%s is set up\n", s->name);
    screen_field(&client->screen, "facts", PLAIN, str_from(s->site));
    screen_field(&client->screen, "options", PLAIN, str_from(s->options));
    screen_field(&client->screen, "key", PLAIN, str_from(s->key));
    screen_field(&client->screen, "page", PLAIN, str_from(s->origin));
    screen_print(&client->screen, PLAIN,
        started
            ? "It runs. The facts are an example: write down what you have, then logicctl kb "
              "reload\n"
            : "The facts are an example: write down what you have. Then: systemctl enable --now "
              "logic-orchestrator\n");
}

enum client_exit client_setup(struct client *client)
{
    struct setup s = {0};
    struct err err;
    size_t count;
    bool started;

    if (!find_places(client, &s, &err) || !ask_all(client, &s, &err))
        return client_fail(client, &err);
    if (!write_all(client, &s, &err) || !check_rules(client, &s, &err)) {
        struct err unused;
        (void)each_file(s.site, NULL, remove_one, &count, &unused); /* there were none before */
        (void)unlink(s.options);
        return client_fail(client, &err);
    }
    if (!start(client, &started, &err))
        return client_fail(client, &err);
    report(client, &s, started);
    return EXIT_DONE;
}
