// SPDX-License-Identifier: Apache-2.0
// Values of metrics as people read them, and the numbers of a chart. Pure. Units are those of kb/core/1_words/metric_words.pl.

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

// unit -> [divide by, digits, what stands behind]
const PLAIN = {
  millicelsius: [1000, 1, ' °C'],
  permille: [10, 1, ' %'],
  milliwatt: [1000, 1, ' W'],
  milli: [1000, 2, ''],
  milli_per_s: [1000, 1, '/s'],
  count: [1, 0, ''],
  rpm: [1, 0, ' rpm'],
  per_hour: [1, 0, '/h'],
  pages_per_s: [1, 0, ' pages/s'],
  mbit: [1, 0, ' Mbit/s'],
  seconds: [1, 0, ' s'],
  ms: [1, 0, ' ms'],
};

const known = (value) => typeof value === 'number' && Number.isFinite(value);
const minus = (text) => text.replace('-', '−');
const trimmed = (number, digits) => number.toFixed(digits).replace(/\.0+$/, '');

function binary(value, tail) {
  let unit = 0;
  let size = Math.abs(value);
  while (size >= 1024 && unit < BINARY.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${value < 0 ? '−' : ''}${trimmed(size, unit ? 1 : 0)} ${BINARY[unit]}${tail}`;
}

// 85300 millicelsius: "85.3 °C". What is unknown is –, a unit that we do not know stands behind its number.
export function shown(value, unit, words = { yes: 'yes', no: 'no' }) {
  if (!known(value)) return '–';
  if (unit === 'bool') return value ? words.yes : words.no;
  if (unit === 'bytes') return binary(value, '');
  if (unit === 'bytes_per_s') return binary(value, '/s');
  const [divide, digits, tail] = PLAIN[unit] ?? [1, 0, unit ? ` ${unit}` : ''];
  return minus(`${trimmed(value / divide, digits)}${tail}`);
}

// "cpu_temperature" -> "cpu temperature": the words of the vocabulary are its names.
export const metricWords = (metric) => String(metric ?? '').replaceAll('_', ' ');

// Points [[ms, value]] in order of time to [xs in seconds, ys], with a hole (null) where more than two and a half steps are missing.
export function columns(points, stepMs) {
  const xs = [];
  const ys = [];
  let last = null;
  const sorted = [...points].filter((point) => Array.isArray(point) && known(point[0])).sort((a, b) => a[0] - b[0]);
  for (const [at, value] of sorted) {
    if (last !== null && at <= last) continue; // uPlot wants each time once
    if (last !== null && at - last > 2.5 * stepMs) {
      xs.push((last + stepMs) / 1000);
      ys.push(null);
    }
    xs.push(at / 1000);
    ys.push(known(value) ? value : null);
    last = at;
  }
  return [xs, ys];
}

// The range of the values and of the lines that must be seen, with some air.
export function rangeOf(values, lines = []) {
  const all = [...values, ...lines].filter(known);
  if (!all.length) return [0, 1];
  const low = Math.min(...all);
  const high = Math.max(...all);
  const air = (high - low) * 0.08 || Math.max(1, Math.abs(high) * 0.05);
  return [low >= 0 && low - air < 0 ? 0 : low - air, high + air];
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400];
export const POINTS_MAX = 480;

// A step in seconds for which a span has at most POINTS_MAX points.
export function stepFor(fromMs, toMs) {
  const least = (toMs - fromMs) / 1000 / POINTS_MAX;
  return STEPS.find((step) => step >= least) ?? 86400;
}

// What of the time around an alert is looked at: some before it, all of it, some behind it.
export function spanOf(raisedMs, clearedMs, nowMs, atLeastMs = 0) {
  const end = clearedMs ?? nowMs;
  const air = Math.max(600_000, Math.round((end - raisedMs) / 4));
  const from = Math.min(raisedMs - air, end - atLeastMs);
  return [Math.max(0, from), Math.min(nowMs, clearedMs ? clearedMs + air : nowMs)];
}

// Of the questions of these conditions the levels are not in the unit of the reading: minutes, seconds, one number by another.
const OTHER_UNIT = new Set(['load_high', 'node_silent', 'gpu_lost', 'cpu_heating', 'gpu_heating', 'disk_filling', 'memory_leaking']);
const METRICS_OF_RULES = new Set(['heard', 'others']);

// What of an alert's question can be plotted: {metric, part, unit, levels [{value, severity}]}, or null.
export function plotted(question) {
  const readings = (question?.readings ?? []).filter((reading) => !METRICS_OF_RULES.has(reading?.metric));
  const first = readings.find((reading) => typeof reading?.metric === 'string');
  if (!first) return null;
  const plot = { metric: first.metric, part: first.part ?? '', unit: first.unit ?? null, levels: [] };
  const raise = question.levels?.raise ?? {};
  const up = question.levels?.direction === 'up';
  const severities = Object.entries(raise).filter(([, value]) => known(value));
  const crossed = severities.some(([, value]) => (up ? Math.abs(first.value) >= value : first.value <= value));
  if (OTHER_UNIT.has(question.condition) || !crossed) return plot; // a rule that we do not know: rather no line than a wrong one
  plot.levels = severities.map(([severity, value]) => ({ value, severity }));
  if (question.condition === 'clock_skewed') plot.levels.push(...severities.map(([severity, value]) => ({ value: -value, severity })));
  if (known(question.levels?.clear)) plot.levels.push({ value: question.levels.clear, severity: 'clear' });
  return plot;
}
