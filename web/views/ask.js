// SPDX-License-Identifier: Apache-2.0
// What can be asked: the catalogue with its sentences, and what was asked in this tab. A sentence in the address is only put into the bar.

import { el, replace } from '../core/dom.js';
import { ago } from '../core/format.js';
import { badge, head } from '../parts/card.js';
import { failure, loading } from '../parts/empty.js';

const ORDER = ['observe', 'change', 'risky', 'destructive'];
const TONES = { observe: 'rest', change: 'busy', risky: 'warn', destructive: 'crit' };

export function open(context, params) {
  const { api, ask, link, words: all } = context,
    words = all.ask;
  const asked = el('section', { 'aria-labelledby': 'asked', hidden: true }),
    place = el('div', {}, loading(all.shell.loading));
  const node = el('div', { class: 'stack wide' }, head({ title: words.title, sub: words.sub }), asked, place);

  function drawAsked() {
    const kept = ask.asked();
    asked.hidden = !kept.length;
    replace(
      asked,
      el('h2', { id: 'asked', text: words.asked }),
      el(
        'ul',
        { class: 'needs' },
        kept.map((one) =>
          el(
            'li',
            { class: 'spread' },
            el('button', { type: 'button', class: 'button quiet small', text: one.nl, on: { click: () => ask.fill(one.nl) } }),
            el(
              'span',
              { class: 'row meta' },
              ago(Date.now() - one.at),
              one.results.filter((result) => result.case).map((result) => el('a', { href: link('cases', result.case), text: words.toCase }))
            )
          )
        )
      )
    );
  }

  async function askActions() {
    try {
      const actions = (await api.get('/api/v1/actions')).actions ?? [];
      replace(
        place,
        ORDER.map((tier) => {
          const mine = actions.filter((action) => action.tier === tier);
          return (
            mine.length > 0 &&
            el(
              'section',
              { class: 'ask-tier' },
              el(
                'div',
                { class: 'section-title' },
                el('h2', { text: words.tierTitles[tier] }),
                badge({ tone: TONES[tier], text: words.tiers[tier], sign: '' })
              ),
              el(
                'div',
                { class: 'grid' },
                mine.map((action) =>
                  el(
                    'article',
                    { class: 'card ask-action' },
                    el('h3', { text: action.title }),
                    el('p', { class: 'meta', text: action.summary }),
                    el(
                      'ul',
                      { class: 'ask-examples' },
                      (action.examples ?? [])
                        .slice(0, 3)
                        .map((text) =>
                          el(
                            'li',
                            {},
                            el('button', { type: 'button', class: 'button quiet small', text, on: { click: () => ask.fill(text) } })
                          )
                        )
                    )
                  )
                )
              )
            )
          );
        })
      );
    } catch (error) {
      replace(place, failure(error, { title: words.none, again: words.again }, askActions));
    }
  }

  addEventListener('asked', drawAsked);
  drawAsked();
  askActions();
  if (params.query.q) setTimeout(() => ask.fill(params.query.q)); // after the route has moved the focus
  return {
    node,
    title: words.title,
    update(next) {
      if (next.query.q) setTimeout(() => ask.fill(next.query.q));
      return true;
    },
    close() {
      removeEventListener('asked', drawAsked);
    },
  };
}
