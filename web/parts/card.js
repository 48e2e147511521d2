// SPDX-License-Identifier: Apache-2.0
// Small things that several views show: a state as sign and word, a pair of name and value, the head of a view.
//
//   badge({tone, text, sign?}) · tag(text) · pairs([[name, value|Node], …]) · head({title, sub?, actions?, back?})
//   tones: ok ✓ · warn ! · crit ✕ · busy … · rest –: never colour alone.

import { el } from '../core/dom.js';

export const SIGNS = { ok: '✓', warn: '!', crit: '✕', busy: '↻', rest: '–', sleep: '☾' };

export function badge({ tone = 'rest', text, sign = SIGNS[tone] ?? '' }) {
  return el(
    'span',
    { class: 'badge', data: { tone: tone === 'sleep' ? 'rest' : tone } },
    el('span', { class: 'sign', 'aria-hidden': 'true', text: sign }),
    el('span', { text })
  );
}

export function tag(text) {
  return el('span', { class: 'tag', text });
}

export function pairs(rows) {
  return el(
    'dl',
    { class: 'pairs' },
    rows
      .filter(Boolean)
      .map(([name, value]) => [el('dt', { text: name }), el('dd', {}, value instanceof Node ? value : String(value ?? ''))])
  );
}

export function head({ title, sub = null, actions = [], back = null }) {
  return el(
    'header',
    { class: 'head' },
    back && el('a', { class: 'back', href: back.href, text: `‹ ${back.text}` }),
    el('div', { class: 'head-row' }, el('h1', { text: title }), actions.length ? el('div', { class: 'row head-actions' }, actions) : null),
    sub && el('p', { class: 'meta' }, sub)
  );
}
