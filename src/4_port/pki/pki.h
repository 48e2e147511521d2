/* SPDX-License-Identifier: Apache-2.0
 *
 * pki — the node's own small authority: certificates for its agents and for the roles that call
 * them.
 *
 *     pki_authority_make(folder, now_s, err)        ca.crt, ca.key; once, never overwritten
 *     struct pki_want want = {.name = "tower", .use = PKI_SERVER, .days = PKI_LEAF_DAYS,
 *         .names = (const char *const[]){"tower", "192.168.1.20", NULL}};
 *     pki_issue(folder, &want, now_s, "…/hosts/tower", err)   hosts/tower.key, hosts/tower.crt
 *
 * P-256, SHA-256, X.509 v3. A leaf is for one use only, server or client, so that a host's
 * certificate is worth nothing to whoever wants to give orders. It begins a day ago: a machine that
 * was just woken may be slow with its clock.
 *
 * A key file is made first and stays when the certificate is renewed, so a kill in between leaves
 * the old pair or the new one; PKI_NEW_KEY takes the old certificate away before.
 *
 * owner    files only: 0600 in folders of 0700; nothing stays open
 * threads  any; one at a time per folder
 * errors   ERR_INPUT "bad_name", "authority_exists"; ERR_SYSTEM "no_authority" "bad_certificate"
 *          "bad_key" (not ours, not P-256, or readable by others)
 * source   RFC 5280, RFC 6125
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

#define PKI_AUTHORITY_DAYS 3650
#define PKI_LEAF_DAYS 825
#define PKI_RENEW_DAYS 90 /* with fewer left it is time */
#define PKI_DAYS_MAX 3650
#define PKI_NAME_BYTES_MAX 63
#define PKI_NAMES_MAX 8
#define PKI_NAMES_BYTES 768 /* all of them as one text */
#define PKI_SERIAL_BYTES 41
#define PKI_PRINT_BYTES 65 /* SHA-256 in hex */

enum pki_use {
    PKI_SERVER,
    PKI_CLIENT,
};

enum pki_key {
    PKI_KEEP_KEY, /* the one that is there; made if there is none */
    PKI_NEW_KEY,
};

struct pki_want {
    const char *name;         /* the common name */
    const char *const *names; /* alternative names, DNS or IP; NULL-ended, may be NULL */
    enum pki_use use;
    enum pki_key key;
    int64_t days;
};

struct pki_certificate {
    char name[PKI_NAME_BYTES_MAX + 1];
    char names[PKI_NAMES_BYTES]; /* "tower 192.168.1.20" */
    char serial[PKI_SERIAL_BYTES];
    char fingerprint[PKI_PRINT_BYTES];
    enum pki_use use;
    int64_t from_s, until_s; /* civil */
};

/* A DNS name of [a-z0-9-_.] or an IP address. errors  ERR_INPUT "bad_name" */
bool pki_name_check(struct str name, struct err *err);

/* errors  ERR_INPUT "authority_exists" */
bool pki_authority_make(const char *folder, int64_t now_s, struct err *err);
bool pki_authority_exists(const char *folder);

/* PATH.key and PATH.crt, signed by the authority in `folder`; a folder of PATH is made. */
bool pki_issue(const char *folder, const struct pki_want *want, int64_t now_s, const char *path,
    struct err *err);

/* errors  ERR_SYSTEM "bad_certificate": none there, or not signed by folder/ca.crt (not looked at
 * if folder is NULL). Expired is no error. */
bool pki_read(const char *folder, const char *path, struct pki_certificate *ret, struct err *err);

/* FOLDER/NAME/ with links to ca.crt, NAME.crt and NAME.key, as they are now: for a process that may
 * read that folder and not ca.key beside it. Again after each pki_issue(). */
bool pki_show(const char *folder, const char *name, struct err *err);
