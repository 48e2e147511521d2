// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, sha256 } from './sha256.js';

const said = (text) => hex(sha256(new TextEncoder().encode(text)));

test('the examples of FIPS 180-4', () => {
  assert.equal(said(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  assert.equal(said('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.equal(
    said('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'
  );
  assert.equal(said('a'.repeat(1000000)), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0');
});

test('as crypto.subtle for every length up to four blocks, and for some long ones', async () => {
  const lengths = [...Array(260).keys(), 1000, 4095, 4096, 4097, 65536, 100001];
  for (const length of lengths) {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = (i * 167 + length * 31 + (i >> 8)) & 255;
    const theirs = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    assert.equal(hex(sha256(bytes)), hex(theirs), `${length} bytes`);
  }
});

test('a part of a larger buffer is hashed alone', () => {
  const large = new Uint8Array(300).map((_, i) => i & 255);
  assert.equal(hex(sha256(large.subarray(37, 201))), hex(sha256(large.slice(37, 201))));
});
