// SPDX-License-Identifier: Apache-2.0
// Any JSON value as a tree that folds: tree(value, words) -> Element. Long texts and lists are cut until somebody asks for the rest.
//   words: more(n), items(n), fields(n), deep
import { cut, el } from '../core/dom.js';

const DEPTH_MAX = 12;
const OPEN_DEPTH = 1; // so many levels are unfolded at first
const TEXT_MAX = 400;
const ITEMS_MAX = 200;
const HASH = /^[0-9a-f]{32,128}$/;

function text(value, words) {
  const whole = String(value);
  if (whole.length <= TEXT_MAX) return el('span', { class: HASH.test(whole) ? 'tree-text digest' : 'tree-text', text: whole });
  const node = el('span', { class: 'tree-text', text: cut(whole, TEXT_MAX) });
  const more = el('button', {
    class: 'button small quiet',
    type: 'button',
    text: words.more(whole.length),
    on: {
      click: () => {
        node.replaceWith(el('span', { class: 'tree-text', tabindex: '-1', text: whole }));
        more.remove();
      },
    },
  });
  return el('span', {}, node, ' ', more);
}

function leaf(value, words) {
  if (typeof value === 'string') return text(value, words);
  return el('span', { class: 'tree-value', text: String(value) });
}

// What stands below a name is made when it is unfolded for the first time.
function branch(name, value, depth, words) {
  const list = Array.isArray(value);
  const size = list ? value.length : Object.keys(value).length;
  const summary = el(
    'summary',
    {},
    el('span', { class: 'tree-name', text: name }),
    ' ',
    el('span', { class: 'meta', text: list ? words.items(size) : words.fields(size) })
  );
  const node = el('details', {}, summary);
  const fill = () => {
    if (node.open && node.childElementCount === 1) node.append(rows(value, depth + 1, words));
  };
  node.addEventListener('toggle', fill);
  if (depth < OPEN_DEPTH && size > 0) {
    node.open = true;
    fill();
  }
  return el('li', {}, node);
}

function row(name, value, depth, words) {
  const inner = value !== null && typeof value === 'object' && (Array.isArray(value) ? value.length : Object.keys(value).length) > 0;
  if (inner && depth >= DEPTH_MAX)
    return el('li', {}, el('span', { class: 'tree-name', text: name }), ' ', el('span', { class: 'meta', text: words.deep }));
  if (inner) return branch(name, value, depth, words);
  const shown = value !== null && typeof value === 'object' ? (Array.isArray(value) ? '[]' : '{}') : value;
  return el(
    'li',
    {},
    el('span', { class: 'tree-name', text: name }),
    ' ',
    value === shown ? leaf(value, words) : el('span', { class: 'tree-value', text: shown })
  );
}

function rows(value, depth, words) {
  const all = Array.isArray(value) ? value.map((one, index) => [String(index + 1), one]) : Object.entries(value);
  const list = el(
    'ul',
    { class: 'tree' },
    all.slice(0, ITEMS_MAX).map(([name, one]) => row(name, one, depth, words))
  );
  if (all.length <= ITEMS_MAX) return list;
  const more = el(
    'li',
    {},
    el('button', {
      class: 'button small quiet',
      type: 'button',
      text: words.items(all.length),
      on: {
        click: () => {
          more.replaceWith(...all.slice(ITEMS_MAX).map(([name, one]) => row(name, one, depth, words)));
        },
      },
    })
  );
  list.append(more);
  return list;
}

export function tree(value, words) {
  if (value === null || typeof value !== 'object') return el('div', { class: 'tree' }, leaf(value, words));
  return rows(value, 0, words);
}
