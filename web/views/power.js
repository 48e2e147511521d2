// SPDX-License-Identifier: Apache-2.0
// Where mains, UPS and battery will stand (row P4). Until the node knows of them: what is measured now, and that no more is known.

import { el } from '../core/dom.js';
import { watts } from '../core/format.js';
import { head } from '../parts/card.js';
import { rowVitals } from '../state/vitals.js';

const rangeOf = (row) => (Array.isArray(row.watts_range) ? row.watts_range : null);

export function open({ stores, words: all }) {
  const words = all.power,
    list = el('ul', { class: 'card power-list' }),
    sum = el('p', { class: 'tile-value' });
  const node = el(
    'div',
    { class: 'stack wide' },
    head({ title: words.title, sub: words.sub }),
    el('section', { class: 'stack', 'aria-labelledby': 'draw' }, el('h2', { id: 'draw', text: words.draw }), sum, list),
    el('p', { class: 'note', data: { tone: 'rest' }, text: words.later })
  );

  function draw() {
    const { nodes } = stores.house.get();
    const rows = Object.keys(nodes)
      .map((name) => ({ name, watts: rowVitals(nodes[name]).watts, range: rangeOf(nodes[name]) }))
      .sort((a, b) => (b.watts ?? -1) - (a.watts ?? -1) || a.name.localeCompare(b.name));
    const known = rows.filter((row) => row.watts !== null),
      most = Math.max(1, ...rows.map((row) => Math.max(row.watts ?? 0, row.range?.[1] ?? 0)));
    sum.textContent = known.length ? watts(known.reduce((all_, row) => all_ + row.watts, 0)) : '–';
    list.replaceChildren(
      ...rows.map((row) =>
        el(
          'li',
          { class: 'power-row', vars: { share: ((row.watts ?? 0) / most).toFixed(3) } },
          el('a', { href: `#/nodes/${encodeURIComponent(row.name)}`, text: row.name }),
          el('span', { class: 'power-bar', 'aria-hidden': 'true' }),
          el('span', { class: 'number', text: row.watts === null ? words.unknown : watts(row.watts) }),
          el('span', { class: 'meta number', text: row.range ? words.range(row.range[0], row.range[1]) : '' })
        )
      )
    );
  }

  const off = stores.house.subscribe(draw);
  draw();
  return {
    node,
    title: words.title,
    close: off,
  };
}
