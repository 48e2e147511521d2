/* SPDX-License-Identifier: Apache-2.0 */
#include "client/site_keys.h"

#include "base/scoped.h"

#define HEAD "operator_passkey("
#define FACT_BYTES_MAX 4096

void site_keys_quote(struct buf *out, struct str text)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"' || text.at[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, text.at[i]);
    }
    buf_add_char(out, '"');
}

void site_keys_passkey(const struct enrolment *enrolment, struct buf *out)
{
    char key[WEBAUTHN_KEY_TEXT_BYTES];
    const struct str rest[] = {enrolment->credential_id, {0}, enrolment->rp_id, enrolment->words};

    webauthn_key_text(&enrolment->key, key);
    buf_printf(out, HEAD "%.*s", STR(enrolment->person));
    for (size_t i = 0; i < COUNT(rest); i++) {
        buf_add(out, S(", "));
        site_keys_quote(out, i == 1 ? str_from(key) : rest[i]);
    }
    buf_add(out, S(")."));
}

void site_keys_origin(struct str origin, struct buf *out)
{
    buf_add(out, S("page_origin("));
    site_keys_quote(out, origin);
    buf_add(out, S(")."));
}

void site_keys_token_role(struct str token, struct str role, struct buf *out)
{
    buf_add(out, S("token_role("));
    site_keys_quote(out, token);
    buf_printf(out, ", %.*s).", STR(role));
}

void site_keys_add(struct str text, struct str fact, struct buf *out)
{
    buf_add(out, text);
    if (text.len && text.at[text.len - 1] != '\n')
        buf_add_char(out, '\n');
    buf_add(out, fact);
    buf_add_char(out, '\n');
}

/* The next quoted text behind ", "; unescaped into `out`. */
static bool take_text(struct str *rest, struct buf *out)
{
    size_t i = 3;

    if (!str_starts(*rest, S(", \"")))
        return false;
    for (; i < rest->len && rest->at[i] != '"'; i++) {
        if (rest->at[i] == '\\' && ++i == rest->len)
            return false;
        buf_add_char(out, rest->at[i]);
    }
    if (i >= rest->len)
        return false;
    *rest = (struct str){rest->at + i + 1, rest->len - i - 1};
    return true;
}

bool site_keys_id_of(struct str line, char ret_key_id[KEY_ID_BYTES])
{
    enum { CREDENTIAL, KEY, RP_ID, WORDS, TEXTS };
    scoped(buf_done) struct buf again = buf_of(FACT_BYTES_MAX), all = buf_of(FACT_BYTES_MAX);
    struct str rest, texts[TEXTS];
    size_t ends[TEXTS];
    struct enrolment read = {0};
    struct err err;

    if (!str_starts(line, S(HEAD)) || line.len > FACT_BYTES_MAX)
        return false;
    line = (struct str){line.at + sizeof HEAD - 1, line.len - (sizeof HEAD - 1)};
    read.person = str_cut(line, ',', &rest);
    rest = (struct str){line.at + read.person.len, line.len - read.person.len};
    for (size_t i = 0; i < TEXTS; i++) {
        if (!take_text(&rest, &all))
            return false;
        ends[i] = all.len;
    }
    for (size_t i = 0, from = 0; i < TEXTS; from = ends[i++])
        texts[i] = (struct str){all.at ? all.at + from : "", ends[i] - from};
    if (!enrolment_person_fits(read.person) || !passkey_key_parse(texts[KEY], &read.key, &err))
        return false;
    read.credential_id = texts[CREDENTIAL];
    read.rp_id = texts[RP_ID];
    read.words = texts[WORDS];
    site_keys_passkey(&read, &again);
    line = (struct str){line.at - (sizeof HEAD - 1), line.len + sizeof HEAD - 1};
    if (!str_eq(line, buf_str(&again))) /* there is one way of writing it */
        return false;
    passkey_key_id(&read.key, ret_key_id);
    return true;
}

bool site_keys_without(struct str text, struct str key_id, struct buf *out, struct buf *ret_line)
{
    bool found = false;
    char id[KEY_ID_BYTES];

    while (text.len) {
        struct str rest, line = str_cut(text, '\n', &rest);
        struct str whole = {text.at, text.len - rest.len};
        bool ours = !found && site_keys_id_of(str_trim(line), id) && str_eq(str_from(id), key_id);
        if (ours)
            buf_add(ret_line, str_trim(line));
        else
            buf_add(out, whole);
        found = found || ours;
        text = rest;
    }
    return found;
}
