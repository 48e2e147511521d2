// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { familyOf, groupOf, nodeState, readingText, rowVitals, vitals, worstFirst } from './vitals.js';

const fact = (metric, value, part = '', fresh = true) => ({ id: `${metric}.${part}`, metric, part, value, fresh });

test('of fresh readings: the hottest, the fullest, the sum of what is drawn', () => {
  const v = vitals({
    node: { cores: 8, gpus: [{ gpu: 'RTX' }] },
    facts: [
      fact('cpu_busy', 295),
      fact('memory_available_share', 600),
      fact('cpu_temperature', 52000, 'a'),
      fact('cpu_temperature', 61000, 'b'),
      fact('disk_used_share', 400, '/'),
      fact('disk_used_share', 930, '/m'),
      fact('power_draw', 90000, '0'),
      fact('gpu_power', 200000, '0'),
      fact('gpu_memory_used', 5, '0'),
      fact('gpu_memory_total', 10, '0'),
      { words: 'no metric' },
    ],
  });
  assert.deepEqual(
    [v.cpu, v.memory, v.temperature, v.disk, v.disk_part, v.watts, v.cores, v.tells],
    [0.295, 0.4, 61, 0.93, '/m', 290, 8, true]
  );
  assert.deepEqual([v.gpus.length, v.gpus[0].name, v.gpus[0].share, v.gpus[0].busy], [1, 'RTX', 0.5, null]);
});

test('what is stale says nothing; that a source is asked is not that a node tells', () => {
  const v = vitals({ facts: [fact('cpu_busy', 295, '', false), fact('source_ok', 1, 's')] });
  assert.deepEqual([v.cpu, v.watts, v.memory, v.stale, v.tells], [null, null, null, 1, false]);
  assert.deepEqual([vitals(null).cpu, vitals(null).gpus], [null, []]);
});

test('the few numbers of a row are the same as those of its readings', () => {
  const v = rowVitals({
    vitals: {
      cpu: 30,
      memory: 40,
      memory_mib: 1024,
      celsius: 61,
      disk: 93,
      disk_part: '/m',
      watts: 290,
      gpus: [{ part: '0', name: 'RTX', busy: 50, celsius: 70, vram_used_mib: 64, vram_mib: 128 }],
    },
  });
  assert.deepEqual(
    [v.cpu, v.memory, v.memory_bytes, v.temperature, v.disk_temperature, v.disk, v.disk_part, v.watts, v.tells],
    [0.3, 0.4, 2 ** 30, 61, null, 0.93, '/m', 290, true]
  );
  assert.deepEqual(v.gpus, [
    { part: '0', name: 'RTX', busy: 0.5, used: 2 ** 26, total: 2 ** 27, share: 0.5, temperature: 70, watts: null },
  ]);
});

test('a row without numbers, or with what is none, tells nothing', () => {
  assert.deepEqual([rowVitals({}).tells, rowVitals(undefined).watts, rowVitals({ vitals: {} }).tells], [false, null, true]);
  assert.deepEqual([rowVitals({ vitals: { watts: '7' } }).watts, rowVitals({ vitals: { gpus: 7 } }).gpus], [null, []]);
});

test('one word for a node', () => {
  const of = (row, host = null, stage = null) => nodeState({ row, host, stage }).key;
  assert.equal(of({ health: 'ok' }), 'ok');
  assert.equal(of({ health: 'ok' }, null, { stage: 'loading' }), 'loading');
  assert.equal(of({ health: 'ok' }, null, { stage: 'ready' }), 'ok');
  assert.equal(of({ health: 'unknown', power: 'unknown' }, { power: 'asleep' }), 'asleep');
  assert.equal(of({ health: 'unknown', power: 'down' }), 'silent');
  assert.equal(of({ health: 'critical', power: 'down' }), 'critical');
  assert.equal(of({ health: 'degraded' }), 'warning');
  assert.equal(of({ health: 'unknown', power: 'unknown' }, { power: 'awake' }), 'awake');
  assert.equal(of({ health: 'unknown' }), 'unknown');
  assert.equal(of(undefined), 'unknown');
});

test('the worst stands first, then by name as people count', () => {
  const rows = [
    ['n10', 'ok'],
    ['n2', 'ok'],
    ['z', 'critical'],
    ['y', 'loading'],
  ].map(([name, key]) => ({ name, state: { key } }));
  assert.deepEqual(
    rows.sort(worstFirst).map((row) => row.name),
    ['z', 'y', 'n2', 'n10']
  );
});

test('groups, families, units', () => {
  assert.deepEqual(
    [groupOf(['gpu_server', 'desktop']), groupOf(['client']), groupOf(['voter']), groupOf([]), groupOf(undefined)],
    ['servers', 'desks', 'small', 'others', 'others']
  );
  assert.deepEqual(
    ['cpu_busy', 'cpu_temperature', 'gpu_temperature', 'memory_total', 'uptime', 'io_pressure', 'memory_pressure', 'disk_healthy'].map(
      familyOf
    ),
    ['processor', 'heat', 'heat', 'memory', 'system', 'processor', 'memory', 'disks']
  );
  assert.deepEqual(
    [readingText('seconds', 90000), readingText('permille', 295), readingText('bool', 0), readingText('bytes', null)],
    ['1 d 1 h', '29.5 %', 'no', '–']
  );
});
