// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DETAILS_MAX, EMPTY, NODES_MAX, reduce } from './house.js';

const row = (node, health = 'ok') => ({ node, health, power: 'awake', because: [] });

test('a page, then changed rows only; what did not change stays the same object', () => {
  const one = reduce(EMPTY, { kind: 'page', nodes: [row('a'), row('b')], at_ms: 1 });
  assert.deepEqual([one.known, Object.keys(one.nodes)], [true, ['a', 'b']]);
  const two = reduce(one, { kind: 'house', whole: false, nodes: [row('b', 'critical')], at_ms: 2 });
  assert.equal(two.nodes.a, one.nodes.a);
  assert.equal(two.nodes.b.health, 'critical');
  assert.equal(reduce(two, { kind: 'house', whole: false, nodes: [row('a')], at_ms: 3 }).nodes, two.nodes);
});

test('whole means that others are gone', () => {
  const one = reduce(EMPTY, { kind: 'page', nodes: [row('a'), row('b')], at_ms: 1 });
  assert.deepEqual(Object.keys(reduce(one, { kind: 'house', whole: true, nodes: [row('b'), row('c')], at_ms: 2 }).nodes), ['b', 'c']);
  assert.deepEqual(reduce(one, { kind: 'house', whole: true, nodes: [], at_ms: 2 }).nodes, {});
});

test('rows without a name and rows beyond the bound are left out', () => {
  const many = Array.from({ length: NODES_MAX + 5 }, (_, i) => row(`n${i}`));
  assert.equal(Object.keys(reduce(EMPTY, { kind: 'page', nodes: [null, {}, ...many], at_ms: 1 }).nodes).length, NODES_MAX);
  assert.deepEqual(reduce(EMPTY, { kind: 'house', whole: true, nodes: 'no', at_ms: 1 }).nodes, {});
});

test('details are bounded, the oldest go first', () => {
  let state = EMPTY;
  for (let i = 0; i < DETAILS_MAX + 2; i++) state = reduce(state, { kind: 'detail', node: `n${i}`, detail: { facts: [] }, at_ms: i });
  assert.deepEqual([Object.keys(state.details).length, 'n1' in state.details, state.details.n2.at_ms], [DETAILS_MAX, false, 2]);
});

test('of how many the numbers were left out', () => {
  const one = reduce(EMPTY, { kind: 'page', nodes: [row('a')], vitals_left_out: 3, at_ms: 1 });
  assert.equal(one.left_out, 3);
  assert.equal(reduce(one, { kind: 'house', whole: false, nodes: [], at_ms: 2 }).left_out, 0);
});

test('a page that failed is said until one comes', () => {
  const failed = reduce(EMPTY, { kind: 'page_failed', path: '/api/v1/nodes', code: 'away', message: 'm' });
  assert.equal(failed.failed['/api/v1/nodes'].code, 'away');
  assert.deepEqual(reduce(failed, { kind: 'page', nodes: [], at_ms: 1 }).failed, {});
  assert.equal(reduce(failed, { kind: 'case_opened', seq: 1 }), failed);
});

test('whoever may not see the nodes sees none of those that somebody before saw', () => {
  const one = reduce(EMPTY, { kind: 'page', nodes: [row('a')], at_ms: 1 });
  const away = reduce(one, { kind: 'page_failed', path: '/api/v1/nodes', code: 'away', message: 'm' });
  assert.equal(away.nodes, one.nodes);
  const denied = reduce(one, { kind: 'page_failed', path: '/api/v1/nodes', code: 'denied', message: 'm' });
  assert.deepEqual([denied.nodes, denied.known, denied.failed['/api/v1/nodes'].code], [{}, false, 'denied']);
});
