// SPDX-License-Identifier: Apache-2.0
// A talk with a model of the house. It stays in this tab: nothing of it is kept by the page, nor by the node.

import { events } from '../core/sse.js';
import { el, replace } from '../core/dom.js';
import { head } from '../parts/card.js';
import { EMPTY, messagesOf, reduce } from '../state/chat.js';
import { drawPerson, makeAnswer } from './chat_talk.js';

const TURNS_MAX = 200,
  CHARS_MAX = 24_000,
  TEXT_MAX = 20_000;

// The talk outlives the view, not the tab.
const talk = { turns: [], model: null, grounded: true, draft: '', controller: null };

async function receive(turn, answer, changed) {
  const feed = events((event) => {
    turn.state = reduce(turn.state, event);
    if (turn.state.text && !turn.first) turn.first = Date.now();
  });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    feed(value);
    changed();
  }
}

/** Sends what was said so far; the turn of the answer fills. Leaving the view does not end it, stop() does. */
async function answerTo(api, turn, body, changed) {
  const controller = (talk.controller = new AbortController());
  try {
    const answer = await api.stream('/v1/chat/completions', {
      method: 'POST',
      body,
      signal: controller.signal,
      headers: { Accept: 'text/event-stream, application/json' },
    });
    await receive(turn, answer, changed);
    if (!turn.state.done && !turn.state.error) turn.failed = { message: null };
  } catch (error) {
    if (controller.signal.aborted) turn.stopped = true;
    else turn.failed = { message: error.message };
  } finally {
    if (talk.controller === controller) talk.controller = null;
    turn.ended = Date.now();
    changed();
  }
}

export function open(context, params) {
  const { api, words: all, session } = context,
    words = all.chat;
  const mayTalk = session.mayChange(); // an engine that works is a change of the house
  const log = el('ol', { class: 'turns', role: 'log', 'aria-label': words.log }),
    hello = el('div', { class: 'empty chat-hello' });
  const model = el('select', { class: 'input', 'aria-label': words.model }),
    grounded = el('input', { type: 'checkbox', checked: talk.grounded });
  const text = el('textarea', {
    class: 'chat-text',
    rows: 2,
    maxlength: TEXT_MAX,
    placeholder: words.placeholder,
    'aria-label': words.placeholder,
  });
  const send = el('button', { class: 'button main', type: 'submit', text: words.send }),
    stop = el('button', { class: 'button', type: 'button', text: words.stop, hidden: true });
  const fresh = el('button', { class: 'button small quiet', type: 'button', text: words.fresh });
  const form = el(
    'form',
    { class: 'chat-form' },
    el('div', { class: 'chat-box' }, text, send, stop),
    el('p', { class: mayTalk ? 'meta not-touch' : 'meta', text: mayTalk ? words.hint : words.viewer })
  );
  const node = el(
    'div',
    { class: 'chat' },
    head({ title: words.title, actions: [fresh] }),
    el(
      'div',
      { class: 'row chat-bar' },
      el('label', { class: 'chat-model' }, el('span', { class: 'away', text: words.model }), model),
      el('label', { class: 'check' }, grounded, el('span', {}, words.ground, el('span', { class: 'meta', text: ` ${words.groundNote}` })))
    ),
    hello,
    log,
    form
  );
  const drawn = new Map();
  let closed = false,
    waiting = false;

  function nearEnd() {
    return document.documentElement.scrollHeight - scrollY - innerHeight < 160;
  }

  function draw() {
    waiting = false;
    if (closed) return;
    const follow = nearEnd();
    for (const [turn, one] of drawn)
      if (!talk.turns.includes(turn)) {
        one.close?.();
        one.node.remove();
        drawn.delete(turn);
      }
    for (const turn of talk.turns) {
      if (!drawn.has(turn)) {
        const one = turn.who === 'person' ? { node: drawPerson(turn, words) } : makeAnswer(words, all, context.stores.queue.get);
        drawn.set(turn, one);
        log.append(one.node);
      }
      if (turn.who === 'model')
        drawn.get(turn).draw({
          ...turn,
          failed: turn.failed && { message: turn.failed.message ?? words.torn },
          retry: turn === talk.turns.at(-1) ? again : null,
        });
    }
    hello.hidden = talk.turns.length > 0;
    const busy = talk.controller !== null;
    send.hidden = busy;
    stop.hidden = !busy;
    fresh.hidden = !talk.turns.length;
    if (follow) scrollTo(0, document.documentElement.scrollHeight);
  }

  function changed() {
    if (waiting || closed) return;
    waiting = true;
    requestAnimationFrame(draw);
  }

  function ask() {
    const turn = { who: 'model', model: talk.model, text: '', state: EMPTY, began: Date.now(), first: null, ended: null };
    const messages = messagesOf(
      talk.turns.map((one) => (one.who === 'model' ? { ...one, text: one.state.text } : one)),
      CHARS_MAX
    );
    talk.turns.push(turn);
    talk.turns.splice(0, Math.max(0, talk.turns.length - TURNS_MAX));
    answerTo(
      api,
      turn,
      { model: talk.model, messages, stream: true, stream_options: { include_usage: true }, ...(talk.grounded ? { grounding: true } : {}) },
      changed
    ).then(() => {
      if (!closed) context.announce(turn.failed || turn.state.error ? words.failed : turn.stopped ? words.stopped : words.done);
    });
    changed();
  }

  function again() {
    talk.turns.pop();
    ask();
  }

  function submit() {
    const said = text.value.trim();
    if (!said || talk.controller || !talk.model) return;
    talk.turns.push({ who: 'person', text: said });
    text.value = talk.draft = '';
    ask();
    scrollTo(0, document.documentElement.scrollHeight);
  }

  async function askModels() {
    try {
      const names = ((await api.get('/v1/models')).data ?? []).filter((one) => !one.embedding);
      const loaded = names.find((one) => one.status?.value === 'loaded');
      const wish = [params.query.model, talk.model, loaded?.id, names[0]?.id].find((name) => names.some((one) => one.id === name)) ?? null;
      talk.model = wish;
      replace(
        model,
        names.map((one) =>
          el('option', { value: one.id, selected: one.id === wish, text: words.option(one.id, one.status?.value === 'loaded') })
        )
      );
      replace(
        hello,
        names.length
          ? [
              el('p', { class: 'empty-title', text: words.hello }),
              el('p', { text: words.helloText }),
              el(
                'div',
                { class: 'row' },
                words.tries.map((one) =>
                  el('button', {
                    type: 'button',
                    class: 'button small',
                    text: one,
                    on: {
                      click: () => {
                        text.value = one;
                        text.focus();
                      },
                    },
                  })
                )
              ),
            ]
          : el('p', { text: words.noModels })
      );
      model.disabled = text.disabled = send.disabled = !names.length || !mayTalk;
    } catch (error) {
      replace(
        hello,
        el('p', { class: 'empty-title', text: words.modelsFailed }),
        el('p', { text: error.message }),
        el('button', { class: 'button small', type: 'button', text: all.house.again, on: { click: askModels } })
      );
    }
  }

  text.value = talk.draft;
  model.addEventListener('change', () => {
    talk.model = model.value;
  });
  grounded.addEventListener('change', () => {
    talk.grounded = grounded.checked;
  });
  text.addEventListener('input', () => {
    talk.draft = text.value;
  });
  text.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    }
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  stop.addEventListener('click', () => talk.controller?.abort());
  node.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') talk.controller?.abort();
  });
  fresh.addEventListener('click', () => {
    talk.controller?.abort();
    talk.turns.length = 0;
    draw();
    text.focus();
  });
  for (const turn of talk.turns) if (turn.who === 'model' && !turn.ended) turn.watch = changed;
  const timer = setInterval(() => {
    if (talk.controller) changed();
  }, 500); // a turn that was begun in an earlier view
  draw();
  askModels();
  return {
    node,
    title: words.title,
    close() {
      closed = true;
      clearInterval(timer);
      drawn.forEach((one) => one.close?.());
    },
  };
}
