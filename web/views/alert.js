// SPDX-License-Identifier: Apache-2.0
// One alert: its life, its number plotted, the readings it was made of, its runbook. Looking after it is a proposal like any other.
import { el, replace } from '../core/dom.js';
import { ago, count, duration, toMs, when } from '../core/format.js';
import { head, pairs } from '../parts/card.js';
import { failure, loading } from '../parts/empty.js';
import { timeline } from '../parts/timeline.js';
import { sentence } from '../state/alerts.js';
import { metricWords, shown } from '../state/readings.js';
import { acknowledging } from './alert_acknowledge.js';
import { plotting } from './alert_chart.js';
import { runbook } from './alert_runbook.js';
import { severityBadge } from './alerts.js';

const AGAIN_MS = 250; // entries of one alert come together
const TICK_MS = 15_000;
const HISTORY_MAX = 64; // the judge keeps so many lines of a life, without those in the middle
const TONES = { alert_cleared: 'ok', case_executed: 'busy', runbook_generated: 'rest', runbook_failed: 'rest' };

function section(title, ...children) {
  return el('section', { class: 'card alert-section' }, el('h2', { text: title }), children);
}

function toneOfLine(line, severity) {
  if (TONES[line.kind]) return TONES[line.kind];
  return /^critical/.test(line.words ?? '') || (!line.words && severity === 'critical') ? 'crit' : 'warn';
}

function life(view, words, now) {
  const steps = (view.history ?? []).map((line) => ({
    seq: line.seq,
    kind: line.kind,
    at: line.at,
    words: words.kinds[line.kind] ?? line.kind,
    note: sentence(line.words),
    tone: toneOfLine(line, view.severity),
  }));
  return section(
    words.life,
    timeline(steps, words.timeline, now),
    steps.length >= HISTORY_MAX && el('p', { class: 'meta', text: words.lifeCut })
  );
}

function readings(view, words, chartWords) {
  const rows = (view.question?.readings ?? []).filter((reading) => reading && typeof reading === 'object');
  if (!rows.length) return null;
  const cell = (text, number) => el('td', { class: number ? 'number' : null, text });
  const line = (one) =>
    el(
      'tr',
      {},
      cell(`${metricWords(one.metric)}${one.part ? ` (${one.part})` : ''}`),
      cell(shown(one.value, one.unit, chartWords), true),
      cell(one.slope === null || one.slope === undefined ? '–' : shown(one.slope, one.unit, chartWords), true),
      cell(when(one.at_ms, Date.now()))
    );
  const levels = view.question.levels;
  const unit = rows[0].unit;
  const raise = Object.entries(levels?.raise ?? {})
    .map(([severity, value]) => `${severity} ${shown(value, unit, chartWords)}`)
    .join(', ');
  return section(
    words.readings,
    el(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': words.readingsLabel },
      el(
        'table',
        { class: 'table' },
        el(
          'thead',
          {},
          el(
            'tr',
            {},
            [words.metric, words.value, words.slope, words.at].map((text, i) =>
              el('th', { scope: 'col', class: i === 1 || i === 2 ? 'number' : null, text })
            )
          )
        ),
        el('tbody', {}, rows.map(line))
      )
    ),
    unit && raise && el('p', { class: 'meta', text: words.rule(raise, shown(levels.clear, unit, chartWords)) })
  );
}

function storm(view, words, link) {
  if (!view.members?.length) return null;
  return section(
    words.members,
    el('p', { class: 'meta', text: words.storm }),
    el(
      'ul',
      { class: 'row alert-nodes' },
      view.members.map((name) => el('li', {}, el('a', { class: 'tag', href: link('nodes', name), text: name })))
    )
  );
}

function facts(view, words, { link, alerts }) {
  const now = Date.now();
  const seen = view.acknowledged;
  const time = (at) =>
    el('span', {}, el('time', { datetime: at, text: when(at, now) }), el('span', { class: 'meta', text: ` · ${ago(now - toMs(at))}` }));
  return el(
    'div',
    { class: 'card' },
    pairs([
      view.node && [words.node, el('a', { href: link('nodes', view.node), text: view.node })],
      view.part && view.condition !== 'storm' && [words.part, el('span', { class: 'mono', text: view.part })],
      [words.condition, el('span', { class: 'mono', text: view.condition === 'storm' ? words.stormOf(view.part) : view.condition })],
      [words.raised, time(view.raised_at)],
      view.cleared_at && [
        words.cleared,
        el(
          'span',
          {},
          time(view.cleared_at),
          el('span', { class: 'meta', text: ` · ${alerts.lasted(duration(toMs(view.cleared_at) - toMs(view.raised_at)))}` }),
          view.cleared_why === 'gone' && el('p', { class: 'meta', text: words.gone })
        ),
      ],
      view.count > 1 && view.condition !== 'storm' && [words.count, count(view.count)],
      seen && [
        words.acknowledged,
        el(
          'span',
          {},
          alerts.lookedAfter(seen.by, seen.words),
          el('span', { class: 'meta', text: ` · ${when(seen.at, now)} · ` }),
          seen.case && el('a', { href: link('cases', seen.case), text: words.case })
        ),
      ],
    ])
  );
}

// Parts of a view that are drawn anew only when what they show has changed: a fold that is open stays open, the focus where it is.
function keeper() {
  const kept = new Map();
  return {
    of(name, value, make) {
      const key = JSON.stringify(value) ?? '';
      if (kept.get(name)?.key !== key) kept.set(name, { key, node: make() });
      return kept.get(name).node;
    },
  };
}

function only(place, nodes) {
  const there = nodes.filter(Boolean);
  if (place.childNodes.length === there.length && there.every((node, i) => node === place.childNodes[i])) return;
  replace(place, there);
}

const ofThis = (event, id, view) =>
  event.body?.alert === id ||
  event.seq === id ||
  (view?.acknowledged === null && event.kind === 'case_executed') ||
  (event.kind === 'case_executed' && event.body?.action === 'alert_acknowledge');

export function open(context, params) {
  const { api, stream, session, link } = context;
  const words = context.words.alert;
  const id = Number(params.id);
  let view = null;
  let timer = null;
  let closed = false;

  const title = el('div', { class: 'alert-head' });
  const top = el('div');
  const body = el('div', { class: 'alert-columns' });
  const left = el('div', { class: 'stack' });
  const right = el('div', { class: 'stack' });
  const plot = plotting(context);
  const node = el('div', { class: 'view-alert' }, title, top, body);

  const acknowledge = el('button', {
    class: 'button main',
    type: 'button',
    text: words.acknowledge,
    on: {
      click: () =>
        acknowledging(context, id, async () => {
          await read();
          const at = acknowledge.isConnected ? acknowledge : title.querySelector('h1');
          if (at !== acknowledge) at.tabIndex = -1;
          at.focus();
        }),
    },
  });

  const parts = keeper();

  function drawHead() {
    const may = view && session.mayChange() && view.status === 'raised';
    const said = view ? sentence(view.words) || view.condition : words.title(id);
    const state = () =>
      el(
        'span',
        { class: 'row' },
        severityBadge(view, context.words.alerts),
        el('span', { text: words.title(id) }),
        view.status !== 'cleared' && el('span', { text: context.words.alerts.statuses[view.status] ?? view.status })
      );
    const back = { href: link('alerts'), text: words.back };
    const made = parts.of('head', [said, may, view?.status, view?.severity], () =>
      head({ title: said, back, actions: may ? [acknowledge] : [], sub: view && state() })
    );
    only(title, [made]);
  }

  function draw() {
    const minute = Math.floor(Date.now() / 60_000); // "3 min ago"
    const { runbook: book, history, question, members, ...row } = view;
    drawHead();
    plot.show(view);
    only(top, [parts.of('storm', members, () => storm(view, words, link))]);
    only(left, [
      parts.of('facts', [row, minute], () => facts(view, words, { link, alerts: context.words.alerts })),
      plot.node,
      parts.of('readings', question, () => readings(view, words, context.words.chart)),
      parts.of('life', [history, view.severity], () => life(view, words, Date.now())),
    ]);
    only(right, [parts.of('runbook', book, () => runbook(view, context.words))]);
    only(body, [left, right]);
  }

  async function read() {
    timer = null;
    try {
      const next = await api.get(`/api/v1/alerts/${encodeURIComponent(params.id)}`);
      if (closed) return;
      view = next;
      draw();
      context.retitle(words.title(id));
    } catch (error) {
      if (closed || (view && error.status === 0)) return; // what was there stands; the shell says that the node is away
      replace(body);
      replace(
        top,
        failure(error, { title: words.failed, again: words.again }, read),
        el(
          'p',
          { class: 'meta' },
          `${words.unknown} `,
          Number.isSafeInteger(id) && id > 0 && el('a', { href: link('ledger', id), text: words.inLedger(id) })
        )
      );
    }
  }

  function later() {
    timer ??= setTimeout(read, AGAIN_MS);
  }

  const offs = [
    stream.on('*', (event) => {
      if (ofThis(event, id, view)) later();
    }),
    stream.on('reopened', later),
    session.subscribe(() => {
      if (view) drawHead();
    }),
  ];
  const tick = setInterval(() => {
    if (view && !document.hidden) plot.tick(view);
  }, TICK_MS);
  drawHead();
  replace(top, loading(words.loading));
  read();
  return {
    node,
    title: words.title(id),
    close() {
      closed = true;
      offs.forEach((off) => off());
      clearTimeout(timer);
      clearInterval(tick);
      plot.close();
    },
  };
}
