// SPDX-License-Identifier: Apache-2.0
// The frame around every view: navigation (side bar, on a phone a bottom bar), ask bar, the state of the stream, keys, who is signed in.

import { el, setAttr, setText } from '../core/dom.js';
import { duration } from '../core/format.js';
import { keys } from '../core/keys.js';
import { current, match } from '../core/router.js';
import * as themes from '../core/theme.js';
import { counts } from '../state/attention.js';
import { makeAsk } from './ask.js';
import { icon } from './icons.js';

const NAV = ['house', 'cases', 'alerts', 'models', 'chat', 'ledger', 'people', 'power', 'swarm'];
const ON_PHONE = new Set(['house', 'cases', 'alerts', 'models']); // the bottom bar; the others stand behind "More"
const PATHS = { house: '#/' };
const QUIET_MS = 3000; // a stream that comes back sooner is not worth a word
const pathOf = (name) => PATHS[name] ?? `#/${name}`;

function navItem(name, text) {
  const count = el('span', { class: 'nav-count', 'aria-hidden': 'true', hidden: true }),
    told = el('span', { class: 'away' });
  const anchor = el('a', { href: pathOf(name), data: { nav: name } }, icon(name), el('span', { class: 'nav-text', text }), count, told);
  return { node: el('li', { class: ON_PHONE.has(name) ? null : 'not-phone' }, anchor), anchor, count, told };
}

function dialogOf(title, words, ...children) {
  const dialog = el('dialog', { class: 'sheet', 'aria-label': title });
  dialog.append(
    el(
      'div',
      { class: 'sheet-head' },
      el('h2', { text: title }),
      el('button', { class: 'button quiet small', type: 'button', text: words.close, on: { click: () => dialog.close() } })
    ),
    ...children
  );
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  return dialog;
}

function makeNav(words) {
  const items = Object.fromEntries(NAV.map((name) => [name, navItem(name, words.views[name])]));
  const more = el('button', { type: 'button', class: 'nav-more' }, icon('more'), el('span', { class: 'nav-text', text: words.more }));
  const node = el(
    'nav',
    { class: 'nav', 'aria-label': words.nav },
    el(
      'ul',
      {},
      NAV.map((name) => items[name].node),
      el('li', { class: 'only-phone' }, more)
    )
  );
  return {
    node,
    more,
    light(name) {
      for (const [each, item] of Object.entries(items)) setAttr(item.anchor, 'aria-current', each === name ? 'page' : null);
      setAttr(more, 'data-current', name && !ON_PHONE.has(name) ? 'yes' : null);
    },
    count(name, n, tone, sentence) {
      const { count, told } = items[name];
      count.hidden = !n;
      setText(count, n > 99 ? '99+' : n || '');
      setAttr(count, 'data-tone', tone);
      setText(told, n ? `, ${sentence}` : '');
    },
  };
}

function makeBanner(stream, words) {
  const text = el('p', { role: 'status', 'aria-live': 'polite' });
  const retry = el('button', { class: 'button small', type: 'button', text: words.retry, on: { click: () => stream.hurry() } });
  const node = el('div', { class: 'banner', hidden: true }, el('span', { class: 'sign', 'aria-hidden': 'true', text: '!' }), text, retry);
  let since = null,
    timer = null;

  function say() {
    const ms = Date.now() - since;
    node.hidden = ms < QUIET_MS;
    if (!node.hidden) setText(text, words.lost(ms > 60_000 ? duration(Math.floor(ms / 60_000) * 60_000) : ''));
  }

  function state(now) {
    if (now === 'lost' && since === null) {
      since = Date.now();
      timer = setInterval(say, 1000);
    } else if (now === 'live' || now === 'out') {
      clearInterval(timer);
      since = null;
      node.hidden = true;
    }
  }
  return { node, state };
}

function makeThemeButton(words, announce) {
  const text = el('span');
  const button = el(
    'button',
    {
      class: 'tool',
      type: 'button',
      on: {
        click: () => {
          themes.choose(themes.after(themes.theme()));
          say();
          announce(text.textContent);
        },
      },
    },
    icon('theme'),
    text
  );
  const say = () => setText(text, words.theme[themes.theme()]);
  say();
  return button;
}

function makeWho({ session, go }, words) {
  const name = el('p', { class: 'who-name' }),
    note = el('p', { class: 'meta' });
  const button = el('button', { class: 'tool', type: 'button' }, icon('out'), el('span'));
  button.addEventListener('click', async () => {
    if (session.get().how !== 'local' && session.get().signed_in) await session.signOut().catch(() => {});
    go('#/sign-in');
  });
  function draw(now) {
    setText(name, now.role === null ? words.signedOut : now.how === 'local' ? words.local : (now.name ?? now.principal));
    setText(note, now.role === 'viewer' ? words.viewer : '');
    note.hidden = !note.textContent;
    setText(button.lastChild, now.signed_in && now.how !== 'local' ? words.signOut : words.signIn);
  }
  draw(session.get());
  session.subscribe(draw);
  return el('div', { class: 'who' }, name, note, button);
}

function keysDialog(words) {
  return dialogOf(
    words.keysTitle,
    words,
    el(
      'dl',
      { class: 'pairs keys' },
      words.keys.map(([key, text]) => [
        el(
          'dt',
          {},
          key.split(' ').map((one) => el('kbd', { text: one }))
        ),
        el('dd', { text }),
      ])
    )
  );
}

/** A module that did not come throws a TypeError that says so; anything else is a mistake of the view. */
const notLoaded = (error) => error instanceof TypeError && /import|module|fetch/i.test(error.message);

export function makeShell(context, table) {
  const { stream, stores, session, go, announce } = context,
    words = context.words.shell;
  const ask = makeAsk(context);
  context.ask = { fill: ask.fill, asked: ask.asked };
  const nav = makeNav(words),
    banner = makeBanner(stream, words),
    keySheet = keysDialog(words);
  const live = el(
    'p',
    { class: 'live', data: { state: 'wait' } },
    el('span', { class: 'live-sign', 'aria-hidden': 'true' }),
    el('span', { text: words.stream.wait })
  );
  const house = el('p', { class: 'side-node' });
  const outlet = el('main', { class: 'main', id: 'main', tabindex: -1 });
  const tools = () =>
    el(
      'div',
      { class: 'tools' },
      makeThemeButton(words, announce),
      el(
        'button',
        { class: 'tool', type: 'button', on: { click: () => keySheet.showModal() } },
        icon('keys'),
        el('span', { text: words.keysHint })
      ),
      makeWho(context, words)
    );
  const others = el(
    'ul',
    { class: 'nav-list' },
    NAV.filter((name) => !ON_PHONE.has(name)).map((name) => navItem(name, words.views[name]).node)
  );
  const moreSheet = dialogOf(words.more, words, others, tools());
  moreSheet.addEventListener('click', (event) => {
    if (event.target.closest('a, .who button')) moreSheet.close();
  });
  nav.more.addEventListener('click', () => moreSheet.showModal());

  const node = el(
    'div',
    { class: 'shell' },
    el('a', {
      class: 'skip',
      href: '#main',
      text: words.skip,
      on: {
        click: (event) => {
          event.preventDefault();
          outlet.focus();
        },
      },
    }),
    el(
      'aside',
      { class: 'side', 'aria-label': words.side },
      el('div', { class: 'brand' }, el('p', { class: 'product', text: words.product }), house, live),
      nav.node,
      tools()
    ),
    el('header', { class: 'top' }, ask.node, banner.node),
    outlet,
    keySheet,
    moreSheet
  );

  function drawCounts() {
    const n = counts(stores.attention.get());
    nav.count('cases', n.waiting, 'warn', words.waiting(n.waiting));
    nav.count('alerts', n.open, n.critical ? 'crit' : 'warn', words.alertsOpen(n.open));
  }

  function drawStream(now) {
    setAttr(live, 'data-state', now);
    setText(live.lastChild, words.stream[now]);
    banner.state(now);
  }

  let titled = '',
    closed = false;
  function drawTitle() {
    const n = counts(stores.attention.get());
    const name = session.get().node ?? words.product;
    setText(house, session.get().node ?? '');
    document.title = `${n.waiting + n.critical ? `(${n.waiting + n.critical}) ` : ''}${titled ? `${titled} · ` : ''}${name}`;
  }

  function missing(title, text, error) {
    return el(
      'section',
      { class: 'empty tall' },
      el('h1', { text: title }),
      el('p', { text }),
      error && el('p', { class: 'mono meta', text: error.message }),
      el(
        'div',
        { class: 'row' },
        el('button', { class: 'button', type: 'button', text: words.again, on: { click: () => location.reload() } }),
        el('a', { class: 'button quiet', href: '#/', text: words.home })
      )
    );
  }

  function tell({ row, title, state, error }) {
    nav.light(row?.nav ?? null);
    if (state === 'loading') {
      setAttr(outlet, 'aria-busy', 'true');
      return null;
    }
    setAttr(outlet, 'aria-busy', null);
    titled = title ?? '';
    drawTitle();
    if (state === 'missing') return missing(words.missingTitle, words.missing);
    if (state === 'failed')
      return notLoaded(error) ? missing(words.failedTitle, words.failed, error) : missing(words.brokenTitle, words.broken, error);
    return null;
  }

  /** Whoever is signed out sees the sign-in, wherever he was; afterwards he comes back there. */
  function guard() {
    const now = session.get();
    closed = now.known && !session.mayLook();
    setAttr(node, 'data-signed-in', closed ? 'no' : 'yes');
    if (closed && !match(table, current())?.row.open) {
      try {
        sessionStorage.setItem('logic-node.back', current());
      } catch {
        /* then to the house */
      }
      go('#/sign-in');
    }
  }

  stores.attention.subscribe(() => {
    drawCounts();
    drawTitle();
  });
  session.subscribe(drawTitle);
  stream.onState(drawStream);
  keys({
    '/': () => ask.focus(),
    '?': () => keySheet.showModal(),
    ...Object.fromEntries(
      [
        ['h', 'house'],
        ['c', 'cases'],
        ['a', 'alerts'],
        ['m', 'models'],
        ['l', 'ledger'],
        ['t', 'chat'],
        ['p', 'people'],
      ].map(([key, name]) => [`g ${key}`, () => go(pathOf(name))])
    ),
  });
  drawCounts();

  return {
    node,
    outlet,
    tell,
    guard,
    /** The node did not even answer who we are. */
    away(retry) {
      outlet.replaceChildren(
        el(
          'section',
          { class: 'empty tall' },
          el('h1', { text: words.awayTitle }),
          el('p', { text: words.away }),
          el('button', { class: 'button', type: 'button', text: words.again, on: { click: retry } })
        )
      );
    },
  };
}
