// SPDX-License-Identifier: Apache-2.0
// What can answer: the pools and what they have loaded, the models and where each fits, who waits, who used how much.

import { el, replace, setAttr, setText } from '../core/dom.js';
import { bytes, count, duration } from '../core/format.js';
import { keyed } from '../core/list.js';
import { badge, head } from '../parts/card.js';
import { empty, failure, loading } from '../parts/empty.js';
import { makeSteps } from '../parts/steps.js';
import { makeWaiting } from '../parts/waiting.js';
import { under_way, untold } from '../state/queue.js';
import { makeUsage } from './models_usage.js';

const MODELS_MS = 30_000,
  QUEUE_MS = 3000;
const POOL_TONES = { ready: 'ok', failed: 'crit', empty: 'rest' };

/** Each model with the pools that may serve it: [{name, size, context, embedding, state, pools [{pool, fits, need, have, …}]}]. Pure. */
export function modelsOf(list, pools) {
  return (list ?? []).map((model) => ({
    name: model.id,
    size: model.meta?.size ?? null,
    context: model.context_length ?? null,
    embedding: Boolean(model.embedding),
    state: model.status?.value ?? 'unloaded',
    pools: pools.flatMap((pool) =>
      (pool.models ?? [])
        .filter((one) => one.model === model.id)
        .map((one) => ({
          pool: pool.pool,
          host: pool.host,
          fits: one.fits,
          need: one.need_bytes ?? null,
          have: one.have_bytes ?? null,
          measured: one.measured,
          first_ms: one.first_token_ms ?? null,
          loaded: pool.model === model.id && pool.state === 'ready',
          away: Boolean(pool.makes_way),
        }))
    ),
  }));
}

function makePools(words, stepWords) {
  const grid = el('div', { class: 'grid' }),
    held = new Map();
  const put = keyed(grid, {
    key: (item) => item.pool.pool,
    make(item) {
      const steps = makeSteps({ words: stepWords }),
        state = el('span'),
        model = el('p', { class: 'pool-now' }),
        use = el('p', { class: 'meta' }),
        say = el('p', { class: 'meta' });
      const slots = el('div', { class: 'slots', 'aria-hidden': 'true' });
      const node = el(
        'article',
        { class: 'card stack pool-card' },
        el('header', { class: 'node-head' }, el('h3', { text: item.pool.pool }), state),
        model,
        slots,
        use,
        steps.node,
        say
      );
      held.set(item.pool.pool, { steps, state, model, use, say, slots });
      return node;
    },
    update(_, { pool, queue }) {
      const h = held.get(pool.pool),
        stage = under_way(queue, pool, Date.now()),
        moving = stage && stage.stage !== 'ready' && stage.stage !== 'asleep';
      const hostAsleep = queue.hosts[pool.host]?.power === 'asleep';
      const [tone, text] = pool.makes_way
        ? ['rest', words.makesWay]
        : moving
          ? ['busy', words.moving]
          : hostAsleep
            ? ['sleep', words.hostAsleep]
            : [POOL_TONES[pool.state] ?? 'rest', words.states[pool.state] ?? pool.state ?? ''];
      replace(h.state, badge({ tone, text }));
      setText(h.model, pool.model ?? words.nothing);
      setAttr(h.model, 'data-loaded', pool.state === 'ready' ? 'yes' : null);
      replace(
        h.slots,
        Array.from({ length: Math.min(pool.slots ?? 0, 32) }, (_, i) => el('span', { data: { busy: i < (pool.busy ?? 0) ? 'yes' : null } }))
      );
      setText(
        h.use,
        [
          pool.slots && words.slots(pool.busy ?? 0, pool.slots),
          pool.waiting ? words.wait(pool.waiting) : null,
          pool.tokens_per_s ? words.tokens(pool.tokens_per_s) : null,
        ]
          .filter(Boolean)
          .join(' · ')
      );
      setText(
        h.say,
        [
          pool.makes_way,
          pool.device,
          pool.host ? words.on(pool.host) : null,
          pool.engine,
          pool.context ? words.context(count(pool.context)) : null,
        ]
          .filter(Boolean)
          .join(' · ')
      );
      h.steps.set(moving ? stage : null, queue.skew_ms);
    },
  });
  return {
    node: grid,
    close: () => held.forEach((one) => one.steps.close()),
    draw(queue) {
      const pools = Object.values(queue.pools).sort((a, b) => a.pool.localeCompare(b.pool, 'en', { numeric: true }));
      put(pools.map((pool) => ({ pool, queue })));
      return pools.length;
    },
  };
}

function fitLine(fit, words) {
  const why = !fit.fits
    ? fit.need && fit.have
      ? words.tooLarge(bytes(fit.need), bytes(fit.have))
      : words.fitsNot
    : fit.away
      ? words.fitsLater
      : fit.loaded
        ? words.loadedHere
        : fit.first_ms === null
          ? words.fits
          : fit.first_ms < 1000
            ? words.atOnce
            : words.firstIn(duration(fit.first_ms));
  return el(
    'li',
    { class: 'fit', data: { fits: fit.fits ? 'yes' : 'no' } },
    el('span', { class: 'sign', 'aria-hidden': 'true', text: fit.away ? '–' : fit.loaded ? '●' : fit.fits ? '✓' : '✕' }),
    el(
      'span',
      {},
      el('b', { text: fit.pool }),
      ` ${why}`,
      fit.fits &&
        fit.need &&
        el('span', { class: 'meta', text: ` · ${fit.measured ? words.measured(bytes(fit.need)) : words.reckoned(bytes(fit.need))}` })
    )
  );
}

function drawModel(model, words) {
  const tones = { loaded: 'ok', loading: 'busy' };
  return el(
    'tr',
    {},
    el('th', { scope: 'row', class: 'model-name' }, model.name, model.embedding && el('span', { class: 'tag', text: words.embedding })),
    el('td', {}, badge({ tone: tones[model.state] ?? 'rest', text: words.modelStates[model.state] ?? model.state })),
    el('td', { class: 'number', text: model.size ? bytes(model.size) : '–' }),
    el('td', { class: 'number', text: count(model.context) }),
    el(
      'td',
      {},
      model.pools.length
        ? el(
            'ul',
            { class: 'fits' },
            model.pools.map((fit) => fitLine(fit, words))
          )
        : el('span', { class: 'meta', text: words.noPool })
    ),
    el(
      'td',
      { class: 'no-print' },
      !model.embedding &&
        model.pools.some((fit) => fit.fits) &&
        el('a', { class: 'button small', href: `#/chat?model=${encodeURIComponent(model.name)}`, text: words.chat })
    )
  );
}

export function open(context) {
  const { api, stores, words: all } = context,
    words = all.models;
  const pools = makePools(words, all.house.steps),
    waiting = makeWaiting(all.waiting, { empty: words.nobodyWaits }),
    usage = makeUsage(context);
  const place = el('div', {}, loading(words.loading)),
    noPools = el('p', { class: 'meta', text: words.noPools, hidden: true });
  const node = el(
    'div',
    { class: 'stack wide' },
    head({ title: words.title }),
    el('section', { 'aria-labelledby': 'pools' }, el('h2', { id: 'pools', text: words.pools }), pools.node, noPools),
    waiting.node,
    el('section', { 'aria-labelledby': 'catalogue' }, el('h2', { id: 'catalogue', text: words.catalogue }), place),
    usage.node
  );
  const controller = new AbortController();
  let list = null,
    drawn = '',
    askedFor = '';

  function drawCatalogue() {
    if (!list) return;
    const models = modelsOf(list, Object.values(stores.queue.get().pools)),
      key = JSON.stringify(models);
    if (key === drawn) return;
    drawn = key;
    if (!models.length) {
      replace(place, el('div', { class: 'card' }, empty({ title: words.none, text: words.noneText })));
      return;
    }
    replace(
      place,
      el(
        'div',
        { class: 'card scroll' },
        el(
          'table',
          { class: 'table models' },
          el(
            'thead',
            {},
            el(
              'tr',
              {},
              words.columns.map((text, i) =>
                el('th', { scope: 'col', class: i === 2 || i === 3 ? 'number' : null }, i < 5 ? text : el('span', { class: 'away', text }))
              )
            )
          ),
          el(
            'tbody',
            {},
            models.map((model) => drawModel(model, words))
          )
        )
      )
    );
  }

  async function ask() {
    try {
      const [models, capabilities] = await Promise.all([
        api.get('/v1/models', { signal: controller.signal }),
        api.get('/v1/capabilities', { signal: controller.signal }),
      ]);
      list = models.data ?? [];
      stores.queue.dispatch({ kind: 'page', capabilities });
      drawCatalogue();
    } catch (error) {
      if (!controller.signal.aborted && !list) replace(place, failure(error, { title: words.failed, again: all.house.again }, ask));
    }
  }

  /** A node whose stream tells no queue is asked. */
  async function askQueue() {
    if (document.hidden || stores.queue.get().live) return;
    try {
      const [queue, capabilities] = await Promise.all([
        api.get('/api/v1/queue', { signal: controller.signal }),
        api.get('/v1/capabilities', { signal: controller.signal }),
      ]);
      stores.queue.dispatch({ kind: 'page', capabilities, queue });
    } catch {
      // the banner says that the node is away
    }
  }

  function draw() {
    const queue = stores.queue.get();
    noPools.hidden = pools.draw(queue) > 0 || !queue.known;
    waiting.draw(queue);
    drawCatalogue();
    const pool = untold(queue);
    if (pool && pool !== askedFor) ask(); // rules that were loaded brought it
    askedFor = pool;
  }

  const off = stores.queue.subscribe(draw);
  const timers = [
    setInterval(() => {
      if (!document.hidden) {
        ask();
        usage.ask();
      }
    }, MODELS_MS),
    setInterval(askQueue, QUEUE_MS),
  ];
  draw();
  ask();
  askQueue();
  return {
    node,
    title: words.title,
    close() {
      controller.abort();
      off();
      timers.forEach(clearInterval);
      pools.close();
      waiting.close();
    },
  };
}
