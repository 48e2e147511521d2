/* SPDX-License-Identifier: Apache-2.0
 * Property: any bytes are a file of codes, an enrolment, a code as typed, or refused with a code;
 * what is taken is written and read again the same, and none of its texts could end a Prolog string
 * but by a quote or a backslash, which whoever writes one escapes.
 */
#include "base/panic.h"
#include "base/point.h"
#include "base/scoped.h"
#include "identity/enrolment_file.h"
#include "json/json_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_pending(struct str text)
{
    scoped(json_done) json_t *document = NULL, *again = NULL;
    scoped(buf_done) struct buf written = buf_of(1u << 16);
    struct enrolment enrolment, other;
    struct err err = {0};

    if (!document_parse(text, "input", &ENROLMENT_PENDING_FORM, &document, &err) ||
        !enrolment_of(document, &enrolment, &err)) {
        check(*err.code);
        return;
    }
    check(enrolment_id_fits(str_from(enrolment.id)) && enrolment_person_fits(enrolment.person) &&
          str_is_plain(enrolment.words));
    for (size_t i = 0; i < enrolment.credential_id.len; i++)
        check(!strchr("\"\\'\n", enrolment.credential_id.at[i]));
    for (size_t i = 0; i < enrolment.rp_id.len; i++)
        check(!strchr("\"\\'\n", enrolment.rp_id.at[i]));
    scoped(json_done) json_t *made = enrolment_document(&enrolment);
    check(json_plain(made, &written, &err) &&
          document_parse(buf_str(&written), "again", &ENROLMENT_PENDING_FORM, &again, &err) &&
          enrolment_of(again, &other, &err) && str_eq(other.words, enrolment.words));
}

static void try_codes(struct str text)
{
    scoped(json_done) json_t *document = NULL;
    struct enrolment_code code;
    struct err err = {0};
    json_t *row;
    size_t i;

    if (!document_parse(text, "input", &ENROLMENT_CODES_FORM, &document, &err)) {
        check(*err.code);
        return;
    }
    json_array_foreach (json_object_get(document, "codes"), i, row) {
        enrolment_code_of(row, &code);
        check(enrolment_code_find(document, str_from(code.id)) == row);
        scoped(json_done) json_t *again = enrolment_code_row(&code);
        check(json_equal(json_object_get(again, "exclude"), json_object_get(row, "exclude")));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    char sha256[SHA256_HEX_BYTES];

    try_pending(text);
    try_codes(text);
    (void)enrolment_code_read(text, sha256);
    return 0;
}
