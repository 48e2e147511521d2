// SPDX-License-Identifier: Apache-2.0
// One metric over time with its levels and what happened, drawn by uPlot, which is loaded when the first chart is; and the same
// numbers as a table. Without the library chart() throws and the caller shows the table alone.
//
//   await chart({ label, points: [[ms, value]], step_s, unit, levels: [{value, text, tone}], marks: [{at_ms, text, tone}],
//                 from_ms, to_ms, words }) -> {node, close()}
//   numbers({ points, unit, words }) -> Element        words: words.chart
import { el } from '../core/dom.js';
import { clock, when } from '../core/format.js';
import { columns, rangeOf, shown } from '../state/readings.js';

const LIBRARY = '/vendor/uplot.js';
const SHEET = '/vendor/uplot.css';
const HEIGHT = 240;
const NARROW_HEIGHT = 190;
const NARROW = 480;
const TABLE_ROWS_MAX = 200;
const DAY_S = 86400;
const COLOURS = ['line', 'ink', 'soft', 'rule', 'ok', 'warn', 'crit', 'rest', 'card'];

let library = null;

function sheet() {
  return new Promise((resolve, reject) => {
    const node = el('link', { rel: 'stylesheet' });
    node.href = SHEET;
    node.addEventListener('load', resolve);
    node.addEventListener('error', () => reject(new Error('no sheet')));
    document.head.append(node);
  });
}

function load() {
  library ??= Promise.all([import(LIBRARY), sheet()]).then(([module]) => module.default);
  library.catch(() => {
    library = null;
  }); // the next chart tries again
  return library;
}

// Colours of the sheets, as the canvas needs them: worked out by the browser on elements that nobody sees.
function palette(root) {
  const probes = el(
    'span',
    { hidden: true },
    COLOURS.map((name) => el('span', { class: 'chart-colour', data: { colour: name } }))
  );
  root.append(probes);
  const found = Object.fromEntries([...probes.children].map((probe) => [probe.dataset.colour, getComputedStyle(probe).color]));
  probes.remove();
  return found;
}

function line(context, from, to, colour, dash) {
  context.save();
  context.strokeStyle = colour;
  context.lineWidth = devicePixelRatio;
  context.setLineDash(dash.map((n) => n * devicePixelRatio));
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
  context.restore();
}

// Words with a rim in the colour of the card, so that lines behind them do not run through them.
function write(context, text, x, y, colours, tone, right) {
  context.save();
  context.font = `${11 * devicePixelRatio}px ${getComputedStyle(document.body).fontFamily}`;
  context.textAlign = right ? 'right' : 'left';
  context.textBaseline = 'alphabetic';
  context.lineJoin = 'round';
  context.lineWidth = 4 * devicePixelRatio;
  context.strokeStyle = colours.card;
  context.strokeText(text, x, y);
  context.fillStyle = colours[tone];
  context.fillText(text, x, y);
  context.restore();
}

// Levels as dashed lines with their words at the left, marks as upright lines with theirs at the bottom, one above the other.
function drawOver(plot, { levels, marks }, colours) {
  const { ctx: context, bbox: box } = plot;
  const gap = 4 * devicePixelRatio;
  for (const level of levels) {
    const y = plot.valToPos(level.value, 'y', true);
    if (y < box.top || y > box.top + box.height) continue;
    line(context, [box.left, y], [box.left + box.width, y], colours[level.tone], [5, 4]);
    write(context, level.text, box.left + gap, y - gap, colours, level.tone, false);
  }
  marks.forEach((mark, index) => {
    const x = plot.valToPos(mark.at_ms / 1000, 'x', true);
    if (x < box.left || x > box.left + box.width) return;
    const right = x > box.left + box.width / 2;
    line(context, [x, box.top], [x, box.top + box.height], colours[mark.tone], []);
    write(
      context,
      mark.text,
      x + (right ? -gap : gap),
      box.top + box.height - (6 + 14 * (index % 3)) * devicePixelRatio,
      colours,
      mark.tone,
      right
    );
  });
}

function axis(colours, more) {
  return {
    stroke: colours.soft,
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: colours.rule, width: 1 },
    ticks: { show: false },
    ...more,
  };
}

function optionsOf(given, colours, width, readout) {
  const long = (given.to_ms - given.from_ms) / 1000 > DAY_S;
  const lines = given.levels.map((level) => level.value);
  const time = (seconds) => (long ? when(seconds * 1000).slice(5, 16) : clock(seconds * 1000, given.to_ms - given.from_ms < 900_000));
  return {
    width,
    height: width < NARROW ? NARROW_HEIGHT : HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { time: true, range: () => [given.from_ms / 1000, given.to_ms / 1000] },
      y: { range: (plot, low, high) => rangeOf([low, high], lines) },
    },
    axes: [
      axis(colours, { values: (plot, splits) => splits.map(time), space: long ? 90 : 70, size: 24 }),
      axis(colours, { values: (plot, splits) => splits.map((value) => shown(value, given.unit, given.words)), size: 76 }),
    ],
    series: [{}, { stroke: colours.line, width: 1.75, points: { show: given.points.length < 3, size: 5 }, spanGaps: false }],
    hooks: { draw: [(plot) => drawOver(plot, given, colours)], setCursor: [(plot) => readout(plot.cursor.idx)] },
  };
}

export function numbers({ points, unit, words }) {
  const newest = [...points].reverse().slice(0, TABLE_ROWS_MAX);
  return el(
    'div',
    { class: 'scroll chart-table', tabindex: '0' },
    el(
      'table',
      { class: 'table' },
      el('caption', { class: 'away', text: words.tableLabel }),
      el(
        'thead',
        {},
        el('tr', {}, el('th', { scope: 'col', text: words.time }), el('th', { scope: 'col', class: 'number', text: words.value }))
      ),
      el(
        'tbody',
        {},
        newest.map(([at, value]) =>
          el('tr', {}, el('td', { text: when(at) }), el('td', { class: 'number', text: shown(value, unit, words) }))
        )
      )
    ),
    points.length > newest.length && el('p', { class: 'meta', text: words.tableCut(newest.length, points.length) })
  );
}

function redrawn(root, draw) {
  let width = 0;
  const sizes = new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (now > 0 && now !== width) draw((width = now), false);
  });
  const themes = new MutationObserver(() => draw(width, true));
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const onDark = () => draw(width, true);
  sizes.observe(root);
  themes.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  dark.addEventListener('change', onDark);
  return () => {
    sizes.disconnect();
    themes.disconnect();
    dark.removeEventListener('change', onDark);
  };
}

export async function chart(given) {
  const { words, unit } = given;
  const uPlot = await load();
  const data = columns(given.points, given.step_s * 1000);
  const canvas = el('div', { class: 'chart-canvas', role: 'img', 'aria-label': given.label });
  const said = el('p', { class: 'chart-said meta' });
  const fold = el('details', { class: 'fold' }, el('summary', { text: words.table }), numbers({ points: given.points, unit, words }));
  const node = el('figure', { class: 'chart' }, canvas, el('figcaption', {}, said), fold);
  const last = data[1].findLastIndex((value) => value !== null);
  let plot = null;

  const readout = (index) => {
    const at = index ?? last;
    said.textContent =
      at < 0
        ? words.none
        : words.readout(when(data[0][at] * 1000, Date.now()), shown(data[1][at], unit, words), index === null || index === undefined);
  };
  const stop = redrawn(canvas, (width, anew) => {
    if (!width) return;
    if (plot && !anew) {
      plot.setSize({ width, height: width < NARROW ? NARROW_HEIGHT : HEIGHT });
      return;
    }
    plot?.destroy();
    plot = new uPlot(optionsOf(given, palette(canvas), width, readout), data, canvas);
  });
  readout(null);
  return {
    node,
    close() {
      stop();
      plot?.destroy();
      plot = null;
    },
  };
}
