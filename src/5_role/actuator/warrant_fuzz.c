/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a plan: what is taken is canonical, and its job is an effect. */
#include "actuator/warrant.h"
#include "base/panic.h"
#include "base/scoped.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped(warrant_done) struct warrant warrant = {0};
    struct err err;

    if (!warrant_read_plan((struct str){(const char *)data, size}, "C1", &warrant, &err)) {
        check(err.kind == ERR_DENIED);
        return 0;
    }
    switch (warrant.job.hand) {
    case HAND_DNS:
        check(warrant.job.dns.op == DNS_UPDATE);
        break;
    case HAND_ANSIBLE:
        check(warrant.job.ansible.run);
        break;
    case HAND_MACHINE:
        check(host_job_changes(&warrant.job.machine));
        break;
    case HAND_CLUSTER: /* changes nothing: never in a warrant */
        check(false);
        break;
    case HAND_RECORD: /* has nothing but its name */
        break;
    }
    return 0;
}
