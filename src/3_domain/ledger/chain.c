/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/chain.h"

#include "base/scoped.h"

struct digest chain_leaf(const struct ledger_crypto *crypto, struct str line)
{
    const struct str parts[] = {
        {"\0", 1},
        line
    };
    struct digest leaf;

    crypto->sha256(parts, COUNT(parts), leaf.at);
    return leaf;
}

struct digest chain_next(
    const struct ledger_crypto *crypto, struct digest before, struct digest leaf)
{
    const struct str parts[] = {digest_str(&before), digest_str(&leaf)};
    struct digest next;

    crypto->sha256(parts, COUNT(parts), next.at);
    return next;
}

bool digest_eq(struct digest a, struct digest b)
{
    return memcmp(a.at, b.at, DIGEST_BYTES) == 0;
}
