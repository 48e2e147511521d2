/* SPDX-License-Identifier: Apache-2.0
 *
 * notice — the hand `notify`: one message to one receiver outside (webhook, Slack-like, ntfy).
 *
 *     notice_read(job, &notice, &err)      a job of the judge, checked
 *     notice_form(&notice, url, …)         the bytes that go out, and where to; pure
 *     notice_send(&notice, …, &end)        does it: POST, one try
 *
 * It changes nothing of the house, so it needs no warrant (docs/decisions/0011): what is said was
 * worded by the rules, where to stands in the site facts. Checked again here, whoever asked: title
 * and text are bounded, hold no control character and no address; the only address in a message is
 * its link. A receiver is http or https; certificates are checked against the system's and the
 * house's own; no redirect is followed; its reply is bounded and not read for anything but 2xx.
 *
 * The address may be a secret: it comes from the store at each use, and no error, result or log
 * names it, nor does an argument or a variable of any process.
 *
 * owner    a notice borrows from its job
 * threads  any; notice_send() blocks up to answer_ms: on a worker
 * errors   ERR_INPUT "bad_job"; ERR_SYSTEM "bad_receiver" (no address such as is needed) and those
 *          of the store; ERR_PEER "receiver_away" "receiver_silent" "receiver_tls"
 *          "receiver_refused" (not 2xx) "receiver_redirects" "receiver_too_long"
 * "receiver_garbage"; ERR_LIMIT "stopped" source   docs/dashboard.md §6
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "hand/hand.h"
#include "secret/secret.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdint.h>

#define NOTICE_TITLE_CHARS_MAX 120
#define NOTICE_TEXT_CHARS_MAX 1000
#define NOTICE_LINK_BYTES_MAX 512
#define NOTICE_URL_BYTES_MAX 2048
#define NOTICE_BODY_BYTES_MAX (16 * 1024)

enum notice_kind { NOTICE_WEBHOOK, NOTICE_SLACK, NOTICE_NTFY, NOTICE_KINDS };
enum notice_urgency { NOTICE_LOW, NOTICE_NORMAL, NOTICE_HIGH, NOTICE_URGENCIES };

struct notice {
    enum notice_kind kind;
    enum notice_urgency urgency;
    struct str where; /* an address, or the handle of one */
    struct str title, text;
    struct str link; /* .at NULL: none */
    struct str node, at;
    json_t *about;
};

struct notice_limits {
    int64_t answer_ms;      /* for all of it */
    size_t reply_bytes_max; /* headers and body, each */
    const char *ca_file;    /* the house's own certificates beside the system's; NULL: none */
};

bool notice_read(const json_t *job, struct notice *ret_notice, struct err *err);

/* Append the body to `ret_body` and the address that it is posted to to `ret_url`. `url` is the
 * receiver's. */
bool notice_form(const struct notice *notice, struct str url, struct buf *ret_url,
    struct buf *ret_body, struct err *err);

/* result {"ms","status"}. `stop` set: ends within a second. */
void notice_send(const struct notice *notice, struct secret_store *secrets,
    const struct notice_limits *limits, const atomic_bool *stop, struct hand_end *ret_end);
