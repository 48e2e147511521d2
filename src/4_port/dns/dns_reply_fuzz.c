/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a reply: the signature is looked at, the packet decoded, the records gathered; never
 * a fault, and never a good signature. */
#include "base/panic.h"
#include "base/scoped.h"
#include "dns/dns_ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped(buf_done) struct buf wire = buf_of(65536);
    scoped(dns_found_done) struct dns_found found = {0};
    struct dns_tsig tsig;
    struct dns_tsig_seen seen;
    struct err err;
    ldns_pkt *packet;

    check(dns_tsig_init(&tsig, S("k"), S("MDEyMzQ1Njc4OWFiY2RlZg=="), &err));
    if (size > 65535)
        return 0;
    buf_add(&wire, (struct str){(const char *)data, size});
    if (!dns_tsig_check(&tsig, true, &wire, &seen))
        return 0;
    check(seen.state != DNS_TSIG_GOOD);
    if (!dns_packet_read(buf_str(&wire), &packet))
        return 0;
    dns_found_init(&found);
    for (size_t i = 0; i < ldns_rr_list_rr_count(ldns_pkt_answer(packet)); i++)
        if (!dns_found_add(&found, ldns_rr_list_rr(ldns_pkt_answer(packet), i), &err))
            break;
    json_decref(dns_found_take(&found));
    ldns_pkt_free(packet);
    return 0;
}
