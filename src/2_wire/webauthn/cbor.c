/* SPDX-License-Identifier: Apache-2.0 */
#include "webauthn/cbor.h"

#include "base/scoped.h"

#define COORDINATE_BYTES 32
#define POINT_MARK 4 /* an uncompressed point, as SEC 1 writes it */

enum { MAJOR_UNSIGNED, MAJOR_NEGATIVE, MAJOR_BYTES, MAJOR_TEXT, MAJOR_ARRAY, MAJOR_MAP, MAJOR_TAG };

#define SIMPLE_FALSE 0xf4
#define SIMPLE_NULL 0xf6

/* {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y} */
static const char ES256_TO_X[] = "\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20";
static const char ES256_TO_Y[] = "\x22\x58\x20";
/* {1: 1 (OKP), 3: -8 (EdDSA), -1: 6 (Ed25519), -2: x} */
static const char ED25519_TO_X[] = "\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20";

static bool take(struct str *rest, size_t len, struct str *ret_bytes)
{
    if (rest->len < len)
        return false;
    *ret_bytes = (struct str){rest->at, len};
    *rest = (struct str){rest->at + len, rest->len - len};
    return true;
}

static bool take_frame(struct str *rest, const char *frame, size_t len)
{
    struct str seen;

    return take(rest, len, &seen) && str_eq(seen, (struct str){frame, len});
}

bool cbor_key_read(struct str bytes, struct webauthn_key *ret_key, size_t *ret_len)
{
    struct str rest = bytes, x, y;
    struct webauthn_key key = {0};

    if (take_frame(&rest, ES256_TO_X, sizeof ES256_TO_X - 1)) {
        if (!take(&rest, COORDINATE_BYTES, &x) ||
            !take_frame(&rest, ES256_TO_Y, sizeof ES256_TO_Y - 1) ||
            !take(&rest, COORDINATE_BYTES, &y))
            return false;
        key.kind = WEBAUTHN_ES256;
        key.len = 1 + 2 * COORDINATE_BYTES;
        key.bytes[0] = POINT_MARK;
        memcpy(key.bytes + 1, x.at, x.len);
        memcpy(key.bytes + 1 + x.len, y.at, y.len);
    } else {
        rest = bytes;
        if (!take_frame(&rest, ED25519_TO_X, sizeof ED25519_TO_X - 1) ||
            !take(&rest, COORDINATE_BYTES, &x))
            return false;
        key.kind = WEBAUTHN_ED25519;
        key.len = COORDINATE_BYTES;
        memcpy(key.bytes, x.at, x.len);
    }
    *ret_key = key;
    *ret_len = bytes.len - rest.len;
    return true;
}

/* The number in a head, if it is written in the fewest bytes. */
static bool take_number(struct str *rest, uint8_t low, uint64_t *ret_number)
{
    static const uint64_t LEAST[] = {24, 0x100, 0x10000, 0x100000000};
    uint64_t number = 0;
    struct str bytes;

    if (low < 24) {
        *ret_number = low;
        return true;
    }
    if (low > 27 || !take(rest, (size_t)1 << (low - 24), &bytes))
        return false;
    for (size_t i = 0; i < bytes.len; i++)
        number = number << 8 | (uint8_t)bytes.at[i];
    *ret_number = number;
    return number >= LEAST[low - 24];
}

static bool take_item(struct str *rest, int depth);

/* Shorter keys first, then as the bytes compare. */
static bool comes_behind(struct str key, struct str last)
{
    return key.len != last.len ? key.len > last.len : memcmp(key.at, last.at, key.len) > 0;
}

static bool take_map(struct str *rest, uint64_t count, int depth)
{
    struct str last = {0};

    for (uint64_t i = 0; i < count; i++) {
        struct str key = *rest;
        if (!take_item(rest, depth))
            return false;
        key.len -= rest->len;
        if ((i && !comes_behind(key, last)) || !take_item(rest, depth))
            return false;
        last = key;
    }
    return true;
}

/* `depth` is how many arrays and maps it may still be deep. A count beyond the bytes ends where
 * they do, for each item takes one at least. */
static bool take_item(struct str *rest, int depth)
{
    struct str first, bytes;
    uint64_t number = 0;

    if (!take(rest, 1, &first))
        return false;
    uint8_t head = (uint8_t)first.at[0], major = head >> 5;
    if (major > MAJOR_MAP)
        return head >= SIMPLE_FALSE && head <= SIMPLE_NULL;
    if (!take_number(rest, head & 31, &number))
        return false;
    if (major <= MAJOR_NEGATIVE)
        return true;
    if (major <= MAJOR_TEXT)
        return number <= rest->len && take(rest, (size_t)number, &bytes) &&
               (major == MAJOR_BYTES || str_is_utf8(bytes));
    if (depth == 0)
        return false;
    if (major == MAJOR_MAP)
        return take_map(rest, number, depth - 1);
    for (uint64_t i = 0; i < number; i++)
        if (!take_item(rest, depth - 1))
            return false;
    return true;
}

bool cbor_is_map(struct str bytes)
{
    struct str rest = bytes;

    return bytes.len && (uint8_t)bytes.at[0] >> 5 == MAJOR_MAP &&
           take_item(&rest, CBOR_DEPTH_MAX) && rest.len == 0;
}
