// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { events } from './sse.js';

function all(...pieces) {
  const got = [],
    feed = events((event) => got.push(event));
  for (const piece of pieces) feed(piece);
  return got;
}

const WHOLE = 'retry: 2000\n: hello\n\nevent: case_opened\nid: 7\ndata: {"a":\ndata: 1}\n\ndata:x\n\nevent: none\n\n';
const EXPECTED = [
  { kind: ':', data: 'hello' },
  { kind: 'case_opened', data: '{"a":\n1}', id: '7' },
  { kind: 'message', data: 'x', id: undefined },
];

test('events, comments and ids', () => assert.deepEqual(all(WHOLE), EXPECTED));

test('cut anywhere it is the same, with every kind of line end', () => {
  for (const text of [WHOLE, WHOLE.replaceAll('\n', '\r\n'), WHOLE.replaceAll('\n', '\r')]) {
    for (let at = 1; at < text.length; at++)
      assert.deepEqual(all(text.slice(0, at), text.slice(at)), EXPECTED, `${JSON.stringify(text.slice(0, at))}`);
    assert.deepEqual(all(...text), EXPECTED);
  }
});

test('what is not ended is no event', () => assert.deepEqual(all('data: x\n'), []));

test('an event without end is refused', () => {
  const feed = events(() => {}, { max: 100 });
  assert.throws(() => {
    for (let i = 0; i < 50; i++) feed('data: 0123456789\n');
  }, /longer than 100/);
  assert.throws(() => events(() => {}, { max: 100 })('x'.repeat(101)), /longer than 100/);
});
