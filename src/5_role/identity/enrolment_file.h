/* SPDX-License-Identifier: Apache-2.0
 *
 * enrolment_file — the codes with which passkeys are enrolled, and the enrolments that wait for the
 * owner; docs/dashboard.md §4.
 *
 *     HOME/enrol/codes.json          written by `logicctl operator` alone, read by the gateway
 *     HOME/enrol/pending/ID.json     written by the gateway, read and removed by logicctl
 *
 * The gateway is believed by nobody: whose passkey it is, for which site and until when stands in
 * the row of the code, which the gateway cannot write. A pending file adds the public key, and its
 * form is closed: nothing in it can become Prolog text but what is checked here.
 *
 * A code is 60 random bits; kept is the SHA-256 of its twelve letters, and ID is the first 16
 * digits of that. So one code is one file: it is used when the file is there, also after a restart.
 *
 * threads  any: no state
 */
#pragma once

#include "catalogue/document.h"
#include "crypto/passkey.h"

#define ENROLMENT_CODE_BYTES 15 /* XXXX-XXXX-XXXX and a terminator */
#define ENROLMENT_CODE_RANDOM 8 /* bytes; 60 bits of them are used */
#define ENROLMENT_ID_BYTES 17
#define ENROLMENT_PERSON_BYTES 33
#define ENROLMENT_NAME_BYTES_MAX 240
#define ENROLMENT_WORDS_CHARS_MAX 60
#define ENROLMENT_WORDS_BYTES_MAX (4 * ENROLMENT_WORDS_CHARS_MAX)
#define ENROLMENT_CODES_MAX 64 /* rows: open codes, and those whose enrolment waits */
#define ENROLMENT_EXCLUDE_MAX                                                                      \
    32 /* of the passkeys that a person has already, so many are named                             \
        */
#define ENROLMENT_TRANSPORTS_MAX 8
#define ENROLMENT_MS 600000 /* how long a code is good */

/* Schema, and whether all of it can be taken. errors of `valid`  ERR_INPUT "bad_enrolment" */
extern const struct document_form ENROLMENT_CODES_FORM;
extern const struct document_form ENROLMENT_PENDING_FORM;

/* `random` is ENROLMENT_CODE_RANDOM bytes. Crockford's letters: no I, L, O, U. */
void enrolment_code_write(const uint8_t *random, char ret_code[ENROLMENT_CODE_BYTES]);
/* As a person types it: small letters, O for 0, I and L for 1, spaces, any hyphens. The digest's
 * hex goes to `ret_sha256`. false: it is no code. */
bool enrolment_code_read(struct str text, char ret_sha256[SHA256_HEX_BYTES]);
void enrolment_id_of(const char *sha256_hex, char ret_id[ENROLMENT_ID_BYTES]);
/* 16 digits, small hex: safe in a path. */
bool enrolment_id_fits(struct str id);

/* A person's name in the site facts: an atom without quotes. */
bool enrolment_person_fits(struct str person);
/* What the passkey is called, "phone": 1 to 60 characters, none of them a control character.
 * errors  ERR_INPUT "bad_value" words */
bool enrolment_words_fit(struct str words, struct err *err);

/* A row of codes.json; texts are borrowed from it. */
struct enrolment_code {
    char id[ENROLMENT_ID_BYTES];
    struct str sha256, person, name, words; /* words "": the page may say some */
    struct str origin, rp_id;
    int64_t created_at_ms, expires_at_ms;
    const json_t *exclude; /* ids of passkeys the person has, texts */
};
/* `row` is of a valid document. */
void enrolment_code_of(const json_t *row, struct enrolment_code *ret_code);
json_t *enrolment_code_row(const struct enrolment_code *code); /* new reference */
/* The row of that digest, or of that id; NULL. Takes as long for every row. */
const json_t *enrolment_code_find(const json_t *codes, struct str sha256_or_id);

/* What waits for the owner; texts are borrowed from the document. */
struct enrolment {
    char id[ENROLMENT_ID_BYTES];
    struct str person, words, credential_id, origin, rp_id;
    struct webauthn_key key;
    int64_t created_at_ms;
};
/* errors  ERR_INPUT "public_key_malformed": no point of the curve. */
bool enrolment_of(const json_t *document, struct enrolment *ret_enrolment, struct err *err);
json_t *enrolment_document(const struct enrolment *enrolment); /* new reference */
/* Is it of this code: person, origin, rp_id, the time, and the words where the code has some?
 * errors  ERR_DENIED "not_of_code" */
bool enrolment_is_of(
    const struct enrolment *enrolment, const struct enrolment_code *code, struct err *err);
