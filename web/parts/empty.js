// SPDX-License-Identifier: Apache-2.0
// What stands where nothing is: nothing yet, not loaded, not there.
// empty({title, text, actions}) · failure(error, words, retry) · loading(text)

import { el } from '../core/dom.js';

export function empty({ title = '', text = '', actions = [] } = {}) {
  return el(
    'div',
    { class: 'empty' },
    title && el('p', { class: 'empty-title', text: title }),
    text && el('p', { text }),
    actions.length ? el('div', { class: 'row' }, actions) : null
  );
}

export function loading(text) {
  return el('p', { class: 'empty loading', role: 'status', text });
}

/** An ApiError as a person reads it; `retry` is what its button does. */
export function failure(error, { title, again }, retry = null) {
  return el(
    'div',
    { class: 'note', data: { tone: 'warn' }, role: 'alert' },
    el('strong', { text: title }),
    el('p', { text: error?.message ?? String(error) }),
    retry && el('button', { class: 'button small', type: 'button', text: again, on: { click: retry } })
  );
}
