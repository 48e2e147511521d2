// SPDX-License-Identifier: Apache-2.0
// The metric of an alert over time: history around it, its levels, its marks. What is missing (history, library, numbers) is said.
import { el, replace } from '../core/dom.js';
import { when, toMs } from '../core/format.js';
import { chart, numbers } from '../parts/chart.js';
import { metricWords, plotted, shown, spanOf, stepFor } from '../state/readings.js';

const HOUR = 3_600_000;
const SPANS = { alert: 0, hours: 6 * HOUR, day: 24 * HOUR, week: 168 * HOUR };
const TONES = { warning: 'warn', critical: 'crit', clear: 'ok' };
const NEW_MS = 30_000; // an open alert goes on: its chart is asked again
const SOON_MS = 2_000; // history is behind by seconds: of an alert just raised it may have no number yet; the pause doubles up to NEW_MS

function marksOf(view, words) {
  const marks = [{ at_ms: toMs(view.raised_at), text: words.marks.raised, tone: view.severity === 'critical' ? 'crit' : 'warn' }];
  if (view.acknowledged?.at) marks.push({ at_ms: toMs(view.acknowledged.at), text: words.marks.acknowledged, tone: 'soft' });
  if (view.cleared_at) marks.push({ at_ms: toMs(view.cleared_at), text: words.marks.cleared, tone: 'ok' });
  return marks;
}

function pathOf(node, plot, [from, to], step) {
  const query = new URLSearchParams({
    node,
    metric: plot.metric,
    from_ms: String(Math.floor(from)),
    to_ms: String(Math.floor(to)),
    step_s: String(step),
  });
  if (plot.part) query.set('part', plot.part);
  return `/api/v1/history?${query}`;
}

// The series of this very part: without one, history answers with all parts of the metric.
function pointsOf(answer, part) {
  const series = (answer.series ?? []).find((one) => (one.labels?.part ?? '') === part) ?? null;
  return Array.isArray(series?.points) ? series.points : [];
}

export function plotting(context) {
  const { api } = context;
  const words = context.words.alert;
  const title = el('h2');
  const place = el('div');
  const tabs = Object.keys(SPANS).map((name) =>
    el('button', { type: 'button', text: words.spans[name], data: { span: name }, on: { click: () => choose(name) } })
  );
  const node = el(
    'section',
    { class: 'card alert-section', hidden: true },
    el('div', { class: 'spread' }, title, el('div', { class: 'tabs', role: 'group', 'aria-label': words.spanLabel }, tabs)),
    place
  );
  let span = 'alert';
  let asked = 0;
  let shownKey = null;
  let last = 0;
  let pause = SOON_MS;
  let drawn = null;
  let view = null;

  function light() {
    tabs.forEach((tab) => tab.setAttribute('aria-pressed', String(tab.dataset.span === span)));
  }

  function say(...children) {
    drawn?.close();
    drawn = null;
    replace(place, children);
  }

  async function draw(plot, times, step, points, unit) {
    const given = {
      label: words.chartLabel(metricWords(plot.metric), view.node, when(times[0]), when(times[1])),
      points,
      step_s: step,
      unit,
      words: context.words.chart,
      levels: plot.levels.map((level) => ({
        value: level.value,
        tone: TONES[level.severity] ?? 'soft',
        text: (words.levels[level.severity] ?? String)(shown(level.value, unit, context.words.chart)),
      })),
      marks: marksOf(view, words),
      from_ms: times[0],
      to_ms: times[1],
    };
    try {
      return await chart(given);
    } catch {
      return {
        node: el('div', {}, el('p', { class: 'meta', text: words.noLibrary }), numbers({ points, unit, words: context.words.chart })),
        close() {},
      };
    }
  }

  function failed(error) {
    if (error.code === 'no_history') say(el('p', { class: 'meta', text: words.noHistory }));
    else say(el('p', { class: 'meta', role: 'alert', text: words.historyFailed(error.message) }));
  }

  async function ask() {
    const mine = ++asked;
    const plot = plotted(view.question);
    const now = Date.now();
    last = now;
    const times =
      span === 'alert' ? spanOf(toMs(view.raised_at), view.cleared_at ? toMs(view.cleared_at) : null, now) : [now - SPANS[span], now];
    const step = stepFor(...times);
    try {
      const answer = await api.get(pathOf(view.node, plot, times, step));
      const points = pointsOf(answer, plot.part);
      if (mine !== asked) return;
      if (!points.length) {
        pause = Math.min(2 * pause, NEW_MS);
        say(el('p', { class: 'meta', text: words.noPoints }));
        return;
      }
      const next = await draw(plot, times, step, points, answer.unit ?? plot.unit);
      if (mine !== asked) {
        next.close();
        return;
      }
      const wasOpen = place.querySelector('details')?.open ?? false;
      say(next.node);
      drawn = next;
      pause = NEW_MS;
      const fold = place.querySelector('details');
      if (fold) fold.open = wasOpen;
    } catch (error) {
      if (mine !== asked) return;
      pause = Math.min(2 * pause, NEW_MS);
      failed(error);
    }
  }

  function choose(name) {
    span = name;
    pause = SOON_MS;
    light();
    ask();
  }

  return {
    node,
    // The alert as it is now; asked again where what is drawn depends on something that changed.
    show(next) {
      view = next;
      const plot = plotted(view.question);
      node.hidden = !plot && !view.question?.readings?.length;
      if (node.hidden) return;
      replace(title, words.numbers(metricWords(plot?.metric ?? view.condition)));
      light();
      const key = JSON.stringify([view.id, view.status, view.severity, view.cleared_at, view.acknowledged?.at, plot]);
      if (key === shownKey) return;
      shownKey = key;
      pause = SOON_MS;
      if (plot) ask();
      else say(el('p', { class: 'meta', text: words.noMetric }));
      for (const tab of tabs) tab.hidden = !plot;
    },
    tick(now) {
      if (shownKey && !node.hidden && plotted(now.question) && now.status !== 'cleared' && Date.now() - last >= pause) ask();
    },
    close() {
      asked += 1;
      drawn?.close();
      drawn = null;
    },
  };
}
