// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counts, EMPTY, reduce } from './attention.js';

const raised = (seq, severity = 'warning') => ({
  kind: 'alert_raised',
  seq,
  at: 't',
  body: { node: 'nas', condition: 'disk_hot', severity, words: 'hot' },
});
const after = (...events) => events.reduce(reduce, EMPTY);

test('pages say what waits and what is open', () => {
  const state = after(
    {
      kind: 'page',
      waiting: [
        { id: 'A', status: 'awaiting_consent', action: 'x', nl: 'do x' },
        { id: 'B', status: 'success' },
      ],
    },
    {
      kind: 'page',
      alerts: [
        { id: 4, severity: 'critical', status: 'raised' },
        { id: 5, severity: 'warning', status: 'acknowledged' },
        { id: 3, status: 'cleared' },
      ],
    }
  );
  assert.deepEqual(counts(state), { waiting: 1, open: 2, critical: 1, unattended: 1 });
  assert.deepEqual([state.waiting.A.words, state.cases_known, state.alerts_known], ['do x', true, true]);
});

test('a case waits from its plan until somebody signed or refused, or it expired', () => {
  const planned = { kind: 'case_planned', case: 'A', body: { consent: { signatures: 1 }, summary: 'delete x' } };
  assert.equal(counts(after(planned)).waiting, 1);
  assert.equal(counts(after({ ...planned, body: { consent: null } })).waiting, 0);
  for (const kind of ['warrant_issued', 'consent_refused', 'case_expired', 'case_failed', 'case_executed'])
    assert.equal(counts(after(planned, { kind, case: 'A', body: {} })).waiting, 0, kind);
  assert.equal(counts(after(planned, { kind: 'consent_given', case: 'A', body: { enough: false } })).waiting, 1);
});

test('the life of an alert', () => {
  const worse = { kind: 'alert_changed', seq: 9, body: { alert: 8, severity: 'critical', words: 'hotter' } };
  const taken = { kind: 'case_executed', seq: 10, case: 'C', body: { action: 'alert_acknowledge', params: { alert: 8 } } };
  assert.deepEqual(counts(after(raised(8))), { waiting: 0, open: 1, critical: 0, unattended: 1 });
  assert.equal(counts(after(raised(8), taken)).unattended, 0);
  assert.deepEqual(counts(after(raised(8), taken, worse)), { waiting: 0, open: 1, critical: 1, unattended: 1 });
  assert.equal(counts(after(raised(8), { kind: 'alert_cleared', seq: 11, body: { alert: 8 } })).open, 0);
  assert.equal(after(worse), EMPTY);
});

test('memory is bounded', () => {
  assert.equal(counts(after(...Array.from({ length: 700 }, (_, i) => raised(i + 1)))).open, 500);
});
