// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY, reduce, stageFor, under_way, untold } from './queue.js';

const HOST = { host: 'tower', power: 'asleep', stage: 'asleep', since_ms: 5, expected_ms: null };
const POOL = {
  pool: 'gpu0',
  host: 'tower',
  state: 'empty',
  model: null,
  stage: 'agent_up',
  since_ms: 5,
  expected_ms: null,
  busy: 0,
  slots: 2,
  tokens_per_s: 0,
};
const queue = (more = {}) => ({
  kind: 'queue',
  at_ms: 1000,
  received_ms: 1250,
  waiting: 0,
  running: 0,
  hosts: [HOST],
  pools: [POOL],
  requests: [],
  ...more,
});
const stage = (more) => ({
  kind: 'stage',
  case: 'C',
  host: 'tower',
  pool: null,
  at_ms: 2000,
  since_ms: 5,
  expected_ms: null,
  words: '',
  ...more,
});

test('the page of capabilities, then the live queue; what the page alone knows stays', () => {
  const page = {
    hosts: [{ host: 'tower', state: 'asleep', stage: 'asleep', up_in_ms: 60000 }],
    pools: [
      { pool: 'gpu0', host: 'tower', state: 'empty', stage: 'asleep', running: 0, slots: 2, models: [{ model: 'm' }], context: 8192 },
    ],
  };
  const one = reduce(EMPTY, { kind: 'page', capabilities: page });
  assert.deepEqual([one.known, one.live, one.hosts.tower.power], [true, false, 'asleep']);
  const two = reduce(one, queue());
  assert.deepEqual([two.live, two.skew_ms, two.pools.gpu0.context, two.pools.gpu0.models.length], [true, 250, 8192, 1]);
  assert.equal(reduce(two, queue()).pools.gpu0, two.pools.gpu0);
});

test('a pool that the stream told of is asked about, and an answer that was on its way does not take it back', () => {
  const named = (name) => ({ pool: name, host: 'tower', state: 'empty', stage: 'asleep', running: 0, slots: 2, models: [] });
  const page = (...names) => ({ kind: 'page', capabilities: { hosts: [HOST], pools: names.map(named) } });
  const one = reduce(reduce(EMPTY, page('gpu0')), queue());
  assert.equal(untold(one), '');
  const two = reduce(one, queue({ pools: [POOL, { ...POOL, pool: 'gpu1' }] }));
  assert.equal(untold(two), 'gpu1');
  const three = reduce(two, page('gpu0')); // answered before the rules were there
  assert.deepEqual([Object.keys(three.pools), untold(three)], [['gpu0', 'gpu1'], 'gpu1']);
  const four = reduce(three, page('gpu0', 'gpu1', 'gone'));
  assert.deepEqual([Object.keys(four.pools), untold(four)], [['gpu0', 'gpu1'], '']);
  assert.deepEqual(Object.keys(reduce(four, queue({ pools: [] })).pools), []);
});

test('an older node’s queue is asked, but a live one wins', () => {
  const event = {
    kind: 'page',
    capabilities: { hosts: [], pools: [] },
    queue: { waiting: 3, running: 1, requests: [{ request: 'r1', caller: 'laptop', position: 1 }] },
  };
  const asked = reduce(EMPTY, event);
  assert.deepEqual([asked.waiting, asked.requests[0].id], [3, 'r1']);
  assert.equal(reduce(reduce(EMPTY, queue()), event).waiting, 0);
});

test('requests are bounded', () => {
  assert.equal(reduce(EMPTY, queue({ requests: Array.from({ length: 500 }, (_, i) => ({ id: i })) })).requests.length, 50);
  assert.deepEqual(reduce(EMPTY, queue({ requests: null, hosts: [{}], pools: 'no' })).hosts, {});
});

test('nothing is under way where a host is awake and a pool is empty or ready', () => {
  const awake = reduce(EMPTY, queue({ hosts: [{ ...HOST, power: 'awake', stage: 'agent_up' }] }));
  assert.equal(under_way(awake, awake.hosts.tower, 0), null);
  assert.equal(under_way(awake, awake.pools.gpu0, 0), null);
  assert.equal(under_way(awake, undefined, 0), null);
});

test('what the node wishes itself is under way by its rows', () => {
  const state = reduce(
    EMPTY,
    queue({
      hosts: [{ ...HOST, power: 'booting', stage: 'booting', since_ms: 900, expected_ms: 60000 }],
      pools: [{ ...POOL, state: 'host', stage: 'ready' }],
    })
  );
  assert.deepEqual(under_way(state, state.hosts.tower, 0), { stage: 'booting', words: '', case: null, since_ms: 900, expected_ms: 60000 });
  assert.equal(under_way(state, state.pools.gpu0, 0).stage, 'waking');
});

test('what a person asked for is under way by its stages, from the first that was seen, until its case ends', () => {
  let state = reduce(reduce(EMPTY, queue()), stage({ stage: 'waking' }));
  state = reduce(state, stage({ stage: 'booting', at_ms: 5000 }));
  assert.deepEqual([under_way(state, state.hosts.tower, 0).stage, under_way(state, state.hosts.tower, 0).since_ms], ['booting', 2000]);
  assert.equal(reduce(state, { kind: 'case_executed', case: 'other' }), state);
  state = reduce(state, { kind: 'case_executed', case: 'C' });
  assert.equal(under_way(state, state.hosts.tower, 0), null);
});

test('an end is seen for a moment; a gap in the stream forgets stages', () => {
  const state = reduce(reduce(EMPTY, queue()), stage({ stage: 'ready', pool: 'gpu0', expected_ms: 9000, since_ms: 100 }));
  assert.equal(under_way(state, state.pools.gpu0, 2250).since_ms, 100);
  assert.equal(under_way(state, state.pools.gpu0, 99_000), null);
  assert.deepEqual(reduce(state, { kind: 'reopened' }).stages, {});
  assert.equal(reduce(state, stage({ stage: 7 })), state);
});

test('what a model waits for: its pool, then the host of one that fits it, nothing where it is ready', () => {
  const models = [
    { model: 'm', fits: true },
    { model: 'big', fits: false },
  ];
  const of = (host, pool) => reduce(EMPTY, queue({ hosts: [{ ...HOST, ...host }], pools: [{ ...POOL, models, ...pool }] }));
  const key = (state, model) => stageFor(state, model, 0)?.stage ?? null;
  assert.equal(key(of({}, {}), 'm'), null);
  assert.equal(key(of({ power: 'booting', stage: 'booting' }, {}), 'm'), 'booting');
  assert.equal(key(of({ power: 'booting', stage: 'booting' }, {}), 'big'), null);
  assert.equal(key(of({ power: 'awake' }, { model: 'm', state: 'loading', stage: 'loading' }), 'm'), 'loading');
  assert.equal(key(of({ power: 'awake' }, { model: 'other', state: 'loading', stage: 'loading' }), 'm'), null);
  assert.equal(key(of({ power: 'booting', stage: 'booting' }, { model: 'm', state: 'ready', stage: 'ready' }), 'm'), null);
});
