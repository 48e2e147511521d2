// SPDX-License-Identifier: Apache-2.0
// What came of one proposal that was sent from the ask bar.

import { el } from '../core/dom.js';
import { drawAnswer } from './answer.js';
import { badge } from './card.js';

export function drawOutcome(result, { words, link, tones }) {
  const isAnswer = result.status === 'success' && result.answer;
  return el(
    'article',
    { class: 'stack ask-outcome' },
    el(
      'div',
      { class: 'row' },
      badge({ tone: tones[result.status] ?? 'rest', text: isAnswer ? words.answer : (words.statuses[result.status] ?? result.status) }),
      result.case && el('a', { href: link('cases', result.case), text: words.toCase })
    ),
    isAnswer ? drawAnswer(result.answer, { folded: words.behind }) : result.text && el('p', { text: result.text }),
    result.reasons.length > 0 &&
      el(
        'ul',
        { class: 'bullets' },
        result.reasons.map((text) => el('li', { text }))
      ),
    result.would_permit.length > 0 &&
      el(
        'div',
        {},
        el('p', { class: 'meta', text: words.wouldPermit }),
        el(
          'ul',
          { class: 'bullets' },
          result.would_permit.map((text) => el('li', { text }))
        )
      )
  );
}
