// SPDX-License-Identifier: Apache-2.0
// The one event stream of the page. Lost, it comes back by itself and goes on behind the last event it has (Last-Event-ID).
//
//   open(); const off = on('case_opened', (event) => …); state(): 'wait' | 'live' | 'lost' | 'out'; onState(fn)
//   Kinds: those of ledger entries, 'stage', 'house', 'queue', and '*' for all of them.
//   An event: {kind, seq|null, received_ms, …what the data says}.
//   'reopened' {resumed} is made here when a stream came back: resumed false means that there may be a gap, so pages are read again.

import { events } from './sse.js';
import { stream as request } from './api.js';

const PATHS = ['/api/v1/events?form=brief&with=house,queue,stages', '/api/v1/events']; // the second: of a node that knows no members
const SILENT_MS = 45_000; // the node comments every 15 s; three missed and it is gone
const TRIES_MS = [500, 1000, 2000, 4000, 8000, 15_000];

/** How long to wait before the next try: with some chance in it, so that a house full of tablets does not come at once. */
export function pause(tries, chance = Math.random()) {
  return Math.round(TRIES_MS[Math.min(tries, TRIES_MS.length - 1)] * (0.75 + chance / 2));
}

/** The data of one event as an object, or null when it cannot be read. */
export function read(event) {
  try {
    const body = JSON.parse(event.data);
    if (body === null || typeof body !== 'object' || Array.isArray(body)) return null;
    const seq = event.id !== undefined && /^\d{1,16}$/.test(event.id) ? Number(event.id) : null;
    return { ...body, kind: typeof body.kind === 'string' && seq !== null ? body.kind : event.kind, seq };
  } catch {
    return null;
  }
}

/** One stream; the page uses the one below. `parts` are for tests. */
export function makeStream({ ask = request, later = setTimeout, never = clearTimeout, paths = PATHS } = {}) {
  const listeners = new Map(),
    watchers = new Set();
  let now = 'wait',
    lastSeq = null,
    tries = 0,
    controller = null,
    timer = null,
    silence = null,
    opened = 0,
    closed = true,
    which = 0;

  function become(state) {
    if (now === state) return;
    now = state;
    for (const fn of [...watchers]) fn(state);
  }

  function tell(event) {
    for (const kind of [event.kind, '*']) {
      for (const fn of [...(listeners.get(kind) ?? [])]) {
        try {
          fn(event);
        } catch (error) {
          console.error(error);
        }
      }
    }
  }

  function heard() {
    never(silence);
    silence = later(() => controller?.abort(), SILENT_MS);
  }

  function take(event) {
    if (event.kind === ':') return;
    const body = read(event);
    if (!body) return;
    if (body.seq !== null) lastSeq = Math.max(lastSeq ?? 0, body.seq);
    tell({ ...body, received_ms: Date.now() });
  }

  async function listen() {
    controller = new AbortController();
    const resumed = lastSeq !== null;
    heard();
    const answer = await ask(paths[which], {
      signal: controller.signal,
      headers: { Accept: 'text/event-stream', ...(resumed ? { 'Last-Event-ID': String(lastSeq) } : {}) },
    });
    tries = 0;
    become('live');
    if (opened++ > 0) tell({ kind: 'reopened', seq: null, resumed });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader(),
      feed = events(take);
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      heard();
      feed(value);
    }
  }

  async function run() {
    timer = null;
    try {
      await listen();
    } catch (error) {
      if (error?.status === 401) {
        never(silence);
        become('out');
        controller = null;
        return;
      }
      if (error?.status === 400 && lastSeq !== null)
        lastSeq = null; // a node with another ledger: begin anew
      else if (error?.status === 400 && which + 1 < paths.length) which += 1;
    }
    never(silence);
    controller?.abort();
    controller = null;
    if (closed) return;
    become('lost');
    timer = later(run, pause(tries++));
  }

  /** Try at once instead of when the pause is over. */
  function hurry() {
    if (closed || controller || timer === null) return;
    never(timer);
    run();
  }

  return {
    open() {
      if (!closed && (controller || timer !== null)) return;
      closed = false;
      run();
    },
    close() {
      closed = true;
      never(timer);
      timer = null;
      controller?.abort();
      become('wait');
    },
    hurry,
    on(kind, fn) {
      if (!listeners.has(kind)) listeners.set(kind, new Set());
      listeners.get(kind).add(fn);
      return () => listeners.get(kind).delete(fn);
    },
    state: () => now,
    lastSeq: () => lastSeq,
    onState(fn) {
      watchers.add(fn);
      return () => watchers.delete(fn);
    },
  };
}

const page = makeStream();
export const { open, close, hurry, on, state, lastSeq, onState } = page;
