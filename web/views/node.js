// SPDX-License-Identifier: Apache-2.0
// One node: how it is and why, what it runs, all it tells of itself with the age of each, what the owner wrote of it.
// Acting goes through the ask bar.

import { el, replace, setText } from '../core/dom.js';
import { ago, bytes } from '../core/format.js';
import { keyed } from '../core/list.js';
import { onTick } from '../core/tick.js';
import { badge, pairs, tag } from '../parts/card.js';
import { failure, loading } from '../parts/empty.js';
import { itemsOf, withoutSeverity } from './house.js';
import { makeCard } from './house_card.js';
import { makeReadings } from './readings.js';

const EACH_MS = 5000,
  SOURCES_MS = 15_000;

function ownersFacts(card, words) {
  const list = (values) =>
    values?.length
      ? el(
          'span',
          { class: 'row' },
          values.map((text) => tag(text))
        )
      : null;
  const rows = [
    [words.owner.address, card.host],
    card.roles?.length && [words.owner.roles, list(card.roles)],
    card.can?.length && [words.owner.can, list(card.can)],
    card.cores !== null && card.cores !== undefined && [words.owner.cores, String(card.cores)],
    card.memory_mib && [words.owner.memory, bytes(card.memory_mib * 1024 * 1024)],
    ...(card.gpus ?? []).map((gpu) => [
      words.owner.gpu,
      `${gpu.gpu}, ${bytes(gpu.vram_mib * 1024 * 1024)}${gpu.pcie_lanes ? `, ×${gpu.pcie_lanes}` : ''}`,
    ]),
    card.power && [words.owner.power, words.owner.watts(card.power.idle_watts, card.power.peak_watts)],
    card.boot_s && [words.owner.boot, words.owner.seconds(card.boot_s)],
    card.volatility && [words.owner.volatility, words.owner.volatilities[card.volatility] ?? card.volatility],
    ...(card.addresses ?? []).map((one) => [one.vlan, el('span', { class: 'mono', text: one.ip })]),
    card.links?.length && [
      words.owner.links,
      el(
        'span',
        { class: 'row' },
        card.links.map((link) =>
          el('a', { href: `#/nodes/${encodeURIComponent(link.node)}`, text: words.owner.link(link.node, link.mbit) })
        )
      ),
    ],
    ...(card.routes ?? []).map((route) => [words.owner.routes, `${route.from} → ${route.to}`]),
    card.sleeps_as && [words.owner.sleeps, card.sleeps_as],
  ];
  return pairs(rows.filter(Boolean));
}

function makeActions(name, words) {
  const row = el('div', { class: 'row head-actions no-print' });
  let drawn = '';
  return {
    node: row,
    draw(item) {
      const host = item?.row.sleeps_as ?? item?.detail?.node?.sleeps_as ?? null,
        asleep = item?.host?.power === 'asleep';
      const sentences = [
        host && (asleep ? [words.wake, words.sentences.wake(host)] : [words.sleep, words.sentences.sleep(host)]),
        [words.how, words.sentences.how(name)],
        [words.hot, words.sentences.hot(name)],
        ...(item?.pools ?? [])
          .filter((pool) => pool.state === 'ready')
          .map((pool) => [words.unload(pool.pool), words.sentences.unload(pool.pool)]),
      ].filter(Boolean);
      if (drawn === JSON.stringify(sentences)) return;
      drawn = JSON.stringify(sentences);
      replace(
        row,
        sentences.map(([text, sentence], i) =>
          el('a', {
            class: ['button small', i === 0 && host ? 'main' : null],
            href: `#/ask?q=${encodeURIComponent(sentence)}`,
            title: words.asks(sentence),
            text,
          })
        )
      );
    },
  };
}

function makeAlerts(name, words, link) {
  const list = el('ul', { class: 'needs' }),
    node = el('section', { hidden: true, 'aria-labelledby': 'node-alerts' }, el('h2', { id: 'node-alerts', text: words.alerts }), list);
  const put = keyed(list, {
    key: (alert) => alert.id,
    make: () => el('li'),
    update: (item, alert) =>
      replace(
        item,
        badge({ tone: alert.severity === 'critical' ? 'crit' : 'warn', text: words.severities[alert.severity] ?? alert.severity }),
        el('a', { href: link('alerts', alert.id), text: withoutSeverity(alert.words || alert.condition) }),
        alert.acknowledged && el('span', { class: 'meta', text: words.acknowledged })
      ),
  });
  return {
    node,
    draw(attention) {
      const mine = Object.values(attention.alerts)
        .filter((alert) => alert.node === name)
        .sort((a, b) => Number(b.id) - Number(a.id));
      node.hidden = !mine.length;
      put(mine);
    },
  };
}

function makeSources(name, words) {
  const list = el('ul', { class: 'card source-list' }),
    node = el('section', { hidden: true, 'aria-labelledby': 'node-sources' }, el('h2', { id: 'node-sources', text: words.sources }), list);
  const tones = { ok: 'ok', failing: 'crit', silent: 'warn', refused: 'crit' };
  return {
    node,
    draw(sources) {
      const mine = sources.filter((source) => source.node === name);
      node.hidden = !mine.length;
      replace(
        list,
        mine.map((source) =>
          el(
            'li',
            {},
            badge({ tone: tones[source.state] ?? 'rest', text: words.sourceStates[source.state] ?? source.state ?? '' }),
            el('span', { class: 'source-name', text: source.source }),
            el('span', {
              class: 'meta',
              text: [
                source.words,
                source.series !== undefined && words.series(source.series),
                source.at_ms && ago(Date.now() - source.at_ms),
                ...Object.entries(source.refused ?? {}).map(([why, n]) => words.refused(n, why)),
              ]
                .filter(Boolean)
                .join(' · '),
            })
          )
        )
      );
    },
  };
}

export function open(context, { name }) {
  const { api, stores, link, words: all } = context,
    words = all.node;
  const card = makeCard(name, all.house, { title: words.now, alertsElsewhere: true }),
    actions = makeActions(name, words),
    alerts = makeAlerts(name, words, link),
    sources = makeSources(name, words),
    readings = makeReadings(context, name);
  const owner = el('section', { 'aria-labelledby': 'node-owner', hidden: true }),
    told = el('p', { class: 'meta' });
  const place = el('div', {}, loading(words.loading));
  const readingsPart = el(
    'section',
    { class: 'stack', 'aria-labelledby': 'node-readings' },
    el('div', { class: 'spread' }, el('h2', { id: 'node-readings', text: words.readings }), told),
    place
  );
  const node = el(
    'div',
    { class: 'stack wide node-page' },
    el(
      'header',
      { class: 'head' },
      el('a', { class: 'back', href: '#/', text: `‹ ${words.back}` }),
      el('div', { class: 'head-row' }, el('h1', { text: name }), actions.node)
    ),
    el('div', { class: 'node-columns' }, el('div', { class: 'stack wide' }, card.node, alerts.node, sources.node, owner), readingsPart)
  );
  const controller = new AbortController();
  let items = new Map(),
    timer = null,
    failed = false;

  async function ask() {
    try {
      const detail = await api.get(`/api/v1/nodes/${encodeURIComponent(name)}`, { signal: controller.signal });
      failed = false;
      stores.house.dispatch({ kind: 'detail', node: name, detail, at_ms: Date.now() });
    } catch (error) {
      if (controller.signal.aborted) return;
      if (!stores.house.get().details[name] || error.status === 404) {
        failed = true;
        replace(place, failure(error, { title: words.failed, again: all.house.again }, ask));
      }
    }
  }

  async function askSources() {
    try {
      sources.draw((await api.get('/api/v1/sources', { signal: controller.signal })).sources ?? []);
    } catch {
      // what was drawn stays; the readings say their age
    }
  }

  function drawDetail(detail) {
    const facts = (detail.facts ?? []).filter((fact) => fact.metric);
    owner.hidden = !detail.node;
    if (detail.node && owner.dataset.drawn !== JSON.stringify(detail.node)) {
      owner.dataset.drawn = JSON.stringify(detail.node);
      replace(owner, el('h2', { id: 'node-owner', text: words.fromOwner }), el('div', { class: 'card' }, ownersFacts(detail.node, words)));
    }
    if (!facts.length) replace(place, el('p', { class: 'empty', text: words.noReadings }));
    else if (place.firstChild !== readings.node) replace(place, readings.node);
    setText(told, facts.length ? words.fresh(facts.filter((fact) => fact.fresh).length, facts.length) : '');
    readings.draw(facts, detail.at_ms);
  }

  let drawnDetail = null;
  function draw() {
    const house = stores.house.get(),
      queue = stores.queue.get();
    const one = { ...house, nodes: { [name]: house.nodes[name] ?? { node: name, because: [], health: 'unknown', power: 'unknown' } } };
    const list = itemsOf(one, queue, items, Date.now(), { whole: true });
    const changed = list[0] !== items.get(name);
    items = new Map(list.map((item) => [item.name, item]));
    if (changed) {
      card.draw(list[0]);
      actions.draw(list[0]);
    }
    alerts.draw(stores.attention.get());
    const detail = house.details[name];
    if (detail && detail !== drawnDetail && !failed) {
      drawnDetail = detail;
      drawDetail(detail);
    }
  }

  const offs = [
    stores.house.subscribe(draw),
    stores.queue.subscribe(draw),
    stores.attention.subscribe(draw),
    onTick((now) => readings.tick(now)),
  ];
  timer = setInterval(() => {
    if (!document.hidden) ask();
  }, EACH_MS);
  const slow = setInterval(() => {
    if (!document.hidden) askSources();
  }, SOURCES_MS);
  draw();
  ask();
  askSources();
  return {
    node,
    title: name,
    close() {
      controller.abort();
      clearInterval(timer);
      clearInterval(slow);
      offs.forEach((off) => off());
      card.close();
    },
  };
}
