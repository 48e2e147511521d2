// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, del, get, on401, post, setCsrf, useFetch } from './api.js';

function node(status, body, headers = {}) {
  const asked = [];
  useFetch(async (path, options) => {
    asked.push({ path, ...options });
    return new Response(body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body), { status, headers });
  });
  return asked;
}

test('get and post give the JSON; only a change carries the token', async () => {
  setCsrf('token');
  const asked = node(200, { a: 1 });
  assert.deepEqual(await get('/x'), { a: 1 });
  assert.deepEqual(await post('/y', { b: 2 }), { a: 1 });
  assert.deepEqual(
    asked.map((one) => [one.method, one.headers['X-Logic-CSRF'] ?? null, one.body ?? null]),
    [
      ['GET', null, null],
      ['POST', 'token', '{"b":2}'],
    ]
  );
  assert.equal(asked[1].credentials, 'same-origin');
  setCsrf(null);
  node(204);
  assert.equal(await del('/z'), null);
});

test('an error says what the node said', async () => {
  node(409, { error: { message: 'it is busy', code: 'pool_busy', param: 'pool', type: 'denied' } }, { 'retry-after': '3' });
  await assert.rejects(
    get('/x'),
    (error) =>
      error instanceof ApiError &&
      error.status === 409 &&
      error.code === 'pool_busy' &&
      error.param === 'pool' &&
      error.message === 'it is busy' &&
      error.retryAfterMs === 3000
  );
  node(500, '<html>');
  await assert.rejects(get('/x'), (error) => error.status === 500 && error.message === 'HTTP 500');
  node(404, { error: 'of Ollama' });
  await assert.rejects(get('/x'), (error) => error.message === 'of Ollama');
});

test('signed out is told, once for each', async () => {
  let told = 0;
  const off = on401(() => (told += 1));
  node(401, { error: { message: 'no token', code: 'no_token' } });
  await assert.rejects(get('/x'));
  off();
  await assert.rejects(get('/x'));
  assert.equal(told, 1);
});

test('away, too slow, stopped and garbage are told apart', async () => {
  useFetch(async () => {
    throw new TypeError('network');
  });
  await assert.rejects(get('/x'), (error) => error.status === 0 && error.code === 'away');
  useFetch((_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))));
  await assert.rejects(get('/x', { timeout_ms: 1 }), (error) => error.code === 'timeout');
  const controller = new AbortController(),
    pending = get('/x', { signal: controller.signal });
  controller.abort();
  await assert.rejects(pending, (error) => error.code === 'aborted');
  node(200, 'no json');
  await assert.rejects(get('/x'), (error) => error.code === 'garbage');
});
