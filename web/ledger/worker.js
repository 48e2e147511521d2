// SPDX-License-Identifier: Apache-2.0
// A module worker: fetches the export, verifies it as it comes, keeps its bytes. It is given the page's own origin only.
//
//   in    {kind: 'start', path, knownKey} · {kind: 'cancel'}
//   out   {kind: 'progress', entries, of, bytes} · {kind: 'held', result, blob, ms} · {kind: 'failed', status, message} ·
//         {kind: 'wrong', code, what, from, to, detail, blob, ms} · {kind: 'cancelled'}
// The bytes of a ledger that does not hold come too: they are the proof. What was torn is not kept as one file.
import { Wrong, browserEd25519, verifier } from './verify.js';

const PROGRESS_MS = 100;
const PART_BYTES = 4 * 1024 * 1024; // parts of this size become a blob, which the browser may put on disk
const PATH = /^\/api\/v1\/ledger\/export$/;

let stop = null;

function keeper() {
  let blob = new Blob([]);
  let parts = [];
  let held = 0;
  return {
    bytes: 0,
    add(piece) {
      parts.push(piece);
      held += piece.length;
      this.bytes += piece.length;
      if (held >= PART_BYTES) this.all();
    },
    all() {
      blob = new Blob([blob, ...parts], { type: 'application/x-ndjson' });
      parts = [];
      held = 0;
      return blob;
    },
  };
}

async function errorOf(answer) {
  try {
    return (await answer.json()).error?.message ?? '';
  } catch {
    return '';
  }
}

// Reads to the end even when something is wrong: what is saved is then the whole export.
async function run(answer, check, kept) {
  const reader = answer.body.getReader();
  let wrong = null;
  let told = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    kept.add(value);
    try {
      if (!wrong) {
        check.feed(value);
        await check.settle();
      }
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      wrong = error;
    }
    if (performance.now() - told < PROGRESS_MS) continue;
    told = performance.now();
    postMessage({ kind: 'progress', ...check.progress(), bytes: kept.bytes });
  }
  if (wrong) throw wrong;
  return check.finish();
}

async function start({ path, knownKey }) {
  const begin = performance.now();
  const kept = keeper();
  stop = new AbortController();
  try {
    if (!PATH.test(path)) throw new TypeError('no export');
    const answer = await fetch(path, { credentials: 'same-origin', cache: 'no-store', redirect: 'error', signal: stop.signal });
    if (!answer.ok) {
      postMessage({ kind: 'failed', status: answer.status, message: await errorOf(answer) });
      return;
    }
    const result = await run(answer, verifier({ knownKey, ed25519: await browserEd25519() }), kept);
    postMessage({ kind: 'held', result, blob: kept.all(), ms: performance.now() - begin });
  } catch (error) {
    if (stop.signal.aborted) postMessage({ kind: 'cancelled' });
    else if (error instanceof Wrong) {
      const { code, what, from, to, detail } = error;
      postMessage({ kind: 'wrong', code, what, from, to, detail, blob: kept.all(), ms: performance.now() - begin });
    } else postMessage({ kind: 'failed', status: 0, message: '' });
  }
}

addEventListener('message', ({ data }) => {
  if (data.kind === 'start') start(data);
  else if (data.kind === 'cancel') stop?.abort();
});
