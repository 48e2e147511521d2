// SPDX-License-Identifier: Apache-2.0
// The page begins here: session, shell, stream, routes. No view is loaded before it is opened.
//
// What a view is given: {api, stream, stores {house, queue, attention}, session, go, link, words, toast, announce, retitle}.

import * as api from './core/api.js';
import * as stream from './core/stream.js';
import { go, link, routes } from './core/router.js';
import { makeSession } from './core/session.js';
import { store } from './core/store.js';
import { apply } from './core/theme.js';
import { makeShell } from './parts/shell.js';
import { makeToasts } from './parts/toast.js';
import * as attention from './state/attention.js';
import * as house from './state/house.js';
import * as queue from './state/queue.js';
import { words } from './words.js';

// `nav`: which entry of the navigation is lit. `open`: also for who is not signed in. Add a view here and a section to words.js.
const TABLE = [
  { path: '/', nav: 'house', load: () => import('./views/house.js') },
  { path: '/nodes/:name', nav: 'house', load: () => import('./views/node.js') },
  { path: '/cases', nav: 'cases', load: () => import('./views/cases.js') },
  { path: '/cases/:id', nav: 'cases', load: () => import('./views/case.js') },
  { path: '/models', nav: 'models', load: () => import('./views/models.js') },
  { path: '/chat', nav: 'chat', load: () => import('./views/chat.js') },
  { path: '/alerts', nav: 'alerts', load: () => import('./views/alerts.js') },
  { path: '/alerts/:id', nav: 'alerts', load: () => import('./views/alert.js') },
  { path: '/ledger', nav: 'ledger', load: () => import('./views/ledger.js') },
  { path: '/ledger/:seq', nav: 'ledger', load: () => import('./views/entry.js') },
  { path: '/people', nav: 'people', load: () => import('./views/people.js') },
  { path: '/sign-in', nav: null, open: true, load: () => import('./views/sign_in.js') },
  { path: '/enrol', nav: null, open: true, load: () => import('./views/enrol.js') },
  { path: '/ask', nav: null, load: () => import('./views/ask.js') },
  { path: '/power', nav: 'power', load: () => import('./views/power.js') },
  { path: '/swarm', nav: 'swarm', load: () => import('./views/swarm.js') },
];

function makeStores() {
  const stores = {
    house: store(house.reduce, house.EMPTY),
    queue: store(queue.reduce, queue.EMPTY),
    attention: store(attention.reduce, attention.EMPTY),
  };
  stream.on('*', (event) => Object.values(stores).forEach((one) => one.dispatch(event)));
  return stores;
}

/** Pages that the stores begin with, and begin anew with where the stream may have a gap; a node without one of them is an older node. */
async function fill(stores) {
  const pages = [
    [
      '/api/v1/nodes',
      ({ nodes = [], vitals_left_out }) => stores.house.dispatch({ kind: 'page', nodes, vitals_left_out, at_ms: Date.now() }),
    ],
    ['/v1/capabilities', (page) => stores.queue.dispatch({ kind: 'page', capabilities: page })],
    ['/api/v1/cases?status=awaiting_consent&limit=100', (page) => stores.attention.dispatch({ kind: 'page', waiting: page.cases ?? [] })],
    ['/api/v1/alerts?limit=200', (page) => stores.attention.dispatch({ kind: 'page', alerts: page.alerts ?? [] })],
  ];
  await Promise.all(
    pages.map(async ([path, take]) => {
      try {
        take(await api.get(path));
      } catch (error) {
        stores.house.dispatch({ kind: 'page_failed', path, code: error.code ?? '', message: error.message });
      }
    })
  );
}

/** Only who wanted notifications of this browser loads them. */
function watchNotices(context) {
  try {
    if (localStorage.getItem('logic-node.notices') !== 'on') return;
  } catch {
    return;
  }
  import('./identity/notices.js').then(({ watch }) => watch(context)).catch(() => {});
}

const AWAY_MS = 3000; // between two looks whether the node is there again

/** Nobody stands before a tablet on the wall: the page comes back by itself. */
function comeBack(session) {
  const look = () => session.refresh().then(
    () => location.reload(),
    () => setTimeout(look, AWAY_MS)
  );
  setTimeout(look, AWAY_MS);
}

async function start() {
  apply();
  const session = makeSession(),
    stores = makeStores(),
    toasts = makeToasts();
  const context = { api, stream, stores, session, go, link, words, toast: toasts.show, announce: toasts.announce };
  const shell = makeShell(context, TABLE);
  let failed = false;
  document.body.append(shell.node, toasts.node);

  stream.on('reopened', () => {
    session.refresh().catch(() => {});
    fill(stores);
    if (failed) location.reload(); // a module that once could not be had is not asked for again in every browser
  });
  for (const event of ['online', 'focus', 'visibilitychange']) addEventListener(event, () => stream.hurry());

  let listening = false,
    who = null;
  function follow() {
    const now = session.mayLook(),
      principal = session.get()?.principal ?? null;
    if (now && listening && principal !== who) {
      listening = false; // somebody else signed in: they see what they may see
      stream.close();
    }
    who = principal;
    if (now && !listening) {
      listening = true;
      stream.open();
      fill(stores);
    } else if (!now && listening) {
      listening = false;
      stream.close();
    }
    shell.guard();
  }
  session.subscribe(follow);
  try {
    await session.refresh();
  } catch {
    shell.away(() => location.reload());
    comeBack(session);
    return;
  }
  follow();
  watchNotices(context);
  await routes(TABLE, shell.outlet, context, (step) => {
    failed = step.state === 'failed';
    return shell.tell(step);
  });
}

start();
