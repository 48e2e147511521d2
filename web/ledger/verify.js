// SPDX-License-Identifier: Apache-2.0
// Verifies an export of a ledger while it comes: the same checks as tools/verify_ledger.py, and which entry it is that was changed.
// Pure but for the signature's check, which is handed in. Format: src/5_role/ledger/README.md.
//
//   const check = verifier({ knownKey, ed25519 });
//   for each piece of bytes: check.feed(bytes); await check.settle();      throws Wrong
//   const result = await check.finish();                                   throws Wrong
//
// Wrong {code, what: 'export'|'entry'|'checkpoint', from, to, detail}: what is broken lies in from…to, one place where it can be told.
// Memory: 32 bytes an entry, for checkpoints stand behind the entries that they sign.
import { canonical, readCanonical } from './canonical.js';
import { hex, sha256 } from './sha256.js';

export const LINE_BYTES_MAX = 1024 * 1024; // of the node: 128 KiB
export const ENTRIES_MAX = 16777216;
const KIND = 'logic-node/ledger-export/v1';
const FIELDS = 'actor,at,body,case,kind,prev,seq,v';
const HEADER = 'checkpoints,from,kind,origin,public_key,to';
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const HASH = /^[0-9a-f]{64}$/;
const SIGNED = /^([^\n]+)\n([1-9][0-9]{0,15})\n([^\n]+)\n\n\u2014 ([^ \n]+) ([^ \n]+)\n$/;

export class Wrong extends Error {
  constructor(code, what, from, to = from, detail = '') {
    super(`${what} ${from}: ${code}`);
    Object.assign(this, { code, what, from, to, detail });
  }
}

function require(good, code, what, at, detail) {
  if (!good) throw new Wrong(code, what, at, at, detail);
}

const keysOf = (value) => (value && typeof value === 'object' && !Array.isArray(value) ? Object.keys(value).sort().join(',') : '');

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);
const bytesOf = (text) => new TextEncoder().encode(text);

// Strict base64 of `size` bytes, else null.
export function fromBase64(text, size) {
  let raw;
  try {
    raw = atob(text);
  } catch {
    return null;
  }
  return raw.length === size && btoa(raw) === text ? Uint8Array.from(raw, (c) => c.charCodeAt(0)) : null;
}

// --- the Merkle tree of RFC 6962, leaf by leaf

const LEAF = Uint8Array.of(0);
const INNER = Uint8Array.of(1);
const PAIR = new Uint8Array(65);

function inner(left, right) {
  PAIR[0] = INNER[0];
  PAIR.set(left, 1);
  PAIR.set(right, 33);
  return sha256(PAIR);
}

export function merkle() {
  const parts = []; // {size, hash} of the full subtrees, the largest first
  return {
    add(leaf) {
      parts.push({ size: 1, hash: leaf });
      while (parts.length > 1 && parts.at(-1).size === parts.at(-2).size) {
        const right = parts.pop();
        const left = parts.pop();
        parts.push({ size: 2 * right.size, hash: inner(left.hash, right.hash) });
      }
    },
    root: () =>
      parts.length ? parts.slice(0, -1).reduceRight((root, part) => inner(part.hash, root), parts.at(-1).hash) : sha256(new Uint8Array(0)),
    // What the root would be with one more leaf.
    rootWith: (leaf) => parts.reduceRight((root, part) => inner(part.hash, root), leaf),
  };
}

// All leaves so far: room doubles, so a million entries are 32 MB and no more.
function leafList() {
  let bytes = new Uint8Array(32 * 1024);
  let count = 0;
  return {
    add(leaf) {
      if (32 * (count + 1) > bytes.length) {
        const larger = new Uint8Array(2 * bytes.length);
        larger.set(bytes);
        bytes = larger;
      }
      bytes.set(leaf, 32 * count++);
    },
    get: (index) => bytes.slice(32 * index, 32 * index + 32),
  };
}

// --- lines

// Cuts pieces of bytes into lines, each without its end; what is left over waits for the next piece.
function cutter(take, tooLong) {
  let rest = new Uint8Array(0);
  return {
    feed(piece) {
      let from = 0;
      for (;;) {
        const end = piece.indexOf(10, from);
        if (end < 0) break;
        take(rest.length ? join(rest, piece.subarray(from, end)) : piece.subarray(from, end));
        rest = new Uint8Array(0);
        from = end + 1;
      }
      rest = rest.length ? join(rest, piece.subarray(from)) : piece.slice(from);
      if (rest.length > LINE_BYTES_MAX) tooLong();
    },
    empty: () => rest.length === 0,
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(bytes, what, at) {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Wrong('not_utf8', what, at);
  }
}

function valueOf(bytes, what, at) {
  const value = readCanonical(textOf(bytes, what, at));
  require(value !== undefined, 'not_canonical', what, at);
  return value;
}

// --- entries

const ZEROS = '0'.repeat(64);

function unhex(text) {
  const bytes = new Uint8Array(32);
  for (let i = 0; i < 32; i++) bytes[i] = parseInt(text.substr(2 * i, 2), 16);
  return bytes;
}

// The chain. An entry whose `prev` is not the hash of the one before: one of the two was changed, and the hash that the entry after them
// kept tells which (`doubt`); behind the last entry only the checkpoint can.
function chainOf(leaves) {
  const chain = { seq: 0, doubt: null };
  let hash = ZEROS;
  let raw = new Uint8Array(32);
  let lastAt = '';

  function settle(entry) {
    const { seq, after } = chain.doubt;
    throw new Wrong('changed', 'entry', Math.max(1, entry.prev === after ? seq - 1 : seq));
  }

  function follows(entry, seq, leaf) {
    if (entry.prev === hash) return;
    const other = { ...entry, prev: hash };
    chain.doubt = { seq, after: hex(sha256(join(unhex(entry.prev), leaf))), repaired: sha256(join(LEAF, bytesOf(canonical(other)))) };
  }

  chain.take = (line) => {
    const seq = chain.seq + 1;
    require(seq <= ENTRIES_MAX, 'too_many', 'entry', seq);
    let entry;
    try {
      entry = valueOf(line, 'entry', seq);
      require(keysOf(entry) === FIELDS, 'fields', 'entry', seq);
      require(entry.seq === seq, Number.isSafeInteger(entry.seq) && entry.seq > seq ? 'missing' : 'order', 'entry', seq, String(entry.seq));
      require(typeof entry.prev === 'string' && HASH.test(entry.prev), 'prev', 'entry', seq);
    } catch (wrong) {
      if (chain.doubt && wrong instanceof Wrong) wrong.from = Math.max(1, chain.doubt.seq - 1);
      throw wrong;
    }
    if (chain.doubt) settle(entry);
    const leaf = sha256(join(LEAF, line));
    follows(entry, seq, leaf);
    if (!chain.doubt) {
      require(entry.v === 1, 'version', 'entry', seq, String(entry.v));
      require(typeof entry.at === 'string' && TIME.test(entry.at), 'time', 'entry', seq);
      require(entry.at >= lastAt, 'older', 'entry', seq);
    }
    lastAt = entry.at;
    raw = sha256(join(chain.doubt ? unhex(entry.prev) : raw, leaf));
    hash = hex(raw);
    leaves.add(leaf);
    chain.seq = seq;
  };
  return chain;
}

// {line, leaf, chain} of one entry as the node sent it, or null when it has no canonical form.
export function hashesOf(entry) {
  try {
    const line = canonical(entry);
    const leaf = sha256(join(LEAF, bytesOf(line)));
    return HASH.test(entry.prev) ? { line, leaf: hex(leaf), chain: hex(sha256(join(unhex(entry.prev), leaf))) } : null;
  } catch {
    return null;
  }
}

// --- checkpoints

function readCheckpoint(line, number, header) {
  const note = valueOf(line, 'checkpoint', number);
  require(keysOf(note) === 'checkpoint' && typeof note.checkpoint === 'string', 'fields', 'checkpoint', number);
  const match = SIGNED.exec(note.checkpoint);
  require(match, 'malformed', 'checkpoint', number);
  const [, origin, size, root64, signer, code] = match;
  const root = fromBase64(root64, 32);
  const blob = fromBase64(code, 68);
  require(root && blob && Number.isSafeInteger(Number(size)), 'malformed', 'checkpoint', number);
  require(origin === header.origin && signer === header.origin, 'other_ledger', 'checkpoint', number, origin);
  const id = sha256(join(bytesOf(`${origin}\n\u0001`), header.key));
  require(same(blob.subarray(0, 4), id.subarray(0, 4)), 'other_key', 'checkpoint', number);
  return {
    number,
    size: Number(size),
    root,
    signature: blob.slice(4),
    text: bytesOf(note.checkpoint.slice(0, note.checkpoint.indexOf('\n\n') + 1)),
  };
}

// Which entries a signed root speaks against, when the chain behind them holds.
function rootWrong(point, covered, chain, tree) {
  if (chain.doubt) {
    const { seq, repaired } = chain.doubt;
    const own = same(tree.rootWith(repaired), point.root);
    return new Wrong('changed', 'entry', Math.max(1, own ? seq : seq - 1));
  }
  // Each entry but the last is held by the one behind it: one change alone is the last entry's.
  const last = point.size === chain.seq;
  return new Wrong(last ? 'changed_last' : 'root', 'entry', last ? chain.seq : covered + 1, point.size, String(point.number));
}

function pinsOf(leaves, chain, header, ed25519) {
  const tree = merkle();
  const pins = { count: 0, size: 0, root: '', unsettled: [] };
  let added = 0;

  pins.take = (line) => {
    const number = pins.count + 1;
    const point = readCheckpoint(line, number, header);
    require(point.size > pins.size && point.size <= header.to, 'order', 'checkpoint', number);
    const doubted = chain.doubt && chain.doubt.seq <= point.size;
    while (added < point.size - (doubted ? 1 : 0)) tree.add(leaves.get(added++));
    const good = !doubted && same(tree.root(), point.root);
    pins.unsettled.push({ point, wrong: good ? null : rootWrong(point, pins.size, chain, tree) });
    pins.count = number;
    pins.size = point.size;
    pins.root = hex(point.root);
  };
  // A false signature says nothing against the entries.
  pins.settle = async () => {
    for (const { point, wrong } of pins.unsettled.splice(0)) {
      const good = ed25519 ? await ed25519(header.key, point.signature, point.text) : true;
      require(good, 'signature', 'checkpoint', point.number, String(point.size));
      if (wrong) throw wrong;
    }
  };
  return pins;
}

function readHeader(line, knownKey) {
  const header = valueOf(line, 'export', 0);
  require(keysOf(header) === HEADER && header.kind === KIND && header.from === 1, 'no_export', 'export', 0);
  require(typeof header.origin === 'string' &&
    typeof header.public_key === 'string' &&
    header.to >= 0 &&
    header.checkpoints >= 0, 'no_export', 'export', 0);
  header.key = header.public_key.startsWith('ed25519:') ? fromBase64(header.public_key.slice(8), 32) : null;
  require(header.key, 'no_key', 'export', 0);
  require(!knownKey || header.public_key === knownKey, 'not_your_key', 'export', 0, header.public_key);
  return header;
}

// knownKey: "ed25519:…" that a person wrote down earlier, or null. ed25519: async (key, signature, text) -> bool, or null where nothing
// can check one; the result then says signatures 'unchecked'.
export function verifier({ knownKey = null, ed25519 = null } = {}) {
  const leaves = leafList();
  const chain = chainOf(leaves);
  let header = null;
  let pins = null;

  function take(line) {
    if (!header) {
      header = readHeader(line, knownKey);
      pins = pinsOf(leaves, chain, header, ed25519);
    } else if (chain.seq < header.to) {
      chain.take(line);
    } else {
      require(pins.count < header.checkpoints, 'too_long', 'export', 0);
      pins.take(line);
    }
  }

  const where = () => (!header ? ['export', 0] : chain.seq < header.to ? ['entry', chain.seq + 1] : ['checkpoint', pins.count + 1]);
  const lines = cutter(take, () => {
    throw new Wrong('line_too_long', ...where());
  });
  return {
    feed: (bytes) => lines.feed(bytes),
    settle: async () => pins?.settle(),
    progress: () => ({ entries: chain.seq, of: header?.to ?? null, checkpoints: pins?.count ?? 0 }),
    async finish() {
      require(lines.empty(), 'torn', ...where());
      require(header, 'no_export', 'export', 0);
      require(chain.seq === header.to && pins.count === header.checkpoints, 'torn', ...where());
      await pins.settle();
      require(pins.size === header.to, 'uncovered', 'export', 0, String(pins.size));
      return {
        entries: chain.seq,
        checkpoints: pins.count,
        origin: header.origin,
        public_key: header.public_key,
        root: pins.root,
        signatures: ed25519 ? 'checked' : 'unchecked',
        key: knownKey ? 'known' : 'named',
      };
    },
  };
}

// crypto.subtle's Ed25519 as `ed25519`, or null where the browser has none (or no secure context).
export async function browserEd25519(subtle = globalThis.crypto?.subtle) {
  const zero = new Uint8Array(32);
  try {
    zero[0] = 1; // the neutral point: a key in form
    await subtle.importKey('raw', zero, { name: 'Ed25519' }, false, ['verify']);
  } catch {
    return null;
  }
  let last = null;
  return async (key, signature, text) => {
    try {
      if (!last || !same(last.raw, key))
        last = { raw: key, key: await subtle.importKey('raw', key, { name: 'Ed25519' }, false, ['verify']) };
      return await subtle.verify({ name: 'Ed25519' }, last.key, signature, text);
    } catch {
      return false;
    }
  };
}
