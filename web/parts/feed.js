// SPDX-License-Identifier: Apache-2.0
// The readings of nodes that somebody looks at, asked for a few at a time and again while they are looked at.
//
//   feed({api, house}) -> {watch(names), seen(name, bool), close()}     answers go to the store as {kind: 'detail', …}

const AT_ONCE = 3,
  EACH_MS = 10_000,
  OTHERS_MS = 120_000,
  FEW = 40,
  LOOK_MS = 500;

/** Whose turn it is: the one due for longest, or null. Pure. times: {name: ms of the last answer or question}. */
export function next({ names, seen, times, now, few = FEW }) {
  let best = null,
    due = 0;
  for (const name of names) {
    const wait = seen.has(name) || names.length <= few ? EACH_MS : OTHERS_MS;
    const late = times[name] === undefined ? Infinity : now - times[name] - wait;
    if (late >= 0 && (best === null || late > due || (late === due && seen.has(name) && !seen.has(best)))) {
      best = name;
      due = late;
    }
  }
  return best;
}

export function feed({ api, house }) {
  let names = [],
    running = 0,
    times = {};
  const seen = new Set(),
    controller = new AbortController();

  async function ask(name) {
    running += 1;
    times[name] = Date.now();
    try {
      const detail = await api.get(`/api/v1/nodes/${encodeURIComponent(name)}`, { signal: controller.signal });
      house.dispatch({ kind: 'detail', node: name, detail, at_ms: Date.now() });
    } catch {
      // the node page says why; a card shows what it had
    } finally {
      running -= 1;
      if (!controller.signal.aborted) turn();
    }
  }

  function turn() {
    if (document.hidden) return;
    while (running < AT_ONCE) {
      const name = next({ names, seen, times, now: Date.now() });
      if (name === null) return;
      ask(name);
    }
  }

  const timer = setInterval(turn, LOOK_MS);
  return {
    watch(list) {
      names = list;
      turn();
    },
    seen(name, is) {
      if (is) seen.add(name);
      else seen.delete(name);
    },
    close() {
      clearInterval(timer);
      controller.abort();
    },
  };
}
