// SPDX-License-Identifier: Apache-2.0
// A small ledger is made here by node:crypto, after docs/protocol.md §4, and then lied about in every way that there is.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { canonical } from './canonical.js';
import { Wrong, browserEd25519, hashesOf, merkle, verifier } from './verify.js';

const sha = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const ORIGIN = 'home/logic-node';

// RFC 6962, 2.1, by its recursive definition.
function root(leaves) {
  if (leaves.length === 0) return sha('');
  if (leaves.length === 1) return leaves[0];
  let k = 1;
  while (2 * k < leaves.length) k *= 2;
  return sha(Buffer.of(1), root(leaves.slice(0, k)), root(leaves.slice(k)));
}

function keyPair() {
  const pair = generateKeyPairSync('ed25519');
  const raw = pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  return { private: pair.privateKey, raw, text: `ed25519:${raw.toString('base64')}` };
}

function checkpoint(key, size, leaves) {
  const text = `${ORIGIN}\n${size}\n${root(leaves.slice(0, size)).toString('base64')}\n`;
  const id = sha(`${ORIGIN}\n\u0001`, key.raw).subarray(0, 4);
  const code = Buffer.concat([id, sign(null, Buffer.from(text), key.private)]).toString('base64');
  return canonical({ checkpoint: `${text}\n\u2014 ${ORIGIN} ${code}\n` });
}

// The lines of an export with `count` entries and a checkpoint at each of `sizes`; `change(entry)` before it is hashed.
function ledger(count, sizes, key = keyPair(), change = () => {}) {
  const lines = [];
  const leaves = [];
  let chain = Buffer.alloc(32);
  for (let seq = 1; seq <= count; seq++) {
    const entry = {
      actor: 'judge',
      at: `2026-11-21T10:00:${String(seq % 60).padStart(2, '0')}.000Z`,
      body: { n: seq, words: `ä "${seq}"\n` },
      case: '',
      kind: 'x',
      prev: chain.toString('hex'),
      seq,
      v: 1,
    };
    change(entry);
    const line = canonical(entry);
    leaves.push(sha(Buffer.of(0), line));
    chain = sha(chain, leaves.at(-1));
    lines.push(line);
  }
  const points = sizes.map((size) => checkpoint(key, size, leaves));
  const header = canonical({
    kind: 'logic-node/ledger-export/v1',
    origin: ORIGIN,
    public_key: key.text,
    from: 1,
    to: count,
    checkpoints: points.length,
  });
  return { lines: [header, ...lines, ...points], key, leaves, count };
}

const bytes = (lines) => Buffer.from(lines.map((line) => `${line}\n`).join(''));
const known = new Map();
const subtle = await browserEd25519();

async function remembering(key, signature, text) {
  const id = Buffer.concat([key, signature, text]).toString('base64');
  if (!known.has(id)) known.set(id, await subtle(key, signature, text));
  return known.get(id);
}

async function outcome(data, options = {}) {
  const check = verifier({ ed25519: remembering, ...options });
  try {
    for (let at = 0; at < data.length; at += options.piece ?? data.length) {
      check.feed(data.subarray(at, at + (options.piece ?? data.length)));
      await check.settle();
    }
    return await check.finish();
  } catch (wrong) {
    if (!(wrong instanceof Wrong)) throw wrong;
    return wrong;
  }
}

const broken = ({ code, what, from, to }) => ({ code, what, from, to });

test('a whole ledger holds, however it is cut into pieces', async () => {
  const made = ledger(23, [1, 7, 8, 23]);
  for (const piece of [1, 7, 64, 1000, 1 << 20]) {
    const result = await outcome(bytes(made.lines), { piece });
    assert.deepEqual(result, {
      entries: 23,
      checkpoints: 4,
      origin: ORIGIN,
      public_key: made.key.text,
      root: root(made.leaves).toString('hex'),
      signatures: 'checked',
      key: 'named',
    });
  }
  assert.equal((await outcome(bytes(made.lines), { knownKey: made.key.text })).key, 'known');
  assert.equal((await outcome(bytes(made.lines), { ed25519: null })).signatures, 'unchecked');
  assert.deepEqual(broken(await outcome(bytes(made.lines), { knownKey: keyPair().text })), {
    code: 'not_your_key',
    what: 'export',
    from: 0,
    to: 0,
  });
});

test('the Merkle tree is that of RFC 6962 for every size', () => {
  const tree = merkle();
  const leaves = [];
  for (let i = 0; i < 70; i++) {
    assert.equal(Buffer.from(tree.root()).toString('hex'), root(leaves).toString('hex'));
    leaves.push(sha(Buffer.of(0), `leaf ${i}`));
    assert.equal(Buffer.from(tree.rootWith(leaves.at(-1))).toString('hex'), root(leaves).toString('hex'));
    tree.add(leaves.at(-1));
  }
});

test('the Python verifier says the same of the same bytes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'logic-verify.'));
  try {
    writeFileSync(join(folder, 'export'), bytes(ledger(9, [4, 9]).lines));
    const python = spawnSync(
      'python3',
      [join(process.env.LN_ROOT ?? fileURLToPath(new URL('../../', import.meta.url)), 'tools/verify_ledger.py'), join(folder, 'export')],
      {
        encoding: 'utf8',
      }
    );
    assert.match(python.stdout, /^ok: 9 entries and 2 checkpoints/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('one changed byte anywhere is found, and the entry named that it stands in', async () => {
  const made = ledger(5, [2, 5]);
  const whole = bytes(made.lines);
  let at = 0;
  for (const [number, line] of made.lines.entries()) {
    for (const end = at + Buffer.byteLength(line) + 1; at < end; at++) {
      for (const mask of [1, 2, 32, 128]) {
        const data = Buffer.from(whole);
        data[at] ^= mask;
        const said = await outcome(data);
        const where = `line ${number}, byte ${at}, ^${mask}: ${JSON.stringify(broken(said))}`;
        assert.ok(said instanceof Wrong, where);
        if (at === end - 1 || number === 0) continue; // two lines became one; the head decides what all others are
        if (number <= made.count) assert.deepEqual([said.what, said.from, said.to], ['entry', number, number], where);
        else assert.deepEqual([said.what, said.from], ['checkpoint', number - made.count], where);
      }
    }
  }
});

test('one byte more or less anywhere is found, and where it was cut', async () => {
  const whole = bytes(ledger(3, [3]).lines);
  for (let at = 0; at < whole.length; at++) {
    const less = await outcome(Buffer.concat([whole.subarray(0, at), whole.subarray(at + 1)]));
    assert.ok(less instanceof Wrong, `without byte ${at}`);
    for (const byte of [0, 10, 32, 48, 255]) {
      const more = await outcome(Buffer.concat([whole.subarray(0, at), Buffer.of(byte), whole.subarray(at)]));
      assert.ok(more instanceof Wrong, `with ${byte} before byte ${at}`);
    }
    assert.ok((await outcome(whole.subarray(0, at))) instanceof Wrong, `cut at ${at}`);
  }
});

test('the hashes of one entry are those that the next one keeps', () => {
  const made = ledger(3, [3]);
  const [first, second] = [made.lines[1], made.lines[2]].map((line) => JSON.parse(line));
  const hashes = hashesOf(first);
  assert.deepEqual([hashes.line, hashes.chain, hashes.leaf], [made.lines[1], second.prev, made.leaves[0].toString('hex')]);
  assert.notEqual(hashesOf({ ...first, actor: 'other' }).chain, second.prev);
  for (const bad of [{ ...first, seq: 1.5 }, { ...first, prev: 'x' }, { ...first, prev: null }, null]) assert.equal(hashesOf(bad), null);
});

test('an entry that reads as well as before but was changed is the one that is named', async () => {
  for (let seq = 1; seq <= 6; seq++) {
    for (const sizes of [[6], [2, 6], [1, 2, 3, 4, 5, 6]]) {
      for (const change of [
        (e) => {
          e.body.words = 'other';
        },
        (e) => {
          e.actor = 'nobody';
        },
        (e) => {
          e.prev = 'ab'.repeat(32);
        },
      ]) {
        const made = ledger(6, sizes);
        const entry = JSON.parse(made.lines[seq]);
        change(entry);
        made.lines[seq] = canonical(entry);
        const said = await outcome(bytes(made.lines));
        assert.deepEqual([said.what, said.from, said.to], ['entry', seq, seq], `${seq} ${sizes}: ${said.message}`);
      }
    }
  }
});

test('entries that were left out, doubled, exchanged or put in', async () => {
  const made = ledger(6, [6]);
  const tried = async (edit) => {
    const lines = [...made.lines];
    edit(lines);
    return broken(await outcome(bytes(lines)));
  };
  assert.deepEqual(await tried((l) => l.splice(3, 1)), { code: 'missing', what: 'entry', from: 3, to: 3 });
  assert.deepEqual(await tried((l) => l.splice(3, 0, l[3])), { code: 'order', what: 'entry', from: 4, to: 4 });
  assert.deepEqual(
    await tried((l) => {
      [l[2], l[3]] = [l[3], l[2]];
    }),
    { code: 'missing', what: 'entry', from: 2, to: 2 }
  );
  assert.deepEqual(await tried((l) => l.splice(6, 1)), { code: 'fields', what: 'entry', from: 6, to: 6 });
  assert.deepEqual(await tried((l) => l.splice(7, 1)), { code: 'torn', what: 'checkpoint', from: 1, to: 1 });
  assert.deepEqual(await tried((l) => l.push(l[7])), { code: 'too_long', what: 'export', from: 0, to: 0 });
  assert.deepEqual(broken(await outcome(bytes(made.lines).subarray(0, -1))), { code: 'torn', what: 'checkpoint', from: 1, to: 1 });
  assert.deepEqual(broken(await outcome(bytes(made.lines.slice(0, 4)))), { code: 'torn', what: 'entry', from: 4, to: 4 });
  assert.deepEqual(broken(await outcome(Buffer.alloc(0))), { code: 'no_export', what: 'export', from: 0, to: 0 });
  assert.deepEqual(broken(await outcome(Buffer.from('<html>\n'))), { code: 'not_canonical', what: 'export', from: 0, to: 0 });
});

test('a history that was written anew, all hashes right, does not fit a signature of before', async () => {
  const key = keyPair();
  const old = ledger(6, [3, 6], key);
  const anew = ledger(6, [3, 6], key, (entry) => {
    if (entry.seq === 5) entry.body.words = 'never happened';
  });
  anew.lines.splice(7, 2, ...old.lines.slice(7));
  assert.deepEqual(broken(await outcome(bytes(anew.lines))), { code: 'changed_last', what: 'entry', from: 6, to: 6 });
  const earlier = ledger(6, [3, 6], key, (entry) => {
    if (entry.seq === 2) entry.body.words = 'never happened';
  });
  earlier.lines.splice(7, 1, old.lines[7]);
  assert.deepEqual(broken(await outcome(bytes(earlier.lines))), { code: 'root', what: 'entry', from: 1, to: 3 });
  const other = ledger(6, [3, 6]);
  other.lines.splice(7, 2, ...old.lines.slice(7));
  assert.deepEqual(broken(await outcome(bytes(other.lines))), { code: 'other_key', what: 'checkpoint', from: 1, to: 1 });
});

test('what is right in its hashes but no entry of ours is refused by name', async () => {
  const bad = [
    [
      'version',
      (e) => {
        e.v = 2;
      },
    ],
    [
      'time',
      (e) => {
        e.at = 'now';
      },
    ],
    [
      'time',
      (e) => {
        e.at = [e.at];
      },
    ],
    [
      'fields',
      (e) => {
        e.more = 1;
      },
    ],
    [
      'fields',
      (e) => {
        delete e.actor;
      },
    ],
    [
      'prev',
      (e) => {
        e.prev = [e.prev];
      },
    ],
    [
      'prev',
      (e) => {
        e.prev = e.prev.toUpperCase();
      },
    ],
    [
      'older',
      (e) => {
        e.at = '2026-11-21T09:00:00.000Z';
      },
    ],
    [
      'order',
      (e) => {
        e.seq = 2;
      },
    ],
  ];
  for (const [code, change] of bad) {
    const made = ledger(5, [5], keyPair(), (entry) => {
      if (entry.seq === 3) change(entry);
    });
    assert.deepEqual(broken(await outcome(bytes(made.lines))), { code, what: 'entry', from: 3, to: 3 });
  }
});

test('a false signature is said of its checkpoint, not of the entries', async () => {
  const made = ledger(4, [2, 4]);
  const note = JSON.parse(made.lines[5]);
  const code = /(\S+)\n$/.exec(note.checkpoint)[1];
  const raw = Buffer.from(code, 'base64');
  raw[10] ^= 1;
  made.lines[5] = canonical({ checkpoint: note.checkpoint.replace(code, raw.toString('base64')) });
  assert.deepEqual(broken(await outcome(bytes(made.lines))), { code: 'signature', what: 'checkpoint', from: 1, to: 1 });
  assert.equal((await outcome(bytes(made.lines), { ed25519: null })).signatures, 'unchecked'); // and that is what it says
});

test('a line without end is not kept for ever', async () => {
  const check = verifier({});
  const piece = Buffer.alloc(65536, 'x');
  assert.throws(
    () => {
      for (let i = 0; i < 100; i++) check.feed(piece);
    },
    { code: 'line_too_long' }
  );
});
