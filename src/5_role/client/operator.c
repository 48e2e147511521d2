/* SPDX-License-Identifier: Apache-2.0
 *
 * operator — passkeys of people: codes made, what browsers made of them confirmed or rejected,
 * listed and removed. Works on the node's files (HOME/enrol, HOME/site/keys.pl) and on what the
 * node says is in force; who may sign is written by whoever may write there, never by the API.
 */
#include "client/client.h"
#include "client/enrol_book.h"
#include "client/home.h"
#include "client/site_change.h"
#include "client/site_keys.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "json/json_read.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 400
#define FACT_BYTES_MAX 4096
#define ORIGIN_FILE_BYTES_MAX 512

/* --- who is there ---------------------------------------------------------------------------- */

static const json_t *person_in(const json_t *people, struct str name)
{
    const json_t *row;
    size_t i;

    json_array_foreach (json_object_get(people, "people"), i, row)
        if (str_eq(json_str(row, "person"), name))
            return row;
    return NULL;
}

static bool no_person(const json_t *people, struct str name, struct err *err)
{
    scoped(buf_done) struct buf names = buf_of(300);
    const json_t *row;
    size_t i;

    json_array_foreach (json_object_get(people, "people"), i, row)
        buf_printf(&names, "%s%.*s", i ? ", " : "", STR(json_str(row, "person")));
    return err_set(err, ERR_INPUT,
        "there is no person '%.60s' in the site facts (there are: %s); write person(NAME, \"…\") "
        "and "
        "person_role(NAME, operator) into site/policy.pl first",
        name.at, names.len ? buf_text(&names) : "none");
}

/* The passkey of that key_id, and whose it is. */
static const json_t *passkey_in(const json_t *people, struct str key_id, struct str *ret_person)
{
    const json_t *row, *passkey;
    size_t i, k;

    json_array_foreach (json_object_get(people, "people"), i, row)
        json_array_foreach (json_object_get(row, "passkeys"), k, passkey)
            if (str_eq(json_str(passkey, "key_id"), key_id)) {
                *ret_person = json_str(row, "person");
                return passkey;
            }
    return NULL;
}

static json_t *credentials_of(const json_t *person)
{
    json_t *ids = json_array();
    const json_t *passkey;
    size_t i;

    check(ids);
    json_array_foreach (json_object_get(person, "passkeys"), i, passkey)
        if (i < ENROLMENT_EXCLUDE_MAX)
            json_array_append(ids, json_object_get(passkey, "credential_id"));
    return ids;
}

/* --- the page's address ---------------------------------------------------------------------- */

static bool is_origin(const json_t *people, struct str origin)
{
    const json_t *each;
    size_t i;

    json_array_foreach (json_object_get(people, "origins"), i, each)
        if (str_eq(str_from(json_string_value(each)), origin))
            return true;
    return false;
}

/* What the gateway thinks that a browser would call it; "" if it does not know. */
static void likely_origin(const struct client *client, char ret_origin[WEBAUTHN_ORIGIN_BYTES])
{
    scoped(buf_done) struct buf text = buf_of(ORIGIN_FILE_BYTES_MAX);
    scoped(json_done) json_t *document = NULL;
    char path[PATH_MAX];
    struct err err;

    *ret_origin = '\0';
    if (home_path(&client->options, "run/page.json", path, &err) && file_read(path, &text, &err) &&
        json_read(buf_str(&text), ORIGIN_FILE_BYTES_MAX, &document, &err))
        snprintf(ret_origin, WEBAUTHN_ORIGIN_BYTES, "%.*s", STR(json_str(document, "origin")));
}

/* Where the passkey will be used: --origin, else the first page_origin that can have passkeys, else
 * what is likely. */
static bool choose_origin(const struct client *client, const json_t *people,
    char ret_origin[WEBAUTHN_ORIGIN_BYTES], struct err *err)
{
    const json_t *origins = json_object_get(people, "origins"), *each;
    struct webauthn_origin read;
    struct err why;
    size_t i;

    if (client->options.origin) {
        if (!webauthn_origin_read(str_from(client->options.origin), &read, err))
            return err_wrap(err, "--origin");
        if (!read.passkeys)
            return err_set(err, ERR_INPUT,
                "browsers give no passkeys to pages of '%.200s': it must be https with a name, or "
                "localhost",
                client->options.origin);
        snprintf(ret_origin, WEBAUTHN_ORIGIN_BYTES, "%s", client->options.origin);
        return true;
    }
    json_array_foreach (origins, i, each) {
        snprintf(ret_origin, WEBAUTHN_ORIGIN_BYTES, "%s", json_string_value(each));
        if (webauthn_origin_read(str_from(ret_origin), &read, &why) && read.passkeys)
            return true;
    }
    likely_origin(client, ret_origin);
    if (!json_array_size(origins) && webauthn_origin_read(str_from(ret_origin), &read, &why) &&
        read.passkeys)
        return true;
    return err_set(err, ERR_INPUT,
        "%s; say where with --origin https://NAME[:PORT] (browsers give passkeys to https with a "
        "name, or to http://localhost only)",
        json_array_size(origins)
            ? "no page_origin of the site facts can have passkeys"
            : "nobody wrote a page_origin, and the node does not know its name");
}

/* Asked for, written, in force: before anybody opens the page there. */
static bool make_origin(struct client *client, const char *origin, struct err *err)
{
    scoped(buf_done) struct buf fact = buf_of(FACT_BYTES_MAX);
    struct screen screen = screen_of(stderr, client->options.no_color);

    site_keys_origin(str_from(origin), &fact);
    screen_print(&screen, PLAIN,
        "The site facts do not say yet that browsers reach this node's page at %s.\n"
        "This line would be added to site/keys.pl, and the rules loaded anew:\n  %s\n",
        origin, buf_text(&fact));
    return (client->options.yes ||
               client_ask_yes(client, "Write it?",
                   "nothing was written; passkeys need a page_origin (--origin URL names another)",
                   err)) &&
           site_change_add(client, buf_str(&fact), err);
}

/* --- confirm --------------------------------------------------------------------------------- */

static void show_enrolment(const struct screen *screen, const struct enrolment *enrolment,
    const char *key_id, struct str fact)
{
    screen_field(screen, "person", BOLD, enrolment->person);
    screen_field(screen, "words", PLAIN, enrolment->words);
    screen_field(screen, "for pages of", PLAIN, enrolment->origin);
    screen_field(screen, "key", BOLD, str_from(key_id));
    screen_print(screen, PLAIN, "This line would be added to site/keys.pl:\n  %.*s\n", STR(fact));
    screen_print(screen, DIM,
        "Say yes only if the page shows the same: %.4s %.4s %.4s %.4s. From then on it can sign "
        "for "
        "%.*s.\n",
        key_id, key_id + 4, key_id + 8, key_id + 12, STR(enrolment->person)); /* as the page */
}

/* The fact is in force before the code and the file go: whoever is interrupted can begin again. */
static bool confirm(struct client *client, const struct enrol_book *book, const char *id,
    json_t **ret_done, struct err *err)
{
    scoped(json_done) json_t *document = NULL, *people = NULL;
    scoped(buf_done) struct buf fact = buf_of(FACT_BYTES_MAX);
    struct enrolment enrolment;
    struct screen screen = screen_of(stderr, client->options.no_color);
    char key_id[KEY_ID_BYTES];
    struct str person;
    bool found;

    if (!enrol_book_read(book, id, &document, &enrolment, err) ||
        !site_change_people(client, &people, err))
        return false;
    if (client->options.words)
        enrolment.words = str_from(client->options.words);
    if (!enrolment_words_fit(enrolment.words, err))
        return false;
    if (!person_in(people, enrolment.person))
        return no_person(people, enrolment.person, err);
    passkey_key_id(&enrolment.key, key_id);
    site_keys_passkey(&enrolment, &fact);
    if (!passkey_in(people, str_from(key_id), &person)) {
        show_enrolment(&screen, &enrolment, key_id, buf_str(&fact));
        if (!client->options.yes &&
            !client_ask_yes(client, "Is this the key, and may it sign?",
                "nothing was written; it waits on: `logicctl operator confirm ID`, or `reject ID`",
                err))
            return false;
        if (!site_change_add(client, buf_str(&fact), err))
            return false;
    }
    *ret_done = json_pack("{s:s, s:s, s:s%, s:s}", "enrolment", id, "key_id", key_id, "person",
        enrolment.person.at, enrolment.person.len, "fact", buf_text(&fact));
    return enrol_book_forget(book, id, &found, err);
}

static enum client_exit say_confirmed(const struct client *client, const json_t *done)
{
    if (client->options.json)
        client_print(client, done);
    else
        screen_print(&client->screen, GREEN, "passkey %.*s of %.*s is in force\n",
            STR(json_str(done, "key_id")), STR(json_str(done, "person")));
    return EXIT_DONE;
}

static bool begin(struct client *client, struct enrol_book *book, struct err *err)
{
    return enrol_book_open(&client->options, book, err) &&
           (client->api.curl || api_open(&client->api, &client->options, err));
}

static bool take_id(const struct client *client, struct err *err)
{
    return enrolment_id_fits(str_from(client->options.args[0])) ||
           err_set(err, ERR_INPUT,
               "'%.60s' is no id of an enrolment (16 digits); `logicctl operator pending` lists "
               "them",
               client->options.args[0]);
}

enum client_exit client_operator_confirm(struct client *client)
{
    scoped(json_done) json_t *done = NULL;
    struct enrol_book book;
    struct err err;

    if (!take_id(client, &err) || !begin(client, &book, &err) ||
        !confirm(client, &book, client->options.args[0], &done, &err))
        return client_fail(client, &err);
    return say_confirmed(client, done);
}

/* --- enroll ---------------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static void listen_for_interrupt(bool on)
{
    struct sigaction action = {.sa_handler = on ? on_interrupt : SIG_DFL};

    interrupted = 0;
    sigaction(SIGINT, &action, NULL);
}

static void minutes_left(int64_t ms, char ret_text[16])
{
    int64_t s = ms > 0 ? ms / 1000 : 0;

    snprintf(ret_text, 16, "%d:%02d", (int)(s / 60 % 100), (int)(s % 60));
}

/* Until a browser used the code. false: it expired, or Ctrl-C. */
static bool wait_for_browser(const struct enrol_book *book, const struct enrolment_code *code)
{
    bool shown = isatty(STDERR_FILENO), used = false;
    const struct timespec step = {.tv_nsec = LOOK_MS * 1000000L};

    listen_for_interrupt(true);
    while (!interrupted && !(used = enrol_book_used(book, code->id))) {
        int64_t left_ms = code->expires_at_ms - clock_civil_ms();
        char left[16];
        if (left_ms <= 0)
            break;
        minutes_left(left_ms, left);
        if (shown)
            fprintf(stderr, "\rwaiting for the browser … %s left ", left);
        fflush(stderr);
        (void)nanosleep(&step, NULL);
    }
    if (shown)
        fputc('\n', stderr);
    bool stopped = interrupted;
    listen_for_interrupt(false);
    return used && !stopped;
}

static void show_code(
    const struct client *client, const struct enrolment_code *code, const char *text)
{
    char left[16];

    if (client->options.json) {
        scoped(json_done) json_t *document =
            json_pack("{s:s, s:s%, s:s, s:s+, s:s%, s:I}", "code", text, "person", code->person.at,
                code->person.len, "enrolment", code->id, "address", code->origin.at, "/#/enrol",
                "origin", code->origin.at, code->origin.len, "good_ms", (json_int_t)ENROLMENT_MS);
        check(document);
        client_print(client, document);
        return;
    }
    minutes_left(ENROLMENT_MS, left);
    screen_print(&client->screen, PLAIN, "In the browser that is to sign for %.*s, open\n  ",
        STR(code->person));
    screen_print(&client->screen, BOLD, "%.*s/#/enrol\n", STR(code->origin));
    screen_print(
        &client->screen, PLAIN, "and type this code (it is good once, for %s min):\n  ", left);
    screen_print(&client->screen, BOLD, "%s\n", text);
    fflush(client->screen.out);
}

static bool make_code(struct client *client, const struct enrol_book *book, const json_t *person,
    const char *origin, struct enrolment_code *ret_code, char ret_text[ENROLMENT_CODE_BYTES],
    char ret_sha256[SHA256_HEX_BYTES], struct err *err)
{
    scoped(json_done) json_t *exclude = credentials_of(person);
    struct webauthn_origin read;
    uint8_t random[ENROLMENT_CODE_RANDOM];
    const char *words = client->options.words;

    if (!webauthn_origin_read(str_from(origin), &read, err) ||
        (words && !enrolment_words_fit(str_from(words), err)))
        return false;
    random_bytes(random, sizeof random);
    enrolment_code_write(random, ret_text);
    check(enrolment_code_read(str_from(ret_text), ret_sha256));
    *ret_code = (struct enrolment_code){.sha256 = str_from(ret_sha256),
        .person = json_str(person, "person"),
        .name = json_str(person, "name"),
        .words = str_from(words ? words : ""),
        .origin = str_from(origin),
        .rp_id = read.host,
        .created_at_ms = clock_civil_ms(),
        .exclude = exclude};
    ret_code->expires_at_ms = ret_code->created_at_ms + ENROLMENT_MS;
    enrolment_id_of(ret_sha256, ret_code->id);
    bool added = enrol_book_add(book, ret_code, err);
    ret_code->exclude = NULL;
    return added;
}

static enum client_exit wait_and_confirm(
    struct client *client, const struct enrol_book *book, const struct enrolment_code *code)
{
    scoped(json_done) json_t *done = NULL;
    struct screen hints = screen_of(stderr, client->options.no_color);
    struct err err;

    if (!wait_for_browser(book, code)) {
        bool open = code->expires_at_ms > clock_civil_ms();
        screen_print(&hints, PLAIN,
            open ? "The code stays good; `logicctl operator pending` says what came of it, "
                   "`logicctl "
                   "operator reject %s` withdraws it.\n"
                 : "Nobody used the code %s in time; make another.\n",
            open ? code->id : "");
        return open ? EXIT_CONSENT : EXIT_TROUBLE;
    }
    client->options.yes = false; /* that was for the page's address: a key is looked at */
    if (confirm(client, book, code->id, &done, &err))
        return say_confirmed(client, done);
    enum client_exit exit = client_fail(client, &err);
    screen_print(&hints, PLAIN, "It waits: `logicctl operator confirm %s`\n", code->id);
    return err.kind == ERR_INPUT ? EXIT_CONSENT : exit;
}

enum client_exit client_operator_enroll(struct client *client)
{
    scoped(json_done) json_t *people = NULL;
    struct str name = str_from(client->options.args[0]);
    char origin[WEBAUTHN_ORIGIN_BYTES], text[ENROLMENT_CODE_BYTES], sha256[SHA256_HEX_BYTES];
    struct enrol_book book;
    struct enrolment_code code;
    struct err err;

    if (!begin(client, &book, &err) || !site_change_people(client, &people, &err))
        return client_fail(client, &err);
    const json_t *person = person_in(people, name);
    if (!person || !enrolment_person_fits(name)) {
        no_person(people, name, &err);
        return client_fail(client, &err);
    }
    if (!choose_origin(client, people, origin, &err) ||
        (!is_origin(people, str_from(origin)) && !make_origin(client, origin, &err)) ||
        !make_code(client, &book, person, origin, &code, text, sha256, &err))
        return client_fail(client, &err);
    show_code(client, &code, text);
    explicit_bzero(text, sizeof text);
    return client->options.json ? EXIT_CONSENT : wait_and_confirm(client, &book, &code);
}

/* --- reject, pending ------------------------------------------------------------------------- */

enum client_exit client_operator_reject(struct client *client)
{
    const char *id = client->options.args[0];
    struct enrol_book book;
    struct err err;
    bool found;

    if (!take_id(client, &err) || !enrol_book_open(&client->options, &book, &err) ||
        !enrol_book_forget(&book, id, &found, &err))
        return client_fail(client, &err);
    if (!found) {
        err_set(&err, ERR_INPUT,
            "no enrolment '%.40s' waits; `logicctl operator pending` lists them", id);
        return client_fail(client, &err);
    }
    if (client->options.json) {
        scoped(json_done) json_t *done =
            json_pack("{s:s, s:s}", "enrolment", id, "state", "rejected");
        client_print(client, done);
    } else {
        screen_print(
            &client->screen, PLAIN, "enrolment %s is rejected; its code is worth nothing\n", id);
    }
    return EXIT_DONE;
}

enum client_exit client_operator_pending(struct client *client)
{
    static const char *const TITLES[] = {"ID", "STATE", "PERSON", "KEY", "FOR", "WORDS"};
    scoped(json_done) json_t *rows = NULL;
    scoped(table_done) struct table table = {0};
    struct enrol_book book;
    struct err err;
    const json_t *row;
    size_t i;

    if (!enrol_book_open(&client->options, &book, &err) || !enrol_book_list(&book, &rows, &err))
        return client_fail(client, &err);
    if (client->options.json) {
        scoped(json_done) json_t *document = json_pack("{s:O}", "enrolments", rows);
        client_print(client, document);
        return EXIT_DONE;
    }
    if (json_array_size(rows) == 0) {
        screen_line(&client->screen, PLAIN,
            S("No enrolment waits; `logicctl operator enroll PERSON` makes a code."));
        return EXIT_DONE;
    }
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach (rows, i, row) {
        struct str why = json_str(row, "why");
        struct str cells[] = {json_str(row, "enrolment"), json_str(row, "state"),
            json_str(row, "person"), json_str(row, "key_id"), json_str(row, "origin"),
            why.len ? why : json_str(row, "words")};
        table_add(&table, cells, NULL);
    }
    table_print(&table, &client->screen);
    return EXIT_DONE;
}

/* --- list, remove ---------------------------------------------------------------------------- */

static void list_person(struct table *table, const json_t *person)
{
    const json_t *passkeys = json_object_get(person, "passkeys"), *passkey;
    struct str may = json_str(person, "may_approve");
    char keys[SCRATCH_BYTES];
    size_t i;

    json_array_foreach (passkeys, i, passkey) {
        struct str cells[] = {json_str(person, "person"), may.len ? may : S("-"), S("passkey"),
            json_str(passkey, "key_id"), json_str(passkey, "rp_id"), json_str(passkey, "words")};
        table_add(table, cells, NULL);
    }
    struct str count = json_text(person, "keys", keys);
    if (json_array_size(passkeys) == 0 || !str_eq(count, S("0"))) {
        struct str cells[] = {json_str(person, "person"), may.len ? may : S("-"), S("key files"),
            count, S(""), S("")};
        table_add(table, cells, NULL);
    }
}

enum client_exit client_operator_list(struct client *client)
{
    static const char *const TITLES[] = {"PERSON", "MAY APPROVE", "BY", "KEY", "FOR", "WORDS"};
    scoped(json_done) json_t *people = NULL;
    scoped(table_done) struct table table = {0};
    enum client_exit exit;
    const json_t *row;
    size_t i;

    if (!client_fetch(client, "GET", "/api/v1/people", NULL, &people, &exit))
        return exit;
    if (client->options.json)
        return EXIT_DONE;
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach (json_object_get(people, "people"), i, row)
        list_person(&table, row);
    table_print(&table, &client->screen);
    json_array_foreach (json_object_get(people, "origins"), i, row)
        screen_print(&client->screen, DIM, "pages of %s\n", json_string_value(row));
    return EXIT_DONE;
}

enum client_exit client_operator_remove(struct client *client)
{
    scoped(json_done) json_t *people = NULL;
    struct str key_id = str_from(client->options.args[0]), person;
    struct screen screen = screen_of(stderr, client->options.no_color);
    enum client_exit exit;
    struct err err;

    if (!client_fetch_quiet(client, "GET", "/api/v1/people", NULL, &people, &exit))
        return exit;
    const json_t *passkey = passkey_in(people, key_id, &person);
    if (!passkey) {
        err_set(&err, ERR_INPUT,
            "no passkey '%.40s' is in force; `logicctl operator list` shows them (key files are "
            "taken "
            "out of site/keys.pl by hand)",
            key_id.at);
        return client_fail(client, &err);
    }
    screen_print(&screen, PLAIN, "Passkey %.*s of %.*s for %.*s: %.*s\n", STR(key_id), STR(person),
        STR(json_str(passkey, "rp_id")), STR(json_str(passkey, "words")));
    if ((!client->options.yes && !client_ask_yes(client, "Remove it? It can then sign nothing.",
                                     "nothing was written", &err)) ||
        !site_change_remove(client, key_id, &err))
        return client_fail(client, &err);
    if (client->options.json) {
        scoped(json_done) json_t *done = json_pack(
            "{s:s%, s:s%}", "key_id", key_id.at, key_id.len, "person", person.at, person.len);
        client_print(client, done);
    } else {
        screen_print(
            &client->screen, PLAIN, "passkey %.*s of %.*s is removed\n", STR(key_id), STR(person));
    }
    return EXIT_DONE;
}
