// SPDX-License-Identifier: Apache-2.0
// Hosts, pools and who waits for an engine: GET /v1/capabilities, then `queue` and `stage` events. Pure.
//
//   state: {known, live, skew_ms, waiting, running, hosts {name: {host, power, stage, since_ms, expected_ms}},
//           pools {name: {pool, host, state, model, stage, since_ms, expected_ms, busy, slots, tokens_per_s, …}}, requests [row],
//           stages {name of host or pool: {stage, words, case, since_ms, expected_ms}}}
//   `since_ms` is the node's civil clock; skew_ms is how far this browser's clock is ahead of it.

export const STAGES_UP = ['waking', 'booting', 'agent_up', 'driver_ready', 'engine_starting', 'verifying', 'loading', 'ready'];
export const STAGES_DOWN = ['draining', 'unloading', 'sleeping', 'asleep'];
const ENDS = new Set(['ready', 'asleep']);
const STAGES_MAX = 256,
  ROWS_MAX = 512,
  ROWS_SHOWN = 50,
  STAGE_KEPT_MS = 15_000;

export const EMPTY = Object.freeze({
  known: false,
  live: false,
  skew_ms: 0,
  waiting: 0,
  running: 0,
  hosts: {},
  pools: {},
  requests: [],
  stages: {},
});

function byName(rows, name, before, shape = (row) => row) {
  const next = {};
  for (const row of (Array.isArray(rows) ? rows : []).slice(0, ROWS_MAX)) {
    if (typeof row?.[name] !== 'string') continue;
    const old = before[row[name]],
      fresh = shape(row, old);
    next[row[name]] = old && JSON.stringify(old) === JSON.stringify(fresh) ? old : fresh;
  }
  return next;
}

const hostOfPage = (row, old) => ({
  ...old,
  host: row.host,
  power: row.state,
  stage: row.stage || null,
  words: row.words ?? null,
  expected_ms: old?.expected_ms ?? null,
  since_ms: old?.since_ms ?? null,
  up_in_ms: row.up_in_ms ?? null,
});
const poolOfPage = (row, old) => ({
  ...old,
  pool: row.pool,
  host: row.host ?? null,
  state: row.state,
  stage: row.stage || null,
  model: row.model ?? null,
  since_ms: old?.since_ms ?? null,
  expected_ms: old?.expected_ms ?? null,
  busy: row.running,
  slots: row.slots,
  waiting: row.waiting,
  tokens_per_s: old?.tokens_per_s ?? null,
  device: row.device,
  engine: row.engine,
  context: row.context,
  models: row.models ?? [],
  words: row.words ?? null,
  makes_way: row.makes_way ?? null,
});

/** Which rows there are the stream says, once it has spoken: an answer that was on its way meanwhile may be older. */
function ofThose(before, fresh) {
  return Object.fromEntries(Object.keys(before).map((name) => [name, fresh[name] ?? before[name]]));
}

function ofPage(state, page, queue) {
  const hosts = byName(page.hosts, 'host', state.hosts, hostOfPage),
    pools = byName(page.pools, 'pool', state.pools, poolOfPage);
  const next = {
    ...state,
    known: true,
    hosts: state.live ? ofThose(state.hosts, hosts) : hosts,
    pools: state.live ? ofThose(state.pools, pools) : pools,
  };
  if (!queue || state.live) return next;
  const requests = (queue.requests ?? []).slice(0, ROWS_SHOWN).map((row) => ({ ...row, id: row.request ?? row.id }));
  return { ...next, waiting: queue.waiting ?? 0, running: queue.running ?? 0, requests };
}

function ofQueue(state, event) {
  const keep = (row, old) => ({ ...old, ...row });
  const skew = Number.isFinite(event.received_ms) && Number.isFinite(event.at_ms) ? event.received_ms - event.at_ms : state.skew_ms;
  return {
    ...state,
    known: true,
    live: true,
    skew_ms: skew,
    waiting: event.waiting ?? 0,
    running: event.running ?? 0,
    hosts: byName(event.hosts, 'host', state.hosts, keep),
    pools: byName(event.pools, 'pool', state.pools, keep),
    requests: Array.isArray(event.requests) ? event.requests.slice(0, ROWS_SHOWN) : [],
  };
}

/** When a way began: the node's word where it expects an end, for that is its own way; else the first stage of the case that we saw. */
function beginOf(old, event) {
  if (event.expected_ms) return event.since_ms ?? event.at_ms ?? null;
  if (old && old.case === (event.case ?? null)) return old.since_ms;
  return event.at_ms ?? event.since_ms ?? null;
}

function ofStage(state, event) {
  const name = event.pool ?? event.host;
  if (typeof name !== 'string' || typeof event.stage !== 'string') return state;
  const stages = { ...state.stages },
    old = stages[name];
  delete stages[name];
  stages[name] = {
    stage: event.stage,
    words: event.words ?? '',
    case: event.case ?? null,
    host: event.host ?? null,
    pool: event.pool ?? null,
    since_ms: beginOf(old, event),
    expected_ms: event.expected_ms ?? null,
    at_ms: event.at_ms ?? null,
  };
  for (const oldest of Object.keys(stages).slice(0, -STAGES_MAX)) delete stages[oldest];
  return { ...state, stages };
}

function ofEnd(state, id) {
  // the case of a stage has ended, well or not
  const names = Object.keys(state.stages).filter((name) => state.stages[name].case === id);
  if (!names.length) return state;
  const stages = { ...state.stages };
  for (const name of names) delete stages[name];
  return { ...state, stages };
}

export function reduce(state, event) {
  if (event.kind === 'page' && event.capabilities) return ofPage(state, event.capabilities, event.queue);
  if (event.kind === 'queue') return ofQueue(state, event);
  if (event.kind === 'stage') return ofStage(state, event);
  if (event.kind === 'case_failed' || event.kind === 'case_executed') return ofEnd(state, event.case);
  if (event.kind === 'reopened') return Object.keys(state.stages).length ? { ...state, stages: {} } : state;
  return state;
}

/** The names of the pools that only the stream has told of: what may be loaded there must be asked. "" none. */
export function untold(state) {
  return Object.values(state.pools)
    .filter((pool) => pool.models === undefined)
    .map((pool) => pool.pool)
    .join(' ');
}

const HOST_MOVES = new Set(['waking', 'booting', 'draining', 'sleeping']);
const POOL_MOVES = new Set(['host', 'driver_ready', 'engine_starting', 'verifying', 'loading', 'draining', 'unloading']);

/** Does this row say that something is under way? A pool that is empty stands at "agent_up" and waits for nothing. */
function moves(row) {
  return row.pool === undefined ? HOST_MOVES.has(row.power) : POOL_MOVES.has(row.state);
}

/** What is under way for a row of a host or a pool: {stage, words, since_ms, expected_ms, case}, or null. `now_ms`: the browser's clock. */
export function under_way(state, row, now_ms) {
  if (!row) return null;
  const live = state.stages[row.pool ?? row.host];
  if (live && !ENDS.has(live.stage)) return live;
  if (live && live.at_ms !== null && now_ms - state.skew_ms - live.at_ms < STAGE_KEPT_MS) return live;
  if (!moves(row)) return null;
  const known = STAGES_UP.includes(row.stage) || STAGES_DOWN.includes(row.stage);
  const stage = known && !ENDS.has(row.stage) ? row.stage : row.pool === undefined ? row.power : 'waking';
  return {
    stage,
    words: row.words ?? '',
    case: null,
    since_ms: row.since_ms ?? null,
    expected_ms: row.expected_ms ?? row.up_in_ms ?? null,
  };
}

/** What is under way so that this model can answer: of a pool that is to have it, or of the host of one that may serve it; or null. */
export function stageFor(state, model, now_ms) {
  const pools = Object.values(state.pools).filter(
    (pool) => pool.model === model || (pool.models ?? []).some((one) => one.model === model && one.fits)
  );
  for (const pool of pools) {
    const stage = pool.model === model || pool.state === 'host' ? under_way(state, pool, now_ms) : null;
    if (stage && !ENDS.has(stage.stage)) return stage;
  }
  if (pools.some((pool) => pool.state === 'ready' && pool.model === model)) return null;
  for (const pool of pools) {
    const stage = under_way(state, state.hosts[pool.host], now_ms);
    if (stage && STAGES_UP.includes(stage.stage) && !ENDS.has(stage.stage)) return stage;
  }
  return null;
}
