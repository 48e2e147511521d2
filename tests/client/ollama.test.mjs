// SPDX-License-Identifier: Apache-2.0
// The official `ollama` package, unchanged, against a whole node.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ollama } from 'ollama';
import { base, collect, counts, embedModel, engineSees, fake, isUnit, key, keys, model, say, unitSchema, words } from './lib.mjs';

const at = (token = key) => new Ollama({ host: base, headers: { Authorization: `Bearer ${token}` } });
const client = at();
const chat = (text, more = {}, who = client) => who.chat({ model: fake, messages: say(text), ...more });
const text = (parts) => parts.map((p) => p.message?.content ?? p.response).join('');
const tools = [{ type: 'function', function: { name: 'unit', description: 'a unit', parameters: unitSchema } }];
const refused = (status, pattern) => (e) => {
  assert.equal(e.name, 'ResponseError');
  assert.equal(e.status_code, status, e.message);
  assert.match(e.error, pattern); // a string, not an object
  return true;
};

test('a chat with a real engine, with its counts', async () => {
  const answer = await client.chat({ model, messages: say('hello'), options: { num_predict: 8 } });
  assert.equal(answer.message.role, 'assistant');
  assert.equal(typeof answer.message.content, 'string');
  assert.ok(answer.done && ['stop', 'length'].includes(answer.done_reason), JSON.stringify(answer));
  assert.ok(answer.prompt_eval_count > 0 && answer.eval_count <= 8 && answer.total_duration > 0, JSON.stringify(answer));
});

test('a stream of a real engine ends once, with counts', async () => {
  const parts = await collect(await client.chat({ model, messages: say('hello'), options: { num_predict: 8 }, stream: true }));
  assert.deepEqual(parts.map((p) => p.done), [...parts.slice(1).map(() => false), true]);
  assert.ok(parts.at(-1).eval_count <= 8, JSON.stringify(parts.at(-1)));
});

test('num_predict, seed and temperature reach the engine', async () => {
  const ask = () => client.chat({ model, messages: say('hello'), options: { num_predict: 5, seed: 3, temperature: 0.8 } });
  const [one, two] = [await ask(), await ask()];
  assert.equal(one.message.content, two.message.content);
  assert.ok(one.eval_count <= 5, JSON.stringify(one));
});

test('what the engine streams is what comes', async () => {
  const parts = await collect(await chat('words 5', { stream: true }));
  assert.equal(text(parts), words(5));
  assert.deepEqual([parts.at(-1).eval_count, parts.at(-1).prompt_eval_count], [5, 7]);
});

test('a tool call has an object for its arguments, whole and streamed', async () => {
  const want = [{ name: 'weather', arguments: { city: 'K\u00f6ln ' } }];
  const whole = await chat('tool words 0', { tools });
  assert.deepEqual(whole.message.tool_calls.map((c) => ({ name: c.function.name, arguments: c.function.arguments })), want);
  const calls = (await collect(await chat('tool words 0', { tools, stream: true }))).flatMap((p) => p.message.tool_calls ?? []);
  assert.deepEqual(calls.map((c) => ({ name: c.function.name, arguments: c.function.arguments })), want);
});

test('tools reach a real engine, and what came of them', async () => {
  // the likeliest words, always the same: what random weights say by chance can be a call that the engine cannot read
  const options = { num_predict: 4, temperature: 0 };
  const ask = async (more) => client.chat({ model, messages: say('which unit?'), options, ...more });
  const [without, offered] = [await ask({}), await ask({ tools })];
  assert.ok(offered.prompt_eval_count > without.prompt_eval_count + 50, 'its template did not see the tool');
  const after = await ask({ tools, messages: [
    ...say('which unit?'),
    { role: 'assistant', content: '', tool_calls: [{ function: { name: 'unit', arguments: { unit: 'kelvin' } } }] },
    { role: 'tool', tool_name: 'unit', content: 'kelvin it is' }] });
  assert.ok(after.prompt_eval_count > offered.prompt_eval_count + 50, 'its template did not see the call');
});

test('an answer held to a schema by a real engine', async () => {
  const ask = { model, messages: say('which unit?'), format: unitSchema, options: { num_predict: 200, temperature: 0 } };
  isUnit(JSON.parse((await client.chat(ask)).message.content));
});

test('generate, whole and streamed', async () => {
  const whole = await client.generate({ model, prompt: 'hello', options: { num_predict: 5 } });
  assert.ok(whole.done && typeof whole.response === 'string' && whole.eval_count <= 5, JSON.stringify(whole));
  assert.equal(text(await collect(await client.generate({ model: fake, prompt: 'words 4', stream: true }))), words(4));
});

test('embeddings of a real engine, one and many, and the older form', async () => {
  const many = await client.embed({ model: embedModel, input: ['one', 'two'] });
  const one = await client.embed({ model: embedModel, input: 'one' });
  assert.deepEqual([many.embeddings.length, one.embeddings.length], [2, 1]);
  assert.ok(many.embeddings[0].length > 2 && many.embeddings[0].every(Number.isFinite));
  const old = await client.embeddings({ model: embedModel, prompt: 'one' });
  assert.equal(old.embedding.length, one.embeddings[0].length);
});

test('lists: what there is, what is loaded, one of them, the version', async () => {
  const there = (await client.list()).models.map((m) => m.name);
  assert.ok([model, fake, embedModel].every((name) => there.some((n) => n === name || n === `${name}:latest`)), there.join());
  const loaded = (await client.ps()).models.map((m) => m.name);
  assert.ok(loaded.some((n) => n === model || n === `${model}:latest`), loaded.join());
  const shown = await client.show({ model });
  assert.ok(Array.isArray(shown.capabilities) && shown.details && shown.model_info, JSON.stringify(shown));
  assert.match((await client.version()).version, /^\d+\.\d+\.\d+/);
});

test('a name with its tag is the same model', async () => {
  assert.equal((await chat('words 2', { model: `${fake}:latest` })).message.content, words(2).trim());
});

test('a chat without a message is only a wish to load', async () => {
  const answer = await client.generate({ model: fake, prompt: '', keep_alive: 60 });
  assert.ok(answer.done && answer.response === '', JSON.stringify(answer));
});

const HOPELESS = {
  'a key that nobody gave': [401, /./, 'x'.repeat(40), {}],
  'a model that is not there': [404, /missing/, key, { model: 'missing' }],
  'a model outside of the key': [403, /./, keys.narrow, {}],
  'a prompt longer than the context': [400, /\d/, key, { messages: say('word '.repeat(20000)) }],
};
for (const [name, [status, pattern, token, ask]] of Object.entries(HOPELESS))
  test(`${name} is an error in words, and asks no engine`, async () => {
    const before = (await counts()).seen;
    for (const stream of [false, true]) await assert.rejects(chat('words 1', { stream, ...ask }, at(token)), refused(status, pattern));
    assert.equal((await counts()).seen, before);
  });

test('what the node does not do says so', async () => {
  await assert.rejects(client.delete({ model: fake }), (e) => e.status_code === 404 || e.status_code === 405);
});

test('429 and 503 are errors in words (this package never asks again)', async () => {
  const one = at(keys.one);
  const first = await chat('words 8 slow 0.1', { stream: true }, one);
  await assert.rejects(chat('words 1', {}, one), refused(429, /./));
  assert.equal(text(await collect(first)), words(8));
  await assert.rejects(chat('status 500'), refused(503, /./));
});

for (const script of ['error', 'nodone', 'torn'])
  test(`a stream that breaks raises in words of ours: ${script}`, async () => {
    const got = [];
    await assert.rejects(async () => {
      for await (const part of await chat(`words 3 ${script}`, { stream: true })) got.push(part);
    }, (e) => e.message.length > 0 && !/Did not receive done|JSON/.test(e.message));
    assert.equal(text(got), words(3));
    assert.ok(got.every((p) => !p.done));
  });

test('abort while the engine speaks: it sees the close', () => engineSees(async () => {
  const stream = await chat('words 2 slow 3', { stream: true });
  await assert.rejects(async () => {
    for await (const part of stream) if (part.message.content) stream.abort();
  }, (e) => e.name === 'AbortError');
}));

test('abort of all that a client streams: the engine sees the close', () => engineSees(async () => {
  const own = at();
  const stream = await chat('think 30', { stream: true }, own);
  setTimeout(() => own.abort(), 400);
  await assert.rejects(collect(stream), (e) => e.name === 'AbortError');
}));

for (const dialect of ['comment', 'chunk', 'reasoning', 'off'])
  test(`held, in the dialect ${dialect}: streamed and whole answers are what the engine said`, async () => {
    const who = at(keys[dialect]);
    const parts = await collect(await chat('think 1 words 3', { stream: true }, who));
    assert.equal(text(parts), words(3));
    assert.equal(parts.some((p) => p.message.thinking), dialect === 'reasoning');
    assert.equal(parts.some((p) => !p.done && !p.message.content && !p.message.thinking), ['comment', 'chunk'].includes(dialect));
    assert.equal((await chat('think 1 words 3', {}, who)).message.content, words(3).trim());
    const made = await collect(await who.generate({ model: fake, prompt: 'think 1 words 3', stream: true }));
    assert.equal(text(made), words(3));
  });

test('held, then failed: the stream raises', async () => {
  await assert.rejects(async () => collect(await chat('think 1 status 500', { stream: true })), /told to|engine/);
});
