// SPDX-License-Identifier: Apache-2.0
// Rows that follow their data: keyed() for lists that are all there, longList() for those of which only what is seen is in the document.
//
//   const cards = keyed(root, { key, make, update }); cards(rows)
//       make(row) -> Element; update(element, row) afterwards and for each change; elements are moved, never drawn anew.
//   const list = longList(root, { rows, key, draw, height }); list.set(rows); list.show(key); list.close()
//       draw(row) -> Element (one focusable inside, such as a link); height: px of each row, a number or a function of the width in px.
//       Arrows, Page, Home, End move the focus. draw() is called again where the row is another object than before.

const BEYOND = 8; // rows kept above and below what is seen

/** Which rows [from, to) stand in the window. Pure. */
export function seen({ count, height, top, bottom, beyond = BEYOND }) {
  const from = Math.max(0, Math.floor(top / height) - beyond);
  const to = Math.min(count, Math.ceil(bottom / height) + beyond);
  return from < to ? [from, to] : [0, 0];
}

/** Where the focus goes with a key: the new index, or null. Pure. */
export function move(key, index, count, page) {
  const to = { ArrowDown: index + 1, ArrowUp: index - 1, PageDown: index + page, PageUp: index - page, Home: 0, End: count - 1 }[key];
  return to === undefined || count === 0 ? null : Math.min(count - 1, Math.max(0, to));
}

export function keyed(root, { key, make, update = () => {} }) {
  let shown = new Map();
  return function set(rows) {
    const next = new Map();
    let at = root.firstChild;
    for (const row of rows) {
      const name = String(key(row));
      if (next.has(name)) continue; // two of one name: the first counts
      const old = shown.get(name);
      const node = old?.node ?? make(row);
      if (!old || old.row !== row) update(node, row);
      next.set(name, { node, row });
      if (node === at) at = at.nextSibling;
      else root.insertBefore(node, at);
    }
    // What is no longer wanted goes, unless it has moved to another list.
    for (const [name, { node }] of shown) if (!next.has(name) && node.parentNode === root) node.remove();
    shown = next;
  };
}

function scrollerOf(node) {
  for (let at = node.parentElement; at && at !== document.body; at = at.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
  }
  return null; // the window
}

export function longList(root, { rows = [], key, draw, height }) {
  let list = rows,
    drawn = new Map(),
    each = 1,
    waiting = false,
    focused = null;
  root.classList.add('long-list');
  root.setAttribute('role', 'list');

  const nameOf = (row) => String(key(row));
  const focusable = (node) => node.querySelector('a[href], button, [tabindex]') ?? node;

  function window_() {
    const box = root.getBoundingClientRect(),
      scroller = scrollerOf(root);
    const view = scroller ? scroller.getBoundingClientRect() : { top: 0, bottom: innerHeight };
    return { top: Math.max(0, view.top - box.top), bottom: Math.max(0, view.bottom - box.top) };
  }

  function place(node, index) {
    node.style.setProperty('--row', `${index * each}px`);
    node.setAttribute('aria-posinset', String(index + 1));
    node.setAttribute('aria-setsize', String(list.length));
    node.dataset.index = String(index);
  }

  function put(index, next) {
    const row = list[index],
      name = nameOf(row),
      old = drawn.get(name);
    let node = old?.node;
    if (!old || old.row !== row) {
      const hadFocus = node?.contains(document.activeElement);
      const fresh = draw(row);
      fresh.classList.add('long-row');
      fresh.setAttribute('role', 'listitem');
      if (node) node.replaceWith(fresh);
      else if (next.size) [...next.values()].at(-1).node.after(fresh); // Tab and screen readers go as the eye does
      else root.prepend(fresh);
      node = fresh;
      if (hadFocus) focusable(node).focus({ preventScroll: true });
    }
    place(node, index);
    next.set(name, { node, row });
  }

  function render() {
    waiting = false;
    if (!root.isConnected) return;
    each = typeof height === 'function' ? height(root.clientWidth) : height;
    root.style.setProperty('--list', `${list.length * each}px`);
    root.style.setProperty('--each', `${each}px`);
    const [from, to] = seen({ count: list.length, height: each, ...window_() });
    const next = new Map();
    for (let i = from; i < to; i++) put(i, next);
    const kept = focused === null ? -1 : list.findIndex((row) => nameOf(row) === focused);
    if (kept >= 0 && (kept < from || kept >= to) && drawn.has(focused)) put(kept, next);
    for (const [name, { node }] of drawn) if (!next.has(name)) node.remove();
    drawn = next;
  }

  function later() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(render);
  }

  function focusAt(index) {
    const top = index * each,
      view = window_(),
      scroller = scrollerOf(root);
    const by = top < view.top + each ? top - view.top - each : top + 2 * each > view.bottom ? top + 2 * each - view.bottom : 0;
    if (by) (scroller ?? globalThis).scrollBy(0, by);
    render();
    const node = drawn.get(nameOf(list[index]))?.node;
    if (node) focusable(node).focus({ preventScroll: true });
  }

  function onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches('input, textarea, select')) return;
    const row = event.target.closest?.('.long-row');
    if (!row || row.parentElement !== root) return;
    const view = window_();
    const to = move(event.key, Number(row.dataset.index), list.length, Math.max(1, Math.floor((view.bottom - view.top) / each) - 1));
    if (to === null) return;
    event.preventDefault();
    focusAt(to);
  }

  function onFocus(event) {
    const row = event.target.closest('.long-row');
    focused = row ? nameOf(list[Number(row.dataset.index)] ?? list[0]) : null;
  }

  root.addEventListener('keydown', onKey);
  root.addEventListener('focusin', onFocus);
  root.addEventListener('focusout', () => {
    focused = null;
  });
  document.addEventListener('scroll', later, { capture: true, passive: true });
  const watch = new ResizeObserver(later);
  watch.observe(root);
  later();

  return {
    set(next) {
      list = next;
      later();
    },
    /** Scroll to the row of this key and focus it. */
    show(name) {
      const index = list.findIndex((row) => nameOf(row) === String(name));
      if (index >= 0) focusAt(index);
    },
    close() {
      document.removeEventListener('scroll', later, { capture: true });
      watch.disconnect();
    },
  };
}
