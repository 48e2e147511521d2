/* SPDX-License-Identifier: Apache-2.0 */
#include "standing/standing.h"

#include "base/scoped.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <limits.h>
#include <string.h>

static const char *root;

/* A FAKE kernel's folder. */
static void put(const char *path, const char *text)
{
    char whole[PATH_MAX], folder[PATH_MAX];
    struct err err;

    snprintf(whole, sizeof whole, "%s%s", root, path);
    snprintf(folder, sizeof folder, "%s", whole);
    *strrchr(folder, '/') = '\0';
    CHECK(file_make_folder(folder, 0755, &err));
    CHECK(file_replace(whole, str_from(text), 0644, &err));
}

static struct standing look(const char *credentials, const char *container)
{
    const struct standing_roots roots = {
        .root = root, .credentials = credentials, .container = container, .no_addresses = true};
    struct standing standing;

    standing_look(&roots, &standing);
    return standing;
}

TEST(a_bare_machine_has_no_sign_and_its_card)
{
    root = scratch_folder();
    put("/sys/class/dmi/id/sys_vendor", "ASUSTeK COMPUTER INC.\n");
    put("/sys/class/dmi/id/product_uuid", "11223344-5566-7788-99AA-BBCCDDEEFF00\n");
    put("/proc/cpuinfo", "processor : 0\nflags\t\t: fpu sse2 vmx\n");
    put("/sys/class/net/eno1/address", "A8:A1:59:00:00:01\n");
    put("/sys/class/net/lo/address", "00:00:00:00:00:00\n");
    struct standing s = look(NULL, NULL);
    CHECK_TEXT(s.vm, "");
    CHECK_TEXT(s.container, "");
    CHECK_TEXT(s.uuid, "11223344-5566-7788-99aa-bbccddeeff00");
    CHECK_INT(s.macs_count, 1);
    CHECK_TEXT(s.macs[0], "a8:a1:59:00:00:01");
    CHECK_INT(s.addresses_count, 0);
}

TEST(each_sign_of_a_virtual_machine_says_which_it_was)
{
    root = scratch_folder();
    put("/sys/class/dmi/id/sys_vendor", "QEMU\n");
    CHECK_TEXT(look(NULL, NULL).vm, "qemu: /sys/class/dmi/id/sys_vendor");
    root = scratch_folder();
    put("/sys/hypervisor/type", "xen\n");
    CHECK_TEXT(look(NULL, NULL).vm, "xen: /sys/hypervisor/type");
    root = scratch_folder();
    put("/proc/cpuinfo", "flags : fpu hypervisor lahf_lm\n");
    struct standing s = look(NULL, NULL);
    CHECK_TEXT(s.vm, "hypervisor: the CPU's flags");
    CHECK_TEXT(s.container, "");
}

TEST(a_container_is_another_question)
{
    root = scratch_folder();
    put("/run/systemd/container", "systemd-nspawn\n");
    CHECK_TEXT(look(NULL, NULL).container, "container: /run/systemd/container");
    root = scratch_folder();
    CHECK_TEXT(look(NULL, "lxc").container, "container: the variable `container`");
    put("/proc/self/cgroup", "0::/lxc/101/ns\n");
    CHECK_TEXT(look(NULL, NULL).container, "lxc: /proc/self/cgroup");
    root = scratch_folder();
    put("/.dockerenv", "");
    struct standing s = look(NULL, NULL);
    CHECK_TEXT(s.container, "docker: /.dockerenv, a weak sign");
    CHECK_TEXT(s.vm, "");
}

TEST(a_credential_comes_before_what_only_root_may_read)
{
    const char *credentials = scratch_folder();

    root = credentials;
    put("/product_uuid", "aabbccdd-0000-1111-2222-333344445555\n");
    root = scratch_folder();
    put("/sys/class/dmi/id/product_uuid", "11223344-5566-7788-99aa-bbccddeeff00\n");
    CHECK_TEXT(look(credentials, NULL).uuid, "aabbccdd-0000-1111-2222-333344445555");
    CHECK_TEXT(look("/nowhere", NULL).uuid, "11223344-5566-7788-99aa-bbccddeeff00");
    put("/sys/class/dmi/id/product_uuid", "Not Settable\n");
    CHECK_TEXT(look(NULL, NULL).uuid, "");
}

TEST(what_software_made_for_others_is_no_mark)
{
    static const char *const NOT_OURS[] = {
        "veth1a", "docker0", "br-12", "virbr0", "vmbr0", "tap3", "wg0", "fwpr100p0", "lo"};
    char path[PATH_MAX];

    root = scratch_folder();
    for (size_t i = 0; i < COUNT(NOT_OURS); i++) {
        snprintf(path, sizeof path, "/sys/class/net/%s/address", NOT_OURS[i]);
        put(path, "52:54:00:aa:bb:01\n");
    }
    put("/sys/class/net/mybridge/address", "52:54:00:aa:bb:02\n");
    put("/sys/class/net/mybridge/bridge/x", "");
    put("/sys/class/net/port1/address", "52:54:00:aa:bb:03\n");
    put("/sys/class/net/port1/brport/x", "");
    put("/sys/class/net/eno1/address", "52:54:00:aa:bb:04\n"); /* a card in a bridge is ours */
    put("/sys/class/net/eno1/brport/x", "");
    put("/sys/class/net/eno1/device/x", "");
    put("/sys/class/net/eth0/address", "bc:24:11:00:00:01\n"); /* a container's: no device */
    put("/sys/class/net/ib0/address", "80:00:02:08:fe:80:00:00:00:00:00:00\n");
    struct standing s = look(NULL, NULL);
    CHECK_INT(s.macs_count, 2);
    CHECK_TEXT(s.macs[0], "52:54:00:aa:bb:04");
    CHECK_TEXT(s.macs[1], "bc:24:11:00:00:01");
}

TEST(more_than_the_limit_is_left_out)
{
    char path[PATH_MAX], mac[32];

    root = scratch_folder();
    for (int i = 0; i <= STANDING_MARKS_MAX; i++) {
        snprintf(path, sizeof path, "/sys/class/net/eth%d/address", i);
        snprintf(mac, sizeof mac, "52:54:00:aa:bb:%02x\n", i);
        put(path, mac);
    }
    CHECK_INT(look(NULL, NULL).macs_count, STANDING_MARKS_MAX);
}

TEST(it_is_written_as_members_of_an_object)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    struct standing s = {.vm = "kvm: x", .uuid = "u", .macs = {"m"}, .macs_count = 1};

    standing_write(&s, &out);
    CHECK_TEXT(buf_text(&out), "\"vm\":\"kvm: x\",\"container\":\"\",\"uuids\":[\"u\"],\"macs\":"
                               "[\"m\"],\"addresses\":[]");
}

TEST(uuids_and_macs_are_whole_or_refused)
{
    static const char *const UUIDS[] = {"", "11223344556677889900aabbccddeeff00ff",
        "11223344-5566-7788-99aa-bbccddeeff0", "11223344-5566-7788-99aa-bbccddeeff00x",
        "g1223344-5566-7788-99aa-bbccddeeff00"};
    static const char *const MACS[] = {"", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff",
        "01:00:5e:00:00:01", "52-54-00-aa-bb-01", "52:54:00:aa:bb:0g", "52:54:00:aa:bb"};
    char uuid[STANDING_UUID_BYTES], mac[STANDING_MAC_BYTES];

    for (size_t i = 0; i < COUNT(UUIDS); i++)
        CHECK(!standing_uuid(str_from(UUIDS[i]), uuid));
    for (size_t i = 0; i < COUNT(MACS); i++)
        CHECK(!standing_mac(str_from(MACS[i]), mac));
}

TEST(the_words_of_vendors_and_groups)
{
    CHECK_TEXT(standing_vendor(S("Standard PC (Q35 + ICH9, 2009) VMware, Inc.")), "vmware");
    CHECK(!standing_vendor(S("LENOVO")) && !standing_vendor(S("")));
    CHECK_TEXT(standing_cgroup(S("0::/kubepods.slice/x\n")), "kubernetes");
    CHECK(!standing_cgroup(S("0::/system.slice/logic-orchestrator.service\n")));
    CHECK(!standing_cpu_hypervisor(S("model name : hypervisor\nflags : fpu nohypervisor\n")));
}

TEST(this_machine_is_looked_at_too)
{
    struct standing s;

    standing_look(&(struct standing_roots){0}, &s);
    for (size_t i = 0; i < s.addresses_count; i++)
        CHECK(strncmp(s.addresses[i], "127.", 4) != 0 && s.addresses[i][0]);
    CHECK(s.macs_count <= STANDING_MARKS_MAX);
}

TAP_MAIN
