// SPDX-License-Identifier: Apache-2.0
// The list of cases: those that wait on top with the time they have left, then the newest; older ones come as one scrolls.

import { cut, el, replace, setText } from '../core/dom.js';
import { ago, duration, toMs } from '../core/format.js';
import { keys } from '../core/keys.js';
import { longList } from '../core/list.js';
import { link } from '../core/router.js';
import { head } from '../parts/card.js';
import { empty, failure, loading } from '../parts/empty.js';
import { status, tier, toneOf } from '../parts/verdict.js';
import { CASES_MAX, FILTERS, counts, list } from '../state/cases.js';
import { feed } from './cases_feed.js';

const NARROW = 640; // px of the list
const HEIGHT = { wide: 64, narrow: 92 };
const TICK_MS = 1000;
const SAID_CHARS = 300; // of a row; more is not seen

let remembered = ''; // what was searched for, when one comes back from a case

function said(row) {
  if (row.nl) return `“${row.nl}”`;
  return row.summary || row.verdict?.words || row.action;
}

function who(row, words) {
  const principal = row.by?.principal?.replace(/^(person|token):/, '') ?? words.nobody;
  return words.by(principal, words.via[row.by?.via] ?? row.by?.via ?? words.nobody);
}

function time(row) {
  if (row.state === 'awaiting') return el('span', { class: 'case-time', data: { until: row.expires_at_ms } });
  return el('time', { class: 'case-time', datetime: row.updated_at, data: { since: toMs(row.updated_at) } });
}

function draw(row, words, texts, now) {
  const node = el(
    'div',
    {},
    el(
      'a',
      { class: 'case-row', href: link('cases', row.id), data: { tone: toneOf(row.status) } },
      el('span', { class: 'case-status' }, status(row.status, texts)),
      el('span', { class: 'case-said', text: cut(said(row), SAID_CHARS) }),
      time(row),
      el(
        'span',
        { class: 'case-facts meta' },
        el('code', { text: row.action }),
        row.state === 'awaiting' && row.verdict?.tier ? tier(row.verdict.tier, texts) : null,
        el('span', { text: who(row, words) }),
        row.by?.via === 'model' ? el('span', { class: 'badge', data: { tone: 'warn' }, text: words.model }) : null,
        row.nl && row.summary ? el('span', { class: 'case-summary', text: row.summary }) : null
      )
    )
  );
  tick(node, words, now);
  return node;
}

// Only what stands in the document: a screen of rows.
function tick(root, words, now) {
  for (const node of root.querySelectorAll('[data-until]')) {
    const left = Number(node.dataset.until) - now;
    setText(node, left > 0 ? words.left(duration(left)) : words.over);
  }
  for (const node of root.querySelectorAll('[data-since]')) setText(node, ago(now - Number(node.dataset.since)));
}

function makeTabs(words) {
  const tabs = Object.fromEntries(
    FILTERS.map((name) => {
      const count = el('span', { class: 'tab-count' });
      return [name, { count, node: el('a', { href: name === 'all' ? '#/cases' : `#/cases?filter=${name}` }, words.filters[name], count) }];
    })
  );
  return {
    node: el(
      'nav',
      { class: 'tabs', 'aria-label': words.filterLabel },
      FILTERS.map((name) => tabs[name].node)
    ),
    draw(chosen, numbers) {
      for (const name of FILTERS) {
        if (name === chosen) tabs[name].node.setAttribute('aria-current', 'page');
        else tabs[name].node.removeAttribute('aria-current');
        setText(tabs[name].count, name === 'all' || !numbers[name] ? '' : ` ${numbers[name]}`);
      }
    },
  };
}

export function open(context, params) {
  const words = context.words.cases;
  const texts = context.words.verdict;
  const cases = feed(context);
  const tabs = makeTabs(words);
  const search = el('input', {
    class: 'input',
    type: 'search',
    'aria-label': words.searchLabel,
    placeholder: words.search,
    maxlength: 200,
    value: remembered,
  });
  const found = el('p', { class: 'meta', role: 'status' });
  const root = el('div', { class: 'case-list', 'aria-label': words.label });
  const foot = el('div', { class: 'case-foot' });
  const end = el('div', { class: 'case-end', 'aria-hidden': 'true' });
  const node = el(
    'section',
    { class: 'stack' },
    head({ title: words.title }),
    el('div', { class: 'case-tools' }, tabs.node, search, el('p', { class: 'meta no-phone', text: words.keys })),
    found,
    root,
    end,
    foot
  );
  let filter = 'all';
  let rows = [];

  const rowsOf = longList(root, {
    key: (row) => row.id,
    draw: (row) => draw(row, words, texts, cases.now()),
    height: (width) => (width < NARROW ? HEIGHT.narrow : HEIGHT.wide),
  });

  function drawFoot() {
    const state = cases.store.get();
    const busy = cases.state() === 'loading';
    const older = el('button', { class: 'button small', type: 'button', text: words.more, on: { click: () => cases.more() } });

    if (cases.state() === 'failed')
      replace(
        foot,
        failure(cases.error(), { title: words.failed, again: words.again }, () => cases.retry())
      );
    else if (busy) replace(foot, loading(words.loading));
    else if (!state.ids.length) replace(foot, empty({ title: words.empty, text: words.emptyText }));
    else if (!rows.length) {
      replace(foot, empty({ title: words.none, text: words.noneText(state.ids.length), actions: state.more ? [older] : [] }));
    } else if (state.more) replace(foot, el('div', { class: 'row' }, older));
    else replace(foot, el('p', { class: 'meta', text: state.full ? words.full(CASES_MAX) : words.end }));
  }

  function drawAll() {
    const state = cases.store.get();
    rows = list(state, filter, search.value);
    rowsOf.set(rows);
    tabs.draw(filter, counts(state));
    setText(found, search.value.trim() ? words.found(rows.length) : '');
    drawFoot();
  }

  // j and k as the arrows of the list; without a row in focus they begin at the top.
  function step(by) {
    if (!rows.length) return;
    const at = Number(document.activeElement?.closest('.long-row')?.dataset.index ?? (by > 0 ? -1 : rows.length));
    rowsOf.show(rows[Math.min(rows.length - 1, Math.max(0, at + by))].id);
  }

  function choose(query) {
    filter = FILTERS.includes(query?.filter) ? query.filter : 'all';
    drawAll();
  }

  search.addEventListener('input', () => {
    remembered = search.value;
    drawAll();
  });
  search.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && search.value) event.stopPropagation();
    if (event.key !== 'Escape' && event.key !== 'Enter' && event.key !== 'ArrowDown') return;
    if (event.key === 'Escape' && !search.value) search.blur();
    if (event.key !== 'Escape') step(1);
  });

  const off = [
    cases.store.subscribe(drawAll),
    cases.onState(drawFoot),
    keys({ j: () => step(1), k: () => step(-1), f: () => search.focus() }),
  ];
  const timer = setInterval(() => tick(root, words, cases.now()), TICK_MS);
  const atEnd = (seen) => {
    if (seen.at(-1).isIntersecting && rows.length) cases.more();
  };
  const nearEnd = new IntersectionObserver(atEnd, { rootMargin: '600px' });
  nearEnd.observe(end);
  choose(params.query);
  cases.begin();

  return {
    node,
    title: words.title,
    update(next) {
      choose(next.query);
      return true;
    },
    close() {
      clearInterval(timer);
      nearEnd.disconnect();
      rowsOf.close();
      for (const fn of off) fn();
    },
  };
}
