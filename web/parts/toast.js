// SPDX-License-Identifier: Apache-2.0
// Short news at the edge, said to a screen reader too; and what is only said. show(text, {tone, action: {text, run}, ms}) · announce(text)

import { el, setText } from '../core/dom.js';
import { SIGNS } from './card.js';

const SHOWN_MAX = 4,
  SHOWN_MS = 7000;

export function makeToasts() {
  const list = el('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });
  const said = el('p', { class: 'away', role: 'status', 'aria-live': 'polite' });
  const node = el('div', {}, list, said);

  function show(text, { tone = 'rest', action = null, ms = SHOWN_MS } = {}) {
    const toast = el(
      'div',
      { class: 'toast', data: { tone } },
      el('span', { class: 'sign', 'aria-hidden': 'true', text: SIGNS[tone] ?? '' }),
      el('p', { text })
    );
    const timer = setTimeout(() => toast.remove(), ms);
    if (action) {
      toast.append(
        el('button', {
          class: 'button small quiet',
          type: 'button',
          text: action.text,
          on: {
            click: () => {
              clearTimeout(timer);
              toast.remove();
              action.run();
            },
          },
        })
      );
    }
    list.append(toast);
    while (list.children.length > SHOWN_MAX) list.firstChild.remove();
  }

  return {
    node,
    show,
    announce: (text) => {
      setText(said, '');
      setTimeout(() => setText(said, text), 50);
    },
  };
}
