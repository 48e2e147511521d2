// SPDX-License-Identifier: Apache-2.0
// Asks first, then says in this person's name that somebody looks after an alert.
import { el, replace } from '../core/dom.js';
import { dialog } from '../parts/dialog.js';

const WORDS_BYTES_MAX = 400; // as the gateway has it

const bytesIn = (text) => new TextEncoder().encode(text).length;

export function acknowledging({ api, toast, words: all }, id, done) {
  const words = all.alert;
  let busy = false;
  const text = el('textarea', {
    id: 'acknowledge-words',
    rows: '3',
    maxlength: String(WORDS_BYTES_MAX),
    'aria-describedby': 'acknowledge-help',
  });
  const problem = el('div', { role: 'alert' });
  const send = el('button', { class: 'button main', type: 'submit', text: words.acknowledgeSend });
  const box = dialog({ title: words.acknowledgeTitle(id), close: words.cancel, busy: () => busy });

  function working(now) {
    busy = now;
    send.disabled = now;
    send.textContent = now ? words.acknowledgeBusy : words.acknowledgeSend;
  }

  function say(message) {
    replace(
      problem,
      el('div', { class: 'note', data: { tone: 'crit' } }, el('strong', { text: words.acknowledgeNot }), el('p', { text: message }))
    );
  }

  async function submit(event) {
    event.preventDefault();
    const said = text.value.trim();
    if (bytesIn(said) > WORDS_BYTES_MAX) return say(words.acknowledgeHelp(WORDS_BYTES_MAX));
    working(true);
    try {
      const answer = await api.post(`/api/v1/alerts/${encodeURIComponent(id)}/acknowledge`, said ? { words: said } : {});
      if (answer.status !== 'success') say(answer.text ?? answer.error?.message ?? answer.status);
      else {
        box.shut();
        toast(words.acknowledgeDone(id), { tone: 'ok' });
      }
    } catch (error) {
      say(error.message);
    } finally {
      working(false);
    }
    return undefined;
  }

  replace(
    box.body,
    el(
      'form',
      { class: 'stack', on: { submit } },
      el('p', { text: words.acknowledgeHint }),
      el(
        'div',
        { class: 'field' },
        el('label', { for: 'acknowledge-words', text: words.acknowledgeWords }),
        text,
        el('p', { class: 'help', id: 'acknowledge-help', text: words.acknowledgeHelp(WORDS_BYTES_MAX) })
      ),
      problem,
      el('div', { class: 'row' }, send)
    )
  );
  box.onShut(done);
  box.open();
  text.focus();
}
