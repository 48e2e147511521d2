// SPDX-License-Identifier: Apache-2.0
// What is added, removed, changed: one line each, with a sign and, for who does not see it, a word. diff(lines, words, {max})

import { el } from '../core/dom.js';

const SIGNS = { add: '+', remove: '−', change: '~' };

function line({ op, text }, words) {
  const known = op in SIGNS ? op : 'other';
  return el(
    'li',
    { data: { op: known } },
    el('span', { class: 'diff-sign', 'aria-hidden': 'true', text: SIGNS[op] ?? '·' }),
    el('span', { class: 'away', text: `${words.op[known]} ` }),
    el('span', { class: 'diff-text', text: text ?? '' })
  );
}

/** Longer than `max` lines, the rest comes at a press; without `max` all of it is drawn. */
export function diff(lines, words, { max = Infinity } = {}) {
  const list = el(
    'ul',
    { class: 'diff', 'aria-label': words.label },
    lines.slice(0, max).map((one) => line(one, words))
  );
  if (lines.length <= max) return list;
  const more = el('button', { class: 'button small', type: 'button', text: words.more(lines.length - max) });
  more.addEventListener('click', () => {
    list.append(...lines.slice(max).map((one) => line(one, words)));
    more.remove();
  });
  return el('div', { class: 'stack' }, list, more);
}
