// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyReader, step } from './keys.js';

const read = (...keys) => {
  const reader = keyReader(new Set(['/', 'g h', 'g c', 'h']));
  return keys.map(([key, at]) => reader(key, at));
};

test('one key, a pair, and a pair that came too late', () => {
  assert.deepEqual(read(['/', 0]), ['/']);
  assert.deepEqual(read(['g', 0], ['h', 400]), [null, 'g h']);
  assert.deepEqual(read(['g', 0], ['h', 4000]), [null, 'h']);
  assert.deepEqual(read(['g', 0], ['x', 100], ['h', 200]), [null, null, 'h']);
  assert.deepEqual(read(['g', 0], ['g', 100], ['c', 200]), [null, null, 'g c']);
});

test('arrows step along a list and stop at its ends', () => {
  assert.deepEqual([step('ArrowDown', 0, 3), step('ArrowUp', 2, 3), step('Home', 2, 3), step('End', 0, 3)], [1, 1, 0, 2]);
  assert.deepEqual(
    [step('ArrowDown', 2, 3), step('ArrowUp', 0, 3), step('x', 1, 3), step('End', -1, 3), step('Home', 0, 0)],
    [null, null, null, null, null]
  );
});
