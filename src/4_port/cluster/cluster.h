/* SPDX-License-Identifier: Apache-2.0
 *
 * cluster — the hand `cluster`: which guests a Proxmox cluster has, asked of its API. It looks and
 * changes nothing.
 *
 *     {"hand":"cluster","op":"guests","cluster","url","secret","pin": 64 hex or null}
 *     result {"cluster","guests":[{"guest","kind":"uuid"|"mac","value"}]}
 *
 * GET /api2/json/cluster/resources?type=vm, then the config of each guest: `smbios1: uuid=` and the
 * cards of `netN`. The token (secret: "USER@REALM!ID=VALUE") needs the role PVEAuditor. With a pin
 * the server must show exactly that certificate (SHA-256 of it, as Proxmox's own page shows it),
 * whatever name it bears; without, one that the machine's authorities vouch for. No redirect is
 * followed.
 *
 * threads  any; blocks: a worker's work. curl_global_init first
 * errors   ERR_INPUT "bad_job". ERR_PEER "unreachable" "wrong_certificate" "bad_reply". Of the
 * secret limits   CLUSTER_…; guests beyond are left out source   pve-docs qm.conf(5), pct.conf(5),
 * API viewer of Proxmox VE 8
 */
#pragma once

#include "base/str.h"
#include "hand/hand.h"
#include "secret/secret.h"

#include <jansson.h>

#define CLUSTER_GUESTS_MAX 256
#define CLUSTER_MARKS_MAX 1024
#define CLUSTER_REPLY_BYTES_MAX (1024 * 1024)
#define CLUSTER_ASK_MS 10000
#define CLUSTER_ALL_MS 60000 /* what is not asked by then is an error, never a part */

/* Borrows from its JSON. */
struct cluster_job {
    struct str cluster, url, secret, pin; /* pin: "" without */
};

bool cluster_job_read(const json_t *json, struct cluster_job *ret_job, struct err *err);
void cluster_run(const struct cluster_job *job, struct secret_store *secrets, struct hand_end *end);

/* --- the parsers */
/* The path of a guest's config, out of a row of `resources`; false: not one that is asked. */
bool cluster_guest_path(const json_t *row, char *path, size_t size, char *name, size_t name_size);
/* Marks of one guest's config, added to `guests`. */
void cluster_guest_marks(const char *name, const json_t *config, json_t *guests);
