// SPDX-License-Identifier: Apache-2.0
// What a consent is made of, without anything that is drawn: the plan out of the very bytes that are signed, who may sign it, the text of
// a refusal, and what is sent. The judge checks all of it again; here it is checked so that a person never signs what was not shown.
//
//   readPlan(bytes, {id, sha256}) -> {hash, plan, why}     why: null 'differs' 'unreadable' 'other_case'; plan is null with any of them
//   signers(plan, people, consents) -> [{person, name, signed, may, keys, passkeys}]
//   usable(signers, host) -> {rpId, ids, why}              passkeys to ask for here; why: null 'nobody' 'no_passkey' 'other_host'
//   reasonOf(text) -> {reason, left, why}                  why: null 'empty' 'long'
//   refusalText(sha256, reason)                            what a refusal signs
//   message({assertion, people, decision, sha256, reason}) the body of POST /api/v1/cases/ID/consent, or null for a key nobody knows

import { readCanonical } from '../ledger/canonical.js';
import { hexOf } from './passkey.js';

export const PLAN_KIND = 'logic-node/plan/v1';
export const REASON_MAX = 500;
const CAREFUL = new Set(['destructive']);

export async function sha256(bytes, subtle = globalThis.crypto.subtle) {
  return new Uint8Array(await subtle.digest('SHA-256', bytes));
}

export async function readPlan(bytes, { id, sha256: expected }, subtle = globalThis.crypto.subtle) {
  const hash = hexOf(await sha256(bytes, subtle));
  const refused = (why) => ({ hash, plan: null, why });
  let text;

  if (hash !== expected) return refused('differs');
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refused('unreadable');
  }
  // Two members of one name would be one thing here and perhaps another to who acts: only the one canonical spelling is shown.
  const plan = readCanonical(text);
  if (plan === null || typeof plan !== 'object' || plan.kind !== PLAN_KIND) return refused('unreadable');
  return plan.case === id ? { hash, plan, why: null } : refused('other_case');
}

/** Destructive plans ask for more than a press. */
export function careful(plan) {
  return CAREFUL.has(plan.tier) || !['observe', 'change', 'risky'].includes(plan.tier);
}

/** Whom the plan itself names as approvers, with what the node knows of them. */
export function signers(plan, people, consents) {
  return (plan.consent?.approvers ?? []).map((person) => {
    const known = people.find((p) => p.person === person);
    const signed = consents.some((c) => c.person === person);
    return { person, name: known?.name ?? person, signed, may: !signed, keys: known?.keys ?? 0, passkeys: known?.passkeys ?? [] };
  });
}

/** A passkey works at its own host and at hosts below it. */
export function fits(rpId, host) {
  return rpId === host || (rpId.length > 0 && host.endsWith(`.${rpId}`));
}

export function usable(list, host) {
  const may = list.filter((s) => s.may);
  const passkeys = may.flatMap((s) => s.passkeys);
  const here = passkeys.filter((p) => fits(p.rp_id, host));
  const none = (why) => ({ rpId: null, ids: [], why });

  if (!may.length) return none('nobody');
  if (!passkeys.length) return none('no_passkey');
  if (!here.length) return none('other_host');
  const rpId = here.map((p) => p.rp_id).sort((a, b) => b.length - a.length)[0];
  return { rpId, ids: here.filter((p) => p.rp_id === rpId).map((p) => p.credential_id), why: null };
}

/** One line, as the node takes it: line ends and runs of white space are one space. */
export function reasonOf(text) {
  const reason = text.replace(/\s+/g, ' ').trim();
  const left = REASON_MAX - Array.from(reason).length;
  return { reason, left, why: reason ? (left < 0 ? 'long' : null) : 'empty' };
}

export function refusalText(planHash, reason) {
  return `logic-node/refusal/v2\n${planHash}\n${reason}\n`;
}

export function keyOf(people, credentialId) {
  for (const person of people) {
    const passkey = person.passkeys.find((p) => p.credential_id === credentialId);
    if (passkey) return { person: person.person, name: person.name, key_id: passkey.key_id };
  }
  return null;
}

export function message({ assertion, people, decision, sha256: planHash, reason }) {
  const key = keyOf(people, assertion.credential_id);
  if (!key) return null;
  const { authenticator_data, client_data_json, signature } = assertion;
  return {
    key_id: key.key_id,
    decision,
    plan_sha256: planHash,
    ...(decision === 'refuse' ? { reason } : {}),
    passkey: { authenticator_data, client_data_json, signature },
  };
}

/** Why a plan that was shown cannot be signed any more, by what is known of its case now; null while it can. */
export function overtaken(row, { hash, plan }, nowMs) {
  if (row && row.state !== 'awaiting') return row.state === 'expired' ? 'expired' : row.state === 'refused' ? 'refused' : 'not_awaiting';
  if (row?.plan_sha256 && row.plan_sha256 !== hash) return 'changed';
  return nowMs >= plan.expires_at_ms ? 'expired' : null;
}
