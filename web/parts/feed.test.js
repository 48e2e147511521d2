// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { next } from './feed.js';

const names = ['a', 'b', 'c'];

test('who was never asked comes first, seen before unseen', () => {
  assert.equal(next({ names, seen: new Set(['b']), times: {}, now: 0, few: 1 }), 'b');
  assert.equal(next({ names, seen: new Set(), times: { a: 0, c: 0 }, now: 0, few: 1 }), 'b');
});

test('those that are seen, and all of a few, are asked each 10 s, the others rarely', () => {
  const times = { a: 0, b: 1000, c: 2000 };
  assert.equal(next({ names, seen: new Set(), times, now: 9999, few: 40 }), null);
  assert.equal(next({ names, seen: new Set(), times, now: 12_000, few: 40 }), 'a');
  assert.equal(next({ names, seen: new Set(['c']), times, now: 60_000, few: 1 }), 'c');
  assert.equal(next({ names, seen: new Set(), times, now: 60_000, few: 1 }), null);
  assert.equal(next({ names, seen: new Set(), times, now: 200_000, few: 1 }), 'a');
  assert.equal(next({ names: [], seen: new Set(['x']), times: {}, now: 0 }), null);
});
