// SPDX-License-Identifier: Apache-2.0
// Vercel's `ai` with `@ai-sdk/openai-compatible`, unchanged, against a whole node.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, embedMany, generateText, jsonSchema, Output, RetryError, stepCountIs, streamText, tool } from 'ai';
import { collect, counting, counts, embedModel, engineSees, fake, isUnit, key, keys, model, unitSchema, v1, words } from './lib.mjs';

globalThis.AI_SDK_LOG_WARNINGS = false;
const provider = (more = {}) => createOpenAICompatible({
  name: 'node', baseURL: v1, apiKey: key, includeUsage: true, supportsStructuredOutputs: true, ...more });
const node = provider();
const quiet = { onError() {} }; // else streamText prints what the test awaits
const stream = (prompt, more = {}, who = node) => streamText({ model: who(fake), prompt, maxRetries: 0, ...quiet, ...more });
const errorOf = (parts) => parts.find((p) => p.type === 'error')?.error;

test('a text of a real engine, with usage', async () => {
  const { text, usage, finishReason } = await generateText({ model: node(model), prompt: 'hello', maxOutputTokens: 8 });
  assert.equal(typeof text, 'string');
  assert.ok(usage.inputTokens > 0 && usage.outputTokens <= 8, JSON.stringify(usage));
  assert.ok(['stop', 'length'].includes(finishReason));
});

test('a stream of a real engine, with usage', async () => {
  const answer = streamText({ model: node(model), prompt: 'hello', maxOutputTokens: 8 });
  const pieces = await collect(answer.textStream);
  assert.equal(pieces.join(''), await answer.text);
  assert.ok((await answer.usage).outputTokens <= 8);
});

test('a stream that nobody asked usage of', async () => {
  const answer = stream('words 6', {}, provider({ includeUsage: false }));
  assert.equal(await answer.text, words(6));
  assert.equal(await answer.finishReason, 'stop');
  assert.equal((await answer.usage).outputTokens, undefined);
});

const weather = (execute) => ({ weather: tool({ description: 'the weather', execute, inputSchema: jsonSchema({
  type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }) }) });

test('a tool that is called runs, and its result goes back', async () => {
  const asked = [];
  const { steps, text } = await generateText({ model: node(fake), prompt: 'tool words 0', stopWhen: stepCountIs(3),
    tools: weather((input) => { asked.push(input); return 'it rains'; }) });
  assert.deepEqual([asked, steps.length, text], [[{ city: 'K\u00f6ln ' }], 2, words(3).trim()]);
});

test('a tool that is called in a stream runs, and its result goes back', async () => {
  const asked = [];
  const answer = stream('tool words 0', { stopWhen: stepCountIs(3), tools: weather((input) => { asked.push(input); return 'it rains'; }) });
  const call = (await collect(answer.fullStream)).find((p) => p.type === 'tool-call');
  assert.deepEqual([call.toolCallId, call.toolName, call.input], ['call_1', 'weather', { city: 'K\u00f6ln ' }]);
  assert.deepEqual([asked.length, await answer.text, (await answer.steps).length], [1, words(3), 2]);
});

test('an object held to a schema by a real engine', async () => {
  const { output } = await generateText({ model: node(model), prompt: 'which unit?', temperature: 0, maxOutputTokens: 200,
    output: Output.object({ schema: jsonSchema(unitSchema) }) });
  isUnit(output);
});

test('completions without a chat', async () => {
  const { text } = await generateText({ model: node.completionModel(fake), prompt: 'words 3' });
  assert.equal(text, words(3).trim());
  assert.equal(await streamText({ model: node.completionModel(fake), prompt: 'words 3' }).text, words(3));
});

test('embeddings of a real engine and of a fake one', async () => {
  const { embeddings, usage } = await embedMany({ model: node.embeddingModel(embedModel), values: ['one', 'two', 'three'] });
  assert.equal(embeddings.length, 3);
  assert.ok(embeddings[0].length > 2 && usage.tokens > 0);
  const of = await embedMany({ model: node.embeddingModel(fake), values: ['a', 'b'] });
  assert.deepEqual(of.embeddings, [[0.5, -0.25], [0.5, -0.25]]);
});

const HOPELESS = {
  'a key that nobody gave': [401, 'invalid_api_key', { apiKey: 'x'.repeat(40) }, fake, 'words 1'],
  'a model that is not there': [404, 'model_not_found', {}, 'missing', 'words 1'],
  'a model outside of the key': [403, 'model_not_allowed', { apiKey: keys.narrow }, fake, 'words 1'],
  'a prompt longer than the context': [400, 'context_length_exceeded', {}, fake, 'word '.repeat(20000)],
};
for (const [name, [status, code, who, wanted, prompt]] of Object.entries(HOPELESS))
  test(`${name} is said once and not asked again`, async () => {
    const isIt = (e) => {
      assert.ok(APICallError.isInstance(e), `${e?.constructor.name}: ${e?.message}`);
      assert.deepEqual([e.statusCode, e.isRetryable, JSON.parse(e.responseBody).error.code], [status, false, code]);
      assert.equal(e.message, JSON.parse(e.responseBody).error.message);
      return true;
    };
    const before = (await counts()).seen;
    const posts = counting();
    const ask = { model: provider({ fetch: posts, ...who })(wanted), prompt };
    await assert.rejects(generateText(ask), isIt);
    assert.equal(posts.posts, 1);
    isIt(errorOf(await collect(streamText({ ...ask, ...quiet }).fullStream)));
    assert.equal(posts.posts, 2);
    assert.equal((await counts()).seen, before, 'an engine was asked');
  });

test('429: a caller over its limit is told when to come back, and the package does', async () => {
  const one = provider({ apiKey: keys.one });
  const first = stream('words 12 slow 0.1', {}, one).textStream.getReader();
  await first.read();
  await assert.rejects(generateText({ model: one(fake), prompt: 'words 1', maxRetries: 0 }),
    (e) => e.statusCode === 429 && e.isRetryable && Number(e.responseHeaders['retry-after-ms']) > 0);
  const posts = counting();
  const second = generateText({ model: provider({ apiKey: keys.one, fetch: posts })(fake), prompt: 'words 2', maxRetries: 4 });
  while (!(await first.read()).done);
  assert.equal((await second).text, words(2).trim());
  assert.ok(posts.posts >= 2 && posts.posts <= 5, `${posts.posts} posts`);
});

test('503: an engine that fails is asked again as often as the package says', async () => {
  const posts = counting();
  await assert.rejects(generateText({ model: provider({ fetch: posts })(fake), prompt: 'status 500', maxRetries: 2 }),
    (e) => RetryError.isInstance(e) && e.lastError.statusCode === 503 && e.errors.length === 3);
  assert.equal(posts.posts, 3);
});

for (const [script, code] of [['error', 'engine_failed'], ['nodone', 'upstream_ended'], ['torn', 'upstream_ended']])
  test(`a stream that breaks is an error: ${script}`, async () => {
    const answer = stream(`words 3 ${script}`);
    const parts = await collect(answer.fullStream);
    assert.equal(parts.filter((p) => p.type === 'text-delta').map((p) => p.text).join(''), words(3));
    const error = errorOf(parts);
    assert.ok(JSON.stringify(error).includes(code), JSON.stringify(error));
    assert.equal(await answer.finishReason, 'error');
  });

test('abort while the engine speaks: it sees the close', () => engineSees(async () => {
  const stop = new AbortController();
  const parts = [];
  for await (const part of stream('words 2 slow 3', { abortSignal: stop.signal }).fullStream) {
    parts.push(part.type);
    if (part.type === 'text-delta') stop.abort();
  }
  assert.equal(parts.at(-1), 'abort');
}));

test('abort before the first byte: the engine sees the close', () => engineSees(async (asked) => {
  const stop = new AbortController();
  const answer = assert.rejects(generateText({ model: node(fake), prompt: 'think 30', abortSignal: stop.signal }),
    (e) => e.name === 'AbortError');
  await asked();
  stop.abort();
  await answer;
}));

for (const dialect of ['comment', 'chunk', 'reasoning', 'off'])
  test(`held, in the dialect ${dialect}: streamed and whole answers are what the engine said`, async () => {
    const who = provider({ apiKey: keys[dialect] });
    const held = stream('think 1 words 3', {}, who);
    assert.equal(await held.text, words(3));
    const thoughts = await held.reasoningText;
    assert.equal(Boolean(thoughts), dialect === 'reasoning', `it thought: ${thoughts}`);
    assert.equal((await generateText({ model: who(fake), prompt: 'think 1 words 3' })).text, words(3).trim());
  });

test('held, then failed: the stream has the error, the whole answer raises', async () => {
  const error = errorOf(await collect(stream('think 1 status 500').fullStream));
  assert.ok(JSON.stringify(error).includes('engine_failed'), JSON.stringify(error));
  await assert.rejects(generateText({ model: node(fake), prompt: 'think 1 status 500', maxRetries: 0 }));
});
