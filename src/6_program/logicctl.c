/* SPDX-License-Identifier: Apache-2.0
 *
 * logicctl — the command line of a logic node: the table; src/5_role/client does the work.
 */
#include "client/client.h"

#include "base/scoped.h"

#define MANY OPTIONS_ARGS_MAX

static const struct command COMMANDS[] = {
    {"ask", "SENTENCE", "parse-only wait", "say what you want in words", 1, MANY, client_ask},
    {"propose", "ACTION [NAME=VALUE …]", "wait", "propose a typed action", 1, MANY, client_propose},
    {"cases", "", "status limit", "list what was asked, newest first", 0, 0, client_cases},
    {"case", "ID", "", "show one case with its history", 1, 1, client_case},
    {"why", "ID", "", "show the reasons and the proof of a verdict", 1, 1, client_why},
    {"approve", "ID", "key yes", "show the plan of a case, then sign it", 1, 1, client_approve},
    {"refuse", "ID", "key", "say no to a case, signed", 1, 1, client_refuse},
    {"actions", "[NAME]", "", "list what can be done, or explain one action", 0, 1, client_actions},
    {"query", "NAME [KEY=VALUE …]", "", "ask the rules a question", 1, MANY, client_query},
    {"kb check", "DIR", "", "would these rules load?", 1, 1, client_kb_check},
    {"kb reload", "", "", "load the rules anew; bad ones change nothing", 0, 0, client_kb_reload},
    {"key new", "NAME", "out", "make a key for a person", 1, 1, client_key_new},
    {"key show", "FILE", "", "print the site fact of a key", 1, 1, client_key_show},
    {"token create", "",
        "name models scopes rate tokens-per-minute concurrent weight priority dialect "
        "speaks-for-users expires opaque alg certificate no-token",
        "make a token for a caller of the inference gateway; it is printed once", 0, 0,
        client_token_create},
    {"token list", "", "", "list tokens, their rights and how logs call them", 0, 0,
        client_token_list},
    {"token revoke", "NAME", "", "let a token be refused from now on", 1, 1, client_token_revoke},
    {"token rotate-key", "", "alg revoke-old", "sign new tokens by a new key", 0, 0,
        client_token_rotate},
    {"engine prepare", "[FLAG=VALUE …] [env:NAME=VALUE …]", "provider bin tree name catalogue",
        "make an engine of this machine known: a llama-server, or its sources", 0, MANY,
        client_engine_prepare},
    {"engine list", "", "catalogue", "list the engines of this machine", 0, 0, client_engine_list},
    {"agent enroll", "HOST [ADDRESS …|local]", "out yes models-dir",
        "make certificates and the bundle of a host; local: this machine", 1, MANY,
        client_agent_enroll},
    {"agent list", "", "", "list hosts and how long their certificates last", 0, 0,
        client_agent_list},
    {"agent renew", "HOST", "out", "the same with a new certificate and the old key", 1, 1,
        client_agent_renew},
    {"ledger verify", "", "", "check every hash of the ledger", 0, 0, client_ledger_verify},
    {"ledger export", "", "out after", "write it for other verifiers", 0, 0, client_ledger_export},
    {"ledger replay", "", "since with", "give every verdict again; with other rules, what changes?",
        0, 0, client_ledger_replay},
    {"ledger list", "", "after limit", "list entries of the ledger", 0, 0, client_ledger_list},
    {"vram", "MODEL", "ctx slots kv gpu vram", "what a model needs, and where it fits", 1, 1,
        client_vram},
    {"model add", "PATH", "name models-dir", "put a model file into the catalogue", 1, 1,
        client_model_add},
    {"model list", "", "", "list the models of the catalogue", 0, 0, client_model_list},
    {"model verify", "[NAME]", "models-dir", "are the files what they were?", 0, 1,
        client_model_verify},
    {"model remove", "NAME", "", "take a model out of the catalogue", 1, 1, client_model_remove},
    {"docs add", "PATH …", "", "give the node files of text, or folders of them, to search", 1,
        MANY, client_docs_add},
    {"docs list", "", "", "list the documents that the node searches", 0, 0, client_docs_list},
    {"docs search", "WORDS", "limit", "find the pieces that fit a question best", 1, MANY,
        client_docs_search},
    {"docs remove", "ID", "", "take a document away", 1, 1, client_docs_remove},
    {"alert list", "", "status limit", "what is wrong: alerts that are open, or of another status",
        0, 0, client_alert_list},
    {"alert show", "ID", "", "one alert: its life, what it was made of, its runbook", 1, 1,
        client_alert_show},
    {"alert ack", "ID [WORDS]", "", "say that you look after an alert", 1, MANY, client_alert_ack},
    {"node list", "", "", "the nodes of the house and how they are", 0, 0, client_node_list},
    {"node show", "NAME", "", "one node and what it tells of itself now", 1, 1, client_node_show},
    {"history", "[NODE METRIC]", "part since step promql",
        "numbers of the past, of a node's metric or by PromQL", 0, 2, client_history},
    {"sense list", "", "", "where numbers come from, and whether they come", 0, 0,
        client_sense_list},
    {"events", "", "after", "follow what happens until Ctrl-C", 0, 0, client_events},
    {"status", "", "", "show how the node is", 0, 0, client_status},
    {"version", "", "", "print the version", 0, 0, client_version},
    {"help", "", "", "print this", 0, 0, client_help},
};

int main(int argc, char **argv)
{
    return client_main(COMMANDS, COUNT(COMMANDS), argc, argv);
}
