// SPDX-License-Identifier: Apache-2.0
// The parts of a case's page, each drawn from what it is given and nothing else.

import { el } from '../core/dom.js';
import { duration, toMs, when } from '../core/format.js';
import { drawAnswer } from '../parts/answer.js';
import { badge, pairs } from '../parts/card.js';
import { coverage, parameters, shown } from '../parts/plan.js';
import { proof } from '../parts/proof.js';
import { tier, toneOf, verdict } from '../parts/verdict.js';

const VERDICT_TONES = { permit: 'ok', needs_consent: 'warn', deny: 'crit' };

export const card = (title, ...children) => el('section', { class: 'card stack' }, title ? el('h2', { text: title }) : null, ...children);

const fold = (title, content) => el('details', { class: 'fold' }, el('summary', { text: title }), content);
const code = (text, name = null) => el('code', { class: name, text });
const json = (value) => el('pre', { class: 'json', tabindex: 0 }, JSON.stringify(value, null, 2));
const quiet = (text) => el('p', { class: 'meta', text });

function note(tone, title, ...children) {
  return el('div', { class: 'note', data: { tone } }, el('strong', { text: title }), ...children);
}

/** The sentence that began it, who through what, and how it was understood. */
export function asked({ nl, by, action, params, title, model }, words) {
  const given = Object.entries(params ?? {}).map(([name, value]) => [name, code(shown(value))]);
  return card(
    words.asked,
    by?.via === 'model' ? note('warn', words.modelTitle, el('p', { text: words.model(model) })) : null,
    nl ? el('blockquote', { class: 'said', text: `“${nl}”` }) : quiet(words.noSentence),
    pairs([
      [words.by, `${by?.principal ?? '?'}, ${words.via[by?.via] ?? by?.via ?? '?'}`],
      [words.understood, el('span', {}, title ? `${title} ` : '', code(action))],
      ...given,
    ])
  );
}

export function judged(found, words, texts) {
  if (!found) return card(words.verdictTitle, quiet(words.verdict.none));
  const why = proof(found.proof, texts.proof);
  const word = badge({ tone: VERDICT_TONES[found.verdict], text: words.verdict[found.verdict] ?? found.verdict });
  return card(
    words.verdictTitle,
    el('div', { class: 'row' }, word, tier(found.tier, texts.verdict)),
    verdict(found, texts.verdict),
    why ? fold(texts.proof.title, why) : null
  );
}

function signer({ person, name, signed, keys, passkeys }, isOver, words) {
  const list = [passkeys && words.passkeys(passkeys), keys && words.keys(keys)].filter(Boolean).join(', ');
  const has = list || (passkeys === null ? '' : words.noKeys);
  const may = isOver ? words.couldSign(name) : words.maySign(name);
  return el(
    'li',
    { class: 'signer', data: { tone: signed ? 'ok' : 'rest' } },
    el('span', { class: 'sign', 'aria-hidden': 'true', text: signed ? '✓' : '○' }),
    el('span', {}, signed ? words.signedBy(name) : may, name === person ? '' : ` (${person})`),
    el('span', { class: 'meta', text: signed || isOver ? '' : has })
  );
}

export function signatures({ people: all, needed, given, isOver }, words) {
  const people = isOver && given >= needed ? all.filter((one) => one.signed) : all;
  const list = el(
    'ul',
    { class: 'stack tight' },
    people.map((one) => signer(one, isOver, words))
  );
  return card(words.signatures, el('p', { text: (isOver ? words.wasNeeded : words.needed)(needed, given) }), list);
}

function stage(one, isLast, words) {
  return el(
    'li',
    { class: 'stage', data: { tone: isLast ? 'busy' : 'ok', since: one.since_ms ?? one.at_ms } },
    el('span', { class: 'sign', 'aria-hidden': 'true', text: isLast ? '↻' : '✓' }),
    el('span', {}, one.words || one.stage, el('span', { class: 'stage-time' })),
    one.expected_ms ? el('span', { class: 'meta', text: words.expected(duration(one.expected_ms)) }) : null
  );
}

/** How far the hands are, as they tell it. */
export function progress(rows, words) {
  const list = rows.map((one, i) => stage(one, i === rows.length - 1, words));
  return card(words.progress, list.length ? el('ol', { class: 'stack tight' }, list) : el('p', { text: words.working }));
}

function refusal(body, words) {
  const name = words.refusedBy(body.person ?? body.principal ?? '?');
  return note('crit', name, body.reason ? el('p', { text: `“${body.reason}”` }) : null);
}

function undoHint(undo, words, propose) {
  const button = () => el('button', { class: 'button small', type: 'button', text: words.undoDo, on: { click: () => propose(undo) } });
  return note(
    'rest',
    words.undo,
    el('p', { text: words.undoText }),
    el('p', {}, code(undo.action)),
    parameters(undo.params),
    propose ? button() : null
  );
}

/** What became of it. An answer is a case too: then there is no plan, and its words are what was wanted. */
export function outcome({ view, refused, changed }, words, texts, propose) {
  const done = view.execution;
  const isAnswer = view.status === 'success' && !view.plan;
  const undo = view.status === 'success' ? view.plan?.undo : null;
  const sentence = el('p', { class: 'outcome', data: { tone: toneOf(view.status) }, text: words.outcomes[view.status] });
  return card(
    isAnswer ? words.answered : words.outcome,
    isAnswer ? null : sentence,
    isAnswer && done ? drawAnswer(done, { folded: words.behind }) : null,
    view.error ? el('p', {}, view.error.message ?? '', ' ', code(view.error.code ?? '', 'meta')) : null,
    view.status === 'failed' && changed ? el('p', { text: words.changed[changed] ?? changed }) : null,
    refused ? refusal(refused, words) : null,
    done?.coverage ? coverage(done.coverage, texts.plan) : null,
    undo ? undoHint(undo, words, propose) : null,
    done ? fold(words.result, json(done)) : null
  );
}

/** What wants somebody: how long still, and the way to decide. */
export function waiting({ id, expiresAt, mayChange }, words, decide) {
  const time = el(
    'p',
    {},
    el('strong', { class: 'until', data: { until: toMs(expiresAt) } }),
    ' ',
    el('span', { class: 'meta', text: words.untilAt(when(expiresAt, Date.now())) })
  );
  const button = () => el('button', { class: 'button main', type: 'button', text: words.decide, on: { click: decide } });
  return el(
    'section',
    { class: 'card waiting', data: { tone: 'warn' } },
    el('div', {}, el('h2', { text: words.waits }), time),
    el(
      'div',
      { class: 'row' },
      mayChange ? button() : el('p', { text: words.viewer }),
      el('span', { class: 'meta' }, mayChange ? words.other : words.otherOnly, ' ', code(`logicctl approve ${id}`, 'copyable'))
    )
  );
}
