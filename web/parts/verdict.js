// SPDX-License-Identifier: Apache-2.0
// The judge's word and the state of a case, as sign and words. status(row, words) · tier(name, words) · verdict(view, words)

import { el } from '../core/dom.js';
import { badge } from './card.js';

/** Of the states of a case. */
export const TONES = {
  success: 'ok',
  awaiting_consent: 'warn',
  denied: 'crit',
  refused: 'crit',
  failed: 'crit',
  expired: 'rest',
  working: 'busy',
};
const SIGNS = { awaiting_consent: '✎', refused: '✕', denied: '⊘', expired: '◷' };
const TIERS = { observe: 'rest', change: 'busy', risky: 'warn', destructive: 'crit' };
const TIER_SIGNS = { observe: '◦', change: '△', risky: '▲', destructive: '◆' };

export const toneOf = (status) => TONES[status] ?? 'rest';

export function status(name, words) {
  return badge({ tone: toneOf(name), text: words.status[name] ?? name, sign: SIGNS[name] });
}

export function tier(name, words) {
  return badge({ tone: TIERS[name] ?? 'crit', text: words.tier[name] ?? name ?? words.tierUnknown, sign: TIER_SIGNS[name] ?? '◆' });
}

function list(title, lines, name) {
  if (!lines.length) return null;
  return el(
    'div',
    { class: name },
    el('h3', { text: title }),
    el(
      'ul',
      { class: 'dots' },
      lines.map((text) => el('li', { text }))
    )
  );
}

/** In words, with the reasons, and for a deny what would change it. */
export function verdict(found, words) {
  const reasons = (found.reasons ?? []).map((one) => one.words);
  return el(
    'div',
    { class: 'stack' },
    el('p', { class: 'verdict-words', text: found.words ?? '' }),
    reasons.length > 1 ? list(words.reasons, reasons, 'verdict-reasons') : null, // one reason stands in the words already
    list(words.would, found.would_permit ?? [], 'verdict-would')
  );
}
