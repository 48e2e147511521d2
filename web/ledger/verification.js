// SPDX-License-Identifier: Apache-2.0
// One run of the worker, from the page's side: verification({ knownKey, tell }) -> {cancel(), close()}; messages: worker.js.

const WORKER = '/ledger/worker.js';
export const EXPORT = '/api/v1/ledger/export';

let policy = null;

// A worker's address is code to the browser: it takes ours only, and only from a policy that gives nothing else.
function address() {
  if (!globalThis.trustedTypes) return WORKER;
  policy ??= trustedTypes.createPolicy('logic-node-worker', {
    createScriptURL(url) {
      if (url !== WORKER) throw new TypeError('no worker of ours');
      return url;
    },
  });
  return policy.createScriptURL(WORKER);
}

export function verification({ knownKey = null, tell }) {
  const worker = new Worker(address(), { type: 'module' });
  let over = false;
  const end = (message) => {
    if (over) return;
    over = true;
    tell(message);
    worker.terminate();
  };
  worker.addEventListener('message', ({ data }) => (data.kind === 'progress' ? over || tell(data) : end(data)));
  worker.addEventListener('error', () => end({ kind: 'failed', status: 0, message: '' }));
  worker.postMessage({ kind: 'start', path: EXPORT, knownKey });
  return {
    cancel: () => worker.postMessage({ kind: 'cancel' }),
    close() {
      over = true;
      worker.terminate();
    },
  };
}

// The bytes that were verified, as a file of the person's.
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement('a');
  anchor.download = name;
  anchor.href = url;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
