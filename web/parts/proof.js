// SPDX-License-Identifier: Apache-2.0
// Why: the tree of rules and facts behind a verdict. proof(root, words); root {goal, words, because: [root, …]}
// Branches are <details>, drawn when first opened: a proof of thousands of nodes costs what one looks at. Arrow keys move and fold.

import { el } from '../core/dom.js';

const OPEN_DEPTH = 2; // open from the start
const OPEN_ALL_MAX = 500;

const children = (node) => (Array.isArray(node?.because) ? node.because : []);

function said(node) {
  const words = el('span', { class: 'proof-words', text: node?.words ?? '' });
  return [words, node?.goal ? el('code', { class: 'proof-goal', text: node.goal }) : null];
}

function item(node, depth) {
  const below = children(node);
  if (!below.length) return el('li', { class: 'proof-leaf' }, el('div', { class: 'proof-line', tabindex: -1 }, said(node)));
  const fold = el('details', {}, el('summary', { class: 'proof-line' }, said(node)));
  const fill = () => {
    if (fold.lastChild.tagName !== 'UL')
      fold.append(
        el(
          'ul',
          {},
          below.map((one) => item(one, depth + 1))
        )
      );
  };
  fold.addEventListener('toggle', () => {
    if (fold.open) fill();
  });
  fold.addEventListener('fill', fill);
  if (depth < OPEN_DEPTH) {
    fill();
    fold.open = true;
  }
  return el('li', {}, fold);
}

// Lines in the order in which they are seen; those in a closed branch are not.
function lines(tree) {
  return [...tree.querySelectorAll('.proof-line')].filter((one) => one.getClientRects().length > 0);
}

function fold(line, open) {
  const details = line.closest('details');
  if (line.tagName === 'SUMMARY' && details.open !== open) {
    details.open = open;
    return line;
  }
  if (!open) return (line.tagName === 'SUMMARY' ? details.parentElement.closest('details') : details)?.querySelector('summary') ?? null;
  return null;
}

function onKey(event, tree) {
  const line = event.target.closest?.('.proof-line');
  if (!line || event.altKey || event.ctrlKey || event.metaKey) return;
  const list = lines(tree);
  const at = list.indexOf(line);
  const to = {
    ArrowDown: () => list[at + 1],
    ArrowUp: () => list[at - 1],
    ArrowRight: () => fold(line, true),
    ArrowLeft: () => fold(line, false),
  }[event.key]?.();
  if (to === undefined) return;
  event.preventDefault();
  to?.focus();
}

// Breadth first, and no more than a reader can bear.
function openAll(tree) {
  let count = 0;
  for (let closed = [tree]; closed.length && count < OPEN_ALL_MAX;) {
    closed = [...tree.querySelectorAll('details:not([open])')].slice(0, OPEN_ALL_MAX - count);
    for (const one of closed) {
      one.dispatchEvent(new Event('fill'));
      one.open = true;
      count++;
    }
  }
}

export function proof(root, words) {
  if (!root) return null;
  const tree = el('ul', { class: 'proof', 'aria-label': words.label }, item(root, 0));
  tree.addEventListener('keydown', (event) => onKey(event, tree));
  const all = el('button', { class: 'button small quiet', type: 'button', text: words.openAll, on: { click: () => openAll(tree) } });
  return el('div', { class: 'stack' }, tree, children(root).some((one) => children(one).length) ? el('div', { class: 'row' }, all) : null);
}
