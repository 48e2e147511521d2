// SPDX-License-Identifier: Apache-2.0
// The ledger, the newest entry first: read in pages back to the first, searched in what is there, verified in this browser.
import { el, replace, setText } from '../core/dom.js';
import { count, when } from '../core/format.js';
import { longList } from '../core/list.js';
import { store } from '../core/store.js';
import { head } from '../parts/card.js';
import { failure, loading } from '../parts/empty.js';
import { EMPTY, actors, kinds, list, oldest, reduce, toneOf } from '../state/ledger.js';
import { checking } from './ledger_check.js';

const PAGE = 200;
const PAGE_LONG = 500; // the most that the node gives at once
const WIDE = 760;
const ROW = 40;
const ROW_NARROW = 64;

function drawRow(row, { words, link }) {
  return el(
    'div',
    { class: 'entry-row', data: { tone: toneOf(row.kind) } },
    el('a', { class: 'entry-seq', href: link('ledger', row.seq), 'aria-label': words.rowLabel(row), text: `#${row.seq}` }),
    el('span', { class: 'entry-kind', text: row.kind.replaceAll('_', ' ') }),
    el('span', { class: 'entry-words', text: row.words }),
    row.case
      ? el('a', { class: 'entry-case mono', href: link('cases', row.case), tabindex: '-1', text: row.case.slice(-6) })
      : el('span', { class: 'entry-case' }),
    el('span', { class: 'entry-actor', text: row.actor }),
    el('time', { class: 'entry-at', datetime: row.at, text: when(row.at, Date.now()) })
  );
}

// Reads pages of the ledger into the store: [after, before) in steps of what the node gives.
function reader(api, entries, told) {
  let running = null;
  async function span(after, before, signal) {
    let at = after;
    while (at + 1 < before && !signal.aborted) {
      const page = await api.get(`/api/v1/ledger?after=${at}&limit=${Math.min(PAGE_LONG, before - at - 1)}`, { signal });
      if (!page.entries?.length) return;
      entries.dispatch({ kind: 'page', entries: page.entries, size: page.info?.size ?? 0 });
      at = page.entries.at(-1).seq;
    }
  }
  async function run(work) {
    if (running) return;
    running = new AbortController();
    told();
    try {
      await work(running.signal);
      running = null;
      told();
    } catch (error) {
      const stopped = running.signal.aborted;
      running = null;
      told(stopped ? null : error);
    }
  }
  return {
    busy: () => running !== null,
    stop: () => running?.abort(),
    newest: () =>
      run(async (signal) => {
        const size = (await api.get('/api/v1/ledger?limit=1', { signal })).info?.size ?? 0;
        await span(Math.max(0, size - PAGE), size + 1, signal);
      }),
    older: (n) => run((signal) => span(Math.max(0, oldest(entries.get()) - 1 - n), oldest(entries.get()), signal)),
    all: () =>
      run(async (signal) => {
        while (oldest(entries.get()) > 1 && !entries.get().full && !signal.aborted) {
          await span(Math.max(0, oldest(entries.get()) - 1 - PAGE_LONG), oldest(entries.get()), signal);
        }
      }),
    gap: ([after, before]) => run((signal) => span(after, before, signal)),
  };
}

function choice(text, values, any, changed) {
  const select = el('select', { class: 'input', 'aria-label': text, on: { change: (event) => changed(event.target.value) } });
  let shown = null;
  return {
    node: el('label', { class: 'field entry-choice' }, el('span', { class: 'label', text }), select),
    set(list_, value) {
      const key = list_.join(' ');
      if (key !== shown)
        replace(
          select,
          el('option', { value: '', text: `${any}` }),
          list_.map((one) => el('option', { value: one, text: one.replaceAll('_', ' ') }))
        );
      shown = key;
      select.value = value;
    },
  };
}

export function open(context, params) {
  const { api, stream, link } = context;
  const words = context.words.ledger;
  const entries = store(reduce, EMPTY);
  const first = { kind: params.query?.kind ?? '', actor: '', case: params.query?.case ?? '', text: params.query?.q ?? '' };
  let filter = first;
  let problem = null;
  let filled = null;

  const rows = el('div', { class: 'entry-list', 'aria-label': words.label });
  const nothing = el('div');
  const counted = el('p', { class: 'meta', role: 'status' });
  const read = reader(api, entries, (error) => {
    problem = error ?? null;
    draw();
  });
  const long = longList(rows, {
    key: (row) => row.seq,
    draw: (row) => drawRow(row, { words, link }),
    height: (width) => (width < WIDE ? ROW_NARROW : ROW),
  });

  const change = (more) => {
    filter = { ...filter, ...more };
    draw();
  };
  const search = el('input', {
    class: 'input',
    type: 'search',
    value: filter.text,
    placeholder: words.searchHint,
    autocomplete: 'off',
    spellcheck: 'false',
    on: { input: (event) => change({ text: event.target.value }) },
  });
  const kind = choice(words.kind, [], words.any, (value) => change({ kind: value }));
  const actor = choice(words.actor, [], words.any, (value) => change({ actor: value }));
  const only = el(
    'div',
    { class: 'row', hidden: true },
    el('span', { class: 'tag', text: words.caseOnly(filter.case) }),
    el('button', { class: 'button small quiet', type: 'button', text: words.all, on: { click: () => change({ case: '' }) } })
  );
  const older = el('button', { class: 'button', type: 'button', text: words.older(PAGE_LONG), on: { click: () => read.older(PAGE_LONG) } });
  const all = el('button', { class: 'button', type: 'button', text: words.oldest, on: { click: () => read.all() } });
  const stop = el('button', { class: 'button', type: 'button', text: words.stop, on: { click: () => read.stop() } });
  const end = el('p', { class: 'meta' });

  function drawNothing(state, shown) {
    if (problem) return replace(nothing, failure(problem, { title: words.failed, again: words.again }, begin));
    if (!state.known) return replace(nothing, loading(words.loading));
    return replace(nothing, !shown.length && el('p', { class: 'empty', text: words.none }));
  }

  function draw() {
    const state = entries.get();
    const shown = list(state, filter);
    long.set(shown);
    drawNothing(state, shown);
    setText(counted, state.known ? words.shown(count(shown.length), count(state.rows.length), count(state.size)) : '');
    kind.set([...new Set([...kinds(state), filter.kind].filter(Boolean))], filter.kind);
    actor.set(actors(state), filter.actor);
    only.hidden = !filter.case;
    const done = oldest(state) <= 1 || state.full || !state.known;
    older.hidden = all.hidden = done || read.busy();
    stop.hidden = !read.busy() || !state.known;
    setText(end, !state.known ? '' : oldest(state) <= 1 ? words.first : state.full ? words.full : '');
    if (state.gap && !read.busy() && !problem && filled !== String(state.gap)) {
      filled = String(state.gap); // a gap that the node cannot fill is asked for once
      read.gap(state.gap);
    }
  }

  function begin() {
    problem = null;
    filled = null;
    read.newest();
  }

  const check = checking(context);
  const offs = [entries.subscribe(draw), stream.on('*', (event) => entries.dispatch(event)), stream.on('reopened', begin)];
  draw();
  begin();
  return {
    node: el(
      'div',
      { class: 'view-ledger' },
      head({ title: words.title, sub: words.sub }),
      check.node,
      el(
        'div',
        { class: 'entry-filters' },
        el('label', { class: 'field entry-search' }, el('span', { class: 'label', text: words.search }), search),
        kind.node,
        actor.node
      ),
      only,
      counted,
      nothing,
      el('div', { class: 'card entry-card' }, rows),
      el('div', { class: 'row more-row' }, older, all, stop, end)
    ),
    title: words.title,
    close() {
      offs.forEach((off) => off());
      read.stop();
      long.close();
      check.close();
    },
  };
}
