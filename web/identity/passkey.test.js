// SPDX-License-Identifier: Apache-2.0
import test from 'node:test';
import assert from 'node:assert/strict';
import { FAILURES, assertion, base64url, bytesOf, bytesOfHex, creation, failure, hexOf, lacking } from './passkey.js';
import { words } from '../words.js';

test('base64url there and back, and nothing that is none', () => {
  for (let n = 0; n < 300; n++) {
    const bytes = Uint8Array.from({ length: n }, (_, i) => (i * 37 + n) & 255);
    const text = base64url(bytes);
    assert.equal(text, Buffer.from(bytes).toString('base64url'));
    assert.deepEqual(bytesOf(text), bytes);
  }
  assert.equal(base64url(new Uint8Array(100_000)).length, Buffer.alloc(100_000).toString('base64url').length);
  for (const bad of ['=', 'AA==', 'A', 'A+', 'A/', 'A B', 'AB', 'AAB', 5, null, undefined, 'AAAAA'])
    assert.throws(() => bytesOf(bad), TypeError, String(bad));
});

test('hex there and back', () => {
  assert.deepEqual(bytesOfHex('00ff10'), Uint8Array.of(0, 255, 16));
  assert.equal(hexOf(Uint8Array.of(0, 255, 16)), '00ff10');
  assert.deepEqual(bytesOfHex(''), new Uint8Array());
  for (const bad of ['0', 'FF', 'zz', '0x', 1, null]) assert.throws(() => bytesOfHex(bad), TypeError);
});

const credentials = { get() {}, create() {} };
const here = { place: { origin: 'https://node.home.arpa:30443' }, secure: true, credentials };

test('why passkeys cannot be used is told in the order in which it can be mended', () => {
  const origins = ['https://node.home.arpa:30443'];
  assert.equal(lacking({ origin_known: true }, here), null);
  assert.equal(lacking({ origin_known: true }, { ...here, origins }), null);
  const elsewhere = { ...here, origins, place: { origin: 'http://192.168.1.5:30080' }, secure: false };
  assert.equal(lacking({ origin_known: true }, elsewhere), 'wrong_origin');
  assert.equal(lacking({ origin_known: true }, { ...here, secure: false }), 'insecure');
  assert.equal(lacking({ origin_known: true }, { ...here, credentials: undefined }), 'unsupported');
  assert.equal(lacking({ origin_known: false }, here), 'no_origin');
  assert.equal(lacking({ origin_known: false }, { ...here, origins: [] }), 'no_origin');
});

test('an assertion asks for exactly what the plan needs, and comes back as the node wants it', async () => {
  let asked;
  const given = await assertion({
    challenge: Uint8Array.of(1, 2, 3),
    rpId: 'node.home.arpa',
    ids: ['AQI', 'Aw'],
    credentials: {
      async get(options) {
        asked = options.publicKey;
        const part = (...bytes) => Uint8Array.from(bytes).buffer;
        return { rawId: part(3), response: { authenticatorData: part(4), clientDataJSON: part(5, 6), signature: part(7) } };
      },
    },
  });
  assert.equal(asked.userVerification, 'required');
  assert.equal(asked.rpId, 'node.home.arpa');
  assert.deepEqual(asked.challenge, Uint8Array.of(1, 2, 3));
  assert.deepEqual(
    asked.allowCredentials.map((c) => [...c.id]),
    [[1, 2], [3]]
  );
  assert.deepEqual(given, { credential_id: 'Aw', authenticator_data: 'BA', client_data_json: 'BQY', signature: 'Bw' });
});

test('a new passkey is asked for as the node says, and never with attestation', async () => {
  let asked;
  const options = {
    person: 'owner',
    name: 'Owner',
    rp_id: 'localhost',
    user_id: 'AQ',
    challenge: 'AgM',
    algorithms: [-7, -8],
    exclude: ['BA'],
    timeout_ms: 5000,
  };
  const given = await creation(options, undefined, {
    async create(o) {
      asked = o.publicKey;
      const part = (...bytes) => Uint8Array.from(bytes).buffer;
      const response = { getAuthenticatorData: () => part(1), clientDataJSON: part(2), getTransports: () => ['internal'] };
      return { rawId: part(9), response };
    },
  });
  assert.equal(asked.attestation, 'none');
  assert.equal(asked.authenticatorSelection.userVerification, 'required');
  assert.deepEqual(
    asked.pubKeyCredParams.map((p) => p.alg),
    [-7, -8]
  );
  assert.deepEqual([...asked.excludeCredentials[0].id], [4]);
  assert.equal(asked.timeout, 5000);
  assert.deepEqual(given, { credential_id: 'CQ', authenticator_data: 'AQ', client_data_json: 'Ag', transports: ['internal'] });
});

test('every failure has a word, and every word a sentence', () => {
  const made = (name) => failure(Object.assign(new Error('x'), { name }));
  assert.equal(made('NotAllowedError'), 'cancelled');
  assert.equal(made('AbortError'), 'stopped');
  assert.equal(made('InvalidStateError'), 'known_already');
  assert.equal(made('SecurityError'), 'wrong_origin');
  assert.equal(made('NotSupportedError'), 'unsupported');
  assert.equal(failure(new TypeError('x')), 'failed');
  assert.equal(failure(undefined), 'failed');
  for (const word of FAILURES) assert.equal(typeof words.passkey.failure[word], 'string', word);
  for (const word of ['wrong_origin', 'insecure', 'unsupported', 'no_origin']) assert.ok(words.passkey.lacking[word], word);
});
