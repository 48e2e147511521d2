// SPDX-License-Identifier: Apache-2.0
// Who is who: the one who looks, the people of the house with their keys, the browsers that are signed in, and who is told outside.

import { el, replace } from '../core/dom.js';
import { ago, duration, toMs, when } from '../core/format.js';
import { end, sessions } from '../identity/session.js';
import { badge, head, pairs, tag } from '../parts/card.js';
import { empty, failure, loading } from '../parts/empty.js';
import { tier } from '../parts/verdict.js';
import { browserNotices, channels } from './people_told.js';

const SETTLE_MS = 300; // what is told of is then also in the lists

const code = (text, name = null) => el('code', { class: name, text });
const command = (text) => el('p', {}, code(text, 'copyable'));
const fold = (title, ...children) => el('details', { class: 'fold' }, el('summary', { text: title }), children);

function section(title, ...children) {
  const body = el('div', { class: 'stack' }, children);
  return { body, node: el('section', { class: 'card stack' }, el('h2', { text: title }), body) };
}

// Drawn anew, the folds stay open that were, and the focus stays where it was if what had it is still there.
function redraw(body, nodes) {
  const folds = [...body.querySelectorAll('details')].map((one) => one.open);
  const focused = body.contains(document.activeElement) ? document.activeElement : null;
  replace(body, nodes);
  body.querySelectorAll('details').forEach((one, i) => {
    one.open = folds[i] ?? false;
  });
  if (focused?.isConnected) focused.focus();
}

/** Fills a section with what a request answers, or with why it did not; the same answer draws nothing. */
function filled(part, ask, draw, words) {
  let shown = null;
  const fill = async () => {
    try {
      const answer = await ask();
      const text = JSON.stringify(answer);
      if (text !== shown) redraw(part.body, draw(answer));
      shown = text;
    } catch (error) {
      shown = null;
      replace(
        part.body,
        error.status === 404 ? empty({ text: words.older }) : failure(error, { title: words.failed, again: words.again }, fill)
      );
    }
  };
  replace(part.body, loading(words.loading));
  return fill;
}

// --- who looks

function me({ session, go }, words) {
  const now = session.get();
  const role = badge({ tone: now.role === 'operator' ? 'ok' : 'rest', text: now.role ?? words.roles.none });
  const out = el('button', { class: 'button small', type: 'button', text: words.signOut });
  out.addEventListener('click', async () => {
    out.disabled = true;
    await session.signOut().catch(() => {
      out.disabled = false;
    });
    go('#/sign-in');
  });
  return [
    pairs([
      [words.who, now.how === 'local' ? words.nobody : now.name ? `${now.name} (${now.principal})` : (now.principal ?? words.nobody)],
      [words.role, el('span', {}, role, ' ', words.roles[now.role] ?? '')],
      [words.how, words.hows[now.how] ?? now.how ?? ''],
      now.expires_at ? [words.until, `${when(now.expires_at, Date.now())} (${duration(toMs(now.expires_at) - Date.now())})`] : null,
    ]),
    el(
      'div',
      { class: 'row' },
      now.how !== 'local' ? out : null,
      el('a', { class: 'button small', href: '#/sign-in', text: words.signInElse })
    ),
  ];
}

// --- people

function passkey(one, words) {
  return el(
    'li',
    { class: 'passkey' },
    el('strong', { text: one.words || words.unnamed }),
    ' ',
    code(one.key_id),
    ' ',
    el('span', { class: 'meta', text: words.at(one.rp_id) })
  );
}

function person(one, words, texts) {
  const keys = one.keys ? words.keyFiles(one.keys) : words.noKeyFiles;
  return el(
    'li',
    { class: 'person' },
    el('div', { class: 'spread' }, el('h3', {}, one.name, ' ', code(one.person, 'meta')), el('div', { class: 'row' }, one.roles.map(tag))),
    el('p', {}, one.may_approve ? [words.signsUpTo, ' ', tier(one.may_approve, texts)] : words.signsNothing),
    one.passkeys.length
      ? el(
          'ul',
          { class: 'stack tight' },
          one.passkeys.map((p) => passkey(p, words))
        )
      : el('p', { class: 'meta', text: words.noPasskey }),
    el('p', { class: 'meta', text: keys })
  );
}

function people({ people: list = [], origins = [] }, words, texts) {
  return [
    list.length
      ? el(
          'ul',
          { class: 'people' },
          list.map((one) => person(one, words, texts))
        )
      : empty({ text: words.noPeople }),
    fold(
      words.enrolTitle,
      el('p', { text: words.enrolText }),
      command('logicctl operator enroll PERSON'),
      el('p', {}, words.enrolThen, ' ', el('a', { href: '#/enrol', text: words.enrolLink })),
      el('p', { text: words.removeText }),
      command('logicctl operator remove KEY_ID')
    ),
    el('p', { class: 'meta' }, origins.length ? [words.origins, ' ', origins.map((one) => [code(one), ' '])] : words.noOrigins),
  ];
}

// --- sessions

function endButton(row, words, api, again) {
  const button = el('button', { class: 'button small', type: 'button', text: words.end, 'aria-label': words.endOf(row.principal) });
  let sure = false;
  button.addEventListener('click', async () => {
    if (!sure) {
      sure = true;
      button.textContent = words.endSure;
      button.classList.add('danger');
      return;
    }
    button.disabled = true;
    await end(api, row.name).catch(() => {});
    again();
  });
  button.addEventListener('blur', () => {
    sure = false;
    button.textContent = words.end;
    button.classList.remove('danger');
  });
  return button;
}

/** What a browser calls itself, as a person calls it. */
export function browserOf(agent) {
  const name = [
    [/Edg\//, 'Edge'],
    [/OPR\//, 'Opera'],
    [/Firefox\//, 'Firefox'],
    [/Chrome\//, 'Chrome'],
    [/Safari\//, 'Safari'],
  ].find(([pattern]) => pattern.test(agent))?.[1];
  const system = [
    [/iPhone/, 'iPhone'],
    [/iPad/, 'iPad'],
    [/Android/, 'Android'],
    [/Mac OS/, 'macOS'],
    [/Windows/, 'Windows'],
    [/Linux/, 'Linux'],
  ].find(([pattern]) => pattern.test(agent))?.[1];
  return [name, system].filter(Boolean).join(', ') || agent;
}

function sessionRow(row, words, api, again) {
  const seen = Date.now() - toMs(row.seen_at);
  return el(
    'li',
    { class: 'session' },
    el(
      'div',
      {},
      el('strong', { text: row.principal }),
      ' ',
      row.this ? badge({ tone: 'ok', text: words.thisOne }) : null,
      el('p', { class: 'meta', text: [browserOf(row.browser), row.address, words.hows[row.how] ?? row.how].filter(Boolean).join(' · ') }),
      el('p', { class: 'meta', text: `${words.seen(ago(seen))} · ${words.endsAt(when(row.expires_at, Date.now()))}` })
    ),
    row.this ? null : endButton(row, words, api, again)
  );
}

export function open(context) {
  const { api, words: texts, session } = context;
  const words = texts.people;
  const parts = { me: section(words.me), people: section(words.people), sessions: section(words.sessions), told: section(words.told) };
  const testers = new Map();
  const mine = () => replace(parts.me.body, me(context, words));

  const fillPeople = filled(
    parts.people,
    () => api.get('/api/v1/people'),
    (answer) => people(answer, words, texts.verdict),
    words
  );
  const fillSessions = filled(
    parts.sessions,
    () => sessions(api),
    (rows) =>
      rows.length
        ? el(
            'ul',
            { class: 'people' },
            rows.map((row) => sessionRow(row, words, api, fillSessions))
          )
        : empty({ text: words.noSessions }),
    words
  );
  const fillTold = filled(
    parts.told,
    () => api.get('/api/v1/notifications'),
    (answer) => channels(answer, context, testers),
    words
  );
  const soon = (fill) => () => setTimeout(fill, SETTLE_MS);
  const off = [
    session.subscribe(mine),
    ...['notification_sent', 'notification_failed'].map((kind) => context.stream.on(kind, soon(fillTold))),
    context.stream.on('kb_loaded', soon(fillPeople)),
  ];

  mine();
  fillPeople();
  fillSessions();
  fillTold();
  return {
    node: el(
      'section',
      { class: 'stack' },
      head({ title: words.title }),
      el(
        'div',
        { class: 'people-columns' },
        el('div', { class: 'stack' }, parts.me.node, parts.people.node),
        el('div', { class: 'stack' }, parts.told.node, browserNotices(context), parts.sessions.node)
      )
    ),
    title: words.title,
    close() {
      for (const fn of off) fn();
    },
  };
}
