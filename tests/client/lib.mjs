// SPDX-License-Identifier: Apache-2.0
// What the clients' tests share. The environment (set by run.py) says where the node is:
// BASE_URL, API_KEY, MODEL (a real engine), EMBED_MODEL (a real one that embeds), FAKE_MODEL (chat_engine.py, whose prompt is
// its script), FAKE_URL (what that engine has seen: {seen, running, left, most}), KEYS (tokens with other rights, by name).
import assert from 'node:assert/strict';
import http from 'node:http';

const need = (name) => process.env[name] ?? assert.fail(`${name} is not in the environment: start run.py`);

export const base = need('BASE_URL');
export const v1 = base + '/v1';
export const key = need('API_KEY');
export const model = need('MODEL');
export const embedModel = need('EMBED_MODEL');
export const fake = need('FAKE_MODEL');
export const keys = JSON.parse(need('KEYS'));

export const say = (content) => [{ role: 'user', content }];
export const words = (count) => Array.from({ length: count }, (_, i) => `w${i} `).join('');
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// A grammar of two answers: what a model of random weights can still be held to.
export const unitSchema = {
  type: 'object',
  properties: { unit: { type: 'string', enum: ['celsius', 'kelvin'] } },
  required: ['unit'],
  additionalProperties: false,
};
export const isUnit = (value) => {
  assert.deepEqual(Object.keys(value), ['unit']);
  assert.ok(unitSchema.properties.unit.enum.includes(value.unit), JSON.stringify(value));
};

export async function counts() {
  return (await fetch(need('FAKE_URL'))).json();
}

export async function until(what, condition, patienceMs = 20000) {
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(20)) if (await condition()) return;
  assert.fail(`waited ${patienceMs} ms for: ${what}`);
}

// The engine sees that whoever `leave`s is gone, and nothing of it runs on.
export async function engineSees(leave) {
  const before = await counts();
  await leave(() => until('the engine to be asked', async () => (await counts()).seen > before.seen));
  await until('the engine to see the close', async () => {
    const now = await counts();
    return now.left === before.left + 1 && now.running === 0;
  });
}

// fetch, counting what really goes out.
export function counting() {
  const counter = async (...args) => {
    counter.posts++;
    return fetch(...args);
  };
  counter.posts = 0;
  return counter;
}

export async function collect(stream) {
  const found = [];
  for await (const part of stream) found.push(part);
  return found;
}

// A server that answers every request with these bytes, in pieces of `size` written apart.
export async function playing(kind, text, size, use) {
  const bytes = Buffer.from(text);
  const server = http.createServer(async (request, response) => {
    request.resume();
    response.writeHead(200, { 'Content-Type': kind, 'Cache-Control': 'no-cache' });
    response.socket.setNoDelay(true);
    for (let at = 0; at < bytes.length && !response.destroyed; at += size) {
      response.write(bytes.subarray(at, at + size));
      await new Promise(setImmediate);
    }
    response.end();
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  try {
    return await use(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
