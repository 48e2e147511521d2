// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY, factsOf, messagesOf, reduce, TEXT_MAX } from './chat.js';

const frame = (body) => ({ kind: 'message', data: JSON.stringify(body) });
const delta = (more, finish = null) => frame({ choices: [{ index: 0, delta: more, finish_reason: finish }] });
const after = (...events) => events.reduce(reduce, EMPTY);

test('signs of life, then words, then the end', () => {
  const waits = after({ kind: ':', data: 'keep-alive booting eta=42s' });
  assert.deepEqual(waits.stage, { name: 'booting', eta_ms: 42000 });
  assert.deepEqual(after({ kind: ':', data: 'keep-alive' }).stage, { name: 'waiting', eta_ms: null });
  assert.equal(after({ kind: ':', data: 'something else' }), EMPTY);
  const end = [
    delta({ role: 'assistant', content: null }),
    delta({ content: 'Hel' }),
    delta({ content: 'lo' }, 'stop'),
    frame({ choices: [], usage: { completion_tokens: 2 } }),
    { kind: 'message', data: '[DONE]' },
  ].reduce(reduce, waits);
  assert.deepEqual([end.text, end.stage, end.finish, end.usage.completion_tokens, end.done], ['Hello', null, 'stop', 2, true]);
});

test('thoughts, whole answers, errors in the stream, garbage', () => {
  assert.equal(after(delta({ reasoning_content: 'hm' })).thinking, 'hm');
  assert.equal(after(frame({ choices: [{ message: { content: 'whole' } }] })).text, 'whole');
  assert.deepEqual(after({ kind: 'error', data: '{"error":{"code":"upstream_ended","message":"gone"}}' }).error, {
    code: 'upstream_ended',
    message: 'gone',
  });
  assert.equal(after(frame({ error: { message: 'm' } })).error.message, 'm');
  assert.equal(after({ kind: 'message', data: '{' }).error.code, 'garbage');
  assert.equal(after({ kind: 'message', data: 'null' }), EMPTY);
});

test('an answer without end is bounded', () => {
  const long = after(delta({ content: 'x'.repeat(TEXT_MAX) }), delta({ content: 'more' }));
  assert.equal(long.text.length, TEXT_MAX);
});

test('facts: those cited in their order, then the others; a citation of nothing is none', () => {
  const state = after(
    frame({
      choices: [],
      grounding: {
        facts: [
          { id: 'a', words: 'A' },
          { id: 'b', words: 'B' },
          { id: 'c', words: 'C' },
        ],
        cited: ['c', 'x', 'a'],
        unknown: null,
      },
    })
  );
  const { cited, others } = factsOf(state.grounding);
  assert.deepEqual([cited.map((fact) => fact.id), others.map((fact) => fact.id), state.grounding.unknown], [['c', 'a'], ['b'], []]);
  assert.deepEqual(factsOf(null), { cited: [], others: [] });
});

test('what is sent: the newest turns that fit, beginning with a person', () => {
  const turns = [
    { who: 'person', text: 'one' },
    { who: 'model', text: 'two' },
    { who: 'person', text: 'three' },
    { who: 'model', text: '' },
  ];
  assert.deepEqual(
    messagesOf(turns, 1000).map((one) => one.role),
    ['user', 'assistant', 'user']
  );
  assert.deepEqual(
    messagesOf(turns, 8).map((one) => one.content),
    ['three']
  );
  assert.deepEqual(
    messagesOf(turns, 1).map((one) => one.content),
    ['three']
  );
  assert.deepEqual(messagesOf([{ who: 'model', text: 'x' }], 10), []);
});
