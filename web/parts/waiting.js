// SPDX-License-Identifier: Apache-2.0
// Who waits for an engine and who has one, with times that count by themselves. makeWaiting(words) -> {node, draw(queue state), close()}

import { el, setText } from '../core/dom.js';
import { duration } from '../core/format.js';
import { keyed } from '../core/list.js';
import { onTick } from '../core/tick.js';

export function makeWaiting(words, { empty = null } = {}) {
  const list = el('ol', { class: 'queue-list' }),
    none = el('p', { class: 'meta', text: empty ?? '', hidden: true });
  const node = el('section', { hidden: true, 'aria-labelledby': 'waiting' }, el('h2', { id: 'waiting', text: words.title }), list, none);
  let rows = [],
    came = 0;
  const put = keyed(list, {
    key: (row) => row.id ?? row.request,
    make: () =>
      el(
        'li',
        { class: 'queue-row' },
        el('span', { class: 'number' }),
        el('span', { class: 'queue-who' }),
        el('span', { class: 'meta' }),
        el('span', { class: 'meta number queue-time' })
      ),
    update(item, row) {
      const [position, who, model] = item.children,
        runs = row.state === 'running';
      setText(position, runs ? '▸' : String(row.position ?? ''));
      setText(who, row.caller ?? '');
      setText(model, [row.model, runs ? words.runs : words.waits].filter(Boolean).join(' · '));
    },
  });

  function count(now = Date.now()) {
    [...list.children].forEach((item, i) => setText(item.lastChild, rows[i] ? duration((rows[i].waited_ms ?? 0) + (now - came)) : ''));
  }

  const off = onTick(count);
  return {
    node,
    close: off,
    draw(queue) {
      if (rows !== queue.requests) came = Date.now();
      rows = queue.requests;
      node.hidden = !rows.length && empty === null;
      list.hidden = !rows.length;
      none.hidden = rows.length > 0;
      put(rows);
      count();
    },
  };
}
