/* SPDX-License-Identifier: Apache-2.0
 *
 * client — logicctl: a table of subcommands over the node's HTTP interface.
 *
 * A subcommand is one row in src/6_program/logicctl.c (name, arguments, options, help,
 * function); the man page, `help` and the bash completion are checked against that table.
 * Results go to stdout, everything else to stderr. No text of the server reaches the terminal
 * with a control character in it (text.h).
 *
 * owner    main
 * threads  one
 * source   docs/protocol.md §5, §6; docs/manual/logicctl.1
 */
#pragma once

#include "client/api.h"
#include "client/options.h"
#include "client/screen.h"

/* What a script may rely on. */
enum client_exit {
    EXIT_DONE = 0,
    EXIT_USAGE = 2,    /* the command line, or what was sent, is wrong */
    EXIT_DENIED = 3,   /* the judge or a person said no */
    EXIT_CONSENT = 4,  /* waits for a signature */
    EXIT_QUESTION = 5, /* something is missing, or the sentence was not understood */
    EXIT_TROUBLE = 6,  /* tried and failed, or the node does not answer */
};

struct client {
    struct options options;
    struct screen screen; /* stdout */
    struct api api;
    const struct command *commands; /* for help */
    size_t commands_count;
};

struct command {
    const char *name;      /* one or two words: "ask", "kb check" */
    const char *arguments; /* for help: "SENTENCE" */
    const char *takes;     /* its own options, separated by spaces: "parse-only wait" */
    const char *help;      /* one line */
    size_t args_min, args_max;
    enum client_exit (*run)(struct client *client);
};

/* The whole program. Returns the exit code. */
int client_main(const struct command *commands, size_t count, int argc, char **argv);

/* An error on stderr, with the remedy where we know one; the exit code that fits. */
enum client_exit client_fail(const struct client *client, const struct err *err);

/* Call the node, then either print the document as it came (--json) or hand it to the caller.
 * false: everything has been said, *ret_exit is the code. */
bool client_fetch(struct client *client, const char *method, const char *path, const json_t *body,
    json_t **ret_document, enum client_exit *ret_exit);

/* The same, but never prints the document: for a step on the way to the result. */
bool client_fetch_quiet(struct client *client, const char *method, const char *path,
    const json_t *body, json_t **ret_document, enum client_exit *ret_exit);

/* A document of our own making, as --json prints it. */
void client_print(const struct client *client, const json_t *document);

/* Ask a person at the terminal. false: they did not say yes (`otherwise` is then the message), or
 * nobody is there. */
bool client_ask_yes(
    const struct client *client, const char *question, const char *otherwise, struct err *err);

enum client_exit client_ask(struct client *client);
enum client_exit client_propose(struct client *client);
enum client_exit client_cases(struct client *client);
enum client_exit client_case(struct client *client);
enum client_exit client_why(struct client *client);
enum client_exit client_approve(struct client *client);
enum client_exit client_refuse(struct client *client);
enum client_exit client_actions(struct client *client);
enum client_exit client_query(struct client *client);
enum client_exit client_kb_check(struct client *client);
enum client_exit client_kb_reload(struct client *client);
enum client_exit client_key_new(struct client *client);
enum client_exit client_key_show(struct client *client);
enum client_exit client_operator_enroll(struct client *client);
enum client_exit client_operator_pending(struct client *client);
enum client_exit client_operator_confirm(struct client *client);
enum client_exit client_operator_reject(struct client *client);
enum client_exit client_operator_list(struct client *client);
enum client_exit client_operator_remove(struct client *client);
enum client_exit client_agent_enroll(struct client *client);
enum client_exit client_agent_list(struct client *client);
enum client_exit client_agent_renew(struct client *client);
enum client_exit client_token_create(struct client *client);
enum client_exit client_token_list(struct client *client);
enum client_exit client_token_revoke(struct client *client);
enum client_exit client_token_rotate(struct client *client);
enum client_exit client_engine_prepare(struct client *client);
enum client_exit client_engine_list(struct client *client);
enum client_exit client_ledger_verify(struct client *client);
enum client_exit client_ledger_export(struct client *client);
enum client_exit client_ledger_checkpoint(struct client *client);
enum client_exit client_ledger_list(struct client *client);
enum client_exit client_ledger_replay(struct client *client);
enum client_exit client_layout(struct client *client);
enum client_exit client_setup(struct client *client);
enum client_exit client_vram(struct client *client);
enum client_exit client_model_add(struct client *client);
enum client_exit client_model_list(struct client *client);
enum client_exit client_model_verify(struct client *client);
enum client_exit client_model_remove(struct client *client);
enum client_exit client_docs_add(struct client *client);
enum client_exit client_docs_list(struct client *client);
enum client_exit client_docs_search(struct client *client);
enum client_exit client_docs_remove(struct client *client);
enum client_exit client_alert_list(struct client *client);
enum client_exit client_alert_show(struct client *client);
enum client_exit client_alert_ack(struct client *client);
enum client_exit client_notify(struct client *client);
enum client_exit client_notify_test(struct client *client);
enum client_exit client_node_list(struct client *client);
enum client_exit client_node_show(struct client *client);
enum client_exit client_history(struct client *client);
enum client_exit client_sense_list(struct client *client);
enum client_exit client_backup_list(struct client *client);
enum client_exit client_backup_make(struct client *client);
enum client_exit client_backup_key(struct client *client);
enum client_exit client_backup_status(struct client *client);
enum client_exit client_restore(struct client *client);
enum client_exit client_events(struct client *client);
enum client_exit client_status(struct client *client);
enum client_exit client_version(struct client *client);
enum client_exit client_help(struct client *client);
