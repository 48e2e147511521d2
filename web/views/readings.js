// SPDX-License-Identifier: Apache-2.0
// All readings of a node by what they are of, each with its age; one that is pressed shows its past.

import { el, replace, setAttr, setText } from '../core/dom.js';
import { ago } from '../core/format.js';
import { keyed } from '../core/list.js';
import { metricWords, stepFor } from '../state/readings.js';
import { FAMILY_ORDER, familyOf, readingText } from '../state/vitals.js';

const PAST_MS = 24 * 3_600_000;

function makeRow(fact, words, pastOf) {
  const name = el(
    'button',
    { type: 'button', class: 'reading-name', 'aria-expanded': 'false', title: words.showPast },
    metricWords(fact.metric)
  );
  const part = el('span', { class: 'reading-part mono', text: fact.part }),
    value = el('span', { class: 'reading-value' }),
    age = el('span', { class: 'reading-age' });
  const past = el('div', { class: 'reading-past', hidden: true });
  const node = el(
    'li',
    { class: 'reading' },
    el('div', { class: 'reading-line' }, el('span', { class: 'reading-what' }, name, part), value, age),
    past
  );
  name.addEventListener('click', () => {
    past.hidden = !past.hidden;
    setAttr(name, 'aria-expanded', String(!past.hidden));
    if (!past.hidden) pastOf(fact, past);
  });
  return { node, value, age };
}

/** -> {node, draw(facts, at_ms), tick(now)}: `at_ms` is when the facts were told. */
export function makeReadings({ api, words: all }, nodeName) {
  const words = all.node,
    node = el('div', { class: 'readings' }),
    families = new Map(),
    rows = new Map();
  let at = 0;

  async function pastOf(fact, place) {
    const now = Date.now(),
      from = now - PAST_MS,
      step = stepFor(from, now);
    replace(place, el('p', { class: 'meta', text: words.pastLoading }));
    const query = new URLSearchParams({
      node: nodeName,
      metric: fact.metric,
      from_ms: String(from),
      to_ms: String(now),
      step_s: String(step),
    });
    if (fact.part) query.set('part', fact.part);
    try {
      const answer = await api.get(`/api/v1/history?${query}`);
      const series = (answer.series ?? []).find((one) => (one.labels?.part ?? '') === fact.part) ?? answer.series?.[0];
      if (!series?.points?.length) {
        replace(place, el('p', { class: 'meta', text: words.pastNone }));
        return;
      }
      const { chart } = await import('../parts/chart.js');
      const drawn = await chart({
        label: words.pastOf(metricWords(fact.metric), nodeName),
        points: series.points,
        step_s: step,
        unit: answer.unit ?? fact.unit,
        levels: [],
        marks: [],
        from_ms: from,
        to_ms: now,
        words: all.chart,
      });
      replace(place, drawn.node);
    } catch (error) {
      replace(place, el('p', { class: 'meta', text: error.code === 'no_history' ? words.pastNowhere : words.pastFailed(error.message) }));
    }
  }

  function family(name) {
    if (!families.has(name)) {
      const list = el('ul', { class: 'card reading-list' });
      families.set(name, {
        section: el('section', {}, el('h3', { text: words.families[name] }), list),
        put: keyed(list, {
          key: (fact) => fact.id,
          update: update,
          make: (fact) => {
            const row = makeRow(fact, words, pastOf);
            rows.set(fact.id, row);
            return row.node;
          },
        }),
      });
    }
    return families.get(name);
  }

  function update(item, fact) {
    const row = rows.get(fact.id);
    setText(row.value, readingText(fact.unit, fact.value));
    setAttr(item, 'data-fresh', fact.fresh ? 'yes' : 'no');
    row.fact = fact;
    told(row, Date.now());
  }

  function told(row, now) {
    const age = row.fact.age_s * 1000 + (now - at);
    setText(row.age, row.fact.fresh ? ago(age) : words.stale(ago(age)));
  }

  return {
    node,
    draw(facts, at_ms) {
      at = at_ms;
      for (const name of FAMILY_ORDER) {
        const mine = facts.filter((fact) => fact.metric && familyOf(fact.metric) === name);
        if (!mine.length && !families.has(name)) continue;
        const held = family(name);
        held.section.hidden = !mine.length;
        held.put(mine);
      }
      const known = new Set(facts.map((fact) => fact.id));
      for (const id of rows.keys()) if (!known.has(id)) rows.delete(id);
      const sections = FAMILY_ORDER.filter((name) => families.has(name)).map((name) => families.get(name).section);
      if (sections.length !== node.children.length) node.replaceChildren(...sections);
    },
    tick(now) {
      for (const row of rows.values()) if (row.fact) told(row, now);
    },
  };
}
