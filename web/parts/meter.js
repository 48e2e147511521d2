// SPDX-License-Identifier: Apache-2.0
// A share as a thin bar with its words: meter({label, share 0…1|null, text, tone}) -> Element; setMeter(element, {share, text, tone}).

import { el, setAttr, setText, setVars } from '../core/dom.js';

export const clamp = (share) => Math.min(1, Math.max(0, share));

export function meter({ label, share = null, text = '', tone = 'rest', title = null }) {
  const node = el(
    'div',
    { class: 'meter', title },
    el('span', { class: 'meter-label', text: label }),
    el('span', { class: 'meter-text' }),
    el('span', { class: 'meter-bar', 'aria-hidden': 'true' }, el('span', { class: 'meter-fill' }))
  );
  return setMeter(node, { share, text, tone });
}

export function setMeter(node, { share = null, text = '', tone = 'rest' }) {
  setText(node.querySelector('.meter-text'), text);
  setAttr(node, 'data-tone', tone);
  setAttr(node, 'data-known', share === null ? 'no' : 'yes');
  setVars(node, { share: share === null ? '0' : clamp(share).toFixed(3) });
  return node;
}
