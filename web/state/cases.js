// SPDX-License-Identifier: Apache-2.0
// Cases as rows of a list: the fold of ledger entries, by the same table as src/3_domain/case/case.c (cases_test.js reads both and
// compares). Pages of GET /api/v1/cases and views of GET /api/v1/cases/ID come in as events too, so that one order of arrival is as
// good as another: what is older than what is known changes nothing.
//
//   first()                     a state without cases
//   reduce(state, event)        the state after it. The state that goes in is used up: its collections move into the new one
//   state.cursor, state.more    before which case the next page begins (null: the first), and whether there is one
//   list(state, filter, text)   rows to show: those that wait first, then the newest; counted by counts(state)
//
// Events: a ledger entry {seq, kind, case, at, body} (form=brief or whole) · {kind: 'page', cases: [row], more} (more left out: no page
// of the whole list) · {kind: 'view', case} · {kind: 'looked_up', case} · {kind: 'forget'}
// · {kind: 'stage', case, stage, words, host, pool, at_ms, since_ms, expected_ms}
// What cannot be folded, because its beginning was never seen, stands in state.missing (case: time of the entry): whoever has the API
// fetches it as a 'view' and then says 'looked_up'.

export const CASES_MAX = 5000;
export const STAGES_MAX = 30;
const MISSING_MAX = 100;
const SEARCH_CHARS_MAX = 2000;

export const KINDS = {
  case_opened: () => 'opened',
  case_judged: (body) => (['permit', 'needs_consent'].includes(body.verdict?.verdict) ? 'verdict_go' : 'verdict_deny'),
  case_answered: () => 'answered',
  case_planned: (body) => (body.consent === null || body.consent === undefined ? 'plan_free' : 'plan_consent'),
  consent_given: (body) => (body.enough === true ? 'consent_enough' : 'consent_more'),
  consent_refused: () => 'consent_refused',
  consent_rejected: () => 'consent_rejected',
  warrant_issued: () => 'warrant',
  case_executed: () => 'executed',
  case_failed: () => 'failure',
  case_expired: () => 'expiry',
};

// from: { on: to }; what has no row cannot happen.
export const TABLE = {
  none: { opened: 'proposed' },
  proposed: { verdict_go: 'judged', verdict_deny: 'denied', failure: 'failed' },
  judged: {
    verdict_go: 'judged',
    verdict_deny: 'denied',
    answered: 'done',
    plan_free: 'planned',
    plan_consent: 'awaiting',
    failure: 'failed',
  },
  planned: { warrant: 'acting', failure: 'failed' },
  awaiting: {
    consent_more: 'awaiting',
    consent_enough: 'consented',
    consent_refused: 'refused',
    consent_rejected: 'awaiting',
    expiry: 'expired',
  },
  consented: { warrant: 'acting', failure: 'failed' },
  acting: { executed: 'done', failure: 'failed' },
};

// state: the word for people and programs, as docs/words.md has it
export const STATUS = {
  none: 'working',
  proposed: 'working',
  judged: 'working',
  planned: 'working',
  awaiting: 'awaiting_consent',
  consented: 'working',
  acting: 'working',
  done: 'success',
  failed: 'failed',
  denied: 'denied',
  refused: 'refused',
  expired: 'expired',
};

const ORDER = Object.keys(STATUS);
const CLOSED = new Set(['done', 'failed', 'denied', 'refused', 'expired']);

export function closed(state) {
  return CLOSED.has(state);
}

export function first() {
  return { version: 0, seq: 0, rows: new Map(), ids: [], missing: new Map(), cursor: null, more: true, full: false };
}

// --- one row

const found = new WeakMap(); // made when somebody searches, kept as long as the row

function search(row) {
  if (!found.has(row)) found.set(row, searched(row));
  return found.get(row);
}

function searched(row) {
  const params = JSON.stringify(row.params ?? {});
  const words = [row.id, row.action, row.nl, row.summary, row.verdict?.words, row.by?.principal, params, row.error?.message];
  return words.filter(Boolean).join('\n').slice(0, SEARCH_CHARS_MAX).toLowerCase();
}

function emptyRow(id) {
  return {
    id,
    state: 'none',
    status: 'working',
    action: '',
    params: {},
    by: {},
    nl: null,
    model: null,
    opened_at: '',
    updated_at: '',
    last_seq: 0,
    verdict: null,
    summary: null,
    plan_sha256: null,
    expires_at_ms: null,
    consents: [],
    error: null,
    changed: null,
    stages: [],
  };
}

const brief = (verdict) => (verdict ? { verdict: verdict.verdict, tier: verdict.tier, words: verdict.words } : null);

function summaryOf(body) {
  if (typeof body.summary === 'string') return body.summary;
  try {
    return JSON.parse(body.plan).summary; // a whole entry, as the ledger has it
  } catch {
    return null;
  }
}

// What an entry of this event adds to a row.
const FOLD = {
  opened: (body) => ({
    action: body.action ?? '',
    params: body.params ?? {},
    by: body.by ?? {},
    nl: body.nl ?? null,
    model: body.model ?? null,
  }),
  verdict_go: (body) => ({ verdict: brief(body.verdict) }),
  verdict_deny: (body) => ({ verdict: brief(body.verdict) }),
  plan_free: (body) => planned(body),
  plan_consent: (body) => planned(body),
  consent_more: (body, row) => signed(body, row),
  consent_enough: (body, row) => signed(body, row),
  failure: (body) => ({ error: body.error ?? null, changed: body.changed ?? null }),
};

function planned(body) {
  return { plan_sha256: body.plan_sha256 ?? null, expires_at_ms: body.expires_at_ms ?? null, summary: summaryOf(body) };
}

function signed(body, row) {
  if (row.consents.some((c) => c.key_id === body.key_id)) return {};
  return { consents: [...row.consents, { key_id: body.key_id, person: body.person }] };
}

function stepped(row, entry) {
  const body = entry.body ?? {};
  const event = KINDS[entry.kind](body);
  const next = TABLE[row.state]?.[event];
  if (!next) return null;
  const changed = { ...row, ...FOLD[event]?.(body, row), state: next, status: STATUS[next], updated_at: entry.at, last_seq: entry.seq };
  if (row.state === 'none') changed.opened_at = entry.at;
  if (closed(next)) changed.stages = [];
  return changed;
}

// A row of the list or a whole view, in the form of ours.
function fromApi(view, known) {
  const row = known ?? emptyRow(view.id);
  const consents = (view.consents?.length ?? 0) > row.consents.length ? view.consents : row.consents; // a row of a list has none
  return {
    ...row,
    state: view.state,
    status: STATUS[view.state],
    action: view.action ?? '',
    params: view.params ?? {},
    by: view.by ?? {},
    nl: view.nl ?? null,
    model: view.model ?? row.model,
    opened_at: view.opened_at ?? '',
    updated_at: view.updated_at ?? '',
    verdict: brief(view.verdict),
    summary: view.summary ?? view.plan?.summary ?? row.summary,
    plan_sha256: view.plan_sha256 ?? null,
    expires_at_ms: view.expires_at ? Date.parse(view.expires_at) : null,
    consents,
    error: view.error ?? null,
    stages: closed(view.state) ? [] : row.stages,
  };
}

// The ledger's clock never goes back, but entries that were written together bear one time: then the one that is further wins.
function isNewer(view, row) {
  if (view.updated_at !== row.updated_at) return view.updated_at > row.updated_at;
  return ORDER.indexOf(view.state) >= ORDER.indexOf(row.state);
}

// --- all rows

// Ids sort as they were made; the newest stands first.
function place(ids, id) {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle] > id) low = middle + 1;
    else high = middle;
  }
  ids.splice(low, 0, id);
}

// The oldest that is over goes first: what waits for somebody is kept as long as anything else can go.
function dropOldest(state) {
  let at = state.ids.length - 1;
  while (at > 0 && !closed(state.rows.get(state.ids[at]).state)) at--;
  if (at === 0) at = state.ids.length - 1;
  state.rows.delete(state.ids[at]);
  state.ids.splice(at, 1);
}

function put(state, row) {
  if (!state.rows.has(row.id)) place(state.ids, row.id);
  state.rows.set(row.id, row);
  if (state.ids.length > CASES_MAX) {
    dropOldest(state);
    state.full = true; // older ones are not kept, so they need not be fetched
  }
}

function putView(state, view) {
  const known = state.rows.get(view.id);
  if (typeof view.id !== 'string' || !(view.state in STATUS)) return;
  if (!known || isNewer(view, known)) put(state, fromApi(view, known));
  else if (view.plan) put(state, { ...known, summary: view.plan.summary ?? known.summary });
}

// A page may have been read before the entry that was missed: only a later time shows that it was not.
function putRow(state, row) {
  putView(state, row);
  if (row.updated_at > state.missing.get(row.id)) state.missing.delete(row.id);
}

function isBeyond(state, id) {
  return state.full && state.ids.length > 0 && id < state.ids[state.ids.length - 1];
}

function miss(state, entry) {
  if (state.missing.has(entry.case) || state.missing.size < MISSING_MAX) state.missing.set(entry.case, entry.at);
}

function foldEntry(state, entry) {
  const row = state.rows.get(entry.case) ?? emptyRow(entry.case);
  if (entry.seq <= row.last_seq || (row.updated_at && entry.at < row.updated_at)) return;
  const next = stepped(row, entry);
  if (next) put(state, next);
  else if (entry.at > row.updated_at && !isBeyond(state, entry.case)) miss(state, entry);
}

function foldStage(state, event) {
  const row = state.rows.get(event.case);
  if (!row || closed(row.state)) return;
  const stage = {
    stage: event.stage,
    words: event.words ?? '',
    host: event.host ?? null,
    pool: event.pool ?? null,
    at_ms: event.at_ms,
    since_ms: event.since_ms ?? null,
    expected_ms: event.expected_ms ?? null,
  };
  const last = row.stages[row.stages.length - 1];
  const isSame = last && last.stage === stage.stage && last.host === stage.host && last.pool === stage.pool;
  const before = isSame ? row.stages.slice(0, -1) : row.stages;
  state.rows.set(row.id, { ...row, stages: [...before, stage].slice(-STAGES_MAX) });
}

// Where the next page begins. A single old case that was looked at is no page: what lies between is still to be fetched.
function cursor(state, event) {
  const last = event.cases?.[event.cases.length - 1]?.id ?? null;
  return event.more === undefined ? {} : { cursor: last ?? state.cursor, more: event.more && !state.full };
}

export function reduce(state, event) {
  if (event.kind === 'forget') return { ...first(), version: state.version + 1 }; // somebody else looks at the page
  if (event.kind === 'page') {
    for (const row of event.cases ?? []) putRow(state, row);
    return { ...state, version: state.version + 1, ...cursor(state, event) };
  }
  if (event.kind === 'view') {
    putView(state, event.case ?? {});
    state.missing.delete(event.case?.id);
  } else if (event.kind === 'looked_up') state.missing.delete(event.case);
  else if (event.kind === 'stage') foldStage(state, event);
  else if (event.kind in KINDS && event.case && event.seq > state.seq) foldEntry(state, event);
  else return event.seq > state.seq ? { ...state, seq: event.seq } : state;
  return { ...state, version: state.version + 1, seq: Math.max(state.seq, event.seq ?? 0) };
}

// --- what is shown

export const FILTERS = ['all', 'waiting', 'failed'];
const WANTED = {
  all: () => true,
  waiting: (row) => row.state === 'awaiting',
  failed: (row) => ['failed', 'denied', 'refused', 'expired'].includes(row.state),
};

// Those that wait stand on top, the one whose time ends first before the others.
export function list(state, filter = 'all', text = '') {
  const wanted = WANTED[filter] ?? WANTED.all;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const waiting = [];
  const others = [];
  for (const id of state.ids) {
    const row = state.rows.get(id);
    if (wanted(row) && words.every((word) => search(row).includes(word))) (row.state === 'awaiting' ? waiting : others).push(row);
  }
  waiting.sort((a, b) => (a.expires_at_ms ?? Infinity) - (b.expires_at_ms ?? Infinity) || (a.id < b.id ? 1 : -1));
  return [...waiting, ...others];
}

export function counts(state) {
  const numbers = { all: state.ids.length, waiting: 0, failed: 0 };
  for (const row of state.rows.values()) {
    if (WANTED.waiting(row)) numbers.waiting++;
    if (WANTED.failed(row)) numbers.failed++;
  }
  return numbers;
}

export function row(state, id) {
  return state.rows.get(id) ?? null;
}
