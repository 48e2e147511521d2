// SPDX-License-Identifier: Apache-2.0
// What wants a person: cases that wait for a signature, alerts that are open. Pure; only ids and a few words of each, bounded.
//
//   state: {waiting {id: {id, action, words, at}}, alerts {id: {id, node, condition, severity, words, at, acknowledged}}}
//   events: {kind 'page', waiting} · {kind 'page', alerts} · entries of the ledger

const MAX = 500;
const ENDED = new Set(['case_executed', 'case_failed', 'case_expired', 'consent_refused', 'case_answered', 'warrant_issued']);

export const EMPTY = Object.freeze({ waiting: {}, alerts: {}, cases_known: false, alerts_known: false });

function put(object, id, value) {
  const next = { ...object, [id]: value };
  for (const old of Object.keys(next).slice(0, -MAX)) delete next[old];
  return next;
}

function drop(object, id) {
  if (!(id in object)) return object;
  const next = { ...object };
  delete next[id];
  return next;
}

const index = (rows, shape) =>
  Object.fromEntries(
    rows
      .slice(0, MAX)
      .map(shape)
      .filter(Boolean)
      .map((row) => [row.id, row])
  );

const waitingRow = (row) =>
  row.status && row.status !== 'awaiting_consent'
    ? null
    : { id: row.id, action: row.action, words: row.nl ?? row.action ?? '', at: row.opened_at ?? null };

function alertRow(row) {
  const status = row.status ?? row.state;
  if (status === 'cleared' || row.cleared_at) return null;
  return {
    id: String(row.id ?? row.alert),
    node: row.node ?? null,
    condition: row.condition ?? '',
    severity: row.severity ?? 'warning',
    words: row.words ?? '',
    at: row.raised_at ?? row.at ?? null,
    acknowledged: status === 'acknowledged' || Boolean(row.acknowledged_by ?? row.acknowledged),
  };
}

function ofAlert(state, event) {
  const body = event.body ?? {};
  if (event.kind === 'alert_raised')
    return { ...state, alerts: put(state.alerts, String(event.seq), alertRow({ ...body, id: event.seq, at: event.at })) };
  const id = String(body.alert),
    old = state.alerts[id];
  if (event.kind === 'alert_cleared') return { ...state, alerts: drop(state.alerts, id) };
  if (!old) return state;
  const worse = body.severity === 'critical' && old.severity !== 'critical';
  return {
    ...state,
    alerts: {
      ...state.alerts,
      [id]: {
        ...old,
        severity: body.severity ?? old.severity,
        words: body.words ?? old.words,
        acknowledged: worse ? false : old.acknowledged,
      },
    },
  };
}

function ofAcknowledged(state, event) {
  const id = String(event.body?.params?.alert ?? ''),
    old = state.alerts[id];
  if (event.body?.action !== 'alert_acknowledge' || !old) return state;
  return { ...state, alerts: { ...state.alerts, [id]: { ...old, acknowledged: true } } };
}

export function reduce(state, event) {
  if (event.kind === 'page' && event.waiting) return { ...state, cases_known: true, waiting: index(event.waiting, waitingRow) };
  if (event.kind === 'page' && event.alerts) return { ...state, alerts_known: true, alerts: index(event.alerts, alertRow) };
  if (event.kind.startsWith('alert_')) return ofAlert(state, event);
  if (event.kind === 'case_planned' && event.body?.consent) {
    const words = event.body.summary ?? state.waiting[event.case]?.words ?? '';
    return { ...state, waiting: put(state.waiting, event.case, { id: event.case, action: null, words, at: event.at ?? null }) };
  }
  if (ENDED.has(event.kind)) {
    const next = event.kind === 'case_executed' ? ofAcknowledged(state, event) : state;
    const waiting = drop(next.waiting, event.case);
    return waiting === next.waiting ? next : { ...next, waiting };
  }
  return state;
}

/** {critical, warning, open}: of alerts that nobody looks after yet are also counted. Pure. */
export function counts(state) {
  const alerts = Object.values(state.alerts);
  return {
    waiting: Object.keys(state.waiting).length,
    open: alerts.length,
    critical: alerts.filter((alert) => alert.severity === 'critical').length,
    unattended: alerts.filter((alert) => !alert.acknowledged).length,
  };
}
