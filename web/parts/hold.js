// SPDX-License-Identifier: Apache-2.0
// A button that must be held: with a finger, the mouse, Space or Enter. holdButton({text, holding, short, ms, done}) -> Element
// Who cannot hold a key is given another way by whoever uses it (a typed word).

import { el, setText } from '../core/dom.js';

export const HOLD_MS = 1500;

export function holdButton({ text, holding, short, done, ms = HOLD_MS }) {
  const label = el('span', { text });
  const fill = el('span', { class: 'hold-fill', 'aria-hidden': 'true' });
  const node = el('button', { class: 'button main hold', type: 'button' }, fill, label);
  const said = el('span', { class: 'away', role: 'status' });
  let timer = null;

  function begin() {
    if (timer !== null || node.disabled) return;
    node.dataset.holding = 'yes';
    setText(label, holding);
    timer = setTimeout(() => {
      end(false);
      done();
    }, ms);
  }

  function end(isShort = true) {
    if (timer === null) return;
    clearTimeout(timer);
    timer = null;
    delete node.dataset.holding;
    setText(label, text);
    if (isShort) setText(said, short);
  }

  node.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    node.setPointerCapture?.(event.pointerId);
    begin();
  });
  for (const name of ['pointerup', 'pointercancel', 'blur']) node.addEventListener(name, () => end());
  node.addEventListener('contextmenu', (event) => event.preventDefault()); // a long touch is what is wanted here
  node.addEventListener('keydown', (event) => {
    if (event.key !== ' ' && event.key !== 'Enter') return;
    event.preventDefault();
    begin();
  });
  node.addEventListener('keyup', () => end());
  return el('span', { class: 'hold-box' }, node, said);
}
