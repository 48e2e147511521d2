/* SPDX-License-Identifier: Apache-2.0 */
#include "standing/standing.h"

#include "base/scoped.h"
#include "json/json_text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX 65536

/* --- parsers ------------------------------------------------------------------------------------
 */

bool standing_uuid(struct str text, char ret_uuid[STANDING_UUID_BYTES])
{
    struct str word = str_trim(text);

    if (word.len != STANDING_UUID_BYTES - 1)
        return false;
    for (size_t i = 0; i < word.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? word.at[i] != '-' : !isxdigit((unsigned char)word.at[i]))
            return false;
        ret_uuid[i] = (char)tolower((unsigned char)word.at[i]);
    }
    ret_uuid[word.len] = '\0';
    return true;
}

bool standing_mac(struct str text, char ret_mac[STANDING_MAC_BYTES])
{
    struct str word = str_trim(text);
    unsigned any = 0;

    if (word.len != STANDING_MAC_BYTES - 1)
        return false;
    for (size_t i = 0; i < word.len; i++) {
        if (i % 3 == 2 ? word.at[i] != ':' : !isxdigit((unsigned char)word.at[i]))
            return false;
        any |= i % 3 != 2 && word.at[i] != '0';
        ret_mac[i] = (char)tolower((unsigned char)word.at[i]);
    }
    ret_mac[word.len] = '\0';
    return any && !strchr("13579bdf", ret_mac[1]);
}

bool standing_cpu_hypervisor(struct str cpuinfo)
{
    struct str rest = cpuinfo;

    while (rest.len) {
        struct str line = str_cut(rest, '\n', &rest), values;
        struct str name = str_trim(str_cut(line, ':', &values));
        if (!str_eq(name, S("flags")) && !str_eq(name, S("Features")))
            continue;
        while (values.len)
            if (str_eq(str_trim(str_cut(values, ' ', &values)), S("hypervisor")))
                return true;
    }
    return false;
}

struct word {
    const char *in, *is;
};

static const char *found_in(struct str text, const struct word *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text.len && memmem(text.at, text.len, words[i].in, strlen(words[i].in)))
            return words[i].is;
    return NULL;
}

const char *standing_vendor(struct str text)
{
    static const struct word VENDORS[] = {
        {"QEMU", "qemu"},
        {"KVM", "kvm"},
        {"VMware", "vmware"},
        {"VirtualBox", "virtualbox"},
        {"innotek", "virtualbox"},
        {"Xen", "xen"},
        {"Virtual Machine", "hyper-v"},
        {"Parallels", "parallels"},
        {"BHYVE", "bhyve"},
        {"Amazon EC2", "amazon"},
        {"Google Compute Engine", "google"},
        {"OpenStack", "openstack"},
    };

    return found_in(text, VENDORS, COUNT(VENDORS));
}

const char *standing_cgroup(struct str cgroup)
{
    static const struct word MARKS[] = {
        {"/docker/", "docker"},
        {"/docker-", "docker"},
        {"libpod", "podman"},
        {"kubepods", "kubernetes"},
        {"/lxc/", "lxc"},
        {"lxc.payload", "lxc"},
        {"/machine.slice/systemd-nspawn", "systemd-nspawn"},
    };

    return found_in(cgroup, MARKS, COUNT(MARKS));
}

/* --- files --------------------------------------------------------------------------------------
 */

static const char *root_of(const struct standing_roots *roots)
{
    return roots->root ? roots->root : "";
}

static bool there(const struct standing_roots *roots, const char *path)
{
    char whole[PATH_MAX];

    snprintf(whole, sizeof whole, "%s%s", root_of(roots), path);
    return access(whole, F_OK) == 0;
}

/* What of it fits: /proc/cpuinfo has a line of flags for each core, and the first says all. */
static bool content(const struct standing_roots *roots, const char *path, struct buf *out)
{
    char whole[PATH_MAX], piece[4096];
    size_t got;

    buf_clear(out);
    snprintf(whole, sizeof whole, "%s%s", root_of(roots), path);
    FILE *file = fopen(whole, "re");
    if (!file)
        return false;
    while (buf_str(out).len + sizeof piece < FILE_BYTES_MAX &&
           (got = fread(piece, 1, sizeof piece, file)) > 0)
        buf_add(out, (struct str){piece, got});
    fclose(file);
    return buf_str(out).len > 0;
}

static void sign(char *into, const char *what, const char *where)
{
    if (!*into)
        snprintf(into, STANDING_SIGN_BYTES, "%s: %s", what, where);
}

static void look_for_vm(const struct standing_roots *roots, struct buf *text, struct standing *s)
{
    static const char *const DMI[] = {"/sys/class/dmi/id/sys_vendor",
        "/sys/class/dmi/id/product_name", "/sys/class/dmi/id/board_vendor",
        "/sys/class/dmi/id/bios_vendor"};
    const char *what;

    for (size_t i = 0; i < COUNT(DMI); i++)
        if (content(roots, DMI[i], text) && (what = standing_vendor(buf_str(text))))
            sign(s->vm, what, DMI[i]);
    if (content(roots, "/sys/hypervisor/type", text)) {
        struct str type = str_trim(buf_str(text));
        char word[24];
        snprintf(word, sizeof word, "%.*s", STR(type));
        for (char *at = word; *at; at++)
            *at = isalnum((unsigned char)*at) ? *at : '_'; /* of the kernel, but text */
        sign(s->vm, word, "/sys/hypervisor/type");
    }
    if (content(roots, "/proc/cpuinfo", text) && standing_cpu_hypervisor(buf_str(text)))
        sign(s->vm, "hypervisor", "the CPU's flags");
}

static void look_for_container(
    const struct standing_roots *roots, struct buf *text, struct standing *s)
{
    const char *what;

    if (content(roots, "/run/systemd/container", text))
        sign(s->container, "container", "/run/systemd/container");
    if (roots->container && *roots->container)
        sign(s->container, "container", "the variable `container`");
    if (content(roots, "/proc/self/cgroup", text) && (what = standing_cgroup(buf_str(text))))
        sign(s->container, what, "/proc/self/cgroup");
    if (there(roots, "/run/.containerenv"))
        sign(s->container, "podman", "/run/.containerenv");
    if (there(roots, "/.dockerenv"))
        sign(s->container, "docker", "/.dockerenv, a weak sign");
}

static void look_for_uuid(const struct standing_roots *roots, struct buf *text, struct standing *s)
{
    char path[PATH_MAX];

    if (roots->credentials && *roots->credentials) {
        const struct standing_roots there_alone = {.root = roots->credentials};
        if (content(&there_alone, "/product_uuid", text) && standing_uuid(buf_str(text), s->uuid))
            return;
    }
    snprintf(path, sizeof path, "/sys/class/dmi/id/product_uuid");
    if (content(roots, path, text))
        (void)standing_uuid(buf_str(text), s->uuid);
}

/* --- the network --------------------------------------------------------------------------------
 */

/* Made by software for others: their addresses are no marks of this machine. */
static bool ours_or_everybodys(const struct standing_roots *roots, const char *name)
{
    static const char *const BEGIN[] = {"lo", "veth", "br-", "docker", "virbr", "vmbr", "cni",
        "flannel", "cali", "tap", "tun", "wg", "fwbr", "fwpr", "fwln", "vnet", "dummy", "podman",
        "tailscale", "zt"};
    char path[PATH_MAX];

    for (size_t i = 0; i < COUNT(BEGIN); i++)
        if (strncmp(name, BEGIN[i], strlen(BEGIN[i])) == 0)
            return true;
    snprintf(path, sizeof path, "/sys/class/net/%s/bridge", name);
    if (there(roots, path))
        return true;
    snprintf(path, sizeof path, "/sys/class/net/%s/device", name);
    bool card = there(roots, path);
    snprintf(path, sizeof path, "/sys/class/net/%s/brport", name);
    return !card && there(roots, path);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void look_for_cards(const struct standing_roots *roots, struct buf *text, struct standing *s)
{
    char path[PATH_MAX];
    struct dirent *entry;

    snprintf(path, sizeof path, "%s/sys/class/net", root_of(roots));
    DIR *folder = opendir(path);
    while (folder && (entry = readdir(folder)) && s->macs_count < STANDING_MARKS_MAX) {
        if (entry->d_name[0] == '.' || ours_or_everybodys(roots, entry->d_name))
            continue;
        snprintf(path, sizeof path, "/sys/class/net/%s/address", entry->d_name);
        if (content(roots, path, text) && standing_mac(buf_str(text), s->macs[s->macs_count]))
            s->macs_count++;
    }
    if (folder)
        closedir(folder);
    qsort(s->macs, s->macs_count, sizeof s->macs[0], by_text);
}

/* Of this link alone, or of this machine alone: no mark. */
static bool address_text(const struct sockaddr *at, char ret_text[STANDING_ADDRESS_BYTES])
{
    if (at->sa_family == AF_INET) {
        const struct in_addr *v4 = &((const struct sockaddr_in *)(const void *)at)->sin_addr;
        uint32_t bits = ntohl(v4->s_addr);
        return bits >> 24 != 127 && bits >> 16 != 0xa9fe &&
               inet_ntop(AF_INET, v4, ret_text, STANDING_ADDRESS_BYTES);
    }
    if (at->sa_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)at)->sin6_addr;
        return !IN6_IS_ADDR_LINKLOCAL(v6) && !IN6_IS_ADDR_LOOPBACK(v6) &&
               inet_ntop(AF_INET6, v6, ret_text, STANDING_ADDRESS_BYTES);
    }
    return false;
}

static void look_for_addresses(const struct standing_roots *roots, struct standing *s)
{
    struct ifaddrs *all = NULL;

    if (roots->no_addresses || getifaddrs(&all) != 0)
        return;
    for (const struct ifaddrs *one = all; one && s->addresses_count < STANDING_MARKS_MAX;
         one = one->ifa_next)
        if (one->ifa_addr && !ours_or_everybodys(roots, one->ifa_name) &&
            address_text(one->ifa_addr, s->addresses[s->addresses_count]))
            s->addresses_count++;
    freeifaddrs(all);
    qsort(s->addresses, s->addresses_count, sizeof s->addresses[0], by_text);
}

void standing_look_again(const struct standing_roots *roots, struct standing *standing)
{
    scoped(buf_done) struct buf text = buf_of(FILE_BYTES_MAX);

    standing->macs_count = standing->addresses_count = 0;
    look_for_cards(roots, &text, standing);
    look_for_addresses(roots, standing);
}

void standing_look(const struct standing_roots *roots, struct standing *ret_standing)
{
    scoped(buf_done) struct buf text = buf_of(FILE_BYTES_MAX);

    *ret_standing = (struct standing){0};
    look_for_vm(roots, &text, ret_standing);
    look_for_container(roots, &text, ret_standing);
    look_for_uuid(roots, &text, ret_standing);
    standing_look_again(roots, ret_standing);
}

/* --- written ------------------------------------------------------------------------------------
 */

static void write_list(
    struct buf *out, const char *name, const char *texts, size_t size, size_t count)
{
    buf_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_add_char(out, ',');
        json_add_string(out, str_from(texts + i * size));
    }
    buf_add_char(out, ']');
}

void standing_write(const struct standing *standing, struct buf *out)
{
    buf_add(out, S("\"vm\":"));
    json_add_string(out, str_from(standing->vm));
    buf_add(out, S(",\"container\":"));
    json_add_string(out, str_from(standing->container));
    write_list(out, "uuids", standing->uuid, STANDING_UUID_BYTES, standing->uuid[0] != '\0');
    write_list(out, "macs", standing->macs[0], STANDING_MAC_BYTES, standing->macs_count);
    write_list(out, "addresses", standing->addresses[0], STANDING_ADDRESS_BYTES,
        standing->addresses_count);
}
