// SPDX-License-Identifier: Apache-2.0
// Who is told outside of the page: the channels of the node with what came of each message, and the notifications of this browser.

import { el, replace } from '../core/dom.js';
import { toMs, when } from '../core/format.js';
import { possible, turnOff, turnOn, wanted, watch } from '../identity/notices.js';
import { badge, tag } from '../parts/card.js';
import { empty } from '../parts/empty.js';

const note = (tone, ...children) => el('div', { class: 'note', data: { tone } }, children);

function aboutOf(about, words) {
  const what = words.about[about?.what] ?? about?.what ?? '';
  if (about?.case) return el('a', { href: `#/cases/${encodeURIComponent(about.case)}`, text: what || words.aboutCase });
  if (about?.alert) return el('a', { href: `#/alerts/${encodeURIComponent(about.alert)}`, text: what });
  if (about?.seq) return el('a', { href: `#/ledger/${encodeURIComponent(about.seq)}`, text: what || `#${about.seq}` });
  return what;
}

function tester(channel, { api }, words) {
  const button = el('button', { class: 'button small', type: 'button', text: words.test, 'aria-label': words.testOf(channel) });
  const said = el('div', { role: 'status' });
  button.addEventListener('click', async () => {
    button.disabled = true;
    replace(said, el('p', { class: 'meta', text: words.testing }));
    try {
      const answer = await api.post('/api/v1/notifications/test', { channel }, { timeout_ms: 60_000 });
      const good = answer.sent !== false && answer.ok !== false;
      replace(said, note(good ? 'ok' : 'crit', good ? words.testSent : (answer.words ?? answer.error?.message ?? words.testFailed)));
    } catch (error) {
      replace(said, note('crit', error.message));
    }
    button.disabled = false;
  });
  return { button, said };
}

function channelRow(one, context, testers, words) {
  const failed = one.last && one.last.sent === false;
  const state = failed
    ? badge({ tone: 'crit', text: words.lastFailed })
    : one.waiting
      ? badge({ tone: 'busy', text: words.waiting(one.waiting) })
      : badge({ tone: one.sent ? 'ok' : 'rest', text: words.sent(one.sent ?? 0) });
  if (!testers.has(one.channel)) testers.set(one.channel, tester(one.channel, context, words)); // what a test said stays
  const { button, said } = testers.get(one.channel);
  return el(
    'li',
    { class: 'person' },
    el('div', { class: 'spread' }, el('h3', {}, one.channel, ' ', tag(one.kind)), state),
    el('p', { class: 'meta' }, one.place ?? '', one.failed ? ` · ${words.failures(one.failed)}` : ''),
    el(
      'div',
      { class: 'row' },
      (one.about ?? []).map((about) => tag(words.about[about] ?? about))
    ),
    failed ? note('crit', `${when(one.last.at, Date.now())}: ${one.last.words ?? one.last.code ?? ''}`) : null,
    context.session.mayChange() ? el('div', { class: 'row' }, button) : null,
    said
  );
}

function lastRow(row, words) {
  const good = row.sent !== false;
  return el(
    'li',
    { class: 'told-row' },
    el('span', { class: 'sign', data: { tone: good ? 'ok' : 'crit' }, 'aria-hidden': 'true', text: good ? '✓' : '✕' }),
    el(
      'span',
      {},
      el('span', { class: 'away', text: good ? words.wasSent : words.wasNot }),
      `${row.channel}: `,
      aboutOf(row.about, words),
      good ? null : el('span', { class: 'meta', text: ` ${row.words ?? row.code ?? ''} (${words.tries(row.tries ?? 0)})` })
    ),
    el('time', { class: 'meta', datetime: row.at ?? '', text: toMs(row.at) === null ? '' : when(row.at, Date.now()) })
  );
}

function waitingRow(row, words) {
  return el(
    'li',
    { class: 'told-row' },
    el('span', { class: 'sign', data: { tone: 'busy' }, 'aria-hidden': 'true', text: '↻' }),
    el(
      'span',
      {},
      `${row.channel}: `,
      aboutOf(row.about, words),
      row.why ? el('span', { class: 'meta', text: ` ${row.why.words}` }) : null
    ),
    el('span', { class: 'meta', text: row.under_way ? words.underWay : words.next(when(row.next_at, Date.now())) })
  );
}

/** GET /api/v1/notifications, drawn. */
export function channels({ channels: list = [], waiting = [], last = [] }, context, testers) {
  const words = context.words.told;
  const rows = [...waiting.map((row) => waitingRow(row, words)), ...last.map((row) => lastRow(row, words))];
  if (!list.length) return [empty({ title: words.none, text: words.noneText }), el('pre', { class: 'json', text: words.example })];
  return [
    el(
      'ul',
      { class: 'people' },
      list.map((one) => channelRow(one, context, testers, words))
    ),
    rows.length
      ? el('details', { class: 'fold' }, el('summary', { text: words.lastTitle(rows.length) }), el('ul', { class: 'told' }, rows))
      : null,
  ];
}

/** Those of this browser: off until somebody wants them. */
export function browserNotices(context) {
  const words = context.words.notices;
  const box = el('input', { type: 'checkbox', checked: wanted() && possible() === null });
  const said = el('p', { class: 'meta', role: 'status' });
  const say = (why) => replace(said, why ? words.why[why] : box.checked ? words.on : words.off);

  box.addEventListener('change', async () => {
    if (!box.checked) {
      turnOff();
      say(null);
      return;
    }
    const why = await turnOn();
    box.checked = why === null;
    if (!why) watch(context);
    say(why);
  });
  say(possible());
  box.disabled = possible() !== null;
  return el('section', { class: 'card stack' }, el('h2', { text: words.title }), el('label', { class: 'check' }, box, words.label), said);
}
