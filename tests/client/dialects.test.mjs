// SPDX-License-Identifier: Apache-2.0
// Which frames do the real parsers tolerate? A small server plays them, cut at every place, and the frames are also
// taken from the node itself. A control: frames that we must never send do break a client, so this test can fail.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, streamText } from 'ai';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { base, collect, fake, keys, playing, say } from './lib.mjs';

const SIZES = [1, 7, 1 << 20]; // bytes in one write: every frame is cut somewhere, or all come at once
const frame = (delta, reason = null, id = 'c1') => 'data: ' + JSON.stringify({
  id, object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: reason }] }) + '\n\n';
const BEATS = {
  comment: ': keep-alive loading eta=12s\n',
  'comment without a time': ': keep-alive queued\n',
  chunk: frame({}, null, 'req-1'),
  reasoning: frame({ reasoning_content: '[loading, 12 s]\n' }, null, 'req-1'),
};
const HEAD = frame({ role: 'assistant', content: null });
const END = frame({}, 'stop') + 'data: [DONE]\n\n';
const ERROR = 'event: error\ndata: ' + JSON.stringify({ error: {
  message: 'the engine ended early', type: 'server_error', param: null, code: 'upstream_ended', retriable: true } }) + '\n\n';
const WHOLE = JSON.stringify({ id: 'c1', object: 'chat.completion', created: 1, model: 'm',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'two words' } }],
  usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 } });
const SSE = 'text/event-stream';
const JSON_KIND = 'application/json';
const NDJSON = 'application/x-ndjson';

const PARSERS = { // how each client reads a stream: the text, or what it throws
  openai: async (url) => {
    const who = new OpenAI({ baseURL: url, apiKey: 'k', maxRetries: 0, logLevel: 'off' });
    const chunks = await collect(await who.chat.completions.create({ model: 'm', messages: say('x'), stream: true }));
    return chunks.map((c) => c.choices[0]?.delta.content ?? '').join('');
  },
  'openai helper': async (url) => {
    const who = new OpenAI({ baseURL: url, apiKey: 'k', maxRetries: 0, logLevel: 'off' });
    const done = await who.chat.completions.stream({ model: 'm', messages: say('x') }).finalChatCompletion();
    assert.equal(done.choices[0].message.role, 'assistant');
    return done.choices[0].message.content;
  },
  ai: async (url) => {
    const who = createOpenAICompatible({ name: 'node', baseURL: url, apiKey: 'k' });
    const parts = await collect(streamText({ model: who('m'), prompt: 'x', maxRetries: 0, onError() {} }).fullStream);
    const bad = parts.find((p) => p.type === 'error');
    if (bad) throw Object.assign(new Error(bad.error.message ?? JSON.stringify(bad.error)), { code: bad.error.code });
    return parts.filter((p) => p.type === 'text-delta').map((p) => p.text).join('');
  },
};

const play = (parser, text, kind = SSE) => async (size) => playing(kind, text, size, parser);
const everySize = async (run) => {
  for (const size of SIZES) await run(size);
};

for (const [name, parser] of Object.entries(PARSERS)) {
  for (const [dialect, beat] of Object.entries(BEATS))
    test(`${name} tolerates the sign of life: ${dialect}`, () => everySize(async (size) => {
      const before = beat.repeat(3) + HEAD + frame({ content: 'two ' }) + frame({ content: 'words' }) + END;
      assert.equal(await play(parser, before)(size), 'two words');
      const comment = BEATS.comment; // once the engine spoke it is always a comment
      const between = beat + HEAD + comment + frame({ content: 'two ' }) + comment.repeat(2) + frame({ content: 'words' }) +
        comment + END;
      assert.equal(await play(parser, between)(size), 'two words');
    }));

  for (const [dialect, beat] of Object.entries(BEATS))
    test(`${name} raises at an error frame after: ${dialect}`, () => everySize(async (size) => {
      for (const told of [beat.repeat(2) + ERROR, beat + HEAD + frame({ content: 'two ' }) + BEATS.comment + ERROR])
        await assert.rejects(play(parser, told)(size), (e) => e.message.includes('ended early'));
    }));

  test(`control: an empty data frame, which we never send, breaks ${name}`, async () => {
    await assert.rejects(play(parser, 'data: \n\n' + HEAD + frame({ content: 'two words' }) + END)(1 << 20));
  });

  test(`control: text that is not JSON, which we never send, breaks ${name}`, async () => {
    await assert.rejects(play(parser, 'data: loading\n\n' + HEAD + frame({ content: 'two words' }) + END)(1 << 20));
  });
}

test('openai reads a whole answer behind leading spaces', () => everySize(async (size) => {
  const text = await playing(JSON_KIND, ' '.repeat(40) + WHOLE, size, async (url) => {
    const who = new OpenAI({ baseURL: url, apiKey: 'k', maxRetries: 0 });
    return (await who.chat.completions.create({ model: 'm', messages: say('x') })).choices[0].message.content;
  });
  assert.equal(text, 'two words');
}));

test('ai reads a whole answer behind leading spaces', () => everySize(async (size) => {
  const text = await playing(JSON_KIND, ' '.repeat(40) + WHOLE, size, async (url) => {
    const who = createOpenAICompatible({ name: 'node', baseURL: url, apiKey: 'k' });
    return (await generateText({ model: who('m'), prompt: 'x', maxRetries: 0 })).text;
  });
  assert.equal(text, 'two words');
}));

const line = (message, more = {}) => JSON.stringify({
  model: 'm', created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', ...message }, done: false, ...more }) + '\n';
const OLLAMA_BEATS = { 'an empty chunk': line({ content: '' }), thinking: line({ content: '', thinking: '[loading, 12 s]\n' }) };
const LAST = line({ content: '' }, { done: true, done_reason: 'stop', eval_count: 2 });
const ollama = async (url) => (await collect(await new Ollama({ host: url }).chat({ model: 'm', messages: say('x'), stream: true })))
  .map((p) => p.message.content).join('');

for (const [dialect, beat] of Object.entries(OLLAMA_BEATS))
  test(`ollama tolerates the sign of life: ${dialect}`, () => everySize(async (size) => {
    const told = beat.repeat(3) + line({ content: 'two ' }) + OLLAMA_BEATS['an empty chunk'] + line({ content: 'words' }) + LAST;
    assert.equal(await play(ollama, told, NDJSON)(size), 'two words');
    const broken = beat + line({ content: 'two ' }) + '{"error":"the engine ended early"}\n';
    await assert.rejects(play(ollama, broken, NDJSON)(size), /ended early/);
  }));

test('ollama reads a whole answer behind leading spaces', () => everySize(async (size) => {
  const told = ' '.repeat(40) + line({ content: 'two words' }, { done: true }).trim();
  const answer = await playing(JSON_KIND, told, size, (url) => new Ollama({ host: url }).chat({ model: 'm', messages: say('x') }));
  assert.equal(answer.message.content, 'two words');
}));

test('control: a stream of ollama that just ends breaks it', async () => {
  await assert.rejects(play(ollama, line({ content: 'two words' }), NDJSON)(1 << 20), /done/);
});

// The frames above are the contract; these are what this node really sends, played again to every parser.
const recorded = async (path, dialect, ask) => {
  const response = await fetch(base + path, { method: 'POST', body: JSON.stringify({ model: fake, ...ask }),
    headers: { Authorization: `Bearer ${keys[dialect]}`, 'Content-Type': 'application/json' } });
  assert.equal(response.status, 200);
  return { kind: response.headers.get('content-type'), text: await response.text() };
};
const FIRST = {
  comment: /^(: keep-alive [a-z_]+( eta=\d+s)?\n){2,}(?!\n)/,
  chunk: /^(data: \{"id":"[^"]+",[^\n]*"choices":\[\{"index":0,"delta":\{\},"finish_reason":null\}\]\}\n\n){2,}/,
  reasoning: /^(data: \{[^\n]*"delta":\{"reasoning_content":"\[[a-z_]+(, \d+ s)?\]\\n"\},"finish_reason":null\}\]\}\n\n){2,}/,
  off: /^data: [^\n]*"role":\s*"assistant"/,
};
for (const dialect of Object.keys(FIRST))
  test(`the frames that the node sends, dialect ${dialect}, are the contract's and every parser reads them`, async () => {
    const { kind, text } = await recorded('/v1/chat/completions', dialect, { messages: say('think 1 words 3'), stream: true });
    assert.match(text, FIRST[dialect]);
    assert.doesNotMatch(text, /^id:/m);
    for (const parser of Object.values(PARSERS))
      await everySize(async (size) => assert.equal(await play(parser, text, kind)(size), 'w0 w1 w2 '));
  });

test('whole answers and Ollama lines that the node sends are read by every parser', async () => {
  const whole = await recorded('/v1/chat/completions', 'comment', { messages: say('think 1 words 3') });
  assert.match(whole.text, /^ +\{/);
  const beats = await recorded('/api/chat', 'comment', { messages: say('think 1 words 3') });
  assert.ok(beats.kind.startsWith(NDJSON));
  await everySize(async (size) => assert.equal(await play(ollama, beats.text, beats.kind)(size), 'w0 w1 w2 '));
});
