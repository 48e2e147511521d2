// SPDX-License-Identifier: Apache-2.0
import test from 'node:test';
import assert from 'node:assert/strict';
import { createHash, webcrypto } from 'node:crypto';
import { REASON_MAX, careful, fits, message, overtaken, readPlan, reasonOf, refusalText, signers, usable } from './consent.js';
import { canonical } from '../ledger/canonical.js';

const ID = '01K00000000000000000000001';
const PLAN = {
  kind: 'logic-node/plan/v1',
  case: ID,
  action: 'dns_record_delete',
  tier: 'destructive',
  summary: 'removes a.local',
  expires_at_ms: 1000,
  consent: { approvers: ['owner', 'alice'], signatures: 2 },
};
const bytesOf = (value) => new TextEncoder().encode(typeof value === 'string' ? value : canonical(value));
const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex');
const read = (bytes, sha256 = hashOf(bytes)) => readPlan(bytes, { id: ID, sha256 }, webcrypto.subtle);

test('the plan is what stands in the bytes whose hash the case names', async () => {
  const bytes = bytesOf(PLAN);
  const got = await read(bytes);
  assert.equal(got.why, null);
  assert.equal(got.hash, hashOf(bytes));
  assert.deepEqual(got.plan, PLAN);
});

test('one byte more or another one: it differs, and nothing of it is shown', async () => {
  const bytes = bytesOf(PLAN);
  for (const at of [0, 10, bytes.length - 1]) {
    const edited = bytes.slice();
    edited[at] ^= 1;
    assert.deepEqual(await read(edited, hashOf(bytes)), { hash: hashOf(edited), plan: null, why: 'differs' });
  }
  assert.equal((await read(bytesOf(`${canonical(PLAN)} `), hashOf(bytes))).why, 'differs');
  assert.equal((await read(bytes, null)).why, 'differs');
});

test('a plan that could be read in two ways is not shown', async () => {
  const text = canonical(PLAN);
  const twice = text.replace('"summary":', '"summary":"adds nothing","summary":');
  const others = [`${text}\n`, ` ${text}`, `\ufeff${text}`, text.replace('1000', '1e3'), text.slice(1)];
  for (const bad of [twice, ...others, 'null', '[]', '{}', '7', '']) {
    const got = await read(bytesOf(bad));
    assert.equal(got.why, 'unreadable', bad.slice(0, 40));
    assert.equal(got.plan, null);
  }
  const cut = Uint8Array.of(...bytesOf(text.slice(0, -2)), 0xff, 0x22, 0x7d);
  assert.equal((await read(cut)).why, 'unreadable');
});

test('a plan of another case or of another kind is not shown', async () => {
  assert.equal((await read(bytesOf({ ...PLAN, case: `${ID.slice(0, -1)}2` }))).why, 'other_case');
  assert.equal((await read(bytesOf({ ...PLAN, kind: 'logic-node/plan/v2' }))).why, 'unreadable');
});

test('destructive and unknown tiers ask for more than a press', () => {
  for (const tier of ['observe', 'change', 'risky']) assert.equal(careful({ tier }), false, tier);
  for (const tier of ['destructive', 'nuclear', undefined]) assert.equal(careful({ tier }), true, tier);
});

const passkey = (n, rp_id = 'home.arpa') => ({ key_id: String(n).repeat(16), credential_id: `id${n}`, rp_id, words: 'phone' });
const PEOPLE = [
  { person: 'owner', name: 'The owner', keys: 1, passkeys: [passkey(1), passkey(2, 'node.home.arpa')] },
  { person: 'alice', name: 'Alice', keys: 0, passkeys: [passkey(3)] },
  { person: 'bob', name: 'Bob', keys: 1, passkeys: [passkey(4)] },
];

test('who may sign is who the plan names, less who has signed', () => {
  const list = signers(PLAN, PEOPLE, [{ person: 'owner', key_id: '1'.repeat(16) }]);
  assert.deepEqual(
    list.map((s) => [s.person, s.signed, s.may]),
    [
      ['owner', true, false],
      ['alice', false, true],
    ]
  );
  assert.deepEqual(signers({ ...PLAN, consent: null }, PEOPLE, []), []);
  assert.deepEqual(signers({ consent: { approvers: ['carol'] } }, PEOPLE, [])[0], {
    person: 'carol',
    name: 'carol',
    signed: false,
    may: true,
    keys: 0,
    passkeys: [],
  });
});

test('only passkeys of this host are asked for, and of the closest of its domains', () => {
  const all = signers(PLAN, PEOPLE, []);
  assert.deepEqual(usable(all, 'node.home.arpa'), { rpId: 'node.home.arpa', ids: ['id2'], why: null });
  assert.deepEqual(usable(all, 'other.home.arpa'), { rpId: 'home.arpa', ids: ['id1', 'id3'], why: null });
  assert.equal(usable(all, 'localhost').why, 'other_host');
  assert.equal(usable(all, 'evilhome.arpa').why, 'other_host');
  assert.equal(usable([], 'home.arpa').why, 'nobody');
  assert.equal(usable(signers(PLAN, PEOPLE, [{ person: 'owner' }, { person: 'alice' }]), 'home.arpa').why, 'nobody');
  assert.equal(usable(signers({ consent: { approvers: ['carol'] } }, PEOPLE, []), 'home.arpa').why, 'no_passkey');
});

test('a passkey fits its host and hosts below, and nothing that only looks so', () => {
  for (const host of ['a.b', 'x.a.b', 'y.x.a.b']) assert.equal(fits('a.b', host), true, host);
  for (const host of ['xa.b', 'a.bc', 'b', '']) assert.equal(fits('a.b', host), false, host);
  assert.equal(fits('', 'a.b'), false);
});

test('a reason is one line of 1 to 500 characters', () => {
  assert.deepEqual(reasonOf('  not\n\ttoday '), { reason: 'not today', left: REASON_MAX - 9, why: null });
  assert.equal(reasonOf(' \n ').why, 'empty');
  assert.equal(reasonOf('x'.repeat(500)).why, null);
  assert.equal(reasonOf('x'.repeat(501)).why, 'long');
  assert.equal(reasonOf('🙂'.repeat(500)).why, null, 'characters are counted, not halves of them');
});

test('a refusal signs the text of the contract', () => {
  assert.equal(refusalText('ab', 'no'), 'logic-node/refusal/v2\nab\nno\n');
});

test('what is sent names the key of the passkey that signed', () => {
  const assertion = { credential_id: 'id3', authenticator_data: 'A', client_data_json: 'C', signature: 'S' };
  const sent = { authenticator_data: 'A', client_data_json: 'C', signature: 'S' };
  assert.deepEqual(message({ assertion, people: PEOPLE, decision: 'approve', sha256: 'ab', reason: 'x' }), {
    key_id: '3'.repeat(16),
    decision: 'approve',
    plan_sha256: 'ab',
    passkey: sent,
  });
  assert.deepEqual(message({ assertion, people: PEOPLE, decision: 'refuse', sha256: 'ab', reason: 'no' }), {
    key_id: '3'.repeat(16),
    decision: 'refuse',
    plan_sha256: 'ab',
    reason: 'no',
    passkey: sent,
  });
  assert.equal(message({ assertion: { ...assertion, credential_id: 'id9' }, people: PEOPLE, decision: 'approve', sha256: 'ab' }), null);
});

test('a plan that expired, changed or was settled by somebody else is not signed any more', () => {
  const shown = { hash: 'ab', plan: PLAN };
  assert.equal(overtaken({ state: 'awaiting', plan_sha256: 'ab' }, shown, 999), null);
  assert.equal(overtaken(null, shown, 999), null);
  assert.equal(overtaken({ state: 'awaiting', plan_sha256: 'ab' }, shown, 1000), 'expired');
  assert.equal(overtaken({ state: 'awaiting', plan_sha256: 'cd' }, shown, 1), 'changed');
  const ends = { expired: 'expired', refused: 'refused', acting: 'not_awaiting', done: 'not_awaiting', failed: 'not_awaiting' };
  for (const [state, why] of Object.entries(ends)) assert.equal(overtaken({ state, plan_sha256: 'ab' }, shown, 1), why);
});
