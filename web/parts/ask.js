// SPDX-License-Identifier: Apache-2.0
// The ask bar: a sentence, how it is understood (nothing happens yet), and only after a second Enter what comes of it.
//
//   makeAsk(context) -> {node, focus(), fill(sentence), asked() -> what was sent in this tab, newest first}

import { ApiError } from '../core/api.js';
import { el, replace } from '../core/dom.js';
import { byName, outcome, signature, understood } from '../state/ask.js';
import { badge } from './card.js';
import { icon } from './icons.js';
import { TONES } from './verdict.js';

const PAUSE_MS = 350; // of typing before the node is asked how it understands
const SEND_MS = 20 * 60_000; // waking a host and loading a model may take that long
const LEAVE_MS = 1500; // a change that takes longer is followed on the page of its case
const SENTENCE_MAX = 2000; // the grammar reads no longer one
const KEPT_MAX = 30;

export function makeAsk(context) {
  const { api, stream, session, go, link, words: all } = context;
  const words = all.ask;
  const input = el('input', {
    type: 'text',
    class: 'ask-input',
    id: 'ask',
    name: 'ask',
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    maxlength: SENTENCE_MAX,
    placeholder: words.placeholder,
    'aria-label': words.label,
    'aria-describedby': 'ask-hint',
    enterkeyhint: 'search',
  });
  const clear = el('button', { type: 'button', class: 'ask-clear', 'aria-label': words.clear, hidden: true, text: '✕' });
  const hint = el('span', { id: 'ask-hint', class: 'away', text: words.hint });
  const panel = el('div', { class: 'ask-panel', role: 'region', 'aria-live': 'polite', 'aria-label': words.panel, hidden: true });
  const node = el(
    'form',
    { class: 'ask', role: 'search' },
    icon('ask'),
    input,
    el('kbd', { class: 'ask-key', 'aria-hidden': 'true', text: '/' }),
    clear,
    hint,
    panel
  );
  let catalogue = null,
    read = null,
    timer = null,
    controller = null,
    sending = null,
    answered = false;
  const kept = [];

  const sentence = () => input.value.trim();

  async function actions() {
    catalogue ??= api.get('/api/v1/actions').then(
      (page) => byName(page.actions),
      () => {
        catalogue = null;
        return {};
      }
    );
    return catalogue;
  }

  function show(...children) {
    replace(panel, children);
    panel.hidden = !children.flat(Infinity).filter(Boolean).length;
  }

  function close() {
    clearTimeout(timer);
    controller?.abort();
    panel.hidden = true;
  }

  function exampleList(examples) {
    return el(
      'ul',
      { class: 'ask-examples' },
      examples.map((text) =>
        el('li', {}, el('button', { type: 'button', class: 'button quiet small', text, on: { click: () => fill(text) } }))
      )
    );
  }

  function drawItem(item) {
    return el(
      'li',
      { class: 'ask-item' },
      el('span', { class: 'ask-title', text: item.title }),
      item.tier &&
        badge({
          tone: { observe: 'rest', change: 'busy', risky: 'warn', destructive: 'crit' }[item.tier],
          text: words.tiers[item.tier] ?? item.tier,
          sign: '',
        }),
      item.params.length > 0 &&
        el(
          'dl',
          { class: 'ask-params' },
          item.params.map(([name, value]) => el('div', {}, el('dt', { text: name }), el('dd', { text: value })))
        )
    );
  }

  function drawSend(items) {
    if (!session.mayChange()) return el('p', { class: 'meta', text: words.viewer });
    const who = signature(items, session.isPerson());
    return [
      who && el('p', { class: 'meta', text: words.signature[who] }),
      el(
        'div',
        { class: 'row' },
        el('button', {
          type: 'button',
          class: 'button main',
          text: items.length > 1 ? words.sendAll(items.length) : words.send,
          on: { click: send },
        }),
        el('span', { class: 'meta not-touch' }, words.enterSends)
      ),
    ];
  }

  function drawUnderstood(how) {
    const title = { understood: words.understood, question: words.question, not_understood: words.notUnderstood, failed: words.failed }[
      how.kind
    ];
    show(
      el('p', { class: 'ask-how', data: { kind: how.kind }, text: title }),
      how.kind !== 'understood' && how.text && how.text !== title && el('p', { text: how.text }),
      how.items.length > 0 && el('ul', { class: 'ask-items' }, how.items.map(drawItem)),
      how.examples.length > 0 && exampleList(how.examples),
      how.kind === 'understood' && drawSend(how.items)
    );
  }

  function drawError(error) {
    show(el('p', { class: 'ask-how', data: { kind: 'failed' }, text: words.failed }), el('p', { text: error.message }));
  }

  async function parse() {
    clearTimeout(timer);
    const nl = sentence();
    if (!nl || sending) return;
    controller?.abort();
    const mine = (controller = new AbortController());
    try {
      const [answer, known] = await Promise.all([api.post('/api/v1/intent', { nl, parse_only: true }, { signal: mine.signal }), actions()]);
      if (mine.signal.aborted || nl !== sentence()) return;
      read = { nl, how: understood(answer, known) };
      drawUnderstood(read.how);
    } catch (error) {
      if (!mine.signal.aborted && error instanceof ApiError) drawError(error);
    }
  }

  function drawSending(nl) {
    const place = el('p', { class: 'meta' });
    show(el('p', { class: 'ask-how', data: { kind: 'busy' }, text: words.sending }), el('p', { text: `“${nl}”` }), place);
    return place;
  }

  /** The case of what was sent is known from the stream long before a slow answer. */
  function follow(nl) {
    const followed = { id: null, left: false };
    const off = stream.on('case_opened', (event) => {
      if ((event.body?.nl ?? null) === nl && !followed.id) followed.id = event.case;
    });
    const leave = setTimeout(() => {
      if (!followed.id || read?.how.items.every((item) => item.tier === 'observe')) return;
      followed.left = true;
      finish();
      go(link('cases', followed.id));
    }, LEAVE_MS);
    followed.end = () => {
      off();
      clearTimeout(leave);
    };
    return followed;
  }

  function finish() {
    close();
    input.blur();
    input.value = '';
    clear.hidden = true;
    read = null;
    answered = false;
  }

  async function send() {
    const nl = sentence();
    if (!nl || sending || read?.nl !== nl || read.how.kind !== 'understood' || !session.mayChange()) return;
    sending = nl;
    const followed = follow(nl);
    drawSending(nl);
    try {
      const results = outcome(await api.post('/api/v1/intent', { nl }, { timeout_ms: SEND_MS }));
      await done(nl, results, followed);
    } catch (error) {
      if (followed.left) context.toast(error.message, { tone: 'crit' });
      else drawError(error);
    } finally {
      followed.end();
      sending = null;
    }
  }

  async function done(nl, results, followed) {
    kept.unshift({ nl, at: Date.now(), results });
    kept.length = Math.min(kept.length, KEPT_MAX);
    dispatchEvent(new CustomEvent('asked'));
    const only = results.length === 1 ? results[0] : null;
    if (followed.left) {
      context.toast(only?.text || words.done, { tone: TONES[only?.status] ?? 'rest' });
    } else if (only?.case && (only.status === 'awaiting_consent' || (only.status === 'success' && !only.answer))) {
      finish();
      go(link('cases', only.case));
    } else {
      const { drawOutcome } = await import('./outcome.js');
      show(
        el('p', { class: 'ask-said', text: `“${nl}”` }),
        results.map((result) => drawOutcome(result, { words, link, tones: TONES })),
        el('div', { class: 'row' }, el('button', { type: 'button', class: 'button small', text: words.close, on: { click: finish } }))
      );
      read = null;
      answered = true;
    }
  }

  function fill(text) {
    input.value = text;
    clear.hidden = !text;
    input.focus();
    input.setSelectionRange(text.length, text.length);
    parse();
  }

  input.addEventListener('input', () => {
    clear.hidden = !input.value;
    answered = false;
    read = null;
    clearTimeout(timer);
    if (!sentence()) close();
    else timer = setTimeout(parse, PAUSE_MS);
  });
  input.addEventListener('focus', actions, { once: true });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      if (panel.hidden || answered) finish();
      else close();
    }
    if (event.key === 'Enter' && event.repeat) event.preventDefault(); // holding the key down is not a second Enter
    if (event.key === 'ArrowUp' && !input.value && kept.length) {
      event.preventDefault();
      fill(kept[0].nl);
    }
  });
  node.addEventListener('submit', (event) => {
    event.preventDefault();
    if (read?.nl === sentence() && read.how.kind === 'understood' && !panel.hidden) send();
    else parse();
  });
  clear.addEventListener('click', () => {
    finish();
    input.focus();
  });
  panel.addEventListener('click', (event) => {
    if (event.target.closest('a')) close();
  });
  document.addEventListener('pointerdown', (event) => {
    if (!node.contains(event.target) && !sending) close();
  });
  addEventListener('hashchange', () => {
    if (sending) return;
    if (answered) finish();
    else close();
  });

  return {
    node,
    focus: () => {
      input.focus();
      input.select();
    },
    fill,
    asked: () => kept,
  };
}
