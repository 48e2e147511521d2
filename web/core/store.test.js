// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { store } from './store.js';

test('however many events come, subscribers are called once, with the last state', () => {
  const waiting = [],
    seen = [];
  const numbers = store(
    (state, event) => (event === 'same' ? state : state + event),
    0,
    (fn) => waiting.push(fn)
  );
  const off = numbers.subscribe((state) => seen.push(state));
  for (const n of [1, 2, 3]) numbers.dispatch(n);
  assert.deepEqual([numbers.get(), waiting.length, seen], [6, 1, []]);
  waiting.pop()();
  assert.deepEqual(seen, [6]);
  numbers.dispatch('same');
  assert.equal(waiting.length, 0);
  numbers.dispatch(1);
  numbers.dispatch(-1); // back where it was: nothing to tell
  waiting.pop()();
  assert.deepEqual(seen, [6]);
  off();
  numbers.dispatch(1);
  waiting.pop()();
  assert.deepEqual(seen, [6]);
});

test('one subscriber that fails keeps no other from being told', () => {
  const seen = [],
    waiting = [],
    said = console.error;
  console.error = () => {};
  try {
    const one = store(
      (_, event) => event,
      null,
      (fn) => waiting.push(fn)
    );
    one.subscribe(() => {
      throw new Error('a view');
    });
    one.subscribe((state) => seen.push(state));
    one.dispatch('x');
    waiting.pop()();
  } finally {
    console.error = said;
  }
  assert.deepEqual(seen, ['x']);
});
