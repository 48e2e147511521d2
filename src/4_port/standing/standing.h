/* SPDX-License-Identifier: Apache-2.0
 *
 * standing — what the machine that this process runs on is known by: the UUID that its firmware
 * tells, its network cards, its addresses, and the signs of a virtual machine or a container.
 * The judge compares them with the guests of the clusters of the house (docs/operations.md §6).
 *
 *     struct standing s;
 *     standing_look(&(struct standing_roots){.credentials = getenv("CREDENTIALS_DIRECTORY")}, &s);
 *     standing_look_again(&roots, &s);     hourly: cards and addresses alone may have changed
 *     standing_write(&s, &text);           {"vm","container","uuids","macs","addresses"} in part
 *
 * product_uuid is for root's eyes only: a unit hands it over as the credential `product_uuid`
 * (LoadCredential=product_uuid:/sys/class/dmi/id/product_uuid), else /sys is tried. The two signs
 * are read apart, each with the file that said it: one marker left behind says nothing of the
 * other. What is ours or everybody's (lo, veth, bridges and their ports, tunnels) is no mark.
 *
 * owner    nothing kept open. threads any
 * limits   STANDING_…; what is more is left out. A file that is not there is no sign, never an
 * error source   systemd's virt.c, kernel Documentation/ABI/testing/sysfs-class-net, SMBIOS 3.6
 * §7.2.1
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define STANDING_MARKS_MAX 32 /* cards; addresses */
#define STANDING_SIGN_BYTES 96
#define STANDING_UUID_BYTES 37
#define STANDING_MAC_BYTES 18
#define STANDING_ADDRESS_BYTES 46

/* Where to look. `root` goes before each path ("" or NULL: the real one; tests have their own). */
struct standing_roots {
    const char *root, *credentials;
    const char *container; /* environment variable `container`, or NULL */
    bool no_addresses;     /* tests: this machine's own are not asked for */
};

struct standing {
    char vm[STANDING_SIGN_BYTES], container[STANDING_SIGN_BYTES]; /* "": no sign */
    char uuid[STANDING_UUID_BYTES];                               /* "": not told */
    char macs[STANDING_MARKS_MAX][STANDING_MAC_BYTES];
    char addresses[STANDING_MARKS_MAX][STANDING_ADDRESS_BYTES];
    size_t macs_count, addresses_count;
};

void standing_look(const struct standing_roots *roots, struct standing *ret_standing);
void standing_look_again(const struct standing_roots *roots, struct standing *standing);
/* Members of an object, without its braces. */
void standing_write(const struct standing *standing, struct buf *out);

/* --- the parsers */
/* Lower case, 8-4-4-4-12 hex digits; anything else false. */
bool standing_uuid(struct str text, char ret_uuid[STANDING_UUID_BYTES]);
/* Six pairs, lower case, of one card and not nobody's. */
bool standing_mac(struct str text, char ret_mac[STANDING_MAC_BYTES]);
/* The flags of /proc/cpuinfo have `hypervisor`. */
bool standing_cpu_hypervisor(struct str cpuinfo);
/* What a DMI vendor or product says of a virtual machine: "qemu" …; NULL none. */
const char *standing_vendor(struct str text);
/* What a line of /proc/self/cgroup says of a container; NULL none. */
const char *standing_cgroup(struct str cgroup);
