// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeStream, pause, read } from './stream.js';

// A node whose answers are written by the test: each is a list of pieces, an error, or 'open' (it stays).
function setting(answers) {
  const asked = [],
    timers = [];
  const stream = makeStream({
    paths: ['/rich', '/plain'],
    later(fn, ms) {
      const timer = { fn, ms };
      timers.push(timer);
      return timer;
    },
    never(timer) {
      const at = timers.indexOf(timer);
      if (at >= 0) timers.splice(at, 1);
    },
    async ask(path, { headers, signal }) {
      asked.push([path, headers['Last-Event-ID'] ?? null]);
      const answer = answers.shift() ?? 'open';
      if (typeof answer === 'number') throw Object.assign(new Error('no'), { status: answer });
      return new Response(
        new ReadableStream({
          start(controller) {
            for (const piece of answer === 'open' ? [] : answer) controller.enqueue(new TextEncoder().encode(piece));
            if (answer !== 'open') controller.close();
            signal.addEventListener('abort', () => {
              try {
                controller.error(new Error('aborted'));
              } catch {
                /* closed */
              }
            });
          },
        })
      );
    },
  });
  return { stream, asked, timers };
}

const settle = async () => {
  for (let i = 0; i < 30; i++) await new Promise((resolve) => setImmediate(resolve));
};
const entry = (seq, kind) => `event: ${kind}\nid: ${seq}\ndata: ${JSON.stringify({ seq, kind, case: 'C', body: {} })}\n\n`;

test('lost, it goes on behind the last event, and says that it came back', async () => {
  const { stream, asked, timers } = setting([[entry(7, 'case_opened'), entry(8, 'case_judged')], 'open']);
  const kinds = [],
    states = [];
  stream.on('*', (event) => kinds.push(event.kind));
  stream.onState((state) => states.push(state));
  stream.open();
  await settle();
  assert.deepEqual(states, ['live', 'lost']);
  timers.find((timer) => timer.ms < 2000).fn();
  await settle();
  assert.deepEqual(asked, [
    ['/rich', null],
    ['/rich', '8'],
  ]);
  assert.deepEqual(kinds, ['case_opened', 'case_judged', 'reopened']);
  assert.deepEqual([stream.state(), stream.lastSeq()], ['live', 8]);
  stream.close();
});

test('a node that knows no members of the address is asked without; without a number there may be a gap', async () => {
  const { stream, asked, timers } = setting([400, ['event: queue\ndata: {"waiting":1}\n\n'], 'open']);
  const told = [];
  stream.on('queue', (event) => told.push([event.kind, event.seq, event.waiting]));
  stream.on('reopened', (event) => told.push(event.resumed));
  stream.open();
  for (let i = 0; i < 2; i++) {
    await settle();
    timers.find((timer) => timer.ms < 20_000)?.fn();
  }
  await settle();
  assert.deepEqual(asked, [
    ['/rich', null],
    ['/plain', null],
    ['/plain', null],
  ]);
  assert.deepEqual(told, [['queue', null, 1], false]);
  stream.close();
});

test('signed out it stays away until it is opened again; silence is a loss', async () => {
  const { stream, asked, timers } = setting([401, 'open', 'open']);
  stream.open();
  await settle();
  assert.deepEqual([stream.state(), timers.length], ['out', 0]);
  stream.open();
  await settle();
  assert.equal(stream.state(), 'live');
  timers.find((timer) => timer.ms > 20_000).fn(); // nothing was heard for so long
  await settle();
  assert.equal(stream.state(), 'lost');
  stream.hurry();
  await settle();
  assert.deepEqual([stream.state(), asked.length], ['live', 3]);
  stream.close();
});

test('who may not listen now may do so later: it is tried again', async () => {
  const { stream, timers } = setting([403, 'open']);
  stream.open();
  await settle();
  assert.equal(stream.state(), 'lost');
  timers.find((timer) => timer.ms < 20_000).fn();
  await settle();
  assert.equal(stream.state(), 'live');
  stream.close();
});

test('what cannot be read is no event; a listener that fails stops nobody', () => {
  assert.equal(read({ kind: 'x', data: 'no' }), null);
  assert.equal(read({ kind: 'x', data: '[1]' }), null);
  assert.deepEqual(read({ kind: 'stage', data: '{"kind":"lie","stage":"booting"}' }), { kind: 'stage', stage: 'booting', seq: null });
  assert.deepEqual(read({ kind: 'x', data: '{"kind":"case_opened"}', id: '5' }), { kind: 'case_opened', seq: 5 });
});

test('pauses grow to a bound and differ from page to page', () => {
  assert.deepEqual(
    [0, 1, 5, 50].map((tries) => pause(tries, 0.5)),
    [500, 1000, 15_000, 15_000]
  );
  assert.ok(pause(3, 0) < pause(3, 1));
});
