// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { POINTS_MAX, columns, metricWords, plotted, rangeOf, shown, spanOf, stepFor } from './readings.js';

test('values as people read them', () => {
  const rows = [
    [85300, 'millicelsius', '85.3 °C'],
    [-4000, 'millicelsius', '−4 °C'],
    [125, 'permille', '12.5 %'],
    [65000, 'milliwatt', '65 W'],
    [1500, 'milli', '1.50'],
    [1, 'bool', 'yes'],
    [0, 'bool', 'no'],
    [1536, 'bytes', '1.5 KiB'],
    [1023, 'bytes', '1023 B'],
    [5 * 2 ** 30, 'bytes', '5 GiB'],
    [2048, 'bytes_per_s', '2 KiB/s'],
    [12, 'count', '12'],
    [900, 'rpm', '900 rpm'],
    [7, 'parsecs', '7 parsecs'],
    [7, undefined, '7'],
    [null, 'count', '–'],
    [NaN, 'count', '–'],
    ['7', 'count', '–'],
  ];
  for (const [value, unit, words] of rows) assert.equal(shown(value, unit), words);
  assert.equal(metricWords('cpu_temperature'), 'cpu temperature');
});

test('columns: in order, each time once, holes where numbers are missing', () => {
  assert.deepEqual(
    columns(
      [
        [3000, 3],
        [1000, 1],
        [2000, 2],
        [2000, 9],
      ],
      1000
    ),
    [
      [1, 2, 3],
      [1, 2, 3],
    ]
  );
  assert.deepEqual(
    columns(
      [
        [1000, 1],
        [5000, 5],
      ],
      1000
    ),
    [
      [1, 2, 5],
      [1, null, 5],
    ]
  );
  assert.deepEqual(columns([[1000, null], ['x', 1], null, [2000, '7']], 1000), [
    [1, 2],
    [null, null],
  ]);
  assert.deepEqual(columns([], 1000), [[], []]);
});

test('ranges hold values and lines', () => {
  assert.deepEqual(rangeOf([], []), [0, 1]);
  const [low, high] = rangeOf([70, 80, null], [100]);
  assert.ok(low < 70 && low > 60 && high > 100 && high < 110);
  assert.equal(rangeOf([1, 50])[0], 0);
  assert.ok(rangeOf([5, 5])[0] < 5 && rangeOf([5, 5])[1] > 5);
  assert.ok(rangeOf([-5, -1])[0] < -5);
});

test('steps keep an answer small', () => {
  for (const span of [1, 60, 3600, 86400, 7 * 86400, 30 * 86400]) assert.ok(span / stepFor(0, span * 1000) <= POINTS_MAX);
  assert.equal(stepFor(0, 60_000), 1);
  assert.equal(stepFor(0, 1e15), 86400);
});

test('the span around an alert', () => {
  const minute = 60_000;
  const at = 1_000_000_000;
  assert.deepEqual(spanOf(at, null, at + minute), [at - 10 * minute, at + minute]);
  assert.deepEqual(spanOf(at, at + 80 * minute, at + 1000 * minute), [at - 20 * minute, at + 100 * minute]);
  assert.deepEqual(spanOf(at, at + minute, at + 2 * minute), [at - 10 * minute, at + 2 * minute]);
  assert.deepEqual(spanOf(at, null, at + minute, 60 * minute), [at - 59 * minute, at + minute]);
});

test('levels are drawn only where they are in the unit of the reading', () => {
  const question = (condition, direction, raise, clear, ...readings) => ({ condition, levels: { direction, raise, clear }, readings });
  const reading = (metric, value, unit) => ({ metric, part: '0', value, unit });
  const values = (plot) => plot.levels.map((level) => level.value);
  const hot = plotted(
    question('gpu_hot', 'up', { warning: 84000, critical: 92000 }, 78000, reading('gpu_temperature', 85300, 'millicelsius'))
  );
  assert.deepEqual([hot.metric, hot.part, hot.unit, values(hot)], ['gpu_temperature', '0', 'millicelsius', [84000, 92000, 78000]]);
  assert.deepEqual(
    values(plotted(question('memory_short', 'down', { warning: 80, critical: 30 }, 120, reading('memory_available_share', 70)))),
    [80, 30, 120]
  );
  assert.deepEqual(
    values(plotted(question('clock_skewed', 'up', { warning: 2000 }, 1000, reading('clock_ahead', -2500)))),
    [2000, -2000, 1000]
  );
  assert.deepEqual(
    values(plotted(question('load_high', 'up', { warning: 3000 }, 2000, reading('load_5', 40000), reading('cpu_cores', 4)))),
    []
  );
  assert.deepEqual(values(plotted(question('disk_filling', 'down', { warning: 1440 }, 2880, reading('disk_free', 5e9)))), []);
  assert.deepEqual(values(plotted(question('new_rule_in_minutes', 'down', { warning: 5 }, 15, reading('cpu_temperature', 70000)))), []);
  assert.equal(plotted(question('node_silent', 'up', { warning: 60 }, 20, reading('heard', 60))), null);
  assert.equal(plotted({ storm: 'disk_wearing', joined: [] }), null);
  assert.equal(plotted(null), null);
});
