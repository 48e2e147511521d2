/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever an API says: a path that stays where it belongs, marks of a bounded form. */
#include "cluster/cluster.h"

#include "base/panic.h"
#include "base/scoped.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped(json_done) json_t *json = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
    scoped(json_done) json_t *guests = json_array();
    struct cluster_job job;
    struct err err;
    char path[256], name[64];

    (void)cluster_job_read(json, &job, &err);
    if (cluster_guest_path(json, path, sizeof path, name, sizeof name))
        check(strncmp(path, "/api2/json/nodes/", 17) == 0 && !strstr(path, ".."));
    cluster_guest_marks("g", json, guests);
    return 0;
}
