// SPDX-License-Identifier: Apache-2.0
// A state that a pure reducer changes; whoever draws it is called once a frame, however many events came.
//
//   const cases = store(reduce, EMPTY); cases.dispatch(event); const off = cases.subscribe((state) => draw(state)); off();

const HIDDEN_MS = 1000; // a page that nobody sees draws nothing; its stores still settle, slowly

function soon(fn) {
  const hidden = typeof document === 'undefined' || document.hidden;
  if (hidden || typeof requestAnimationFrame === 'undefined') setTimeout(fn, typeof document === 'undefined' ? 0 : HIDDEN_MS);
  else requestAnimationFrame(fn);
}

/** `later` is for tests: who calls the subscribers, and when. */
export function store(reducer, first, later = soon) {
  let state = first,
    told = first,
    waiting = false;
  const subscribers = new Set();

  function tell() {
    waiting = false;
    if (state === told) return;
    told = state;
    for (const fn of [...subscribers]) {
      try {
        fn(state);
      } catch (error) {
        console.error(error); // one view that fails must not keep the others from being drawn
      }
    }
  }

  return {
    get: () => state,
    dispatch(event) {
      state = reducer(state, event);
      if (state === told || waiting) return;
      waiting = true;
      later(tell);
    },
    /** Called with the new state from the next change on; draw the first time yourself with get(). */
    subscribe(fn) {
      subscribers.add(fn);
      return () => subscribers.delete(fn);
    },
  };
}
