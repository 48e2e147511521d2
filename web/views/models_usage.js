// SPDX-License-Identifier: Apache-2.0
// Who used what: GET /api/v1/usage for today and for seven days (days are those of UTC, as the accounts are kept).

import { el, replace } from '../core/dom.js';
import { count, duration } from '../core/format.js';
import { failure } from '../parts/empty.js';

const SPANS = { today: 0, week: 6 };

/** The day of `since` as the route wants it. Pure. */
export function sinceDay(now_ms, days) {
  return new Date(now_ms - days * 86_400_000).toISOString().slice(0, 10);
}

export function makeUsage(context) {
  const { api } = context,
    words = context.words.usage;
  const place = el('div');
  let span = 'today';
  const tabs = Object.keys(SPANS).map((name) =>
    el('button', {
      type: 'button',
      'aria-pressed': String(name === span),
      text: words[name],
      on: {
        click: () => {
          span = name;
          ask();
        },
      },
    })
  );
  const node = el(
    'section',
    { class: 'stack', 'aria-labelledby': 'usage' },
    el(
      'div',
      { class: 'spread' },
      el('h2', { id: 'usage', text: words.title }),
      el('div', { class: 'tabs', role: 'group', 'aria-label': words.span }, tabs)
    ),
    place
  );

  function table(answer) {
    const rows = [...(answer.rows ?? [])].sort((a, b) => b.prompt_tokens + b.completion_tokens - a.prompt_tokens - a.completion_tokens);
    const most = Math.max(1, ...rows.map((row) => row.prompt_tokens + row.completion_tokens));
    const cells = (row) => [
      count(row.requests),
      count(row.prompt_tokens),
      count(row.completion_tokens),
      duration(row.busy_ms),
      duration(row.held_ms),
      row.failed + row.cancelled ? count(row.failed + row.cancelled) : '–',
    ];
    return el(
      'div',
      { class: 'card scroll' },
      el(
        'table',
        { class: 'table' },
        el(
          'thead',
          {},
          el(
            'tr',
            {},
            el('th', { scope: 'col', text: words.caller }),
            el('th', { scope: 'col', text: words.model }),
            words.columns.map((text) => el('th', { scope: 'col', class: 'number', text }))
          )
        ),
        el(
          'tbody',
          {},
          rows.map((row) =>
            el(
              'tr',
              {},
              el(
                'th',
                { scope: 'row', class: 'usage-who', vars: { share: ((row.prompt_tokens + row.completion_tokens) / most).toFixed(3) } },
                row.caller,
                el('span', { class: 'usage-bar', 'aria-hidden': 'true' })
              ),
              el('td', { text: row.model }),
              cells(row).map((text) => el('td', { class: 'number', text }))
            )
          )
        ),
        rows.length > 1 &&
          el(
            'tfoot',
            {},
            el(
              'tr',
              {},
              el('th', { scope: 'row', colspan: 2, text: words.total }),
              cells(answer.total).map((text) => el('td', { class: 'number', text }))
            )
          )
      )
    );
  }

  async function ask() {
    tabs.forEach((tab, i) => tab.setAttribute('aria-pressed', String(Object.keys(SPANS)[i] === span)));
    try {
      const answer = await api.get(`/api/v1/usage?since=${sinceDay(Date.now(), SPANS[span])}&by=both`);
      replace(place, answer.rows?.length ? table(answer) : el('p', { class: 'card meta', text: words.none }));
    } catch (error) {
      replace(place, failure(error, { title: words.failed, again: words.again }, ask));
    }
  }

  ask();
  return { node, ask };
}
