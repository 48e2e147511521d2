// SPDX-License-Identifier: Apache-2.0
import test from 'node:test';
import assert from 'node:assert/strict';
import { codeOf, deviceOf } from './enrol.js';
import { backTo } from './session.js';

test('a code is taken as people type it, and grouped as it was printed', () => {
  assert.deepEqual(codeOf('ABCD-EFGH-JKMN'), { code: 'ABCD-EFGH-JKMN', whole: true });
  assert.deepEqual(codeOf('abcdefghjkmn'), { code: 'ABCD-EFGH-JKMN', whole: true });
  assert.deepEqual(codeOf(' ab cd / ef_gh '), { code: 'ABCD-EFGH', whole: false });
  assert.deepEqual(codeOf('IiLloO'), { code: '1111-00', whole: false });
  assert.deepEqual(codeOf('uU!ä€'), { code: '', whole: false });
  assert.deepEqual(codeOf('0123456789ABCDEF'), { code: '0123-4567-89AB', whole: true });
  for (const letter of '0123456789ABCDEFGHJKMNPQRSTVWXYZ') assert.equal(codeOf(letter).code, letter);
});

test('a device is named by what its browser says, or not at all', () => {
  assert.equal(deviceOf({ userAgent: 'Mozilla/5.0 (Linux; Android 14; Pixel 8)' }), 'Android');
  assert.equal(deviceOf({ userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)' }), 'iPhone');
  assert.equal(deviceOf({ userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0' }), 'Linux');
  assert.equal(deviceOf({ userAgent: 'Lynx' }), '');
  assert.equal(deviceOf({}), '');
});

test('after signing in one comes back to where one was, once, and only inside of this page', () => {
  const storage = (value) => ({
    value,
    getItem() {
      return this.value;
    },
    removeItem() {
      this.value = null;
    },
  });
  const kept = storage('#/cases/1');
  assert.equal(backTo(kept), '#/cases/1');
  assert.equal(backTo(kept), '#/');
  for (const bad of ['https://evil.example/', 'javascript:alert(1)', '//x', '#/sign-in', '#/sign-in?x', '', null])
    assert.equal(backTo(storage(bad)), '#/', bad);
  assert.equal(
    backTo({
      getItem() {
        throw new Error('no storage');
      },
    }),
    '#/'
  );
});
