// SPDX-License-Identifier: Apache-2.0
import { el } from '../core/dom.js';

export function makeAsk() {
  const input = el('input', { type: 'text', class: 'ask-input' });
  return { node: el('form', { class: 'ask' }, input), focus: () => input.focus() };
}
