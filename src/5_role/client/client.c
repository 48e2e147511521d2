/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client.h"

#include "base/scoped.h"
#include "client/text.h"
#include "json/json_read.h"

#include <locale.h>
#include <string.h>
#include <unistd.h>

enum client_exit client_fail(const struct client *client, const struct err *err)
{
    struct screen screen = screen_of(stderr, client->options.no_color);

    screen_print(&screen, RED, "logicctl: ");
    screen_print(&screen, PLAIN, "%s", err->message);
    if (*err->param && !strstr(err->message, err->param))
        screen_print(&screen, PLAIN, " (%s)", err->param);
    fputc('\n', stderr);
    return (enum client_exit)err_exit_code(err->kind);
}

static bool fetch(struct client *client, const char *method, const char *path, const json_t *body,
    struct buf *out, enum client_exit *ret_exit)
{
    struct err err;

    if (client->api.curl || api_open(&client->api, &client->options, &err))
        if (api_call(&client->api, method, path, body, out, &err))
            return true;
    *ret_exit = client_fail(client, &err);
    return false;
}

static bool parse(
    struct client *client, struct str text, json_t **ret_document, enum client_exit *ret_exit)
{
    struct err err;

    if (json_read(text, API_REPLY_BYTES_MAX, ret_document, &err))
        return true;
    err_wrap(&err, "what the node answered cannot be read");
    client_fail(client, &err);
    *ret_exit = EXIT_TROUBLE;
    return false;
}

/* As it came; only a terminal is protected from control characters. */
static void print_document(const struct client *client, struct str text)
{
    if (client->screen.columns)
        screen_text(&client->screen, PLAIN, text);
    else
        fwrite(text.at, 1, text.len, client->screen.out);
    if (!str_ends(text, S("\n")))
        fputc('\n', client->screen.out);
}

void client_print(const struct client *client, const json_t *document)
{
    scoped(free_done) char *text = json_dumps(document, JSON_COMPACT | JSON_ENCODE_ANY);

    print_document(client, str_from(text));
}

bool client_fetch(struct client *client, const char *method, const char *path, const json_t *body,
    json_t **ret_document, enum client_exit *ret_exit)
{
    scoped(buf_done) struct buf text = buf_of(API_REPLY_BYTES_MAX);

    if (!fetch(client, method, path, body, &text, ret_exit))
        return false;
    if (client->options.json)
        print_document(client, buf_str(&text));
    return parse(client, buf_str(&text), ret_document, ret_exit);
}

bool client_fetch_quiet(struct client *client, const char *method, const char *path,
    const json_t *body, json_t **ret_document, enum client_exit *ret_exit)
{
    scoped(buf_done) struct buf text = buf_of(API_REPLY_BYTES_MAX);

    return fetch(client, method, path, body, &text, ret_exit) &&
           parse(client, buf_str(&text), ret_document, ret_exit);
}

bool client_ask_yes(
    const struct client *client, const char *question, const char *otherwise, struct err *err)
{
    char answer[16] = "";

    if (!isatty(STDIN_FILENO))
        return err_set(err, ERR_INPUT,
            "nobody can be asked here: stdin is no terminal; look at it, then give --yes");
    struct screen screen = screen_of(stderr, client->options.no_color);
    screen_print(&screen, BOLD, "%s [y/N] ", question);
    fflush(client->screen.out);
    if (!fgets(answer, sizeof answer, stdin) ||
        (strcmp(answer, "y\n") != 0 && strcmp(answer, "yes\n") != 0))
        return err_set(err, ERR_DENIED, "%s", otherwise);
    return true;
}

/* The row whose one or two words stand first; the words are taken off the arguments. */
static const struct command *command_of(struct client *client)
{
    struct options *options = &client->options;

    for (size_t i = 0; i < client->commands_count; i++) {
        struct str second, first = str_cut(str_from(client->commands[i].name), ' ', &second);
        size_t words = second.len ? 2 : 1;
        if (options->args_count < words || !str_eq(first, str_from(options->args[0])) ||
            (words == 2 && !str_eq(second, str_from(options->args[1]))))
            continue;
        options->args_count -= words;
        memmove(options->args, options->args + words, options->args_count * sizeof *options->args);
        return &client->commands[i];
    }
    return NULL;
}

/* "logicctl node": what may stand behind the first word. */
static void say_no_command(const struct client *client, const char *asked, struct err *err)
{
    scoped(buf_done) struct buf seconds = buf_of(1024);

    for (size_t i = 0; i < client->commands_count; i++) {
        struct str second, first = str_cut(str_from(client->commands[i].name), ' ', &second);
        if (second.len && str_eq(first, str_from(asked)))
            buf_printf(&seconds, "%s%.*s", seconds.len ? ", " : "", STR(second));
    }
    if (seconds.len)
        err_set(err, ERR_INPUT, "behind '%.80s' stands one of: %s", asked, buf_text(&seconds));
    else
        err_set(err, ERR_INPUT, "there is no command '%.80s'; `logicctl help` lists them", asked);
}

static enum client_exit usage(const struct client *client, const struct command *command)
{
    struct screen screen = screen_of(stderr, client->options.no_color);

    screen_print(&screen, PLAIN, "usage: logicctl %s%s%s\n", command->name,
        *command->arguments ? " " : "", command->arguments);
    screen_print(&screen, PLAIN, "       %s\n", command->help);
    return EXIT_USAGE;
}

static enum client_exit run(struct client *client)
{
    struct err err;

    if (client->options.version)
        return client_version(client);
    if (client->options.args_count == 0) {
        enum client_exit code = client_help(client);
        return client->options.help ? code : EXIT_USAGE;
    }
    const char *asked = client->options.args[0];
    const struct command *command = command_of(client);
    if (!command) {
        say_no_command(client, asked, &err);
        return client_fail(client, &err);
    }
    if (client->options.help) {
        usage(client, command);
        return EXIT_DONE;
    }
    if (client->options.args_count < command->args_min ||
        client->options.args_count > command->args_max)
        return usage(client, command);
    if (!options_check(&client->options, command->takes, &err))
        return client_fail(client, &err);
    return command->run(client);
}

int client_main(const struct command *commands, size_t count, int argc, char **argv)
{
    struct client client = {.commands = commands, .commands_count = count};
    struct err err;

    setlocale(LC_CTYPE, "C.UTF-8"); /* for wcwidth; every Debian has it */
    if (!options_read(argc, argv, &client.options, &err))
        return (int)client_fail(&client, &err);
    client.screen = screen_of(stdout, client.options.no_color);
    enum client_exit code = run(&client);
    if (client.api.curl)
        api_done(&client.api);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        err_set(&err, ERR_SYSTEM, "cannot write the result: %m");
        return (int)client_fail(&client, &err);
    }
    return (int)code;
}
