// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, bytes, celsius, clock, count, duration, percent, plural, toMs, watts, when } from './format.js';

const S = 1000,
  M = 60 * S,
  H = 60 * M,
  D = 24 * H;

test('what is not known is a dash, never a zero', () => {
  for (const fn of [ago, bytes, celsius, count, duration, percent, watts]) {
    for (const value of [null, undefined, NaN, '', 'x', Infinity]) assert.equal(fn(value), '–', `${fn.name}(${value})`);
  }
  assert.equal(clock('nonsense'), '–');
  assert.equal(when(null), '–');
  assert.equal(toMs('no'), null);
});

test('durations have two units at most', () => {
  const cases = [
    [0, '0 s'],
    [400, '< 1 s'],
    [S, '1 s'],
    [59 * S + 999, '59 s'],
    [M, '1 min'],
    [M + 5 * S, '1 min 5 s'],
    [10 * M + 5 * S, '10 min'],
    [H, '1 h'],
    [2 * H + 5 * M, '2 h 5 min'],
    [D, '1 d'],
    [4 * D + 3 * H, '4 d 3 h'],
    [12 * D + 3 * H, '12 d'],
    [-5, '0 s'],
  ];
  for (const [ms, text] of cases) assert.equal(duration(ms), text);
});

test('ages', () => {
  assert.deepEqual([0, 5 * S, 3 * M, 5 * H, 3 * D].map(ago), ['just now', '5 s ago', '3 min ago', '5 h ago', '3 d ago']);
});

test('sizes, counts, watts', () => {
  assert.deepEqual([0, 512, 1536, 16303 * 1048576, 2 ** 50 * 3000].map(bytes), ['0 B', '512 B', '1.5 KiB', '16 GiB', '3000 PiB']);
  assert.equal(bytes(-2048), '−2 KiB');
  assert.deepEqual([0, 999, 12345, 1234567, 2e9].map(count), ['0', '999', '12\u2009345', '1.2 M', '2.0 G']);
  assert.equal(count(-1500), '−1\u2009500');
  assert.deepEqual([0, 312.4, 12345].map(watts), ['0 W', '312 W', '12.3 kW']);
  assert.equal(celsius(-3), '−3 °C');
  assert.equal(percent(41.6), '42 %');
  assert.deepEqual([plural(1, 'alert'), plural(3, 'alert'), plural(0, 'case')], ['1 alert', '3 alerts', '0 cases']);
});

test('the day is said where it is not that of now', () => {
  const at = new Date(2026, 10, 21, 2, 47, 9).getTime();
  assert.equal(clock(at), '02:47:09');
  assert.equal(clock(at, false), '02:47');
  assert.equal(when(at, at + H), '02:47:09');
  assert.equal(when(at, at + 2 * D), '2026-11-21 02:47:09');
  assert.equal(toMs('2026-11-21T02:47:09.000Z'), Date.UTC(2026, 10, 21, 2, 47, 9));
});
