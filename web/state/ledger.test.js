// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY, ROWS_MAX, WORDS_MAX, actors, kinds, list, oldest, reduce, rowOf, toneOf, wordsOf } from './ledger.js';

const entry = (seq, more = {}) => ({
  seq,
  at: '2026-11-21T11:00:00.000Z',
  kind: 'case_opened',
  case: 'C1',
  actor: 'judge',
  body: { action: 'dns_lookup', params: { name: 'a.local' } },
  ...more,
});
const run = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => entry(from + i));
const seqs = (state) => state.rows.map((row) => row.seq);
const page = (from, to, size) => ({ kind: 'page', entries: run(from, to), size });

test('pages go down to the first entry, in any order and over one another', () => {
  let state = reduce(EMPTY, page(8, 10, 10));
  assert.deepEqual([seqs(state), oldest(state), state.size, state.gap], [[10, 9, 8], 8, 10, null]);
  state = reduce(state, page(1, 3, 10));
  assert.deepEqual(
    [seqs(state), state.gap],
    [
      [10, 9, 8, 3, 2, 1],
      [3, 8],
    ]
  );
  state = reduce(state, page(3, 9, 10));
  assert.deepEqual([seqs(state), state.gap, oldest(state)], [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1], null, 1]);
});

test('entries of the stream come on top; a hole is said and closed by a page', () => {
  let state = reduce(EMPTY, page(1, 3, 3));
  state = reduce(state, entry(4, { actor: undefined }));
  assert.deepEqual([seqs(state), state.size, state.gap], [[4, 3, 2, 1], 4, null]);
  state = reduce(state, entry(7));
  assert.deepEqual([seqs(state), state.gap, state.size], [[7, 4, 3, 2, 1], [4, 7], 7]);
  state = reduce(state, page(5, 6, 7));
  assert.deepEqual([seqs(state), state.gap], [[7, 6, 5, 4, 3, 2, 1], null]);
  assert.equal(reduce(state, entry(3)), state);
  assert.equal(state.rows.find((row) => row.seq === 4).actor, '');
  state = reduce(state, page(4, 4, 7)); // the whole entry after the brief one
  assert.equal(state.rows.find((row) => row.seq === 4).actor, 'judge');
});

test('what was made while the first page was on its way is a hole above it', () => {
  const told = reduce(reduce(EMPTY, entry(3)), entry(4)); // by the stream, before the page
  assert.deepEqual([seqs(told), told.size, told.known], [[], 4, false]);
  for (let state of [reduce(told, page(1, 1, 1)), reduce(EMPTY, page(1, 1, 4))]) {
    assert.deepEqual([seqs(state), state.size, state.gap], [[1], 4, [1, 5]]);
    state = reduce(state, page(2, 4, 4));
    assert.deepEqual([seqs(state), state.gap], [[4, 3, 2, 1], null]);
  }
});

test('what is no entry changes nothing', () => {
  const state = reduce(EMPTY, page(1, 2, 2));
  for (const event of [
    { kind: 'stage', case: 'C1', seq: null },
    { kind: 'house', nodes: [] },
    { kind: 'page' },
    { kind: 'x', seq: -1 },
    { kind: 'x', seq: 1.5 },
  ])
    assert.equal(reduce(state, event), state);
  assert.deepEqual(seqs(reduce(state, { kind: 'page', entries: [null, {}, { seq: 'x' }], size: 2 })), [2, 1]);
});

test('at most so many rows: the oldest go', () => {
  let state = reduce(EMPTY, page(1, ROWS_MAX + 5, ROWS_MAX + 5));
  assert.deepEqual([state.rows.length, oldest(state), state.full], [ROWS_MAX, 6, true]);
  state = reduce(state, entry(ROWS_MAX + 6));
  assert.deepEqual([state.rows.length, oldest(state)], [ROWS_MAX, 7]);
});

test('searching', () => {
  const state = reduce(EMPTY, {
    kind: 'page',
    size: 4,
    entries: [
      entry(1),
      entry(2, { kind: 'kb_loaded', case: '', actor: 'judge', body: { version: '0.1.0' } }),
      entry(3, { kind: 'alert_raised', case: '', body: { words: 'warning: tower is silent.', node: 'tower' } }),
      entry(4, { actor: 'ledger', case: 'C2', body: { nl: 'add A.local' } }),
    ],
  });
  const found = (filter) => list(state, filter).map((row) => row.seq);
  assert.equal(list(state), state.rows);
  assert.deepEqual(found({ kind: 'kb_loaded' }), [2]);
  assert.deepEqual(found({ actor: 'ledger' }), [4]);
  assert.deepEqual(found({ case: 'C1' }), [1]);
  assert.deepEqual(found({ text: 'a.LOCAL' }), [4, 1]);
  assert.deepEqual(found({ text: 'silent tower', kind: 'alert_raised' }), [3]);
  assert.deepEqual(found({ text: 'c2' }), [4]);
  assert.deepEqual(
    [kinds(state), actors(state)],
    [
      ['alert_raised', 'case_opened', 'kb_loaded'],
      ['judge', 'ledger'],
    ]
  );
});

test('what an entry says in a line', () => {
  const said = [
    [{ nl: 'add\n a' }, 'add a'],
    [{ words: 'w', error: { message: 'e' } }, 'w'],
    [{ verdict: { words: 'permitted' } }, 'permitted'],
    [{ error: { message: 'e' } }, 'e'],
    [{ action: 'x', params: { a: 'b', c: [1] } }, 'x a=b c=[1]'],
    [{ plan_sha256: 'ab'.repeat(32) }, 'plan abababababab'],
    [{ alert: 7 }, 'alert 7'],
    [{}, ''],
    [null, ''],
    [{ words: 5, nl: {} }, ''],
  ];
  for (const [body, words] of said) assert.equal(wordsOf({ body }), words, JSON.stringify(body));
  assert.equal(wordsOf({ body: { words: 'x'.repeat(500) } }).length, WORDS_MAX);
  assert.ok(rowOf(entry(1, { body: { words: 'x'.repeat(100000) } })).text.length <= 600);
});

test('tones', () => {
  for (const [kind, tone] of [
    ['case_executed', 'ok'],
    ['case_failed', 'crit'],
    ['consent_refused', 'crit'],
    ['alert_raised', 'warn'],
    ['alert_cleared', 'ok'],
    ['runbook_failed', 'crit'],
    ['warrant_issued', 'busy'],
    ['case_opened', 'busy'],
    ['kb_loaded', 'rest'],
    ['anything', 'rest'],
  ])
    assert.equal(toneOf(kind), tone, kind);
});
