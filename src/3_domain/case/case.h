/* SPDX-License-Identifier: Apache-2.0
 *
 * case — one proposal and all that became of it, as the fold of its ledger entries.
 *
 * Pure: no clock, no I/O. The table in case.c says which entry may follow in which state; the judge
 * asks case_may() before it records an entry, and applies the entry after it is durable. After a
 * restart the same function rebuilds the case from the ledger, so a case cannot be in a state that
 * its record does not show.
 *
 * owner    whoever holds the struct; case_done() releases
 * threads  one at a time
 * source   docs/protocol.md §4
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define CASE_ID_BYTES 27
#define CASE_CONSENTS_MAX 16   /* signatures that count, of one case */
#define CASE_REJECTIONS_MAX 64 /* recorded; later ones are answered but not recorded */
#define CASE_HISTORY_MAX 128
#define CASE_REASON_CHARS_MAX 500 /* of a refusal */
#define CASE_REASON_BYTES_MAX (4 * CASE_REASON_CHARS_MAX)
#define CASE_REFUSAL_BYTES_MAX (CASE_REASON_BYTES_MAX + 128) /* the whole signed text */

enum case_state {
    CASE_NONE,      /* before its first entry */
    CASE_PROPOSED,  /* opened */
    CASE_JUDGED,    /* a verdict that does not deny; hands must look, or a plan follows */
    CASE_PLANNED,   /* a plan that needs no signature */
    CASE_AWAITING,  /* a plan that waits for signatures */
    CASE_CONSENTED, /* enough of them */
    CASE_ACTING,    /* a warrant is out */
    CASE_DONE,
    CASE_FAILED,
    CASE_DENIED,
    CASE_REFUSED,
    CASE_EXPIRED,
    CASE_STATES,
};

enum case_event {
    CASE_OPENED,
    CASE_VERDICT_GO,
    CASE_VERDICT_DENY,
    CASE_ANSWERED,
    CASE_PLAN_FREE,
    CASE_PLAN_CONSENT,
    CASE_CONSENT_MORE,
    CASE_CONSENT_ENOUGH,
    CASE_CONSENT_REFUSED,
    CASE_CONSENT_REJECTED,
    CASE_WARRANT,
    CASE_EXECUTED,
    CASE_FAILURE,
    CASE_EXPIRY,
    CASE_EVENTS,
};

struct case_consent {
    char key_id[17];
    char person[64];
    bool by_passkey;
};

struct kase {
    char id[CASE_ID_BYTES];
    enum case_state state;
    int64_t first_seq, last_seq;
    char opened_at[32], updated_at[32];
    json_t *opened;    /* body of case_opened: action, params, by, nl? */
    json_t *verdict;   /* of the last case_judged */
    json_t *question;  /* what the judge door was asked, of the last case_judged */
    json_t *answer;    /* of case_answered */
    json_t *refusal;   /* body of consent_refused */
    char *plan;        /* the canonical bytes; NULL before there is one */
    char plan_sha256[65];
    int64_t expires_at_ms;
    struct case_consent consents[CASE_CONSENTS_MAX];
    int consent_count, rejection_count;
    json_t *warrant, *execution, *error;
    json_t *history; /* [{"seq","kind","at"}] */
};

void case_done(struct kase *kase);

/* Pure: is there a row for it? *ret_next only when true. */
bool case_step(enum case_state from, enum case_event event, enum case_state *ret_next);

/* Which event an entry is; its body decides between go and deny, free and consent, more and enough.
 * False for a kind that is none of a case's. */
bool case_event_of(const char *kind, const json_t *body, enum case_event *ret_event);

/* Fold one entry in. errors  ERR_INPUT "bad_transition" the entry cannot follow: nothing is changed
 */
bool case_apply(struct kase *kase, const json_t *entry, struct err *err);

/* May an entry of this kind and body follow? */
bool case_may(const struct kase *kase, const char *kind, const json_t *body);

/* No entry can follow any more. */
bool case_closed(enum case_state state);

const char *case_state_name(enum case_state state);
/* The word for people and programs: success, awaiting_consent, denied, failed, refused, expired,
 * working. */
const char *case_status(enum case_state state);

/* --- refusals */

/* 1 to CASE_REASON_CHARS_MAX characters, not white space alone, no control character but line ends.
 * errors  ERR_INPUT "out_of_range", "bad_value", param "reason" */
bool case_reason_good(struct str reason, struct err *err);
/* Append what is signed to refuse this plan: another text than any plan's bytes, so that neither
 * passes for the other. An empty reason is none, as key files may still say it. */
void case_refusal_text(const char *plan_sha256, struct str reason, struct buf *out);

/* --- what the record must hold to be judged again; each owned by the caller */

/* Of the judge door's answer what a case_judged entry keeps: all but the plan and the look, which
 * hands are given, and `learned`, which stands beside it. */
json_t *case_verdict_kept(const json_t *answer);
/* The learn door's question for a case_executed entry. */
json_t *case_learn_question(const json_t *entry);

/* The case view of docs/protocol.md §6. Owned by the caller. */
json_t *case_view(const struct kase *kase);

/* What an intent or a proposal is answered with (docs/protocol.md §6). Owned by the caller. */
json_t *case_answer(const struct kase *kase);
