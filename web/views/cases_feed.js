// SPDX-License-Identifier: Apache-2.0
// The cases of this page, kept while it is open: the store, pages of the API, and the case whose beginning was missed.
//
//   const cases = feed(context); cases.store; cases.begin(); cases.more() -> Promise; cases.look(id) -> Promise of the view
//   cases.state() 'idle' | 'loading' | 'failed' with cases.error; cases.now(): the node's clock, as far as the stream tells it

import { store } from '../core/store.js';
import { first, reduce } from '../state/cases.js';

const PAGE = 100;
const LOOKS_MAX = 4; // at a time
const SKEW_MS = 2000; // a clock that is closer is the same

let held = null;

export const pathOf = (id) => `/api/v1/cases/${encodeURIComponent(id)}`;

function make({ api, stream, session }) {
  const cases = store(reduce, first());
  const looking = new Map();
  const listeners = new Set();
  let state = 'idle';
  let error = null;
  let begun = false;
  let skew = 0;

  function become(next, why = null) {
    state = next;
    error = why;
    for (const fn of [...listeners]) fn();
  }

  async function page(path, isList) {
    const { cases: rows = [] } = await api.get(path);
    cases.dispatch({ kind: 'page', cases: rows, more: isList ? rows.length === PAGE : undefined });
  }

  async function fetchPages(paths) {
    if (state === 'loading') return;
    become('loading');
    try {
      await Promise.all(paths.map(([path, isList]) => page(path, isList)));
      become('idle');
    } catch (why) {
      become('failed', why);
    }
  }

  function look(id) {
    if (!looking.has(id)) {
      looking.set(
        id,
        api
          .get(pathOf(id))
          .then((view) => {
            cases.dispatch({ kind: 'view', case: view });
            return view;
          })
          .finally(() => {
            looking.delete(id);
            cases.dispatch({ kind: 'looked_up', case: id });
          })
      );
    }
    return looking.get(id);
  }

  function settle() {
    for (const id of cases.get().missing.keys()) {
      if (looking.size >= LOOKS_MAX) return;
      if (!looking.has(id)) look(id).catch(() => {}); // away or gone: the next event of it asks again
    }
  }

  const newest = () =>
    fetchPages([
      [`/api/v1/cases?limit=${PAGE}`, true],
      [`/api/v1/cases?limit=${PAGE}&status=awaiting_consent`, false],
    ]);

  async function older() {
    const { cursor, more } = cases.get();
    if (cursor !== null && more) await fetchPages([[`/api/v1/cases?limit=${PAGE}&before=${encodeURIComponent(cursor)}`, true]]);
  }

  stream.on('*', (event) => {
    cases.dispatch(event);
    if (event.kind === 'house' && Number.isFinite(event.at_ms)) {
      const off = event.at_ms - Date.now();
      skew = Math.abs(off) > SKEW_MS ? off : 0;
    }
  });
  stream.on('reopened', () => {
    if (begun) newest();
  });
  cases.subscribe(settle);
  session.subscribe((now) => {
    if (now.signed_in) return;
    begun = false;
    cases.dispatch({ kind: 'forget' });
  });

  return {
    store: cases,
    look,
    begin() {
      if (begun) return;
      begun = true;
      newest();
    },
    retry: () => (cases.get().cursor === null ? newest() : older()),
    more: older,
    state: () => state,
    error: () => error,
    onState(fn) {
      listeners.add(fn);
      return () => listeners.delete(fn);
    },
    now: () => Date.now() + skew,
  };
}

/** One for the whole page, made when a view first asks for it. */
export function feed(context) {
  held ??= make(context);
  return held;
}
