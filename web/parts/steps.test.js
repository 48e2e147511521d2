// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STAGES_DOWN, STAGES_UP } from '../state/queue.js';
import { progress, wayOf } from './steps.js';

test('where it is, for how long, by the node’s clock', () => {
  const stage = { stage: 'booting', since_ms: 1000, expected_ms: 10_000 };
  assert.deepEqual(progress(stage, STAGES_UP, 6500, 500), { index: 1, count: 8, elapsed_ms: 5000, share: 0.5, late: false });
  assert.deepEqual([progress(stage, STAGES_UP, 12_000, 0).share, progress(stage, STAGES_UP, 12_000, 0).late], [1, false]);
  assert.equal(progress(stage, STAGES_UP, 14_000, 0).late, true);
  assert.equal(progress(stage, STAGES_UP, 0, 0).elapsed_ms, 0);
});

test('without a beginning or an expectation nothing is said of it', () => {
  assert.deepEqual(progress({ stage: 'x', since_ms: null, expected_ms: 5 }, STAGES_UP, 1, 0), {
    index: -1,
    count: 8,
    elapsed_ms: null,
    share: null,
    late: false,
  });
  assert.equal(progress({ stage: 'asleep', since_ms: 0, expected_ms: null }, STAGES_DOWN, 9, 0).share, null);
});

test('up and down are two ways', () =>
  assert.deepEqual(
    ['loading', 'draining', 'asleep', '?'].map((stage) => wayOf({ stage })),
    [STAGES_UP, STAGES_DOWN, STAGES_DOWN, STAGES_UP]
  ));
