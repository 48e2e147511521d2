// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY as NO_HOUSE, reduce as house } from '../state/house.js';
import { EMPTY as NO_QUEUE, reduce as queue } from '../state/queue.js';
import { gathered, itemsOf, newsOf, totals, withoutSeverity } from './house.js';
import { reasonsOf } from './house_card.js';
import { modelsOf } from './models.js';
import { sinceDay } from './models_usage.js';

const row = (node, more) => ({ node, roles: ['server'], sleeps_as: null, health: 'ok', power: 'awake', because: [], ...more });

test('an item that did not change stays the same object, whatever else changes', () => {
  let nodes = house(NO_HOUSE, { kind: 'page', nodes: [row('a'), row('tower', { sleeps_as: 'tower' })], at_ms: 1 });
  const hosts = (power) =>
    queue(NO_QUEUE, {
      kind: 'queue',
      at_ms: 1,
      hosts: [{ host: 'tower', power }],
      pools: [{ pool: 'gpu0', host: 'tower', state: 'empty' }],
      requests: [],
    });
  const first = itemsOf(nodes, hosts('awake'), new Map(), 0),
    by = (list) => new Map(list.map((item) => [item.name, item]));
  const second = itemsOf(nodes, hosts('asleep'), by(first), 0);
  assert.equal(second[0], first[0]);
  assert.deepEqual([second[1].state.key, second[1].pools.length], ['asleep', 1]);
  nodes = house(nodes, { kind: 'house', whole: false, nodes: [row('a', { vitals: { watts: 90 } })], at_ms: 2 });
  const third = itemsOf(nodes, hosts('asleep'), by(second), 0);
  assert.notEqual(third[0], second[0]);
  assert.deepEqual(totals(third), { nodes: 2, watts: 90, watts_of: 1, asleep: 1, unknown: 0, trouble: 0, well: 1 });
  assert.equal(totals([]).watts, null);
});

test('alerts of one condition of a node are one row; those that somebody looks after are none', () => {
  const alert = (id, more) => ({ id: String(id), node: 'a', condition: 'hot', severity: 'warning', acknowledged: false, ...more });
  const rows = gathered([
    alert(9),
    alert(10),
    alert(11, { condition: 'full' }),
    alert(3, { severity: 'critical', node: 'b' }),
    alert(4, { node: 'c', acknowledged: true }),
  ]);
  assert.deepEqual(
    rows.map(({ alert: one, more }) => [one.id, more]),
    [
      ['3', 0],
      ['11', 0],
      ['10', 1],
    ]
  );
  assert.deepEqual([withoutSeverity('critical: a is hot'), withoutSeverity('a: critical: b')], ['a is hot', 'a: critical: b']);
  assert.deepEqual(
    reasonsOf([{ condition: 'x', words: 1 }, { condition: 'y' }, { condition: 'x', words: 2 }]).map((one) => [one.condition, one.more]),
    [
      ['x', 1],
      ['y', 0],
    ]
  );
  assert.deepEqual(reasonsOf(undefined), []);
});

test('models with the pools that may serve them', () => {
  const [model] = modelsOf(
    [{ id: 'm', context_length: 8, meta: { size: 5 }, status: { value: 'loaded' } }],
    [
      {
        pool: 'p',
        host: 'h',
        model: 'm',
        state: 'ready',
        models: [
          { model: 'm', fits: true, first_token_ms: 0 },
          { model: 'n', fits: true },
        ],
      },
      { pool: 'q' },
    ]
  );
  assert.deepEqual([model.name, model.size, model.pools.length, model.pools[0].loaded, model.pools[0].need], ['m', 5, 1, true, null]);
  assert.deepEqual(modelsOf(null, []), []);
});

test('days of the accounts are those of UTC', () => {
  const at = Date.UTC(2026, 10, 21, 0, 5);
  assert.deepEqual([sinceDay(at, 0), sinceDay(at, 6)], ['2026-11-21', '2026-11-15']);
});

test('what became another is said, what is new is not', () => {
  const item = (name, key) => ({ name, state: { key } });
  const before = new Map([
    ['a', item('a', 'ok')],
    ['b', item('b', 'ok')],
  ]);
  assert.deepEqual(newsOf([item('a', 'critical'), item('b', 'ok'), item('c', 'critical')], before), [['a', 'critical']]);
});

test('a way that ended is shown for a moment, and then no more', () => {
  const nodes = house(NO_HOUSE, { kind: 'page', nodes: [row('tower', { sleeps_as: 'tower' })], at_ms: 1 });
  const pools = [{ pool: 'gpu0', host: 'tower', state: 'ready', stage: 'ready' }];
  const ready = [
    { kind: 'queue', at_ms: 1000, received_ms: 1000, hosts: [{ host: 'tower', power: 'awake' }], pools, requests: [] },
    { kind: 'stage', case: 'C', host: 'tower', pool: 'gpu0', stage: 'ready', at_ms: 1000, since_ms: 0, expected_ms: 5 },
  ].reduce(queue, NO_QUEUE);
  const [first] = itemsOf(nodes, ready, new Map(), 2000);
  const [same] = itemsOf(nodes, ready, new Map([['tower', first]]), 3000);
  const [later] = itemsOf(nodes, ready, new Map([['tower', same]]), 60_000);
  assert.equal(same, first);
  assert.notEqual(later, first);
});
