/* SPDX-License-Identifier: Apache-2.0
 *
 * The parsers and the form of a job; a whole FAKE Proxmox answers in tests/flow/standing.py. */
#include "cluster/cluster.h"

#include "base/scoped.h"
#include "tap.h"

#include <string.h>

#define GOOD "'hand':'cluster','op':'guests','cluster':'lab','secret':'secret:proxmox/lab'"

static json_t *json_of(const char *text)
{
    char own[2048];

    snprintf(own, sizeof own, "%s", text);
    for (char *at = own; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    json_t *json = json_loads(own, 0, NULL);
    CHECK(json);
    return json;
}

static bool reads(const char *text, struct cluster_job *job)
{
    scoped(json_done) json_t *json = json_of(text);
    struct err err;

    return cluster_job_read(json, job, &err);
}

TEST(a_job_is_whole_or_refused)
{
    struct cluster_job job;

    CHECK(reads("{" GOOD ",'url':'https://192.0.2.1:8006','pin':null}", &job));
    CHECK_INT(job.pin.len, 0);
    CHECK(!reads("{" GOOD ",'url':'http://192.0.2.1:8006','pin':null}", &job));
    CHECK(!reads("{" GOOD ",'url':'https://192.0.2.1:8006','pin':'ab'}", &job));
    CHECK(!reads("{" GOOD ",'url':'https://192.0.2.1:8006'}", &job));
    CHECK(!reads("{" GOOD ",'url':'https://192.0.2.1:8006','pin':null,'x':1}", &job));
}

TEST(what_could_lead_elsewhere_is_not_asked)
{
    static const char *const BAD[] = {"{'node':'../x','type':'qemu','vmid':100}",
        "{'node':'pve','type':'storage','vmid':100}", "{'node':'pve','type':'qemu','vmid':'100'}",
        "{'node':'pve','type':'lxc','vmid':0}", "{'type':'lxc','vmid':7}", "{}"};
    char path[256], name[64];

    for (size_t i = 0; i < COUNT(BAD); i++) {
        scoped(json_done) json_t *row = json_of(BAD[i]);
        CHECK(!cluster_guest_path(row, path, sizeof path, name, sizeof name));
    }
    scoped(json_done) json_t *good =
        json_of("{'node':'pve','type':'lxc','vmid':101,'name':'dns1'}");
    scoped(json_done) json_t *bare = json_of("{'node':'pve','type':'qemu','vmid':100}");
    CHECK(cluster_guest_path(good, path, sizeof path, name, sizeof name));
    CHECK_TEXT(path, "/api2/json/nodes/pve/lxc/101/config");
    CHECK_TEXT(name, "dns1");
    CHECK(cluster_guest_path(bare, path, sizeof path, name, sizeof name));
    CHECK_TEXT(name, "vm-100");
}

static const char *marks(const char *config, char *text, size_t size)
{
    scoped(json_done) json_t *json = json_of(config);
    scoped(json_done) json_t *guests = json_array();
    size_t i, len = 0;
    json_t *row;

    text[0] = '\0';
    cluster_guest_marks("g", json, guests);
    json_array_foreach (guests, i, row)
        len += (size_t)snprintf(text + len, size - len, "%s=%s ",
            json_string_value(json_object_get(row, "kind")),
            json_string_value(json_object_get(row, "value")));
    return text;
}

TEST(marks_are_a_uuid_and_the_cards)
{
    char text[512];

    CHECK_TEXT(marks("{'smbios1':'uuid=11223344-5566-7788-99AA-bbccddeeff00,base64=1','net0':"
                     "'virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=10','cores':2}",
                   text, sizeof text),
        "uuid=11223344-5566-7788-99aa-bbccddeeff00 mac=bc:24:11:00:00:01 ");
    CHECK_TEXT(marks("{'net0':'name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:02,ip=dhcp,type=veth'}",
                   text, sizeof text),
        "mac=bc:24:11:00:00:02 ");
    CHECK_TEXT(marks("{'network':'x=BC:24:11:00:00:02','smbios1':'uuid=short','net1':7,"
                     "'description':'net0: virtio=BC:24:11:00:00:03'}",
                   text, sizeof text),
        "");
}

TEST(more_marks_than_the_limit_are_left_out)
{
    scoped(json_done) json_t *config = json_of("{'net0':'virtio=BC:24:11:00:00:01'}");
    scoped(json_done) json_t *guests = json_array();

    for (int i = 0; i < CLUSTER_MARKS_MAX + 5; i++)
        cluster_guest_marks("g", config, guests);
    CHECK_INT(json_array_size(guests), CLUSTER_MARKS_MAX);
}

TAP_MAIN
