/* SPDX-License-Identifier: Apache-2.0
 * Whatever stands around a value, the scrubbed text does not hold it. First byte: the value's
 * length. */
#include "base/panic.h"
#include "base/scoped.h"
#include "secret/secret.h"

#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void store_done(struct secret_store **store)
{
    secret_close(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char folder[] = "/tmp/logic-secret-fuzz.XXXXXX";
    static bool made;
    scoped(buf_done) struct buf out = buf_of(1024 * 1024);
    struct err err;
    struct str value;

    if (!made)
        made = mkdtemp(folder) != NULL;
    if (size < 1)
        return 0;
    size_t bytes = SECRET_BYTES_MIN + data[0] % 16;
    if (size < 1 + bytes)
        return 0;
    struct str secret = {(const char *)data + 1, bytes};
    struct str text = {(const char *)data + 1, size - 1};
    (void)secret_handle_check(text, &err);
    if (secret.at[bytes - 1] == '\n')
        return 0;
    scoped(store_done) struct secret_store *store = secret_open(folder);
    check(secret_put(folder, S("secret:a"), secret, &err));
    check(secret_get(store, S("secret:a"), &value, &err));
    check(str_eq(value, secret));
    secret_scrub(store, text, &out);
    check(!out.overflowed && !memmem(out.at, out.len, secret.at, secret.len));
    return 0;
}
