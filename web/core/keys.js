// SPDX-License-Identifier: Apache-2.0
// Keys of the page: single letters and pairs such as "g h", never while somebody types, never with Ctrl, Alt or Meta.

const PAIR_MS = 1500;

/** One key after the other to the name of a binding: 'g', 'h' -> 'g h'. Pure but for what it remembers; `now` in ms. */
export function keyReader(names) {
  let first = null,
    at = 0;
  return function read(key, now) {
    const pair = first && now - at <= PAIR_MS ? `${first} ${key}` : null;
    first = null;
    if (pair && names.has(pair)) return pair;
    if ([...names].some((name) => name.startsWith(`${key} `))) {
      first = key;
      at = now;
      return null;
    }
    return names.has(key) ? key : null;
  };
}

export function typing(target) {
  return Boolean(target?.closest?.('input:not([type=checkbox]):not([type=radio]):not([type=button]), textarea, select, [contenteditable]'));
}

/** bindings: {'g h': fn, '/': fn}; returns what takes them away. */
export function keys(bindings) {
  const read = keyReader(new Set(Object.keys(bindings)));
  function onKey(event) {
    if (
      event.defaultPrevented ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      typing(event.target) ||
      document.querySelector('dialog[open]')
    )
      return;
    const name = read(event.key, event.timeStamp);
    if (!name) return;
    event.preventDefault();
    bindings[name]();
  }
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}

const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

/** Where an arrow, Home or End leads from the `index`th of `count`: the new index, or null. Pure. */
export function step(key, index, count) {
  if (index < 0 || !count) return null;
  if (key === 'Home') return 0;
  if (key === 'End') return count - 1;
  const to = index + (STEPS[key] ?? 0);
  return to === index || to < 0 || to >= count ? null : to;
}

/** Arrows move the focus along what fits `selector` below root (links of a short list; a long one does it itself). */
export function arrows(root, selector) {
  root.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !event.target.matches(selector)) return;
    const all = [...root.querySelectorAll(selector)].filter((one) => one.offsetParent !== null);
    const to = step(event.key, all.indexOf(event.target), all.length);
    if (to === null) return;
    event.preventDefault();
    all[to].focus();
  });
}
