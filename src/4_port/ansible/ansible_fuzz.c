/* SPDX-License-Identifier: Apache-2.0
 * A job that reads has plain paths and names; lines of any kind make a report. */
#include "ansible/ansible_inside.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "json/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    scoped(json_done) json_t *json = NULL;
    scoped(ansible_report_done) struct ansible_report report = {0};
    struct ansible_job job;
    struct err err;

    if (json_read(text, 65536, &json, &err) && ansible_job_read(json, &job, &err)) {
        check(!memmem(job.playbook.at, job.playbook.len, "..", 2) && job.playbook.at[0] != '/');
        check(str_starts(job.inventory, S("inventory/")));
    }
    ansible_report_read(text, NULL, &report);
    json_decref(ansible_report_json(&report, ""));
    return 0;
}
