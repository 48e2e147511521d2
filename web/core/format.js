// SPDX-License-Identifier: Apache-2.0
// Numbers and times as people read them. Pure: what is "now" is given. null, undefined and NaN become "–", never 0.

const NONE = '–';
const SECOND = 1000,
  MINUTE = 60 * SECOND,
  HOUR = 60 * MINUTE,
  DAY = 24 * HOUR;
const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

const known = (n) => n !== null && n !== undefined && n !== '' && Number.isFinite(Number(n));
const short = (n) => (n < 10 && n % 1 ? n.toFixed(1).replace(/\.0$/, '') : String(Math.round(n)));

/** 0–999 as "12 s", "3 min", "2 h 5 min", "4 d 3 h": two units at most. */
export function duration(ms) {
  if (!known(ms)) return NONE;
  const left = Math.max(0, Number(ms));
  if (left < SECOND) return left < 1 ? '0 s' : '< 1 s';
  if (left < MINUTE) return `${Math.floor(left / SECOND)} s`;
  if (left < 10 * MINUTE) {
    const s = Math.floor((left % MINUTE) / SECOND);
    return s ? `${Math.floor(left / MINUTE)} min ${s} s` : `${Math.floor(left / MINUTE)} min`;
  }
  if (left < HOUR) return `${Math.floor(left / MINUTE)} min`;
  if (left < DAY) {
    const m = Math.floor((left % HOUR) / MINUTE);
    return m ? `${Math.floor(left / HOUR)} h ${m} min` : `${Math.floor(left / HOUR)} h`;
  }
  const h = Math.floor((left % DAY) / HOUR);
  return h && left < 10 * DAY ? `${Math.floor(left / DAY)} d ${h} h` : `${Math.floor(left / DAY)} d`;
}

/** Of an age in ms: "just now", "12 s ago", "3 min ago", "yesterday"-less: "2 d ago". */
export function ago(ms) {
  if (!known(ms)) return NONE;
  if (ms < 2 * SECOND) return 'just now';
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s ago`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ago`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ago`;
  return `${Math.floor(ms / DAY)} d ago`;
}

/** RFC 3339 text or ms since 1970 to ms; null if it is neither. */
export function toMs(at) {
  const ms = typeof at === 'number' ? at : Date.parse(at ?? '');
  return Number.isFinite(ms) ? ms : null;
}

const pad = (n) => String(n).padStart(2, '0');

/** Local wall time: "14:05:09". */
export function clock(at, seconds = true) {
  const ms = toMs(at);
  if (ms === null) return NONE;
  const date = new Date(ms);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}${seconds ? `:${pad(date.getSeconds())}` : ''}`;
}

/** "2026-11-21 14:05:09", or the clock alone where the day is that of `now`. */
export function when(at, now) {
  const ms = toMs(at);
  if (ms === null) return NONE;
  const date = new Date(ms);
  const day = (d) => `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}`;
  const today = toMs(now ?? null);
  return today !== null && day(new Date(today)) === day(date) ? clock(ms) : `${day(date)} ${clock(ms)}`;
}

/** "512 MiB", "1.5 GiB": powers of 1024. */
export function bytes(n) {
  if (!known(n)) return NONE;
  let value = Math.abs(Number(n)),
    unit = 0;
  while (value >= 1023.5 && unit < BYTES.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(n) < 0 ? '−' : ''}${unit ? short(value) : Math.round(value)} ${BYTES[unit]}`;
}

export function watts(n) {
  if (!known(n)) return NONE;
  return Math.abs(n) >= 10000 ? `${(n / 1000).toFixed(1)} kW` : `${Math.round(n)} W`;
}

export function celsius(n) {
  return known(n) ? `${String(Math.round(n)).replace('-', '−')} °C` : NONE;
}

export function percent(n) {
  return known(n) ? `${Math.round(n)} %` : NONE;
}

/** 12345 -> "12 345" (narrow spaces), from a million "1.2 M". */
export function count(n) {
  if (!known(n)) return NONE;
  const value = Number(n),
    size = Math.abs(value);
  if (size >= 1e9) return `${(value / 1e9).toFixed(1)} G`;
  if (size >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  const text = String(Math.round(size)).replace(/\B(?=(\d{3})+$)/g, '\u2009');
  return value < 0 ? `−${text}` : text;
}

/** "1 alert", "3 alerts". */
export function plural(n, one, many = `${one}s`) {
  return `${count(n)} ${Number(n) === 1 ? one : many}`;
}
