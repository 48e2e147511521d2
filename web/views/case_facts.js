// SPDX-License-Identifier: Apache-2.0
// What the page of a case needs beside the case: titles of actions, entries of the ledger that say more than the view, who may sign.

const ENTRIES_MAX = 16; // of one case; a view of a case has at most 128 entries, few of them of these kinds
const WANTED = new Set(['case_opened', 'consent_given', 'consent_refused', 'consent_rejected', 'case_failed']);
const TONES = {
  case_executed: 'ok',
  case_answered: 'ok',
  consent_given: 'ok',
  case_failed: 'crit',
  consent_refused: 'crit',
  consent_rejected: 'warn',
  case_planned: 'busy',
  warrant_issued: 'busy',
};

let titles = null;

/** Map of action to its title; asked once. */
export function catalogue(api) {
  titles ??= api.get('/api/v1/actions').then(
    (answer) => new Map((answer.actions ?? []).map((one) => [one.name, one.title])),
    () => {
      titles = null;
      return new Map();
    }
  );
  return titles;
}

/** Fills `known` (seq: entry) with the entries of this case that carry what its view leaves out. */
export async function entriesOf(api, view, known) {
  const wanted = (view.history ?? []).filter((one) => WANTED.has(one.kind) && !known.has(one.seq)).slice(-ENTRIES_MAX);
  await Promise.all(
    wanted.map(async ({ seq }) => {
      try {
        const { entries = [] } = await api.get(`/api/v1/ledger?after=${seq - 1}&limit=1`);
        if (entries[0]?.seq === seq) known.set(seq, entries[0]);
      } catch {
        // the view is enough to read the case
      }
    })
  );
}

/** Who may sign and who has: the plan's approvers, and whoever signed without being among them any more. */
export function whoOf(view, people) {
  const signed = new Set((view.consents ?? []).map((one) => one.person));
  const names = [...new Set([...(view.plan?.consent?.approvers ?? []), ...signed])];
  return names.map((person) => {
    const known = people.find((one) => one.person === person);
    const passkeys = known?.passkeys?.length ?? null; // null: not known
    return { person, name: known?.name ?? person, signed: signed.has(person), keys: known?.keys ?? null, passkeys };
  });
}

function noteOf(kind, body, words) {
  if (kind === 'consent_given') return (body.passkey ? words.signedWith.passkey : words.signedWith.key)(body.person);
  if (kind === 'consent_refused') return [body.person ?? body.principal, body.reason && `“${body.reason}”`].filter(Boolean).join(': ');
  if (kind === 'consent_rejected') return body.words ?? body.code;
  if (kind === 'case_failed') return body.error?.message;
  return null;
}

/** The timeline: each entry in words, with what the ledger says of it. */
export function steps(view, entries, words, texts) {
  let judged = 0;
  return (view.history ?? []).map(({ seq, kind, at }) => {
    const body = entries.get(seq)?.body ?? {};
    let line = words.kinds[kind] ?? kind;
    let tone = TONES[kind] ?? 'rest';
    if (kind === 'case_judged') {
      judged++;
      if (judged > 1) line = words.judgedAgain;
      if (view.status === 'denied' && at === view.updated_at) {
        line = `${words.kinds.case_judged}: ${texts.status.denied}`;
        tone = 'crit';
      }
    }
    return { seq, kind, at, tone, words: line, note: noteOf(kind, body, words) || null };
  });
}
