// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyReader } from './keys.js';

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
