// SPDX-License-Identifier: Apache-2.0
// What the rules answered, drawn without knowing the question: its words first, lists as tables, the readings behind it folded.

import { cut, el } from '../core/dom.js';
import { nameText, valueText } from '../state/ask.js';

const ROWS_MAX = 200,
  COLUMNS_MAX = 7,
  CELL_MAX = 200;
const FOLDED = new Set(['facts', 'proof']);
const PRIVATE = new Set(['words']);

const isRow = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

function columnsOf(rows) {
  const columns = [];
  for (const row of rows) {
    for (const name of Object.keys(row)) {
      const plain = !isRow(row[name]) && !(Array.isArray(row[name]) && row[name].some(isRow));
      if (plain && row[name] !== null && !columns.includes(name)) columns.push(name);
    }
  }
  return columns.slice(0, COLUMNS_MAX);
}

export function table(rows) {
  const shown = rows.slice(0, ROWS_MAX);
  const columns = columnsOf(shown);
  const numeric = new Set(columns.filter((name) => shown.every((row) => row[name] === null || typeof row[name] === 'number')));
  return el(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'table' },
    el(
      'table',
      { class: 'table' },
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          columns.map((name) => el('th', { scope: 'col', class: numeric.has(name) ? 'number' : null, text: nameText(name) }))
        )
      ),
      el(
        'tbody',
        {},
        shown.map((row) =>
          el(
            'tr',
            {},
            columns.map((name) => el('td', { class: numeric.has(name) ? 'number' : null, text: cut(valueText(row[name]), CELL_MAX) }))
          )
        )
      )
    ),
    rows.length > ROWS_MAX && el('p', { class: 'meta', text: `… ${rows.length - ROWS_MAX} more` })
  );
}

function part(name, value) {
  if (Array.isArray(value)) {
    if (!value.length) return null;
    if (value.every(isRow)) return el('section', {}, el('h3', { text: nameText(name) }), table(value));
    return el(
      'section',
      {},
      el('h3', { text: nameText(name) }),
      el(
        'ul',
        { class: 'plain' },
        value.slice(0, ROWS_MAX).map((one) => el('li', { text: valueText(one) }))
      )
    );
  }
  return null;
}

/** An answer object: {words, …}; `folded` says what the fold is called. */
export function drawAnswer(answer, { folded }) {
  const scalars = [],
    parts = [],
    behind = [];
  for (const [name, value] of Object.entries(answer ?? {})) {
    if (PRIVATE.has(name) || value === null) continue;
    if (FOLDED.has(name)) behind.push(part(name, value));
    else if (Array.isArray(value)) parts.push(part(name, value));
    else if (isRow(value))
      scalars.push(
        ...Object.entries(value)
          .filter(([, inner]) => inner !== null && !Array.isArray(inner))
          .map(([key, inner]) => [key, inner])
      );
    else scalars.push([name, value]);
  }
  const hidden = behind.filter(Boolean);
  return el(
    'div',
    { class: 'stack answer' },
    answer?.words && el('p', { class: 'answer-words', text: answer.words }),
    scalars.length > 0 &&
      el(
        'dl',
        { class: 'pairs' },
        scalars
          .slice(0, 20)
          .map(([name, value]) => [el('dt', { text: nameText(name) }), el('dd', { text: cut(valueText(value), CELL_MAX) })])
      ),
    parts,
    hidden.length > 0 && el('details', {}, el('summary', { text: folded }), hidden)
  );
}
