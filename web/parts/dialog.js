// SPDX-License-Identifier: Apache-2.0
// A modal dialog that keeps the focus and is left only on purpose: by its button or Escape, never by a press beside it.
//
//   const box = dialog({ title, close, class, busy }); box.body, box.foot; box.open(); box.shut(); box.onShut(fn)
//       close: the word on its button · busy() -> true keeps Escape from closing (something is being sent)

import { el } from '../core/dom.js';

const REACHED =
  'a[href], button:not(:disabled), input:not(:disabled), textarea:not(:disabled), select:not(:disabled), summary, ' +
  '[tabindex]:not([tabindex="-1"])';

function reached(node) {
  return [...node.querySelectorAll(REACHED)].filter((one) => one.getClientRects().length > 0);
}

// The browser makes the rest of the page inert; this keeps Tab from wandering off into the browser's own buttons.
function keepTab(event, node) {
  if (event.key !== 'Tab') return;
  const list = reached(node);
  const at = event.shiftKey ? list[0] : list.at(-1);
  if (!list.length || (document.activeElement !== at && node.contains(document.activeElement))) return;
  event.preventDefault();
  (event.shiftKey ? list.at(-1) : list[0]).focus();
}

export function dialog({ title, close, class: name = null, busy = () => false }) {
  const heading = el('h2', { text: title, tabindex: -1 });
  const body = el('div', { class: 'dialog-body' });
  const foot = el('div', { class: 'dialog-foot' });
  const leave = el('button', { class: 'button quiet small', type: 'button', text: close, on: { click: () => node.close() } });
  const node = el(
    'dialog',
    { class: ['sheet', 'dialog', name], 'aria-label': title },
    el('div', { class: 'sheet-head' }, heading, leave),
    body,
    foot
  );
  const gone = new Set();
  const away = () => node.close(); // who goes elsewhere, or is signed out, does not take it along

  node.addEventListener('keydown', (event) => keepTab(event, node));
  node.addEventListener('cancel', (event) => {
    if (busy()) event.preventDefault();
  });
  node.addEventListener('close', () => {
    removeEventListener('hashchange', away);
    node.remove();
    for (const fn of gone) fn();
  });
  return {
    node,
    body,
    foot,
    leave,
    open() {
      document.body.append(node);
      addEventListener('hashchange', away);
      node.showModal();
      heading.focus();
    },
    shut() {
      node.close();
    },
    onShut(fn) {
      gone.add(fn);
    },
    isOpen: () => node.open,
  };
}
