// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { get, useFetch } from './api.js';
import { makeSession } from './session.js';

const answer = (status, body) => useFetch(async () => new Response(JSON.stringify(body), { status }));

test('who looks: an operator, a viewer, nobody, and the node’s own machine', async () => {
  const session = makeSession();
  assert.deepEqual([session.get().known, session.mayLook(), session.mayChange()], [false, false, false]);
  answer(200, { signed_in: true, principal: 'person:ann', role: 'operator', how: 'passkey', csrf: 'x' });
  await session.refresh();
  assert.deepEqual([session.mayLook(), session.mayChange(), session.isPerson()], [true, true, true]);
  answer(200, { signed_in: true, principal: 'token:tablet', role: 'viewer', how: 'token', csrf: 'x' });
  await session.refresh();
  assert.deepEqual([session.mayLook(), session.mayChange(), session.isPerson()], [true, false, false]);
  answer(200, { signed_in: false, principal: 'loopback', role: 'operator', how: 'local', csrf: null });
  await session.refresh();
  assert.deepEqual([session.mayLook(), session.mayChange(), session.isPerson()], [true, true, false]);
  answer(200, { signed_in: false, role: null });
  await session.refresh();
  assert.deepEqual([session.get().known, session.mayLook(), session.mayChange()], [true, false, false]);
});

test('an older node has no sessions; a 401 anywhere signs out; away changes nothing', async () => {
  const session = makeSession();
  answer(404, { error: { message: 'no', code: 'no_route' } });
  await session.refresh();
  assert.ok(session.mayChange());
  useFetch(async () => {
    throw new TypeError('away');
  });
  await assert.rejects(session.refresh());
  assert.ok(session.mayChange());
  answer(401, { error: { message: 'no', code: 'no_token' } });
  await assert.rejects(get('/api/v1/nodes'));
  assert.equal(session.mayLook(), false);
});
