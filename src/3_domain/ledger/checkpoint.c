/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/checkpoint.h"

#include "base/scoped.h"
#include "coding/coding.h"

#include <inttypes.h>

#define DASH "\xe2\x80\x94 "
/* Room for a signature of another algorithm (ML-DSA-44 has 2420 bytes). */
#define OTHER_SIGNATURE_BYTES_MAX 4096

bool checkpoint_origin_valid(struct str origin)
{
    if (origin.len == 0 || origin.len > CHECKPOINT_ORIGIN_BYTES_MAX)
        return false;
    for (size_t i = 0; i < origin.len; i++)
        if (origin.at[i] <= ' ' || origin.at[i] > '~' || origin.at[i] == '+')
            return false;
    return true;
}

void note_key_id(const struct ledger_crypto *crypto, struct str name, const uint8_t public_key[32],
    uint8_t ret_id[NOTE_KEY_ID_BYTES])
{
    const struct str parts[] = {
        name, S("\n\x01"), {(const char *)public_key, 32}
    };
    struct digest digest;

    crypto->sha256(parts, COUNT(parts), digest.at);
    memcpy(ret_id, digest.at, NOTE_KEY_ID_BYTES);
}

void checkpoint_write(const struct checkpoint *checkpoint, struct buf *out)
{
    buf_add(out, checkpoint->origin);
    buf_printf(out, "\n%" PRIu64 "\n", checkpoint->size);
    base64_encode(digest_str(&checkpoint->root), out);
    buf_add_char(out, '\n');
}

void checkpoint_sign(const struct ledger_crypto *crypto, const struct checkpoint *checkpoint,
    const uint8_t public_key[32], const uint8_t signature[NOTE_SIGNATURE_BYTES], struct buf *out)
{
    char blob[NOTE_KEY_ID_BYTES + NOTE_SIGNATURE_BYTES];

    note_key_id(crypto, checkpoint->origin, public_key, (uint8_t *)blob);
    memcpy(blob + NOTE_KEY_ID_BYTES, signature, NOTE_SIGNATURE_BYTES);
    buf_add(out, S("\n" DASH));
    buf_add(out, checkpoint->origin);
    buf_add_char(out, ' ');
    base64_encode((struct str){blob, sizeof blob}, out);
    buf_add_char(out, '\n');
}

static bool malformed(struct err *err, const char *what)
{
    return err_code(err, ERR_INPUT, "checkpoint_malformed", NULL,
        "the checkpoint's %s is not as it must be", what);
}

/* One line without its end; false without one. */
static bool take_line(struct str *text, struct str *ret_line)
{
    if (text->len == 0 || !memchr(text->at, '\n', text->len))
        return false;
    *ret_line = str_cut(*text, '\n', text);
    return true;
}

static bool read_signature(struct str line, struct note_signature *ret_signature)
{
    uint8_t blob[OTHER_SIGNATURE_BYTES_MAX];
    struct str dash = S(DASH), code;
    struct note_signature signature = {0};
    size_t count = 0;

    if (!str_starts(line, dash))
        return false;
    signature.name = str_cut((struct str){line.at + dash.len, line.len - dash.len}, ' ', &code);
    if (!checkpoint_origin_valid(signature.name) ||
        !base64_decode(code, sizeof blob, blob, &count) || count <= NOTE_KEY_ID_BYTES)
        return false;
    memcpy(signature.key_id, blob, NOTE_KEY_ID_BYTES);
    signature.is_ed25519_long = count == NOTE_KEY_ID_BYTES + NOTE_SIGNATURE_BYTES;
    if (signature.is_ed25519_long)
        memcpy(signature.signature, blob + NOTE_KEY_ID_BYTES, NOTE_SIGNATURE_BYTES);
    *ret_signature = signature;
    return true;
}

bool checkpoint_read(struct str text, struct checkpoint_note *ret_note, struct err *err)
{
    struct checkpoint_note note = {0};
    struct str line, rest = text;
    size_t count = 0;

    if (text.len > CHECKPOINT_BYTES_MAX)
        return malformed(err, "length");
    if (!take_line(&rest, &note.checkpoint.origin) ||
        !checkpoint_origin_valid(note.checkpoint.origin))
        return malformed(err, "first line (origin)");
    if (!take_line(&rest, &line) || !str_to_u64(line, CHECKPOINT_SIZE_MAX, &note.checkpoint.size))
        return malformed(err, "second line (size)");
    if (!take_line(&rest, &line) ||
        !base64_decode(line, DIGEST_BYTES, note.checkpoint.root.at, &count) ||
        count != DIGEST_BYTES)
        return malformed(err, "third line (root)");
    note.signed_text = (struct str){text.at, (size_t)(rest.at - text.at)};
    if (!take_line(&rest, &line) || line.len != 0)
        return malformed(err, "fourth line (empty)");
    while (rest.len) {
        if (note.signature_count == CHECKPOINT_SIGNATURES_MAX)
            return malformed(err, "number of signatures");
        if (!take_line(&rest, &line) ||
            !read_signature(line, &note.signatures[note.signature_count++]))
            return malformed(err, "signature");
    }
    if (note.signature_count == 0)
        return malformed(err, "signature");
    *ret_note = note;
    return true;
}

bool checkpoint_authentic(const struct ledger_crypto *crypto, const struct checkpoint_note *note,
    const uint8_t public_key[32])
{
    uint8_t ours[NOTE_KEY_ID_BYTES];

    note_key_id(crypto, note->checkpoint.origin, public_key, ours);
    for (size_t i = 0; i < note->signature_count; i++) {
        const struct note_signature *one = &note->signatures[i];
        struct str signature = {(const char *)one->signature, NOTE_SIGNATURE_BYTES};
        if (str_eq(one->name, note->checkpoint.origin) && one->is_ed25519_long &&
            memcmp(one->key_id, ours, sizeof ours) == 0)
            return crypto->authentic(public_key, note->signed_text, signature);
    }
    return false;
}
