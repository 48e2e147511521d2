// SPDX-License-Identifier: Apache-2.0
// One turn of a chat, drawn: what a person said, or an answer while it comes and when it is there.

import { el, replace, setAttr, setText } from '../core/dom.js';
import { count, duration } from '../core/format.js';
import { makeSteps } from '../parts/steps.js';
import { factsOf } from '../state/chat.js';
import { stageFor } from '../state/queue.js';

const DRAW_MS = 120; // an answer that grows is drawn this often
let markdown = null;

/** H8's part, when it is there; text until then and without it. */
async function loadMarkdown() {
  markdown ??= import('../parts/markdown.js').catch(() => null);
  return markdown;
}

function factList(facts) {
  return el(
    'ul',
    { class: 'chat-facts' },
    facts.map((fact) => el('li', {}, el('code', { text: fact.id }), ' ', el('span', { text: fact.words })))
  );
}

export function drawGrounding(grounding, words) {
  const { cited, others } = factsOf(grounding),
    given = cited.length ? words.otherFacts : words.givenFacts;
  return el(
    'div',
    { class: 'stack chat-grounding' },
    grounding.unknown.length > 0 &&
      el(
        'ul',
        { class: 'bullets' },
        grounding.unknown.map((one) => el('li', { text: one.words ?? one.name }))
      ),
    cited.length > 0
      ? el('div', {}, el('p', { class: 'meta', text: words.cited }), factList(cited))
      : el('p', { class: 'meta', text: words.notCited }),
    others.length > 0 && el('details', {}, el('summary', { class: 'meta', text: given(others.length) }), factList(others))
  );
}

export function drawPerson(turn, words) {
  return el(
    'li',
    { class: 'turn turn-person' },
    el('p', { class: 'turn-who', text: words.you }),
    el('p', { class: 'turn-text', text: turn.text })
  );
}

/**
 * -> {node, draw(turn), close()}; `queueOf()` is the state of the queue store.
 * turn: {model, state (state/chat.js), began, ended, stopped, failed {message}, retry}
 */
export function makeAnswer(words, all, queueOf) {
  const who = el('p', { class: 'turn-who' }),
    body = el('div', { class: 'turn-text' }),
    thinking = el(
      'details',
      { class: 'chat-thinking', hidden: true },
      el('summary', { class: 'meta', text: words.thinking }),
      el('p', { class: 'turn-plain' })
    );
  const steps = makeSteps({ words: all.house.steps }),
    waits = el('p', { class: 'meta chat-waits' }),
    foot = el('div', { class: 'turn-foot' });
  const node = el('li', { class: 'turn turn-model' }, who, waits, steps.node, thinking, body, foot);
  let timer = null,
    wanted = null,
    library = null,
    text = null,
    ended = false;

  loadMarkdown().then((found) => {
    library = found;
    if (wanted) drawText();
  });

  function drawText() {
    timer = null;
    if (wanted === text) return;
    text = wanted;
    if (library && text) replace(body, library.markdown(text, { words: all.markdown, level: 3 }));
    else replace(body, el('p', { class: 'turn-plain', text }));
  }

  function drawFoot(turn) {
    const state = turn.state,
      rate =
        state.usage?.completion_tokens && turn.ended > turn.first
          ? state.usage.completion_tokens / ((turn.ended - turn.first) / 1000)
          : null;
    const notes = [
      turn.stopped && words.stopped,
      state.finish === 'length' && words.cutOff,
      state.usage?.completion_tokens && words.tokens(count(state.usage.completion_tokens)),
      rate && rate < 10_000 && words.rate(Math.round(rate)),
      turn.first && words.firstAfter(duration(turn.first - turn.began)),
    ].filter(Boolean);
    const failed = turn.failed ?? state.error;
    replace(
      foot,
      failed &&
        el(
          'div',
          { class: 'note', data: { tone: 'crit' }, role: 'alert' },
          el('p', { text: failed.message }),
          turn.retry && el('button', { class: 'button small', type: 'button', text: words.retry, on: { click: turn.retry } })
        ),
      state.grounding && drawGrounding(state.grounding, words),
      notes.length > 0 && el('p', { class: 'meta', text: notes.join(' · ') })
    );
  }

  /** What the stream of the answer says; before it says anything, what the house says of the model. */
  function stageOf(turn) {
    const said = turn.state.stage,
      queue = queueOf();
    if (turn.state.text) return null;
    if (said && all.house.steps.stages[said.name]) {
      const expected = said.eta_ms === null ? null : Date.now() - turn.began + said.eta_ms;
      return { stage: said.name, since_ms: turn.began, expected_ms: expected };
    }
    const stage = stageFor(queue, turn.model, Date.now());
    return stage && { ...stage, skew_ms: queue.skew_ms };
  }

  function draw(turn) {
    const state = turn.state,
      open = !turn.ended;
    setText(who, turn.model);
    setAttr(node, 'aria-busy', open ? 'true' : null);
    thinking.hidden = !state.thinking;
    if (state.thinking) setText(thinking.lastChild, state.thinking);
    const stage = open ? stageOf(turn) : null;
    steps.set(stage, stage?.skew_ms ?? 0);
    setText(waits, open && !state.text && !stage ? (state.stage ? words.waits(state.stage.name.replaceAll('_', ' ')) : words.sent) : '');
    waits.hidden = !waits.textContent;
    wanted = state.text;
    if (!open) {
      clearTimeout(timer);
      drawText();
      if (!ended) {
        ended = true;
        drawFoot(turn);
      }
    } else timer ??= setTimeout(drawText, DRAW_MS);
  }

  return {
    node,
    draw,
    close() {
      clearTimeout(timer);
      steps.close();
    },
  };
}
