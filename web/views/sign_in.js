// SPDX-License-Identifier: Apache-2.0
// Signing in: with a passkey of this page, or with a token. Afterwards one is where one wanted to be.

import { el, replace } from '../core/dom.js';
import { failure as failureOf, lacking } from '../identity/passkey.js';
import { backTo, withPasskey, withToken } from '../identity/session.js';
import { head } from '../parts/card.js';

const LOOK_MS = 2000;

const note = (tone, text, more = null) => el('div', { class: 'note', data: { tone } }, el('p', { text }), more);

function why(error, words, passkeys) {
  if (!('status' in error)) return passkeys.failure[failureOf(error)];
  return words.codes[error.code] ?? error.message;
}

// One way of signing in: its form, where what went wrong is said, and never two at a time.
function way(title, text, form) {
  const said = el('div', { role: 'alert' });
  const node = el('section', { class: 'card stack' }, el('h2', { text: title }), el('p', { class: 'meta', text }), form, said);
  return { node, said };
}

function passkeyWay({ context, words, done }) {
  const { session } = context;
  const texts = context.words.passkey;
  const button = el('button', { class: 'button main', type: 'button', text: words.passkeyDo });
  const { node, said } = way(
    words.passkey,
    words.passkeyText,
    el('div', { class: 'stack' }, el('div', { class: 'row' }, button), el('p', { class: 'meta', text: words.passkeyNote }))
  );
  const stop = new AbortController();

  button.addEventListener('click', async () => {
    button.disabled = true;
    replace(said);
    try {
      await withPasskey(context, stop.signal);
      done();
    } catch (error) {
      if (!stop.signal.aborted) replace(said, note('warn', why(error, words, texts)));
    }
    button.disabled = false;
  });
  const hindered = lacking(session.get());
  const none = !session.get().passkeys ? words.noPasskeys : null;
  if (hindered || none) {
    button.remove();
    replace(
      said,
      note(
        'rest',
        hindered ? texts.lacking[hindered] : none,
        el('p', {}, words.enrolHow, ' ', el('a', { href: '#/enrol', text: words.enrol }))
      )
    );
  }
  return { node, close: () => stop.abort() };
}

function tokenWay({ context, words, done }) {
  const token = el('input', {
    class: 'input',
    type: 'password',
    id: 'token',
    autocomplete: 'current-password',
    spellcheck: 'false',
    maxlength: 4096,
    required: true,
  });
  const send = el('button', { class: 'button', type: 'submit', text: words.tokenDo });
  const form = el(
    'form',
    { class: 'stack' },
    el(
      'div',
      { class: 'field' },
      el('label', { for: 'token', text: words.token }),
      token,
      el('p', { class: 'help' }, words.tokenHow, ' ', el('code', { class: 'copyable', text: words.tokenCommand }))
    ),
    el('div', { class: 'row' }, send)
  );
  const { node, said } = way(words.tokenTitle, words.tokenText, form);

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    send.disabled = true;
    replace(said);
    try {
      await withToken(context, token.value);
      token.value = '';
      done();
    } catch (error) {
      replace(said, note('warn', why(error, words, context.words.passkey)));
      token.select();
    }
    send.disabled = false;
  });
  return node;
}

export function open(context) {
  const words = context.words.signIn;
  const { session, go } = context;
  const done = () => go(backTo());
  const ways = el('div', { class: 'stack' });
  let passkey = null,
    closed = false;

  function draw() {
    const now = session.get();
    const here =
      now.signed_in &&
      note(
        'ok',
        now.how === 'local' ? words.local : words.already(now.name ?? now.principal),
        el('div', { class: 'row' }, el('button', { class: 'button small', type: 'button', text: words.go, on: { click: done } }))
      );
    passkey?.close();
    passkey = passkeyWay({ context, words, done });
    replace(ways, here, passkey.node);
  }

  // What the page knows is from when it was loaded: a passkey may have been confirmed since.
  async function look() {
    const before = JSON.stringify(session.get());
    await session.refresh();
    if (!closed && JSON.stringify(session.get()) !== before) draw();
  }

  draw();
  look().catch(() => {});
  // Who has just enrolled comes here while the terminal is still asking: the button comes when the node has said yes.
  const again = setInterval(() => {
    if (!session.get().passkeys) look().catch(() => {});
  }, LOOK_MS);
  const title = words.title(session.get().node ?? context.words.shell.product);
  const node = el('section', { class: 'stack narrow' }, head({ title, sub: words.sub }), ways, tokenWay({ context, words, done }));
  return {
    node,
    title: words.name,
    close: () => {
      closed = true;
      clearInterval(again);
      passkey.close();
    },
  };
}
