// SPDX-License-Identifier: Apache-2.0
// One node as a card, and as a row of the compact table. An item: {name, row, detail, vitals, state, host, pools, stage, skew_ms, alerts}.

import { cut, el, replace, setAttr, setText } from '../core/dom.js';
import { bytes, celsius, percent, watts } from '../core/format.js';
import { badge } from '../parts/card.js';
import { meter, setMeter } from '../parts/meter.js';
import { makeSteps } from '../parts/steps.js';
import { under_way } from '../state/queue.js';

const WARM = { cpu: 80, disk: 50, gpu: 83 }; // °C from where a number stands out; what is wrong the rules say, not we
const FULL = 0.9;
const BECAUSE_MAX = 2;

const tone = (share) => (share === null ? 'rest' : share >= FULL ? 'warn' : 'busy');
const changed = (node, key) => {
  if (node.dataset.drawn === key) return false;
  node.dataset.drawn = key;
  return true;
};

function drawBadge(place, state, words) {
  if (changed(place, state.key)) replace(place, badge({ tone: state.tone, text: words.states[state.key] ?? state.key }));
}

function sign(label, text, warm, title) {
  return el('span', { class: ['sign-fact', warm && 'is-warm'], title }, el('span', { class: 'sign-label', text: label }), text);
}

function drawSigns(place, v, words) {
  const facts = [
    v.temperature !== null && sign(words.heat, celsius(v.temperature), v.temperature >= WARM.cpu, words.heatTitle),
    v.watts !== null && sign(words.power, watts(v.watts), false, words.powerTitle),
    v.disk !== null && sign(words.disk, percent(v.disk * 100), v.disk >= FULL, v.disk_part),
    v.disk_temperature !== null && sign(words.diskHeat, celsius(v.disk_temperature), v.disk_temperature >= WARM.disk, words.diskHeatTitle),
  ].filter(Boolean);
  place.hidden = !facts.length;
  if (
    changed(
      place,
      JSON.stringify(
        [v.temperature, v.watts, v.disk, v.disk_temperature].map((n) => (n === null ? null : Math.round(n * (n < 2 ? 100 : 1))))
      )
    )
  )
    replace(place, facts);
}

function drawGpus(place, gpus, words) {
  place.hidden = !gpus.length;
  while (place.children.length > gpus.length) place.lastChild.remove();
  gpus.forEach((gpu, i) => {
    const label = gpu.name ?? words.gpu(gpu.part);
    const node = place.children[i] ?? place.appendChild(el('li', {}, meter({ label, title: words.vram }), el('p', { class: 'meta' })));
    setText(node.querySelector('.meter-label'), label);
    setMeter(node.firstChild, {
      share: gpu.share,
      text: gpu.used === null ? '–' : `${bytes(gpu.used)} / ${bytes(gpu.total)}`,
      tone: tone(gpu.share),
    });
    setText(
      node.lastChild,
      [
        gpu.busy !== null && words.busy(percent(gpu.busy * 100)),
        gpu.temperature !== null && celsius(gpu.temperature),
        gpu.watts !== null && watts(gpu.watts),
      ]
        .filter(Boolean)
        .join(' · ')
    );
  });
}

function makePool(words) {
  const steps = makeSteps({ words: words.steps }),
    name = el('span', { class: 'pool-name' }),
    model = el('span', { class: 'pool-model' }),
    use = el('span', { class: 'meta' });
  return {
    node: el('li', { class: 'pool' }, el('p', { class: 'spread' }, el('span', {}, name, ' ', model), use), steps.node),
    name,
    model,
    use,
    steps,
  };
}

function drawPool(held, pool, item, words) {
  setText(held.name, pool.pool);
  setText(held.model, pool.model ?? words.poolEmpty);
  setAttr(held.model, 'data-loaded', pool.state === 'ready' ? 'yes' : null);
  const rate = pool.tokens_per_s ? words.tokens(pool.tokens_per_s) : null;
  setText(
    held.use,
    pool.makes_way
      ? words.makesWay
      : pool.state === 'ready' || pool.busy
        ? [words.slots(pool.busy ?? 0, pool.slots ?? 0), rate].filter(Boolean).join(' · ')
        : (words.poolStates[pool.state] ?? pool.state ?? '')
  );
  held.steps.set(under_way(item.queue, pool, Date.now()) ?? null, item.queue.skew_ms);
}

/** One row for each condition, with how many parts more it is of. Pure. */
export function reasonsOf(because) {
  const rows = new Map();
  for (const reason of because ?? []) {
    if (rows.has(reason.condition)) rows.get(reason.condition).more += 1;
    else rows.set(reason.condition, { ...reason, more: 0 });
  }
  return [...rows.values()];
}

function drawReason(reason, words) {
  const critical = reason.severity === 'critical',
    text = cut(reason.words, 160);
  return el(
    'li',
    { data: { tone: critical ? 'crit' : 'warn' } },
    el('span', { class: 'sign', 'aria-hidden': 'true', text: critical ? '✕' : '!' }),
    el(
      'span',
      {},
      reason.alert ? el('a', { href: `#/alerts/${encodeURIComponent(reason.alert)}`, text }) : text,
      reason.more > 0 && el('span', { class: 'meta', text: ` ${words.alsoParts(reason.more)}` })
    )
  );
}

function drawBecause(place, reasons, words) {
  const rows = reasonsOf(reasons);
  place.hidden = !rows.length;
  if (!changed(place, JSON.stringify(rows))) return;
  replace(
    place,
    rows.slice(0, BECAUSE_MAX).map((reason) => drawReason(reason, words)),
    rows.length > BECAUSE_MAX && el('li', { class: 'meta', text: words.moreReasons(rows.length - BECAUSE_MAX) })
  );
}

/** -> {node, draw(item), close()}. On the page of the node: a `title` instead of the name that leads there, and alerts stand elsewhere. */
export function makeCard(name, words, { title = null, alertsElsewhere = false } = {}) {
  const state = el('span', { class: 'card-state' }),
    what = el('p', { class: 'meta node-words' });
  const cpu = meter({ label: words.cpu }),
    memory = meter({ label: words.memory });
  const meters = el('div', { class: 'node-meters' }, cpu, memory),
    signs = el('p', { class: 'node-signs' });
  const gpus = el('ul', { class: 'node-gpus' }),
    poolList = el('ul', { class: 'node-pools' }),
    because = el('ul', { class: 'node-because' });
  const nothing = el('p', { class: 'meta node-nothing' }),
    steps = makeSteps({ words: words.steps }),
    pools = new Map();
  const node = el(
    'article',
    { class: 'card node-card', 'aria-label': name },
    el(
      'header',
      { class: 'node-head' },
      el(title ? 'h2' : 'h3', {}, title ?? el('a', { href: `#/nodes/${encodeURIComponent(name)}`, text: name })),
      state
    ),
    what,
    because,
    steps.node,
    meters,
    signs,
    gpus,
    poolList,
    nothing
  );

  function drawPools(item) {
    poolList.hidden = !item.pools.length;
    for (const [key, held] of pools)
      if (!item.pools.some((pool) => pool.pool === key)) {
        held.steps.close();
        held.node.remove();
        pools.delete(key);
      }
    for (const pool of item.pools) {
      if (!pools.has(pool.pool)) {
        const held = makePool(words);
        pools.set(pool.pool, held);
        poolList.append(held.node);
      }
      drawPool(pools.get(pool.pool), pool, item, words);
    }
  }

  function draw(item) {
    const v = item.vitals,
      known = v.tells && item.state.key !== 'asleep';
    drawBadge(state, item.state, words);
    setAttr(node, 'data-state', item.state.key);
    setAttr(node, 'data-tone', ['crit', 'warn'].includes(item.state.tone) ? item.state.tone : null);
    setText(what, item.row.words ?? item.detail?.node?.words ?? '');
    meters.hidden = !known || (v.cpu === null && v.memory === null);
    setMeter(cpu, { share: v.cpu, text: v.cpu === null ? '–' : percent(v.cpu * 100), tone: tone(v.cpu) });
    setAttr(memory, 'title', v.memory_bytes ? words.memoryOf(bytes(v.memory_bytes)) : null);
    setMeter(memory, { share: v.memory, text: v.memory === null ? '–' : percent(v.memory * 100), tone: tone(v.memory) });
    drawSigns(signs, known ? v : { temperature: null, watts: null, disk: null, disk_temperature: null }, words);
    drawGpus(gpus, known ? v.gpus : [], words);
    drawPools(item);
    drawBecause(because, alertsElsewhere ? (item.row.because ?? []).filter((reason) => !reason.alert) : item.row.because, words);
    steps.set(item.stage, item.queue.skew_ms);
    setText(
      nothing,
      known || item.state.tone === 'busy' || item.row.health !== 'unknown' ? '' : (words.nothing[item.state.key] ?? words.nothing.unknown)
    );
    nothing.hidden = !nothing.textContent;
  }

  return {
    node,
    draw,
    close() {
      steps.close();
      for (const held of pools.values()) held.steps.close();
    },
  };
}

/** The head of the compact table. */
export function rowHead(words) {
  return el(
    'div',
    { class: 'node-row node-row-head', 'aria-hidden': 'true' },
    ['name', 'state', 'cpu', 'heat', 'memory', 'power', 'told'].map((name) =>
      el('span', { class: `at-${name}`, text: words.columns[name] })
    )
  );
}

/** A row of the compact table; drawn anew where its item changed. */
export function drawRow(item, words) {
  const v = item.vitals,
    reason = item.row.because?.[0];
  return el(
    'div',
    { class: 'node-row', data: { state: item.state.key } },
    el('a', { class: 'at-name', href: `#/nodes/${encodeURIComponent(item.name)}`, text: item.name }),
    el('span', { class: 'at-state' }, badge({ tone: item.state.tone, text: words.states[item.state.key] ?? item.state.key })),
    el('span', { class: 'at-cpu number', text: v.cpu === null ? '–' : percent(v.cpu * 100) }),
    el('span', { class: 'at-heat number', text: v.temperature === null ? '–' : celsius(v.temperature) }),
    el('span', { class: 'at-memory number', text: v.memory === null ? '–' : percent(v.memory * 100) }),
    el('span', { class: 'at-power number', text: v.watts === null ? '–' : watts(v.watts) }),
    el('span', { class: 'at-told', text: reason ? cut(reason.words, 120) : '' })
  );
}
