// SPDX-License-Identifier: Apache-2.0
// The house at a glance: totals, what wants a person, the nodes by what they are for (many: a table), who waits for an engine.

import { el, replace, setAttr, setText } from '../core/dom.js';
import { watts } from '../core/format.js';
import { arrows } from '../core/keys.js';
import { keyed, longList } from '../core/list.js';
import { badge, head } from '../parts/card.js';
import { empty, failure, loading } from '../parts/empty.js';
import { makeWaiting } from '../parts/waiting.js';
import { counts } from '../state/attention.js';
import { under_way } from '../state/queue.js';
import { byName, GROUP_ORDER, groupOf, nodeState, rowVitals, vitals, worstFirst } from '../state/vitals.js';
import { drawRow, makeCard, rowHead } from './house_card.js';

const MANY_MS = 400; // a table of many nodes is drawn this often, however many changes come
const CARDS_MAX = 40; // more nodes than these are a table
const NEEDS_MAX = 4;
const SAID_MAX = 3; // of many changes at once the first are said; the page shows all
const FILTERS = ['all', 'trouble', 'ok', 'asleep', 'unknown'];

const inFilter = {
  all: () => true,
  trouble: (key) => ['critical', 'warning', 'silent'].includes(key),
  ok: (key) => key === 'ok' || key === 'awake',
  asleep: (key) => key === 'asleep',
  unknown: (key) => key === 'unknown',
};

/**
 * Rows of the stores to items to draw. Items that did not change stay the same object. Pure but for `before`.
 * `whole`: with all that the node page asked for, instead of the few numbers of the row.
 */
export function itemsOf(house, queue, before, now, { whole = false } = {}) {
  const pools = Object.values(queue.pools);
  return Object.keys(house.nodes).map((name) => {
    const row = house.nodes[name],
      detail = whole ? (house.details[name] ?? null) : null,
      old = before.get(name);
    const hostName = row.sleeps_as ?? detail?.node?.sleeps_as ?? (queue.hosts[name] ? name : null);
    const host = hostName ? (queue.hosts[hostName] ?? null) : null,
      stage = under_way(queue, host, now);
    const mine = hostName ? pools.filter((pool) => pool.host === hostName) : [];
    const ways = mine.map((pool) => under_way(queue, pool, now));
    const busy = ways.find((one) => one && one.stage !== 'ready' && one.stage !== 'asleep') ?? null;
    const shown = JSON.stringify([mine, stage, ways]); // a way that ended is shown for a moment: its end is a change, too
    const state = nodeState({ row, host, stage: stage ?? busy });
    const same = old && old.row === row && old.detail === detail && old.host === host && old.state.key === state.key && old.shown === shown;
    if (same) {
      old.queue = queue;
      return old;
    }
    return {
      name,
      row,
      detail,
      vitals: detail ? vitals(detail) : rowVitals(row),
      state,
      host,
      pools: mine,
      stage,
      queue,
      shown,
    };
  });
}

/** What is said aloud of nodes whose state is another than before: [[name, key]], none of those seen for the first time. Pure. */
export function newsOf(items, before) {
  return items
    .filter((item) => before.has(item.name) && before.get(item.name).state.key !== item.state.key)
    .map((item) => [item.name, item.state.key]);
}

/** What stands on top. Pure. */
export function totals(items) {
  const known = items.filter((item) => item.vitals.watts !== null),
    is = (...keys) => items.filter((item) => keys.includes(item.state.key)).length;
  return {
    nodes: items.length,
    watts: known.length ? known.reduce((all, item) => all + item.vitals.watts, 0) : null,
    watts_of: known.length,
    asleep: is('asleep'),
    unknown: is('unknown'),
    trouble: is('critical', 'warning', 'silent'),
    well: is('ok', 'awake'),
  };
}

function tile(name, href) {
  const value = el('span', { class: 'tile-value' }),
    note = el('span', { class: 'tile-note' });
  const node = el(href ? 'a' : 'div', { class: 'tile', href }, el('span', { class: 'tile-name', text: name }), value, note);
  return {
    node,
    set(text, more = '', tone = null) {
      setText(value, text);
      setText(note, more);
      setAttr(node, 'data-tone', tone);
    },
  };
}

function makeTotals(words) {
  const tiles = {
    power: tile(words.total.power),
    nodes: tile(words.total.nodes),
    alerts: tile(words.total.alerts, '#/alerts'),
    cases: tile(words.total.cases, '#/cases'),
    queue: tile(words.total.queue, '#/models'),
  };
  return {
    node: el(
      'div',
      { class: 'tiles' },
      Object.values(tiles).map((one) => one.node)
    ),
    draw(items, attention, queue) {
      const t = totals(items),
        n = counts(attention);
      tiles.power.set(
        t.watts === null ? '–' : watts(t.watts),
        t.watts === null ? words.total.noPower : words.total.powerOf(t.watts_of, t.nodes)
      );
      tiles.nodes.set(String(t.well), words.total.nodesNote(t));
      tiles.alerts.set(
        attention.alerts_known ? String(n.open) : '–',
        n.critical ? words.total.critical(n.critical) : n.open ? words.total.noCritical : words.total.noAlerts,
        n.critical ? 'crit' : n.open ? 'warn' : null
      );
      tiles.cases.set(
        attention.cases_known ? String(n.waiting) : '–',
        n.waiting ? words.total.sign : words.total.nothingWaits,
        n.waiting ? 'warn' : null
      );
      tiles.queue.set(
        queue.known ? String(queue.waiting) : '–',
        queue.known ? words.total.running(queue.running) : words.total.noQueue,
        queue.waiting ? 'busy' : null
      );
    },
  };
}

const rank = (alert) => (alert.severity === 'critical' ? 0 : 1);

/** Alerts nobody looks after, one row for each condition of a node, the worst and newest first: [{alert, more}]. Pure. */
export function gathered(alerts) {
  const rows = new Map();
  const sorted = alerts.filter((alert) => !alert.acknowledged).sort((a, b) => rank(a) - rank(b) || Number(b.id) - Number(a.id));
  for (const alert of sorted) {
    const key = `${alert.node} ${alert.condition}`;
    if (rows.has(key)) rows.get(key).more += 1;
    else rows.set(key, { alert, more: 0 });
  }
  return [...rows.values()];
}

/** The rules begin a sentence with how severe it is; where a badge says so, once is enough. Pure. */
export const withoutSeverity = (words) => String(words).replace(/^(critical|warning): /, '');

function needRows(attention, words, link) {
  const alerts = gathered(Object.values(attention.alerts)),
    cases = Object.values(attention.waiting);
  const rows = [
    ...alerts.slice(0, NEEDS_MAX).map(({ alert, more }) => ({
      key: `a${alert.id}${alert.severity}${alert.words}${more}`,
      tone: alert.severity === 'critical' ? 'crit' : 'warn',
      kind: words.severities[alert.severity] ?? alert.severity,
      words: withoutSeverity(alert.words || alert.condition),
      more: more ? words.alsoParts(more) : '',
      href: link('alerts', alert.id),
    })),
    ...cases.slice(0, NEEDS_MAX).map((one) => ({
      key: `c${one.id}${one.words}`,
      tone: 'warn',
      kind: words.toSign,
      words: one.words || one.id,
      more: '',
      href: link('cases', one.id),
    })),
  ];
  const hidden = Math.max(0, alerts.length - NEEDS_MAX) + Math.max(0, cases.length - NEEDS_MAX);
  const href = cases.length > NEEDS_MAX ? '#/cases' : '#/alerts';
  if (hidden) rows.push({ key: `more${hidden}`, tone: 'rest', kind: words.more(hidden), words: words.toAll, more: '', href });
  return rows;
}

function makeNeeds(words, link) {
  const list = el('ul', { class: 'needs' });
  const node = el(
    'section',
    { class: 'house-needs', 'aria-labelledby': 'needs', 'aria-live': 'polite', hidden: true },
    el('h2', { id: 'needs', text: words.needs }),
    list
  );
  arrows(list, 'a');
  const put = keyed(list, {
    key: (row) => row.key,
    make: () => el('li'),
    update: (item, row) =>
      replace(
        item,
        badge({ tone: row.tone, text: row.kind }),
        el('a', { href: row.href, text: row.words }),
        row.more && el('span', { class: 'meta', text: row.more })
      ),
  });
  return {
    node,
    draw(attention) {
      const rows = needRows(attention, words, link);
      node.hidden = !rows.length;
      put(rows);
    },
  };
}

function makeGroups(words) {
  const node = el('div', { class: 'node-groups' }),
    sections = new Map(),
    cards = new Map();
  arrows(node, 'h3 a');
  for (const group of GROUP_ORDER) {
    const grid = el('div', { class: 'grid node-grid' }),
      n = el('span', { class: 'meta' });
    const section = el(
      'section',
      { hidden: true, 'aria-labelledby': `group-${group}` },
      el('div', { class: 'section-title' }, el('h2', { id: `group-${group}`, text: words.groups[group] }), n),
      grid
    );
    node.append(section);
    sections.set(group, {
      section,
      n,
      put: keyed(grid, { key: (item) => item.name, make: cardOf, update: (_, item) => cards.get(item.name).draw(item) }),
    });
  }
  function cardOf(item) {
    if (!cards.has(item.name)) {
      const card = makeCard(item.name, words);
      cards.set(item.name, card);
    }
    return cards.get(item.name).node;
  }
  return {
    node,
    set(items) {
      for (const [group, held] of sections) {
        const mine = items
          .filter((item) => groupOf(item.row.roles) === group)
          .sort((a, b) => byName(a.name, b.name));
        held.section.hidden = !mine.length;
        setAttr(held.section, 'data-many', mine.length > 2 ? 'all' : mine.length);
        setText(held.n, mine.length > 1 ? String(mine.length) : '');
        held.put(mine);
      }
      for (const [name, card] of cards)
        if (!items.some((item) => item.name === name)) {
          card.close();
          cards.delete(name);
        }
    },
    close() {
      for (const card of cards.values()) card.close();
    },
  };
}

function makeTable(words) {
  const find = el('input', { class: 'input', type: 'search', 'aria-label': words.find, placeholder: words.find });
  const tabs = el('div', { class: 'tabs', role: 'group', 'aria-label': words.show }),
    body = el('div'),
    none = el('p', { class: 'empty', text: words.noneFits, hidden: true });
  const node = el(
    'section',
    { class: 'stack' },
    el('div', { class: 'spread house-find' }, find, tabs),
    el('div', { class: 'card node-table' }, rowHead(words), body, none)
  );
  let items = [],
    filter = 'all';
  const buttons = FILTERS.map((name) =>
    el('button', {
      type: 'button',
      'aria-pressed': String(name === filter),
      on: {
        click: () => {
          filter = name;
          draw();
        },
      },
    })
  );
  replace(tabs, buttons);
  const list = longList(body, {
    rows: [],
    key: (item) => item.name,
    height: (width) => (width < 560 ? 60 : 40),
    draw: (item) => drawRow(item, words),
  });
  function draw() {
    const text = find.value.trim().toLowerCase();
    const fitting = items
      .filter(
        (item) =>
          inFilter[filter](item.state.key) && (!text || `${item.name} ${(item.row.roles ?? []).join(' ')}`.toLowerCase().includes(text))
      )
      .sort(worstFirst);
    buttons.forEach((button, i) => {
      setAttr(button, 'aria-pressed', String(FILTERS[i] === filter));
      setText(button, `${words.filters[FILTERS[i]]} ${items.filter((item) => inFilter[FILTERS[i]](item.state.key)).length}`);
    });
    none.hidden = fitting.length > 0;
    list.set(fitting);
  }
  find.addEventListener('input', draw);
  return {
    node,
    set(next) {
      items = next;
      draw();
    },
    close: () => list.close(),
  };
}

/** Who may not see the nodes: what to write, and where, that this caller may. */
function refused(error, session, words) {
  const [kind, name] = (session?.principal ?? '').split(/:(.*)/);
  const fact = kind === 'token' ? `token_role("${name}", viewer).` : kind === 'person' ? `person_role(${name}, viewer).` : null;
  return empty({
    title: words.refused,
    text: error.message,
    actions: fact ? [el('p', { text: words.refusedFact }), el('code', { class: 'mono', text: fact })] : [],
  });
}

export function open({ stores, session, words: all, link, announce }) {
  const words = all.house,
    top = makeTotals(words),
    needs = makeNeeds(words, link),
    waiting = makeWaiting(all.waiting),
    untold = el('p', { class: 'note', data: { tone: 'rest' }, hidden: true, text: words.untold }),
    cutShort = el('p', { class: 'meta', hidden: true }),
    place = el('div', {}, loading(words.loading));
  const node = el(
    'div',
    { class: 'stack wide house' },
    head({ title: words.title }),
    top.node,
    needs.node,
    waiting.node,
    untold,
    cutShort,
    place
  );
  let body = null,
    kind = null,
    items = new Map();

  function drawNodes(list) {
    const wanted = list.length > CARDS_MAX ? 'table' : 'cards';
    if (kind !== wanted) {
      body?.close();
      body = wanted === 'table' ? makeTable(words) : makeGroups(words);
      kind = wanted;
      replace(place, body.node);
    }
    body.set(list);
  }

  function drawNone(house) {
    const failed = house.failed['/api/v1/nodes'];
    if (!house.known && !failed) return;
    body?.close();
    body = null;
    kind = null;
    replace(
      place,
      failed?.code === 'denied'
        ? refused(failed, session.get(), words)
        : failed
          ? failure(failed, { title: words.failed, again: words.again }, () => location.reload())
          : empty({ title: words.none, text: words.noneText })
    );
  }

  function draw() {
    const house = stores.house.get(),
      queue = stores.queue.get();
    const list = itemsOf(house, queue, items, Date.now());
    const news = newsOf(list, items).slice(0, SAID_MAX);
    if (news.length) announce(news.map(([name, key]) => words.became(name, words.states[key] ?? key)).join('. '));
    items = new Map(list.map((item) => [item.name, item]));
    top.draw(list, stores.attention.get(), queue);
    needs.draw(stores.attention.get());
    waiting.draw(queue);
    untold.hidden = !list.length || list.some((item) => item.state.key !== 'unknown');
    cutShort.hidden = !house.left_out;
    setText(cutShort, house.left_out ? words.leftOut(house.left_out) : '');
    if (list.length) drawNodes(list);
    else drawNone(house);
  }

  let timer = null;
  function soon() {
    if (kind !== 'table') draw();
    else
      timer ??= setTimeout(() => {
        timer = null;
        draw();
      }, MANY_MS);
  }

  const offs = [stores.house.subscribe(soon), stores.queue.subscribe(draw), stores.attention.subscribe(draw)];
  draw();
  return {
    node,
    title: words.title,
    close() {
      clearTimeout(timer);
      offs.forEach((off) => off());
      waiting.close();
      body?.close();
    },
  };
}
