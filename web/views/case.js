// SPDX-License-Identifier: Apache-2.0
// One case: what was asked, how it was understood, what the judge said and why, the plan, who signs, what became of it. It is drawn anew
// part by part, only where something changed, so that folds stay as the reader left them; and what changed is said.

import { cut, el, replace, setText, visible } from '../core/dom.js';
import { duration } from '../core/format.js';
import { head } from '../parts/card.js';
import { empty, failure, loading } from '../parts/empty.js';
import { plan } from '../parts/plan.js';
import { timeline } from '../parts/timeline.js';
import { status } from '../parts/verdict.js';
import { closed, row as rowOf } from '../state/cases.js';
import { catalogue, entriesOf, steps, whoOf } from './case_facts.js';
import { asked, card, judged, outcome, progress, signatures, waiting } from './case_parts.js';
import { feed } from './cases_feed.js';

const TICK_MS = 1000;
const TITLE_CHARS = 80; // of the browser's tab
const HEAD_CHARS = 200; // the whole sentence stands below
const MAIN = ['progress', 'outcome', 'asked', 'verdict', 'plan'];
const SIDE = ['signatures', 'timeline'];
const UNDER_WAY = ['planned', 'consented', 'acting'];

// A place that is filled anew only where what it shows is another than before.
function place() {
  const node = el('div', { class: 'place' });
  let shown;
  return {
    node,
    show(input, draw) {
      const now = JSON.stringify(input ?? null);
      if (now === shown) return;
      shown = now;
      replace(node, now === 'null' ? null : draw(input));
    },
  };
}

function tick(root, words, now) {
  for (const node of root.querySelectorAll('.until')) {
    const left = Number(node.dataset.until) - now;
    setText(node, left > 0 ? words.until(duration(left)) : words.over);
  }
  for (const node of root.querySelectorAll('.stage:last-child')) {
    const since = Number(node.dataset.since);
    if (since) setText(node.querySelector('.stage-time'), ` · ${duration(now - since)}`);
  }
}

// What each place shows of a case, as data; null where it has nothing to say.
function inputs({ view, title, people, entries, stages, mayChange, id }) {
  const consent = view.plan?.consent;
  const body = (kind) => [...entries.values()].findLast((entry) => entry.kind === kind)?.body;
  const { nl, by, action, params } = view;
  const isOver = closed(view.state);
  return {
    asked: { nl, by, action, params, title, model: body('case_opened')?.model },
    verdict: { found: view.verdict },
    plan: view.plan,
    waiting: view.status === 'awaiting_consent' ? { id, expiresAt: view.expires_at, mayChange } : null,
    signatures: consent ? { people: whoOf(view, people), needed: consent.signatures, given: view.consents?.length ?? 0, isOver } : null,
    progress: UNDER_WAY.includes(view.state) ? { stages } : null,
    outcome: isOver ? { view, refused: body('consent_refused'), changed: body('case_failed')?.changed, mayChange } : null,
  };
}

function makePage(texts, actions) {
  const words = texts.case;
  const names = ['head', 'news', 'waiting', ...MAIN, ...SIDE];
  const places = Object.fromEntries(names.map((name) => [name, place()]));
  const column = (list) =>
    el(
      'div',
      { class: 'stack' },
      list.map((name) => places[name].node)
    );
  const columns = el('div', { class: 'case-columns' }, column(MAIN), column(SIDE));
  const whole = el('div', { class: 'stack', hidden: true }, places.waiting.node, columns);
  const note = el('div', {}, loading(words.loading));
  const node = el('article', { class: 'case-page' }, places.head.node, el('div', { role: 'status' }, places.news.node), note, whole);
  const back = { href: '#/cases', text: words.back };

  function drawHead(input) {
    const sub = el('span', {}, words.id, ' ', el('code', { text: input.id }));
    return head({ title: cut(input.title, HEAD_CHARS), back, actions: [status(input.status, texts.verdict)], sub });
  }

  return {
    node,
    draw(title, got) {
      const { view, entries, id } = got;
      const now = inputs(got);
      note.replaceChildren();
      whole.hidden = false;
      places.head.show({ title, status: view.status, id }, drawHead);
      places.waiting.show(now.waiting, (input) => waiting(input, words, actions.decide));
      places.asked.show(now.asked, (input) => asked(input, words));
      places.verdict.show(now.verdict, (input) => judged(input.found, words, texts));
      places.plan.show(now.plan, (input) => card(texts.plan.title, el('p', { text: input.summary }), plan(input, texts)));
      places.signatures.show(now.signatures, (input) => signatures(input, words));
      places.progress.show(now.progress, (input) => progress(input.stages, words));
      places.outcome.show(now.outcome, (input) => outcome(input, words, texts, input.mayChange ? actions.propose : null));
      places.timeline.show({ history: view.history, entries: [...entries.keys()] }, () =>
        card(texts.timeline.title, timeline(steps(view, entries, words, texts.verdict), texts.timeline, Date.now()))
      );
    },
    news: (sentence, tone, at) => places.news.show({ sentence, at }, () => el('p', { class: 'note fresh', data: { tone } }, sentence)),
    failed(error, retry) {
      const isGone = error.code === 'no_such_case' || error.status === 404;
      const away = () => failure(error, { title: words.failed, again: words.again }, retry);
      if (whole.hidden) replace(places.head.node, head({ title: words.untitled, back }));
      replace(note, isGone ? empty({ title: words.missing, text: words.missingText }) : away());
    },
  };
}

export function open(context, { id }) {
  const texts = context.words;
  const words = texts.case;
  const cases = feed(context);
  const got = { id, view: null, title: null, people: [], entries: new Map(), stages: [], mayChange: false };
  let isClosed = false;

  const page = makePage(texts, {
    decide: async () => (await import('./consent.js')).openConsent(context, cases, got.view),
    propose: async (undo) => (await import('./undo.js')).openUndo(context, undo),
  });

  function draw() {
    if (!got.view || isClosed) return;
    const title = got.view.plan?.summary || got.view.nl || got.title || got.view.action || words.untitled;
    got.stages = rowOf(cases.store.get(), id)?.stages ?? [];
    got.mayChange = context.session.mayChange();
    page.draw(title, got);
    tick(page.node, words, cases.now());
    context.retitle?.(visible(cut(title, TITLE_CHARS)));
  }

  async function fetchCase() {
    try {
      const before = got.view;
      const view = await cases.look(id);
      await entriesOf(context.api, view, got.entries);
      if (isClosed) return;
      got.view = view;
      draw();
      const last = steps(view, got.entries, words, texts.verdict).at(-1);
      if (before && last && before.updated_at !== view.updated_at) page.news(words.changedNow(last.words), last.tone, view.updated_at);
    } catch (error) {
      if (!isClosed) page.failed(error, fetchCase);
    }
  }

  // The view is fetched again when the stream says something that it does not know.
  function follow() {
    const row = rowOf(cases.store.get(), id);
    const isOld = got.view && row && (row.updated_at > got.view.updated_at || row.state !== got.view.state);
    if (isOld) fetchCase();
    else draw();
  }

  const peopleKnown = (answer) => {
    got.people = answer.people ?? [];
    draw();
  };
  context.api.get('/api/v1/people').then(peopleKnown, () => {}); // without them, names must do
  fetchCase().then(async () => {
    got.title = (await catalogue(context.api)).get(got.view?.action) ?? null;
    draw();
  });
  const off = [cases.store.subscribe(follow), context.stream.on('reopened', fetchCase), context.session.subscribe(draw)];
  const timer = setInterval(() => tick(page.node, words, cases.now()), TICK_MS);

  return {
    node: page.node,
    title: words.untitled,
    close() {
      isClosed = true;
      clearInterval(timer);
      for (const fn of off) fn();
    },
  };
}
