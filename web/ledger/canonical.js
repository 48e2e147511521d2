// SPDX-License-Identifier: Apache-2.0
// Canonical JSON as the ledger writes it: RFC 8785 with whole numbers only. Pure.

export const DEPTH_MAX = 64; // as in the node's json_text.h
const LONE = /\p{Surrogate}/u;

class NotCanonical extends Error {}

function object(value, depth) {
  const keys = Object.keys(value).sort(); // by UTF-16 code units, as RFC 8785 wants it
  let text = '{';
  for (let i = 0; i < keys.length; i++) text += `${i ? ',' : ''}${JSON.stringify(keys[i])}:${write(value[keys[i]], depth + 1)}`;
  return `${text}}`;
}

function list(value, depth) {
  let text = '[';
  for (let i = 0; i < value.length; i++) text += (i ? ',' : '') + write(value[i], depth + 1);
  return `${text}]`;
}

function write(value, depth) {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new NotCanonical('no whole number');
    return String(value);
  }
  if (typeof value === 'object' && depth >= DEPTH_MAX) throw new NotCanonical('too deep');
  if (Array.isArray(value)) return list(value, depth);
  if (typeof value === 'object') return object(value, depth);
  throw new NotCanonical('no JSON');
}

// The canonical text of a value; throws for what has none: reals, numbers beyond 2^53, lone surrogates, depth.
export function canonical(value) {
  const text = write(value, 0);
  // JSON.stringify writes a half of a character as \ud8…; no canonical text has one (RFC 8785, 3.2.2.2).
  if (text.includes('\\ud') && JSON.parse(text, refuseLone) === undefined) throw new NotCanonical('half a character');
  return text;
}

function refuseLone(key, value) {
  if (LONE.test(key) || (typeof value === 'string' && LONE.test(value))) throw new NotCanonical('half a character');
  return value;
}

// The value whose one canonical text this is; undefined if it is none.
export function readCanonical(text) {
  try {
    const value = JSON.parse(text);
    return canonical(value) === text ? value : undefined; // a key that stood twice is missing in one of them
  } catch {
    return undefined;
  }
}
