// SPDX-License-Identifier: Apache-2.0
// Everything that a plan says. plan(value, {plan, verdict} of the words, {whole, now}): `whole` draws every line and leaves nothing out:
// what has no place of its own here stands at the end under its own name, so that nobody signs what was not shown.

import { el } from '../core/dom.js';
import { duration, when } from '../core/format.js';
import { pairs, tag } from './card.js';
import { diff } from './diff.js';
import { tier } from './verdict.js';

const PLACED = new Set([
  'kind',
  'case',
  'action',
  'params',
  'by',
  'consent',
  'tier',
  'expires_at_ms',
  'nonce',
  'rules',
  'site',
  'summary',
  'targets',
  'current',
  'diff',
  'preconditions',
  'coverage',
  'job',
  'undo',
]);
const COVERAGE = ['ok', 'changed', 'skipped', 'unsupported'];
const DIFF_SHOWN = 200;

/** Parameters as a person reads them: texts bare, everything else as JSON. */
export const shown = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

export function parameters(params) {
  const rows = Object.entries(params ?? {}).map(([name, value]) => [name, el('code', { text: shown(value) })]);
  return rows.length ? pairs(rows) : null;
}

/** Four letters and four: as people compare them. */
export function hash(hex) {
  return el('code', { class: 'hash', text: (String(hex ?? '').match(/.{1,4}/gs) ?? []).join(' ') });
}

/** How far a dry run saw: words and numbers, and a sign only where something was not seen. */
export function coverage(found, words) {
  if (!found || typeof found !== 'object') return null;
  const blind = (found.skipped ?? 0) + (found.unsupported ?? 0) > 0;
  const names = [...COVERAGE, ...Object.keys(found).filter((name) => !COVERAGE.includes(name))];
  const one = (name) =>
    el(
      'li',
      { data: { kind: name, none: found[name] === 0 ? 'yes' : null } },
      el('strong', { text: shown(found[name]) }),
      ` ${words.coverage[name] ?? name}`
    );
  return el(
    'div',
    { class: 'coverage' },
    el('ul', { class: 'coverage-list' }, names.filter((name) => name in found).map(one)),
    el('p', { class: 'meta', text: blind ? words.coverageBlind : words.coverageWhole })
  );
}

function texts(lines, name = 'dots') {
  return el(
    'ul',
    { class: name },
    lines.map((one) => el('li', { text: shown(one) }))
  );
}

// A record set as its server prints it; whatever has other members is shown as it is.
function recordSet(value) {
  if (typeof value !== 'object' || value === null || Object.keys(value).sort().join() !== 'name,ttl,type,values') return shown(value);
  if (!Array.isArray(value.values)) return shown(value);
  return [value.name, value.ttl, value.type, value.values.map(shown).join(', ')].map(shown).join(' ');
}

function part(title, content) {
  return content ? el('section', { class: 'plan-part' }, el('h3', { text: title }), content) : null;
}

const quiet = (text) => el('p', { class: 'meta', text });
const json = (value) => el('pre', { class: 'json', tabindex: 0 }, JSON.stringify(value, null, 2));

function fold(title, content) {
  return el('details', { class: 'fold' }, el('summary', { text: title }), content);
}

function targets(value, words) {
  const list = (value.targets ?? []).map(shown);
  return part(words.targets, list.length ? el('div', { class: 'row' }, list.map(tag)) : null);
}

function changes(value, words, whole) {
  const lines = value.diff ?? [];
  const drawn = lines.length ? diff(lines, words.diff, { max: whole ? Infinity : DIFF_SHOWN }) : quiet(words.noDiff);
  return part(words.diff.title, drawn);
}

function undo(value, words) {
  if (!value.undo) return part(words.undo, quiet(words.noUndo));
  const action = el('p', {}, el('code', { text: value.undo.action ?? '' }));
  return part(words.undo, el('div', { class: 'stack tight' }, action, parameters(value.undo.params)));
}

function origin(value, words, now) {
  const by = value.by ?? {};
  const left = value.expires_at_ms - now;
  const { signatures = '?', approvers = [] } = value.consent ?? {};
  return pairs([
    [words.by, `${by.principal ?? '?'} · ${words.via[by.via] ?? by.via ?? '?'}`],
    [words.expires, `${when(value.expires_at_ms, now)} (${left > 0 ? words.left(duration(left)) : words.over})`],
    [words.signatures, value.consent ? words.signaturesOf(signatures, approvers.join(', ')) : words.noSignatures],
  ]);
}

function details(value, words) {
  const rest = Object.entries(value).filter(([name]) => !PLACED.has(name));
  const mark = (name) => [words[name], el('code', { text: value[name] ?? '' })];
  const others = () =>
    el('div', { class: 'note', data: { tone: 'warn' } }, el('strong', { text: words.others }), json(Object.fromEntries(rest)));
  return [
    fold(words.job, json(value.job)),
    fold(words.marks, pairs(['kind', 'case', 'nonce', 'rules', 'site'].map(mark))),
    rest.length ? others() : null,
  ];
}

/** Without `whole` only what a page about the case needs; the job and the marks stand in folds either way. */
export function plan(value, { plan: words, verdict }, { whole = false, now = Date.now() } = {}) {
  const current = value.current ?? [];
  return el(
    'div',
    { class: 'plan stack' },
    whole ? el('div', { class: 'row' }, tier(value.tier, verdict), el('code', { text: value.action ?? '' })) : null,
    whole ? el('p', { class: 'plan-summary', text: value.summary ?? '' }) : null,
    whole ? part(words.params, parameters(value.params)) : null,
    targets(value, words),
    changes(value, words, whole),
    current.length ? part(words.current, texts(current.map(recordSet), 'mono dots')) : null,
    part(words.preconditions, value.preconditions?.length ? texts(value.preconditions) : quiet(words.noPreconditions)),
    part(words.dryRun, coverage(value.coverage, words)),
    undo(value, words),
    whole ? part(words.signing, origin(value, words, now)) : null,
    details(value, words)
  );
}
