/* SPDX-License-Identifier: Apache-2.0
 *
 * site_keys — the facts that logicctl itself puts into HOME/site/keys.pl, each a line of its own,
 * and takes out again. Whoever writes the file by hand may write as they like; what logicctl does
 * not know as its own line it leaves alone.
 *
 * threads  any: no state, no file is touched here
 */
#pragma once

#include "identity/enrolment_file.h"

#define SITE_KEYS_BYTES_MAX (1u << 20)
#define SITE_KEYS_HEAD                                                                             \
    "% SPDX-License-Identifier: Apache-2.0\n"                                                      \
    "% Who may sign. One line a key: logicctl key new NAME; logicctl operator enroll PERSON\n"

/* A Prolog string. `text` has passed str_is_plain(): only quotes and backslashes are escaped. */
void site_keys_quote(struct buf *out, struct str text);

/* The facts, without the end of their line. */
void site_keys_passkey(const struct enrolment *enrolment, struct buf *out);
void site_keys_origin(struct str origin, struct buf *out);
void site_keys_token_role(struct str token, struct str role, struct buf *out);

/* Is it a line as site_keys_passkey() writes it? Then the key_id of its key. */
bool site_keys_id_of(struct str fact, char ret_key_id[KEY_ID_BYTES]);

/* The file's text with that line at its end. */
void site_keys_add(struct str text, struct str fact, struct buf *out);

/* The file's text without our line of that passkey; the line goes to `ret_line`. false: there is
 * none in our form. */
bool site_keys_without(struct str text, struct str key_id, struct buf *out, struct buf *ret_line);
