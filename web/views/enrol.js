// SPDX-License-Identifier: Apache-2.0
// A new passkey, with the one-time code that `logicctl operator enroll` printed: the code, then the browser's prompt, then the key's
// fingerprint, which the person compares with what the terminal shows. Until it is confirmed there, the passkey is nothing.

import { el, replace } from '../core/dom.js';
import { DEVICE_MAX, begin, codeOf, deviceOf, finish } from '../identity/enrol.js';
import { creation, failure as failureOf, lacking } from '../identity/passkey.js';
import { head } from '../parts/card.js';
import { hash } from '../parts/plan.js';

const code = (text) => el('code', { class: 'copyable', text });
const note = (tone, ...children) => el('div', { class: 'note', data: { tone } }, children);

function step(number, title, ...children) {
  return el(
    'li',
    { class: 'card stack enrol-step' },
    el('h2', {}, el('span', { class: 'enrol-number', 'aria-hidden': 'true', text: `${number}` }), title),
    children
  );
}

// Typing groups the letters as they were printed; the cursor stays behind what was typed.
function codeField(words) {
  const input = el('input', {
    class: 'input enrol-code',
    id: 'code',
    autocomplete: 'one-time-code',
    autocapitalize: 'characters',
    spellcheck: 'false',
    maxlength: 40,
    placeholder: 'XXXX-XXXX-XXXX',
    required: true,
    'aria-describedby': 'code-help',
  });
  input.addEventListener('input', () => {
    const before = codeOf(input.value.slice(0, input.selectionEnd ?? input.value.length)).code;
    const { code: text } = codeOf(input.value);
    const at = Math.min(before.length + (before.length % 5 === 4 && text.length > before.length ? 1 : 0), text.length);
    if (input.value !== text) {
      input.value = text;
      input.setSelectionRange(at, at);
    }
  });
  return {
    input,
    node: el(
      'div',
      { class: 'field' },
      el('label', { for: 'code', text: words.code }),
      input,
      el('p', { class: 'help', id: 'code-help', text: words.codeHelp })
    ),
  };
}

function deviceField(words) {
  const input = el('input', {
    class: 'input',
    id: 'device',
    maxlength: DEVICE_MAX,
    required: true,
    value: deviceOf(navigator),
    autocomplete: 'off',
  });
  return {
    input,
    node: el(
      'div',
      { class: 'field' },
      el('label', { for: 'device', text: words.device }),
      input,
      el('p', { class: 'help', text: words.deviceHelp })
    ),
  };
}

function shownKey(done, words) {
  return el(
    'section',
    { class: 'card stack enrol-done', data: { tone: 'warn' }, role: 'status' },
    el('h2', { text: words.doneTitle }),
    el('p', { text: words.doneText(done.person) }),
    el('p', { class: 'enrol-key' }, hash(done.key_id)),
    el('p', { text: words.doneNext }),
    el('p', { class: 'meta' }, words.doneLater, ' ', code(`logicctl operator confirm ${done.enrolment}`)),
    el('div', { class: 'row' }, el('a', { class: 'button', href: '#/sign-in', text: words.doneSignIn }))
  );
}

function failed(error, words, texts) {
  if (!('status' in error)) return texts.failure[failureOf(error)];
  return words.codes[error.code] ?? error.message;
}

export function open(context) {
  const words = context.words.enrol;
  const texts = context.words.passkey;
  const why = lacking({ ...context.session.get(), origin_known: true }); // the first enrolment makes the origin known
  const given = codeField(words);
  const device = deviceField(words);
  const said = el('div', { role: 'alert' });
  const send = el('button', { class: 'button main', type: 'submit', text: words.create });
  const stop = new AbortController();
  const form = el('form', { class: 'stack' }, given.node, device.node, el('div', { class: 'row' }, send), said);
  const steps = el(
    'ol',
    { class: 'stack' },
    step(1, words.step1, el('p', { text: words.step1Text }), el('p', {}, code(words.command))),
    step(2, words.step2, why ? note('warn', el('p', { text: texts.lacking[why] }), el('p', { text: words.lackingMore })) : form),
    step(3, words.step3, el('p', { text: words.step3Text }))
  );
  const node = el('section', { class: 'stack narrow' }, head({ title: words.title, sub: words.sub }), steps);

  async function enrol() {
    const { code: text, whole } = codeOf(given.input.value);
    if (!whole) {
      replace(said, note('warn', words.codeShort));
      given.input.focus();
      return;
    }
    send.disabled = true;
    replace(said);
    try {
      const options = await begin(context.api, text);
      replace(said, note('rest', words.prompt(options.name || options.person)));
      const made = await creation(options, stop.signal);
      replace(steps, shownKey(await finish(context.api, text, device.input.value.trim(), made), words));
      steps.querySelector('h2').focus();
    } catch (error) {
      if (!stop.signal.aborted) replace(said, note('warn', failed(error, words, texts)));
    }
    send.disabled = false;
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    enrol();
  });
  return { node, title: words.title, close: () => stop.abort() };
}
