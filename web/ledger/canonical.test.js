// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEPTH_MAX, canonical, readCanonical } from './canonical.js';

test('keys are sorted by UTF-16 code units, whatever they are called', () => {
  // the example of RFC 8785, 3.2.3
  const value = { '\u20ac': 1, '\r': 2, '\ufb33': 3, 1: 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 };
  assert.equal(canonical(value), '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}');
  assert.equal(canonical(JSON.parse('{"b":1,"__proto__":{"a":2},"10":3,"9":4}')), '{"10":3,"9":4,"__proto__":{"a":2},"b":1}');
});

test('what is canonical is read, all else is not', () => {
  const good = [
    '{}',
    '[]',
    'null',
    'true',
    '0',
    '-1',
    '9007199254740991',
    '"\\u0000\\n\\"\\\\/"',
    '{"a":[1,{"b":"ü€"}]}',
    '"\\\\ud800"',
    '{"__proto__":1,"constructor":2}',
  ];
  for (const text of good) assert.notEqual(readCanonical(text), undefined, text);
  const bad = [
    '',
    ' {}',
    '{} ',
    '{"a": 1}',
    '{"b":1,"a":2}',
    '{"a":1,"a":1}',
    '{"a":1,"a":2}',
    '1.0',
    '1.5',
    '1e3',
    '-0',
    '01',
    '9007199254740992',
    '9007199254740993',
    '"\\u0041"',
    '"\\/"',
    '"\\ud800"',
    '{"\\udc00":1}',
    '["\\ud800\\u0041"]',
    '"\\u000A"',
    '"\\ud83d\\ude00"',
    '[1,]',
    'nul',
    '"a\nb"',
    '{"a":1}{"b":2}',
    '\ufeff{}',
    '['.repeat(DEPTH_MAX + 1) + ']'.repeat(DEPTH_MAX + 1),
    '['.repeat(100000),
  ];
  for (const text of bad) assert.equal(readCanonical(text), undefined, text.slice(0, 60));
  const deep = '['.repeat(DEPTH_MAX) + ']'.repeat(DEPTH_MAX);
  assert.notEqual(readCanonical(deep), undefined);
});

test('what has no canonical text is refused', () => {
  for (const value of [1.5, NaN, Infinity, 2 ** 53, undefined, () => 1, '\ud800', { '\udfff': 1 }, [10n]])
    assert.throws(() => canonical(value));
});
