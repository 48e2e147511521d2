/* SPDX-License-Identifier: Apache-2.0 */
#include "client/options.h"

#include "base/scoped.h"
#include "base/str.h"

#include <stddef.h>
#include <string.h>

static const struct option_row {
    const char *name;
    const char *value; /* what stands behind it; NULL: nothing */
    size_t offset;
    bool common;
} OPTION_ROWS[] = {
    {"home", "DIR", offsetof(struct options, home), true},
    {"url", "URL", offsetof(struct options, url), true},
    {"json", NULL, offsetof(struct options, json), true},
    {"no-color", NULL, offsetof(struct options, no_color), true},
    {"help", NULL, offsetof(struct options, help), true},
    {"version", NULL, offsetof(struct options, version), true},
    {"parse-only", NULL, offsetof(struct options, parse_only), false},
    {"wait", NULL, offsetof(struct options, wait), false},
    {"yes", NULL, offsetof(struct options, yes), false},
    {"key", "FILE", offsetof(struct options, key), false},
    {"reason", "TEXT", offsetof(struct options, reason), false},
    {"out", "FILE", offsetof(struct options, out), false},
    {"status", "STATUS", offsetof(struct options, status), false},
    {"limit", "N", offsetof(struct options, limit), false},
    {"after", "SEQ", offsetof(struct options, after), false},
    {"since", "SEQ|TIME", offsetof(struct options, since), false},
    {"with", "DIR", offsetof(struct options, with), false},
    {"name", "NAME", offsetof(struct options, name), false},
    {"models-dir", "DIR", offsetof(struct options, models_dir), false},
    {"ctx", "N", offsetof(struct options, ctx), false},
    {"slots", "N", offsetof(struct options, slots), false},
    {"kv", "TYPE", offsetof(struct options, kv), false},
    {"gpu", "NAME", offsetof(struct options, gpu), false},
    {"vram", "MIB", offsetof(struct options, vram), false},
    {"models", "LIST", offsetof(struct options, models), false},
    {"scopes", "LIST", offsetof(struct options, scopes), false},
    {"rate", "N", offsetof(struct options, rate), false},
    {"tokens-per-minute", "N", offsetof(struct options, tokens_per_minute), false},
    {"concurrent", "N", offsetof(struct options, concurrent), false},
    {"weight", "N", offsetof(struct options, weight), false},
    {"priority", "WORD", offsetof(struct options, priority), false},
    {"dialect", "WORD", offsetof(struct options, dialect), false},
    {"expires", "TIME", offsetof(struct options, expires), false},
    {"provider", "WORD", offsetof(struct options, provider), false},
    {"bin", "FILE", offsetof(struct options, bin), false},
    {"tree", "DIR", offsetof(struct options, tree), false},
    {"catalogue", "FILE", offsetof(struct options, catalogue), false},
    {"alg", "ALG", offsetof(struct options, alg), false},
    {"certificate", "CN", offsetof(struct options, certificate), false},
    {"speaks-for-users", NULL, offsetof(struct options, speaks_for_users), false},
    {"opaque", NULL, offsetof(struct options, opaque), false},
    {"no-token", NULL, offsetof(struct options, no_token), false},
    {"revoke-old", NULL, offsetof(struct options, revoke_old), false},
    {"part", "NAME", offsetof(struct options, part), false},
    {"step", "TIME", offsetof(struct options, step), false},
    {"promql", "QUERY", offsetof(struct options, promql), false},
    {"words", "TEXT", offsetof(struct options, words), false},
    {"origin", "URL", offsetof(struct options, origin), false},
    {"identity", "FILE|-", offsetof(struct options, identity), false},
    {"checkpoint", "FILE", offsetof(struct options, checkpoint), false},
    {"config", "FILE", offsetof(struct options, config), false},
    {"older", NULL, offsetof(struct options, older), false},
    {"listen", "HOST:PORT", offsetof(struct options, listen), false},
    {"from", "DIR", offsetof(struct options, from), false},
};

static const struct option_row *row_named(struct str name)
{
    for (size_t i = 0; i < COUNT(OPTION_ROWS); i++)
        if (str_eq(name, str_from(OPTION_ROWS[i].name)))
            return &OPTION_ROWS[i];
    return NULL;
}

static bool take_option(int argc, char **argv, int *at, struct options *options, struct err *err)
{
    const char *word = argv[*at];
    struct str value, name = str_cut(str_from(word + 2), '=', &value);
    bool has_value = word[2 + name.len] == '=';
    const struct option_row *row = row_named(name);

    if (!row)
        return err_set(err, ERR_INPUT, "there is no option '%s'; `logicctl help` lists them", word);
    options->given |= row->common ? 0 : UINT64_C(1) << (row - OPTION_ROWS);
    char *slot = (char *)options + row->offset;
    if (!row->value) {
        if (has_value)
            return err_set(err, ERR_INPUT, "--%s takes no value", row->name);
        *(bool *)slot = true;
        return true;
    }
    if (!has_value && *at + 1 >= argc)
        return err_set(
            err, ERR_INPUT, "--%s needs a value: --%s %s", row->name, row->name, row->value);
    *(const char **)(void *)slot = has_value ? value.at : argv[++*at];
    return true;
}

bool options_read(int argc, char **argv, struct options *ret_options, struct err *err)
{
    struct options options = {0};
    bool only_words = false;

    for (int i = 1; i < argc; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
            continue;
        }
        if (!only_words && strcmp(argv[i], "-h") == 0) {
            options.help = true;
            continue;
        }
        if (!only_words && str_starts(str_from(argv[i]), S("--"))) {
            if (!take_option(argc, argv, &i, &options, err))
                return false;
            continue;
        }
        if (options.args_count == OPTIONS_ARGS_MAX)
            return err_set(err, ERR_LIMIT, "more than %d words: put the sentence in \"quotes\"",
                OPTIONS_ARGS_MAX);
        options.args[options.args_count++] = argv[i];
    }
    *ret_options = options;
    return true;
}

static bool names_word(const char *words, const char *word)
{
    struct str rest = str_from(words);

    while (rest.len) {
        struct str head = str_cut(rest, ' ', &rest);
        if (str_eq(head, str_from(word)))
            return true;
    }
    return false;
}

bool options_check(const struct options *options, const char *takes, struct err *err)
{
    for (size_t i = 0; i < COUNT(OPTION_ROWS); i++)
        if (options->given & (UINT64_C(1) << i) && !names_word(takes, OPTION_ROWS[i].name))
            return err_set(err, ERR_INPUT, "this command takes no --%s", OPTION_ROWS[i].name);
    return true;
}

const char *options_value_word(const char *name)
{
    const struct option_row *row = row_named(str_from(name));

    return row && row->value ? row->value : "";
}
