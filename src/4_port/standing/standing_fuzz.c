/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever stands in the files: a UUID and a MAC are whole or refused, the others do not stumble.
 */
#include "standing/standing.h"

#include "base/panic.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    char uuid[STANDING_UUID_BYTES], mac[STANDING_MAC_BYTES];

    if (standing_uuid(text, uuid))
        check(strlen(uuid) == STANDING_UUID_BYTES - 1);
    if (standing_mac(text, mac))
        check(strlen(mac) == STANDING_MAC_BYTES - 1);
    (void)standing_cpu_hypervisor(text);
    (void)standing_vendor(text);
    (void)standing_cgroup(text);
    return 0;
}
