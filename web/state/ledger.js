// SPDX-License-Identifier: Apache-2.0
// Entries of the ledger as rows of a long list, out of pages of GET /api/v1/ledger and out of the stream. Pure.
//
//   state   {rows: [row, the newest first], size (of the ledger, as far as is known), gap: [after, before] or null, known, full}
//   row     {seq, at, kind, case, actor, words (what it says, short), text (to search in)}
//   events  {kind: 'page', entries, size} anywhere beside or over what is there · entries of the ledger (brief) as they are made
//   gap     what the stream left out, or said too early: ask for it with after (exclusive) and before (exclusive)

export const ROWS_MAX = 50000; // beyond, the oldest are no longer kept: the export has them
export const WORDS_MAX = 160;
const TEXT_MAX = 600;

export const EMPTY = Object.freeze({ rows: [], size: 0, gap: null, known: false, full: false });

const oneLine = (text) => String(text).replace(/\s+/g, ' ').trim();

function params(values) {
  if (!values || typeof values !== 'object') return '';
  return Object.entries(values)
    .slice(0, 6)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}

// What an entry says in a line, from the few fields that its kind has.
export function wordsOf(entry) {
  const body = entry.body ?? {};
  const verdict = body.verdict ?? {};
  const said = [
    body.nl,
    body.words,
    verdict.words,
    body.summary,
    body.error?.message,
    body.reason,
    body.plan_sha256 && `plan ${String(body.plan_sha256).slice(0, 12)}`,
    body.action && `${body.action} ${params(body.params)}`,
    body.alert && `alert ${body.alert}`,
    body.version && `version ${body.version}`,
    body.channel,
  ].find((text) => typeof text === 'string' && text.trim());
  const line = oneLine(said ?? '');
  return line.length > WORDS_MAX ? `${line.slice(0, WORDS_MAX - 1)}…` : line;
}

export function rowOf(entry) {
  let body = '';
  try {
    body = JSON.stringify(entry.body ?? {});
  } catch {
    // a body that cannot be written is not searched
  }
  const words = wordsOf(entry);
  const text = `${entry.seq} ${entry.kind} ${entry.case ?? ''} ${entry.actor ?? ''} ${words} ${body}`.slice(0, TEXT_MAX).toLowerCase();
  return {
    seq: entry.seq,
    at: entry.at ?? '',
    kind: String(entry.kind ?? ''),
    case: String(entry.case ?? ''),
    actor: String(entry.actor ?? ''),
    words,
    text,
  };
}

const numbered = (entry) => Number.isSafeInteger(entry?.seq) && entry.seq > 0;

// Descending runs of rows, put together where they meet; what does not meet the newest run is a hole and left out.
function merged(rows, more) {
  const all = new Map(rows.map((row) => [row.seq, row]));
  // a whole entry stays, a brief one has no actor
  for (const row of more) all.set(row.seq, all.get(row.seq)?.actor ? all.get(row.seq) : row);
  return [...all.values()].sort((a, b) => b.seq - a.seq);
}

function whole(state, rows, size) {
  let end = 1;
  while (end < rows.length && rows[end].seq === rows[end - 1].seq - 1) end += 1;
  const hole = end < rows.length ? [rows[end].seq, rows[end - 1].seq] : null;
  const kept = rows.slice(0, ROWS_MAX);
  const most = Math.max(state.size, size, kept[0]?.seq ?? 0);
  // made while the first page was on its way: the stream told of them before anything was known here
  const above = kept.length && kept[0].seq < most ? [kept[0].seq, most + 1] : null;
  return { ...state, rows: kept, size: most, gap: above ?? hole, full: rows.length >= ROWS_MAX };
}

// The page right below what is there, as most are: nothing has to be sorted.
function below(state, more) {
  const last = state.rows.at(-1)?.seq;
  if (!more.length || more.at(-1).seq !== last - 1 || !more.every((row, i) => row.seq === more[0].seq + i)) return null;
  return state.rows.concat(more.reverse());
}

function ofPage(state, event) {
  const more = event.entries.filter(numbered).map(rowOf);
  const size = event.size ?? 0;
  if (!state.known) return whole({ ...state, known: true }, merged([], more), size);
  const rows = state.gap ? null : below(state, more);
  if (!rows) return whole(state, merged(state.rows, more), size);
  return { ...state, rows: rows.slice(0, ROWS_MAX), size: Math.max(state.size, size), full: rows.length >= ROWS_MAX };
}

function ofEntry(state, entry) {
  if (!numbered(entry)) return state;
  if (!state.known) return { ...state, size: Math.max(state.size, entry.seq) };
  const newest = state.rows[0]?.seq ?? 0;
  if (entry.seq <= newest) return state;
  const row = rowOf(entry);
  if (entry.seq === newest + 1) {
    const rows = [row, ...state.rows].slice(0, ROWS_MAX);
    return { ...state, rows, size: Math.max(state.size, entry.seq), full: rows.length >= ROWS_MAX };
  }
  return whole(state, [row, ...state.rows], entry.seq);
}

export function reduce(state, event) {
  if (event.kind === 'page') return Array.isArray(event.entries) ? ofPage(state, event) : state;
  return event.seq ? ofEntry(state, event) : state;
}

// The number of the oldest entry that is there; 1 when all are.
export const oldest = (state) => state.rows.at(-1)?.seq ?? state.size + 1;

export function kinds(state) {
  return [...new Set(state.rows.map((row) => row.kind))].sort();
}

export function actors(state) {
  return [...new Set(state.rows.map((row) => row.actor).filter(Boolean))].sort();
}

// filter: {kind, actor, case, text}; all words of the text must stand in the row.
export function list(state, { kind = '', actor = '', case: of = '', text = '' } = {}) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!kind && !actor && !of && !words.length) return state.rows;
  return state.rows.filter(
    (row) =>
      (!kind || row.kind === kind) &&
      (!actor || row.actor === actor) &&
      (!of || row.case === of) &&
      words.every((word) => row.text.includes(word))
  );
}

const TONES = [
  [/^(case_executed|consent_given|alert_cleared|notification_sent|case_answered)$/, 'ok'],
  [/(_failed|_refused|_rejected|_expired)$/, 'crit'],
  [/^(alert_|case_planned)/, 'warn'],
  [/^(warrant_|case_)/, 'busy'],
];

export const toneOf = (kind) => TONES.find(([pattern]) => pattern.test(kind))?.[1] ?? 'rest';
