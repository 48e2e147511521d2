// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY, ROWS_MAX, list, openCount, reduce, sentence, toneOf } from './alerts.js';

const AT = '2026-11-21T11:09:07.564Z';
const raised = (seq, more = {}) => ({
  kind: 'alert_raised',
  seq,
  at: AT,
  case: '',
  body: {
    condition: 'gpu_hot',
    node: 'tower',
    part: '0',
    severity: 'warning',
    words: 'warning: tower has a hot GPU (0): 85.3 °C.',
    ...more,
  },
});
const said = (kind, alert, body = {}) => ({ kind, seq: alert + 100, at: '2026-11-21T11:10:00.000Z', case: '', body: { alert, ...body } });
const after = (...events) => events.reduce(reduce, EMPTY);

test('an alert lives from its entries alone', () => {
  let state = after(raised(7));
  assert.deepEqual(
    [state.rows[7].status, state.rows[7].raised_at, state.rows[7].count, state.rows[7].runbook_state],
    ['raised', AT, 1, 'none']
  );
  state = reduce(state, said('runbook_generated', 7));
  assert.equal(state.rows[7].runbook_state, 'generated');
  state = reduce(state, said('alert_changed', 7, { severity: 'critical', count: 3, words: 'critical: x' }));
  assert.deepEqual(
    [state.rows[7].severity, state.rows[7].count, state.rows[7].words, toneOf(state.rows[7])],
    ['critical', 3, 'critical: x', 'crit']
  );
  state = reduce(state, said('alert_cleared', 7, { words: 'over: x', why: 'clear' }));
  assert.deepEqual([state.rows[7].status, state.rows[7].cleared_at, toneOf(state.rows[7])], ['cleared', '2026-11-21T11:10:00.000Z', 'ok']);
  assert.equal(openCount(state), 0);
});

test('acknowledged: by the whole entry, and by the brief one with the case before it', () => {
  const by = { principal: 'person:eva', via: 'api' };
  const action = { action: 'alert_acknowledge', params: { alert: '7', words: 'on my way' }, by };
  const whole = after(raised(7), { kind: 'case_executed', seq: 9, at: AT, case: 'C', body: { ...action, result: {} } });
  const brief = after(
    raised(7),
    { kind: 'case_opened', seq: 8, at: AT, case: 'C', body: action },
    { kind: 'case_executed', seq: 9, at: AT, case: 'C', body: {} }
  );
  for (const state of [whole, brief]) {
    assert.deepEqual(state.rows[7].acknowledged, { by: 'person:eva', at: AT, words: 'on my way', case: 'C' });
    assert.equal(state.rows[7].status, 'acknowledged');
  }
  const again = reduce(whole, { kind: 'case_executed', seq: 10, at: AT, case: 'D', body: { ...action, params: { alert: 7 } } });
  assert.equal(again.rows[7].acknowledged.words, 'on my way'); // one without words keeps those of the one before
  const worse = reduce(whole, said('alert_changed', 7, { severity: 'critical' }));
  assert.deepEqual([worse.rows[7].status, worse.rows[7].acknowledged], ['raised', null]);
  const other = reduce(whole, { kind: 'case_executed', seq: 10, at: AT, case: 'E', body: { action: 'host_wake', params: { alert: 7 } } });
  assert.equal(other, whole);
});

test('what is of no alert that is known changes nothing', () => {
  const state = after(raised(7));
  for (const event of [
    said('alert_cleared', 8),
    said('alert_changed', 8),
    { kind: 'case_executed', case: 'X', body: {} },
    { kind: 'kb_loaded', seq: 1, body: {} },
    { kind: 'alert_cleared' },
    { kind: 'page' },
    { kind: 'stage', case: 'X' },
  ])
    assert.equal(reduce(state, event), state);
  assert.equal(reduce(state, raised(7, { words: 'other' })), state);
});

test('a page of open ones says also which are no longer open; pages of closed ones add up', () => {
  const row = (id, status) => ({
    id,
    status,
    severity: 'warning',
    condition: 'x',
    node: 'n',
    part: '',
    words: '',
    raised_at: AT,
    changed_at: AT,
    cleared_at: null,
    count: 1,
  });
  let state = after(raised(7), raised(8));
  state = reduce(state, { kind: 'page', status: 'open', limit: 200, alerts: [row(8, 'acknowledged')] });
  assert.deepEqual([Object.keys(state.rows), state.rows[8].status, state.known], [['8'], 'acknowledged', true]);
  state = reduce(state, { kind: 'page', status: 'cleared', limit: 2, alerts: [row(6, 'cleared'), row(5, 'cleared')] });
  assert.deepEqual([Object.keys(state.rows).length, state.oldest, state.whole], [3, 5, false]);
  state = reduce(state, { kind: 'page', status: 'cleared', limit: 2, alerts: [row(3, 'cleared')] });
  assert.deepEqual([Object.keys(state.rows).length, state.oldest, state.whole], [4, 3, true]);
  state = reduce(state, { kind: 'page', status: 'open', limit: 200, alerts: [] });
  assert.deepEqual(Object.keys(state.rows), ['3', '5', '6']);
  state = reduce(after(raised(7), raised(8)), { kind: 'page', status: 'open', limit: 1, alerts: [row(8, 'raised')] });
  assert.deepEqual(Object.keys(state.rows), ['7', '8']); // a full page leaves some out
});

test('the order: raised, acknowledged, closed; critical first; filters', () => {
  let state = after(
    raised(1),
    raised(2, { severity: 'critical', node: 'nas' }),
    raised(3),
    raised(4, { condition: 'storm', node: '', members: ['pi01', 'pi02'] }),
    raised(5)
  );
  state = reduce(state, {
    kind: 'case_executed',
    seq: 9,
    at: AT,
    case: 'C',
    body: { action: 'alert_acknowledge', params: { alert: 4 }, by: { principal: 'person:eva' } },
  });
  state = reduce(state, said('alert_cleared', 5));
  const ids = (filter) => list(state, filter).map((row) => row.id);
  assert.deepEqual(ids(), [2, 3, 1, 4, 5]);
  assert.deepEqual(ids({ status: 'open' }), [2, 3, 1, 4]);
  assert.deepEqual(ids({ status: 'cleared' }), [5]);
  assert.deepEqual(ids({ severity: 'critical' }), [2]);
  assert.deepEqual(ids({ text: 'PI02' }), [4]);
  assert.deepEqual(ids({ text: 'gpu_hot tower' }), [2, 3, 1, 5]);
  assert.deepEqual(ids({ text: 'eva' }), [4]);
  assert.deepEqual(ids({ text: 'nothing of this' }), []);
});

test('a long run of alerts stays bounded, and no open one is forgotten', () => {
  let state = EMPTY;
  for (let seq = 1; seq <= ROWS_MAX + 50; seq++) {
    state = reduce(state, raised(seq));
    if (seq > 3) state = reduce(state, said('alert_cleared', seq));
  }
  assert.equal(Object.keys(state.rows).length, ROWS_MAX);
  assert.deepEqual(
    list(state, { status: 'open' }).map((row) => row.id),
    [3, 2, 1]
  );
  for (let i = 0; i < 200; i++)
    state = reduce(state, { kind: 'case_opened', case: `C${i}`, at: AT, body: { action: 'alert_acknowledge', params: { alert: 1 } } });
  assert.equal(Object.keys(state.asked).length, 64);
});

test('the sentence without its severity', () => {
  assert.equal(sentence('warning: tower is silent.'), 'tower is silent.');
  assert.equal(sentence('critical storm: 9 nodes.'), '9 nodes.');
  assert.equal(sentence('over: x'), 'x');
  assert.equal(sentence('a critical: x'), 'a critical: x');
  assert.equal(sentence(undefined), '');
});
