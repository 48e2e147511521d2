// SPDX-License-Identifier: Apache-2.0
// What happened, in order, with its numbers in the ledger. timeline(steps, words, now)
//   step: {seq, kind, at, words, note, tone}; `words` is the line, `note` what stands below it (a text or a node)

import { el } from '../core/dom.js';
import { duration, toMs, when } from '../core/format.js';
import { link } from '../core/router.js';

function step(one, before, words, now) {
  const passed = before ? toMs(one.at) - toMs(before.at) : null;
  const entry = words.entry(one.seq);
  const number = el('a', { class: 'step-seq', href: link('ledger', one.seq), title: entry, 'aria-label': entry, text: `#${one.seq}` });
  const time = el('time', { datetime: one.at, text: when(one.at, now) });

  return el(
    'li',
    { class: 'step', data: { tone: one.tone ?? 'rest' } },
    el('div', { class: 'step-line' }, el('span', { class: 'step-words', text: one.words }), number),
    one.note ? el('div', { class: 'step-note' }, one.note) : null,
    el('div', { class: 'meta' }, time, passed >= 1000 ? ` · ${words.later(duration(passed))}` : null)
  );
}

export function timeline(steps, words, now) {
  return el(
    'ol',
    { class: 'steps-list', 'aria-label': words.label },
    steps.map((one, i) => step(one, steps[i - 1], words, now))
  );
}
