// SPDX-License-Identifier: Apache-2.0
// The official `openai` package, unchanged, against a whole node.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { collect, counting, counts, embedModel, engineSees, fake, isUnit, key, keys, model, say, sleep, unitSchema, v1,
  words } from './lib.mjs';

const at = (more = {}) => new OpenAI({ baseURL: v1, apiKey: key, ...more });
const client = at();
const chat = (text, more = {}, options = {}, who = client) =>
  who.chat.completions.create({ model: fake, messages: say(text), ...more }, options);
const text = (chunks) => chunks.map((c) => c.choices[0]?.delta.content ?? '').join('');
const tools = [{ type: 'function', function: { name: 'unit', description: 'a unit', parameters: unitSchema } }];

test('a chat with a real engine', async () => {
  const answer = await client.chat.completions.create({ model, messages: say('hello'), max_tokens: 8 });
  assert.equal(answer.object, 'chat.completion');
  assert.equal(typeof answer.choices[0].message.content, 'string');
  assert.ok(answer.usage.prompt_tokens > 0 && answer.usage.completion_tokens <= 8, JSON.stringify(answer.usage));
});

test('a stream of a real engine: one id, one role at most, an end, no usage that nobody asked for', async () => {
  const chunks = await collect(await client.chat.completions.create({ model, messages: say('hello'), max_tokens: 8, stream: true }));
  assert.equal(new Set(chunks.map((c) => c.id)).size, 1);
  // this engine tells no role when its first token is only a part of a character; ours adds nothing to what it says
  assert.ok(chunks.filter((c) => c.choices[0]?.delta.role).length <= 1);
  assert.ok(['stop', 'length'].includes(chunks.at(-1).choices[0].finish_reason));
  assert.ok(chunks.every((c) => c.choices.length === 1 && !c.usage), JSON.stringify(chunks.at(-1)));
});

test('a stream with usage ends with it', async () => {
  const stream = await client.chat.completions.create(
    { model, messages: say('hello'), max_tokens: 8, stream: true, stream_options: { include_usage: true } });
  const last = (await collect(stream)).at(-1);
  assert.deepEqual(last.choices, []);
  assert.ok(last.usage.completion_tokens <= 8 && last.usage.prompt_tokens > 0, JSON.stringify(last));
});

test('the stream helper gathers what was streamed', async () => {
  const done = await client.chat.completions.stream({ model: fake, messages: say('words 5') }).finalChatCompletion();
  assert.equal(done.choices[0].message.content, words(5));
  assert.equal(done.choices[0].finish_reason, 'stop');
});

test('parameters reach the engine: the same seed says the same', async () => {
  const ask = () => client.chat.completions.create({ model, messages: say('hello'), max_tokens: 12, seed: 7, temperature: 0.8 });
  const [one, two] = [await ask(), await ask()];
  assert.equal(one.choices[0].message.content, two.choices[0].message.content);
});

test('tools reach a real engine, and what came of them', async () => {
  // the likeliest words, always the same: what random weights say by chance can be a call that the engine cannot read
  const ask = (more) => client.chat.completions.create({ model, max_tokens: 4, temperature: 0, messages: say('which unit?'), ...more });
  const [without, offered] = [await ask({}), await ask({ tools })];
  assert.ok(offered.usage.prompt_tokens > without.usage.prompt_tokens + 50, 'its template did not see the tool');
  const after = await ask({ tools, messages: [
    ...say('which unit?'),
    { role: 'assistant', content: null, tool_calls: [
      { id: 'call_1', type: 'function', function: { name: 'unit', arguments: '{"unit":"kelvin"}' } }] },
    { role: 'tool', tool_call_id: 'call_1', content: 'kelvin it is' }] });
  assert.ok(after.usage.prompt_tokens > offered.usage.prompt_tokens + 50, 'its template did not see the call');
});

test('a tool call, whole and gathered from a stream', async () => {
  const ask = { model: fake, messages: say('tool words 0'), tools };
  const whole = (await client.chat.completions.create(ask)).choices[0];
  const streamed = (await client.chat.completions.stream(ask).finalChatCompletion()).choices[0];
  for (const choice of [whole, streamed]) {
    assert.equal(choice.finish_reason, 'tool_calls');
    const [call] = choice.message.tool_calls;
    assert.deepEqual([call.id, call.type, call.function.name], ['call_1', 'function', 'weather']);
    assert.deepEqual(JSON.parse(call.function.arguments), { city: 'K\u00f6ln ' });
  }
});

test('deltas of a tool call arrive as the engine wrote them', async () => {
  const deltas = (await collect(await chat('tool words 0', { stream: true }))).flatMap((c) => c.choices[0]?.delta.tool_calls ?? []);
  assert.deepEqual(deltas[0], { index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '' } });
  assert.equal(deltas.map((d) => d.function.arguments).join(''), '{"city" : "K\u00f6ln\\u0020"}');
});

test('an answer held to a schema by a real engine', async () => {
  const answer = await client.chat.completions.create({ model, messages: say('which unit?'), max_tokens: 200, temperature: 0,
    response_format: { type: 'json_schema', json_schema: { name: 'unit', strict: true, schema: unitSchema } } });
  isUnit(JSON.parse(answer.choices[0].message.content));
});

test('completions without a chat, whole and streamed', async () => {
  const whole = await client.completions.create({ model, prompt: 'hello', max_tokens: 5 });
  assert.equal(typeof whole.choices[0].text, 'string');
  const parts = await collect(await client.completions.create({ model: fake, prompt: 'words 4', stream: true }));
  assert.equal(parts.map((p) => p.choices[0]?.text ?? '').join(''), words(4));
});

test('embeddings of a real engine, as base64 (what the package asks) and as numbers', async () => {
  const packed = await client.embeddings.create({ model: embedModel, input: ['one', 'two'] });
  const plain = await client.embeddings.create({ model: embedModel, input: ['one', 'two'], encoding_format: 'float' });
  assert.equal(packed.data.length, 2);
  packed.data.forEach((row, i) => {
    assert.equal(row.embedding.length, plain.data[i].embedding.length);
    row.embedding.forEach((v, j) => assert.ok(Math.abs(v - plain.data[i].embedding[j]) < 1e-4));
  });
});

test('models are listed and found', async () => {
  const ids = (await collect(client.models.list())).map((m) => m.id);
  assert.deepEqual(ids.sort(), [embedModel, fake, model].sort());
  assert.equal((await client.models.retrieve(model)).id, model);
  await assert.rejects(client.models.retrieve('missing'), (e) => e instanceof OpenAI.NotFoundError && e.code === 'model_not_found');
});

const HOPELESS = {
  'a key that nobody gave': [OpenAI.AuthenticationError, 401, 'invalid_api_key', { apiKey: 'x'.repeat(40) }, {}],
  'a model that is not there': [OpenAI.NotFoundError, 404, 'model_not_found', {}, { model: 'missing' }],
  'a model outside of the key': [OpenAI.PermissionDeniedError, 403, 'model_not_allowed', { apiKey: keys.narrow }, {}],
  'a prompt longer than the context': [OpenAI.BadRequestError, 400, 'context_length_exceeded', {},
    { messages: say('word '.repeat(20000)) }],
};
for (const [name, [kind, status, code, who, ask]] of Object.entries(HOPELESS))
  for (const stream of [false, true])
    test(`${name} is said once and not asked again${stream ? ' (stream)' : ''}`, async () => {
      const posts = counting();
      const before = (await counts()).seen;
      await assert.rejects(chat('words 1', { stream, ...ask }, {}, at({ fetch: posts, ...who })), (e) => {
        assert.ok(e instanceof kind, `${e.constructor.name}: ${e.message}`);
        assert.deepEqual([e.status, e.code], [status, code]);
        assert.ok(e.requestID || status === 401, 'no request id'); // a stranger's request gets none
        return true;
      });
      assert.equal(posts.posts, 1);
      assert.equal((await counts()).seen, before, 'an engine was asked');
    });

test('a name that the model does not have is named in the error', async () => {
  await assert.rejects(chat('words 1', { model: 'missing' }), (e) => e.param === 'model' && /missing/.test(e.message));
});

test('429: a caller over its limit is told when to come back, and the package does', async () => {
  const one = at({ apiKey: keys.one });
  const first = await chat('words 12 slow 0.1', { stream: true }, {}, one);
  const refused = counting();
  await assert.rejects(chat('words 1', {}, { maxRetries: 0 }, at({ apiKey: keys.one, fetch: refused })), (e) => {
    assert.ok(e instanceof OpenAI.RateLimitError, e.message);
    assert.ok(Number(e.headers.get('retry-after-ms')) > 0 && Number(e.headers.get('retry-after')) > 0);
    return ['concurrency_limit', 'rate_limit_exceeded'].includes(e.code);
  });
  assert.equal(refused.posts, 1);
  const again = counting();
  const second = chat('words 2', {}, { maxRetries: 4 }, at({ apiKey: keys.one, fetch: again }));
  assert.equal(text(await collect(first)), words(12));
  assert.equal((await second).choices[0].message.content, words(2).trim());
  assert.ok(again.posts >= 2 && again.posts <= 5, `${again.posts} posts`);
});

test('503: an engine that fails is asked again as often as the package says', async () => {
  const posts = counting();
  await assert.rejects(chat('status 500', {}, { maxRetries: 2 }, at({ fetch: posts })), (e) => {
    assert.ok(e instanceof OpenAI.InternalServerError, e.message);
    return e.status === 503 && e.code === 'engine_failed';
  });
  assert.equal(posts.posts, 3);
});

for (const [script, code] of [['error', 'engine_failed'], ['nodone', 'upstream_ended'], ['torn', 'upstream_ended']])
  test(`a stream that breaks raises: ${script}`, async () => {
    const got = [];
    await assert.rejects(async () => {
      for await (const chunk of await chat(`words 3 ${script}`, { stream: true })) got.push(chunk);
    }, (e) => e instanceof OpenAI.APIError && e.code === code && e.message.length > 0);
    assert.equal(text(got), words(3));
  });

test('abort while the engine speaks: it sees the close', () => engineSees(async () => {
  const stop = new AbortController();
  const stream = await chat('words 2 slow 3', { stream: true }, { signal: stop.signal });
  const got = [];
  for await (const chunk of stream) {
    got.push(chunk);
    if (text(got)) stop.abort();
  }
  assert.equal(text(got), words(1));
}));

test('abort before the first byte: the engine sees the close', () => engineSees(async (asked) => {
  const stop = new AbortController();
  const answer = assert.rejects(chat('think 30', {}, { signal: stop.signal }), OpenAI.APIUserAbortError);
  await asked();
  stop.abort();
  await answer;
}));

test('abort while held with signs of life: the engine sees the close', () => engineSees(async () => {
  const stop = new AbortController();
  const stream = await chat('think 30', { stream: true }, { signal: stop.signal });
  setTimeout(() => stop.abort(), 400);
  assert.deepEqual(await collect(stream), []);
}));

test('leaving the loop is leaving: the engine sees the close', () => engineSees(async () => {
  for await (const chunk of await chat('words 100 slow 0.5', { stream: true })) if (chunk) break;
}));

test('a timeout of the package: the engine sees the close', () => engineSees(async () => {
  await assert.rejects(chat('think 30', {}, { timeout: 200, maxRetries: 0 }), OpenAI.APIConnectionTimeoutError);
}));

for (const dialect of ['comment', 'chunk', 'reasoning', 'off'])
  test(`held, in the dialect ${dialect}: streamed and whole answers are what the engine said`, async () => {
    const who = at({ apiKey: keys[dialect] });
    const streamed = await who.chat.completions.stream({ model: fake, messages: say('think 1 words 3') }).finalChatCompletion();
    assert.equal(streamed.choices[0].message.content, words(3));
    assert.equal(streamed.choices[0].message.role, 'assistant');
    assert.equal((await chat('think 1 words 3', {}, {}, who)).choices[0].message.content, words(3).trim());
  });

test('held, then failed: the stream raises', async () => {
  await assert.rejects(async () => collect(await chat('think 1 status 500', { stream: true })),
    (e) => e instanceof OpenAI.APIError && e.code === 'engine_failed');
});

test('held, then failed, not streamed: it raises', async () => {
  await assert.rejects(chat('think 1 status 500', {}, { maxRetries: 0 })); // its body is torn off
});

test('twenty at once through one client are all answered', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
    await sleep(i);
    return text(await collect(await chat(`words ${i + 1} slow 0.01`, { stream: true })));
  }));
  assert.deepEqual(all, all.map((_, i) => words(i + 1)));
});
