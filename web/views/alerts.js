// SPDX-License-Identifier: Apache-2.0
// Alerts: those that are open first, what each is, since when, and who looks after it.
import { el, replace, setText } from '../core/dom.js';
import { ago, count, duration, toMs } from '../core/format.js';
import { keyed } from '../core/list.js';
import { store } from '../core/store.js';
import { badge, head } from '../parts/card.js';
import { empty, failure, loading } from '../parts/empty.js';
import { EMPTY, list, openCount, reduce, sentence, toneOf } from '../state/alerts.js';

const OPEN_LIMIT = 200;
const CLOSED_LIMIT = 50;
const MEMBERS_SHOWN = 12;
const TICK_MS = 15_000;

function times(row, words, now) {
  const raised = toMs(row.raised_at);
  if (row.status !== 'cleared') return words.since(duration(now - raised));
  const cleared = toMs(row.cleared_at);
  return `${words.over(ago(now - cleared))}, ${words.lasted(duration(cleared - raised))}`;
}

// Those that the sentence of a storm does not name.
function members(row) {
  const left = (row.members ?? []).filter((name) => !String(row.words).includes(name));
  if (!left.length) return null;
  const names = left.slice(0, MEMBERS_SHOWN).join(', ');
  return el('p', { class: 'meta alert-members', text: left.length > MEMBERS_SHOWN ? `${names} …` : names });
}

function looked(row, words) {
  if (!row.acknowledged) return null;
  return el(
    'p',
    { class: 'alert-looked' },
    el('span', { class: 'sign', 'aria-hidden': 'true', text: '✓ ' }),
    words.lookedAfter(row.acknowledged.by, row.acknowledged.words)
  );
}

export function severityBadge(row, words) {
  if (row.status === 'cleared') return badge({ tone: 'ok', text: words.statuses.cleared });
  return badge({ tone: toneOf(row), text: words.severity[row.severity] ?? row.severity });
}

function drawRow(row, { words, link }) {
  const facts = [
    row.node ? el('a', { href: link('nodes', row.node), text: row.node }) : el('span', { text: words.storm }),
    el('span', { class: 'mono', text: row.condition === 'storm' ? row.part : row.condition }),
    el('span', { class: 'alert-time' }),
    row.members?.length ? el('span', { text: words.members(row.members.length) }) : null,
    row.count > 1 && !row.members?.length ? el('span', { text: words.times(row.count) }) : null,
    words.runbooks[row.runbook_state] ? el('span', { text: words.runbooks[row.runbook_state] }) : null,
  ];
  return el(
    'article',
    { class: 'card alert-row', data: { tone: toneOf(row), status: row.status } },
    el(
      'div',
      { class: 'alert-line' },
      severityBadge(row, words),
      el('h2', {}, el('a', { class: 'alert-link', href: link('alerts', row.id), text: sentence(row.words) || row.condition }))
    ),
    el('p', { class: 'meta alert-facts' }, facts),
    members(row),
    looked(row, words)
  );
}

function controls(words, filter, changed) {
  const tabs = [
    ['open', words.open],
    ['cleared', words.closed],
    ['all', words.all],
  ].map(([name, text]) => el('button', { type: 'button', data: { status: name }, text, on: { click: () => changed({ status: name }) } }));
  const search = el('input', {
    class: 'input',
    type: 'search',
    value: filter.text,
    placeholder: words.searchHint,
    'aria-label': words.search,
    autocomplete: 'off',
    spellcheck: 'false',
    on: { input: (event) => changed({ text: event.target.value }) },
  });
  const critical = el('input', {
    type: 'checkbox',
    on: { change: (event) => changed({ severity: event.target.checked ? 'critical' : '' }) },
  });
  return {
    node: el(
      'div',
      { class: 'row alert-filters', role: 'group', 'aria-label': words.filters },
      el('div', { class: 'tabs' }, tabs),
      search,
      el('label', { class: 'check' }, critical, words.onlyCritical)
    ),
    light: (status) => tabs.forEach((tab) => tab.setAttribute('aria-pressed', String(tab.dataset.status === status))),
  };
}

// Arrows go from alert to alert, as in the other lists.
function moveFocus(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !event.target.matches('.alert-link')) return;
  const links = [...event.currentTarget.querySelectorAll('.alert-link')];
  links[links.indexOf(event.target) + step]?.focus();
  event.preventDefault();
}

export function open(context, params) {
  const { api, stream, link } = context;
  const words = context.words.alerts;
  const alerts = store(reduce, EMPTY);
  let filter = { status: 'open', severity: '', text: params.query?.q ?? params.query?.node ?? '' };
  let closedAsked = false;
  let problem = null;

  const counted = el('p', { class: 'meta', role: 'status' });
  const rows = el('div', { class: 'stack' });
  rows.addEventListener('keydown', moveFocus);
  const nothing = el('div');
  const more = el('button', { class: 'button', type: 'button', text: words.older, on: { click: () => readClosed() } });
  const control = controls(words, filter, (change) => {
    filter = { ...filter, ...change };
    if (filter.status !== 'open' && !closedAsked) readClosed();
    draw();
  });
  const put = keyed(rows, {
    key: (row) => row.id,
    make: () => el('div'),
    update: (node, row) => {
      const focused = node.contains(document.activeElement);
      replace(node, drawRow(row, { words, link }));
      if (focused) node.querySelector('.alert-link').focus({ preventScroll: true });
    },
  });

  function tick() {
    const now = Date.now();
    const held = alerts.get().rows;
    for (const node of rows.children) {
      const id = node.querySelector('.alert-link').hash.split('/').at(-1);
      if (held[id]) setText(node.querySelector('.alert-time'), times(held[id], words, now));
    }
  }

  function drawNothing(state, shown) {
    if (problem) return replace(nothing, failure(problem, { title: words.failed, again: words.again }, readAll));
    if (!state.known) return replace(nothing, loading(words.loading));
    if (shown.length) return replace(nothing);
    const unfiltered = filter.status === 'open' && !filter.text && !filter.severity;
    return replace(
      nothing,
      el('div', { class: 'card' }, unfiltered ? empty({ title: words.none, text: words.noneHint }) : empty({ title: words.noneFound }))
    );
  }

  function draw() {
    const state = alerts.get();
    const shown = list(state, filter);
    control.light(filter.status);
    put(shown);
    tick();
    drawNothing(state, shown);
    setText(counted, state.known ? words.count(count(shown.length), count(openCount(state))) : '');
    more.hidden = filter.status === 'open' || state.whole || !closedAsked;
  }

  async function read(status, limit, before) {
    try {
      const page = await api.get(`/api/v1/alerts?status=${status}&limit=${limit}${before ? `&before=${before}` : ''}`);
      problem = null;
      alerts.dispatch({ kind: 'page', status, limit, alerts: page.alerts ?? [] });
    } catch (error) {
      problem = error;
    }
    draw();
  }

  function readClosed() {
    closedAsked = true;
    return read('cleared', CLOSED_LIMIT, alerts.get().oldest);
  }

  function readAll() {
    read('open', OPEN_LIMIT, null);
    if (closedAsked) readClosed();
  }

  const offs = [alerts.subscribe(draw), stream.on('*', (event) => alerts.dispatch(event)), stream.on('reopened', readAll)];
  const timer = setInterval(tick, TICK_MS);
  draw();
  readAll();
  return {
    node: el(
      'div',
      { class: 'view-alerts' },
      head({ title: words.title }),
      control.node,
      counted,
      nothing,
      rows,
      el('div', { class: 'row more-row' }, more)
    ),
    title: words.title,
    close() {
      offs.forEach((off) => off());
      clearInterval(timer);
    },
  };
}
