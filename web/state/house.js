// SPDX-License-Identifier: Apache-2.0
// The nodes of the house: rows of GET /api/v1/nodes, kept up by `house` events, with the readings of those that somebody looked at. Pure.
//
//   state: {known, at_ms, left_out, nodes {name: row}, details {name: {facts, words, at_ms, …}}, failed {path: {code, message}}}
//   left_out: of so many nodes the rows have no vitals, for they did not fit.
//   A row that did not change stays the same object: lists draw only what changed.
//   events: {kind 'page', nodes, at_ms} · {kind 'house', whole, nodes, at_ms} · {kind 'detail', node, detail, at_ms}
//           {kind 'page_failed', path, code, message}

export const NODES_MAX = 2000,
  DETAILS_MAX = 300;

export const EMPTY = Object.freeze({ known: false, at_ms: null, left_out: 0, nodes: {}, details: {}, failed: {} });

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

function merged(before, rows, whole) {
  const next = whole ? {} : { ...before };
  let changed = whole && Object.keys(before).length !== rows.length;
  for (const row of rows) {
    if (typeof row?.node !== 'string') continue;
    const old = before[row.node];
    if (!old && Object.keys(next).length >= NODES_MAX) continue;
    next[row.node] = old && same(old, row) ? old : row;
    if (next[row.node] !== old) changed = true;
  }
  return changed || (whole && Object.keys(next).some((name) => !(name in before))) ? next : before;
}

function withDetail(details, name, detail) {
  const next = { ...details };
  delete next[name]; // the newest stands last
  next[name] = detail;
  for (const old of Object.keys(next).slice(0, -DETAILS_MAX)) delete next[old];
  return next;
}

function without(object, name) {
  if (!(name in object)) return object;
  const { [name]: _, ...rest } = object;
  return rest;
}

export function reduce(state, event) {
  if ((event.kind === 'page' && event.nodes) || event.kind === 'house') {
    const whole = event.kind === 'page' || event.whole === true;
    const nodes = merged(state.nodes, Array.isArray(event.nodes) ? event.nodes : [], whole);
    const failed = without(state.failed, '/api/v1/nodes');
    return { ...state, known: true, at_ms: event.at_ms ?? state.at_ms, nodes, left_out: event.vitals_left_out ?? 0, failed };
  }
  if (event.kind === 'detail') return { ...state, details: withDetail(state.details, event.node, { ...event.detail, at_ms: event.at_ms }) };
  if (event.kind === 'page_failed') {
    const failed = { ...state.failed, [event.path]: { code: event.code, message: event.message } };
    // whoever signs in behind another sees none of what that one saw
    return event.path === '/api/v1/nodes' && event.code === 'denied' ? { ...EMPTY, failed } : { ...state, failed };
  }
  return state;
}
