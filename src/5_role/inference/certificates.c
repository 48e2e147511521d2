/* SPDX-License-Identifier: Apache-2.0
 *
 * What this node shows to agents on other machines. The first agent may be enrolled long after the
 * start, and certificates are renewed: a look finds them, once they rest. */
#include "inference/propose.h"

#include "base/log.h"
#include "net/tls.h"

#include <limits.h>
#include <stdio.h>

static const char *const NAMES[CERTIFICATES] = {"ca.crt", "gateway.crt", "gateway.key"};

static bool same(const struct document_stamp *a, const struct document_stamp *b)
{
    for (size_t i = 0; i < CERTIFICATES; i++)
        if (!document_stamp_equal(&a[i], &b[i]))
            return false;
    return true;
}

static bool take(struct inference *inf, char paths[CERTIFICATES][PATH_MAX], struct err *err)
{
    struct tls **tls = inf->config.agent_tls;

    return *tls ? tls_client_renew(*tls, paths[0], paths[1], paths[2], err)
                : tls_client_open(paths[0], paths[1], paths[2], tls, err);
}

void certificates_look(struct inference *inf)
{
    char paths[CERTIFICATES][PATH_MAX];
    struct document_stamp now[CERTIFICATES];
    struct err err = {0};

    if (!inf->config.agent_pki)
        return;
    for (size_t i = 0; i < CERTIFICATES; i++) {
        if (snprintf(paths[i], PATH_MAX, "%s/%s", inf->config.agent_pki, NAMES[i]) >= PATH_MAX)
            return;
        now[i] = document_stamp(paths[i]);
    }
    bool rests = same(now, inf->shown_seen), changed = !same(now, inf->shown);
    memcpy(inf->shown_seen, now, sizeof now);
    if (!rests || !changed || !now[1].inode)
        return;
    memcpy(inf->shown, now, sizeof now); /* bad ones are complained about once */
    if (!take(inf, paths, &err)) {
        log_error("certificates_refused", "words", err.message, NULL);
        return;
    }
    log_event("certificates_read", NULL);
    propose_table(inf); /* hosts that had no address for want of them */
    for (int i = 0; i < inf->host_count; i++)
        if (inf->hosts[i].listed)
            propose_look(inf, i);
}
