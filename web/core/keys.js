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
