// SPDX-License-Identifier: Apache-2.0
import test from 'node:test';
import assert from 'node:assert/strict';
import { possible, told, turnOff, turnOn, wanted } from './notices.js';

const words = { waiting: 'a case waits', critical: 'a critical alert' };

test('told is that a case waits or that an alert is critical, and nothing else', () => {
  assert.deepEqual(told({ kind: 'case_planned', case: '01K', body: { consent: { signatures: 1 } } }, words), {
    tag: 'case-01K',
    text: 'a case waits',
    hash: '#/cases/01K',
  });
  assert.equal(told({ kind: 'case_planned', case: '01K', body: { consent: null } }, words), null);
  assert.equal(told({ kind: 'case_opened', case: '01K', body: {} }, words), null);
  assert.deepEqual(told({ kind: 'alert_raised', seq: 7, body: { severity: 'critical' } }, words), {
    tag: 'alert-7',
    text: 'a critical alert',
    hash: '#/alerts/7',
  });
  assert.equal(told({ kind: 'alert_raised', seq: 7, body: { severity: 'warning' } }, words), null);
  assert.equal(told({ kind: 'alert_changed', seq: 9, body: { alert: 7, severity: 'critical' } }, words).hash, '#/alerts/7');
  assert.equal(told({ kind: 'alert_cleared', seq: 9, body: { alert: 7, severity: 'critical' } }, words), null);
  assert.equal(told({ kind: 'house', seq: null }, words), null);
});

test('nothing of what came from outside stands in it, and it leads to this page only', () => {
  const evil = told({ kind: 'case_planned', case: '../#/x"><b>', body: { consent: {}, summary: '<script>' } }, words);
  assert.equal(evil.text, 'a case waits');
  assert.match(evil.hash, /^#\/cases\/[\w.%-]+$/);
});

test('they are off until somebody turns them on and the browser allows it', async () => {
  const kept = new Map();
  const storage = { getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => kept.set(k, v), removeItem: (k) => kept.delete(k) };
  const kind = (permission) => ({ permission: 'default', requestPermission: async () => permission });
  globalThis.isSecureContext = true;
  assert.equal(wanted(storage), false);
  assert.equal(await turnOn({ Notification: kind('denied'), storage }), 'blocked');
  assert.equal(wanted(storage), false);
  assert.equal(await turnOn({ Notification: kind('granted'), storage }), null);
  assert.equal(wanted(storage), true);
  turnOff(storage);
  assert.equal(wanted(storage), false);
  assert.equal(possible({ Notification: undefined, secure: true }), 'unsupported');
  assert.equal(possible({ Notification: { permission: 'denied' }, secure: true }), 'blocked');
  assert.equal(possible({ Notification: { permission: 'granted' }, secure: false }), 'insecure');
  assert.equal(
    wanted({
      getItem() {
        throw new Error('none');
      },
    }),
    false
  );
});
