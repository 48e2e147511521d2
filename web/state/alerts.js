// SPDX-License-Identifier: Apache-2.0
// Alerts as rows, out of pages of GET /api/v1/alerts and out of ledger entries. Pure.
//
//   state   {rows: {id: row}, known: bool, oldest: id or null, whole: bool (nothing older is left to ask for), asked: {case: what}}
//   events  {kind: 'page', alerts: [rows], status: 'open'|'cleared', limit} · entries of the ledger, brief or whole
//   row     of the API: {id, status, condition, node, part, severity, words, raised_at, changed_at, cleared_at, acknowledged,
//           count, members?, runbook_state}

export const ROWS_MAX = 2000; // closed ones beyond are forgotten, the oldest first
const ASKED_MAX = 64;
const SAID = ['severity', 'words', 'count', 'members'];

export const EMPTY = Object.freeze({ rows: {}, known: false, oldest: null, whole: false, asked: {} });

function bounded(rows) {
  const ids = Object.keys(rows);
  if (ids.length <= ROWS_MAX) return rows;
  const closed = ids
    .filter((id) => rows[id].status === 'cleared')
    .sort((a, b) => a - b)
    .slice(0, ids.length - ROWS_MAX);
  const kept = { ...rows };
  for (const id of closed) delete kept[id];
  return kept;
}

function withRow(state, id, change) {
  return { ...state, rows: bounded({ ...state.rows, [id]: { ...state.rows[id], ...change } }) };
}

// A page is as new as its rows: a row that an entry changed after the page was asked for comes again with the next entry or page.
function ofPage(state, { alerts, status, limit }) {
  const rows = {};
  for (const [id, row] of Object.entries(state.rows)) {
    if (status !== 'open' || alerts.length >= limit || row.status === 'cleared' || alerts.some((one) => one.id === row.id)) rows[id] = row;
  }
  for (const row of alerts) if (Number.isSafeInteger(row?.id)) rows[row.id] = row;
  if (status === 'open') return { ...state, rows: bounded(rows), known: true };
  const ids = alerts.map((row) => row.id);
  return {
    ...state,
    rows: bounded(rows),
    oldest: ids.length ? Math.min(...ids, state.oldest ?? Infinity) : state.oldest,
    whole: alerts.length < limit,
  };
}

function said(body) {
  const change = {};
  for (const name of SAID) if (body[name] !== undefined) change[name] = body[name];
  return change;
}

function raised(state, { seq, at, body }) {
  if (state.rows[seq] || !Number.isSafeInteger(seq)) return state;
  return withRow(state, seq, {
    id: seq,
    status: 'raised',
    condition: body.condition ?? '',
    node: body.node ?? '',
    part: body.part ?? '',
    raised_at: at,
    changed_at: at,
    cleared_at: null,
    acknowledged: null,
    runbook_state: 'none',
    severity: body.severity ?? 'warning',
    words: body.words ?? '',
    count: body.count ?? 1,
    ...said(body),
  });
}

// What was acknowledged is the lesser one: become worse, it is raised again (as the judge's book has it).
function changed(state, row, { at, body }) {
  const worse = body.severity === 'critical' && row.severity !== 'critical';
  const again = worse ? { acknowledged: null, status: row.status === 'acknowledged' ? 'raised' : row.status } : {};
  return withRow(state, row.id, { ...said(body), ...again, changed_at: at });
}

function acknowledged(state, event) {
  const body = event.body?.action ? event.body : state.asked[event.case];
  if (body?.action !== 'alert_acknowledge') return state;
  const row = state.rows[Number(body.params?.alert)];
  if (!row) return state;
  const by = { by: body.by?.principal ?? '', at: event.at, words: body.params?.words || row.acknowledged?.words || '', case: event.case };
  return withRow(state, row.id, { acknowledged: by, status: row.status === 'raised' ? 'acknowledged' : row.status });
}

function asked(state, event) {
  if (event.body?.action !== 'alert_acknowledge') return state;
  const all = { ...state.asked, [event.case]: event.body };
  for (const old of Object.keys(all).slice(0, -ASKED_MAX)) delete all[old];
  return { ...state, asked: all };
}

export function reduce(state, event) {
  if (event.kind === 'page') return Array.isArray(event.alerts) ? ofPage(state, event) : state;
  const body = event.body ?? {};
  if (event.kind === 'alert_raised') return raised(state, { ...event, body });
  if (event.kind === 'case_opened') return asked(state, event);
  if (event.kind === 'case_executed') return acknowledged(state, event);
  const row = state.rows[body.alert];
  if (!row) return state;
  switch (event.kind) {
    case 'alert_changed':
      return changed(state, row, { ...event, body });
    case 'alert_cleared':
      return withRow(state, row.id, { ...said(body), status: 'cleared', cleared_at: event.at, changed_at: event.at });
    case 'runbook_generated':
      return withRow(state, row.id, { runbook_state: 'generated' });
    case 'runbook_failed':
      return withRow(state, row.id, { runbook_state: 'failed' });
    default:
      return state;
  }
}

const RANK = { raised: 0, acknowledged: 1, cleared: 2 };
const rank = (row) => RANK[row.status] ?? 0;

// Those that nobody looks after before those that are looked after, the critical before the others, the newest first; then the
// closed ones.
export function inOrder(a, b) {
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (a.status !== 'cleared' && a.severity !== b.severity) return a.severity === 'critical' ? -1 : 1;
  return b.id - a.id;
}

const textOf = (row) =>
  [row.condition, row.node, row.part, row.words, row.acknowledged?.by, row.acknowledged?.words, ...(row.members ?? [])]
    .join(' ')
    .toLowerCase();

// Rows as they are shown. filter: {status: 'open'|'cleared'|'all', severity: 'warning'|'critical'|'', text}
export function list(state, { status = 'all', severity = '', text = '' } = {}) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return Object.values(state.rows)
    .filter((row) => status === 'all' || (status === 'cleared') === (row.status === 'cleared'))
    .filter((row) => !severity || row.severity === severity)
    .filter((row) => !words.length || words.every((word) => textOf(row).includes(word)))
    .sort(inOrder);
}

export const openCount = (state) => Object.values(state.rows).filter((row) => row.status !== 'cleared').length;

// "warning: tower has a hot GPU." -> "tower has a hot GPU.": the severity stands beside it as a sign already.
export const sentence = (words) => String(words ?? '').replace(/^(warning|critical|over)(?: storm)?: /, '');

export const toneOf = (row) => (row.status === 'cleared' ? 'ok' : row.severity === 'critical' ? 'crit' : 'warn');
