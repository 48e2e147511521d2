// SPDX-License-Identifier: Apache-2.0
// "Check it yourself": verifies the whole ledger in a worker of this page, says which entry is broken, and saves the very bytes.
import { el, replace, setText } from '../core/dom.js';
import { bytes, count, duration } from '../core/format.js';
import { save, verification } from '../ledger/verification.js';
import { pairs } from '../parts/card.js';

const KEY = /^ed25519:[A-Za-z0-9+/]{43}=$/;

const hash = (text) => el('code', { class: 'digest', text });

function held({ result, blob, ms }, words) {
  return el(
    'div',
    { class: 'note', data: { tone: 'ok' } },
    el('strong', { text: words.held(words.entriesOf(count(result.entries)), words.checkpointsOf(count(result.checkpoints))) }),
    el('p', { text: result.signatures === 'checked' ? words.signed : words.unsigned }),
    el('p', { text: result.key === 'known' ? words.keyKnown : words.keyNamed }),
    pairs([
      [words.origin, el('span', { class: 'mono', text: result.origin })],
      [words.publicKey, hash(result.public_key)],
      [words.root, hash(result.root)],
      [words.bytes, bytes(blob.size)],
      [words.took, duration(ms)],
    ]),
    el('p', { class: 'meta', text: words.notProven })
  );
}

function broken(message, words, link) {
  const { code, what, from, to } = message;
  const name = (words.wrongOf[what] ?? words.wrongOf.export)(from, to);
  const numbers = what === 'entry' ? [...new Set([from, to])] : [];
  return el(
    'div',
    { class: 'note', data: { tone: 'crit' }, role: 'alert' },
    el('strong', { text: words.broken }),
    el('p', { text: `${name} ${words.wrong[code] ?? code}` }),
    numbers.length > 0 &&
      el(
        'p',
        { class: 'row' },
        numbers.map((seq) => el('a', { href: link('ledger', seq), text: words.wrongOf.entry(seq, seq) }))
      ),
    message.detail && el('p', { class: 'meta mono', text: message.detail })
  );
}

export function checking({ words: all, link, announce }) {
  const words = all.ledger;
  let run = null;
  let file = null;
  let saving = false;

  const progress = el('progress', { 'aria-label': words.progressLabel });
  const said = el('p', { class: 'meta' });
  const moving = el('div', { class: 'stack check-moving', hidden: true }, progress, said);
  const result = el('div');
  const key = el('input', {
    class: 'input mono',
    id: 'known-key',
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-describedby': 'known-key-help',
  });
  const help = el('p', { class: 'help', id: 'known-key-help', text: words.keyHelp });
  const verify = el('button', { class: 'button main', type: 'button', text: words.verify, on: { click: () => begin(false) } });
  const exported = el('button', { class: 'button', type: 'button', text: words.export, on: { click: () => begin(true) } });
  const cancel = el('button', { class: 'button', type: 'button', text: words.cancel, hidden: true, on: { click: () => run?.cancel() } });
  const keep = el('button', { class: 'button', type: 'button', text: words.save, hidden: true, on: { click: () => keepIt() } });

  function keepIt() {
    save(file.blob, words.fileName(file.size));
    announce?.(words.saved);
  }

  function working(now) {
    moving.hidden = !now;
    cancel.hidden = !now;
    verify.disabled = exported.disabled = now;
    if (now) {
      progress.removeAttribute('value');
      setText(said, words.fetching);
      keep.hidden = true;
      replace(result);
    }
  }

  function end(message) {
    run = null;
    working(false);
    if (message.kind === 'cancelled') replace(result, el('p', { class: 'meta', role: 'status', text: words.cancelled }));
    else if (message.kind === 'failed')
      replace(result, el('div', { class: 'note', data: { tone: 'warn' }, role: 'alert' }, words.notRead(message.message)));
    else {
      replace(result, message.kind === 'held' ? held(message, words) : broken(message, words, link));
      file = { blob: message.blob, size: message.result?.entries ?? 'broken' };
      keep.hidden = false;
      if (message.kind === 'held')
        announce?.(words.held(words.entriesOf(message.result.entries), words.checkpointsOf(message.result.checkpoints)));
      if (saving) keepIt();
    }
    (keep.hidden ? verify : keep).focus({ preventScroll: true });
  }

  function tell(message) {
    if (message.kind !== 'progress') {
      end(message);
      return;
    }
    if (message.of) {
      progress.max = message.of;
      progress.value = message.entries;
    }
    setText(said, words.progress(count(message.entries), count(message.of), bytes(message.bytes)));
  }

  function begin(andSave) {
    const known = key.value.trim();
    if (known && !KEY.test(known)) {
      setText(help, words.keyBad);
      key.setAttribute('aria-invalid', 'true');
      key.closest('details').open = true;
      key.focus();
      return;
    }
    key.removeAttribute('aria-invalid');
    setText(help, words.keyHelp);
    saving = andSave;
    working(true);
    cancel.focus({ preventScroll: true });
    run = verification({ knownKey: known || null, tell });
  }

  return {
    node: el(
      'section',
      { class: 'card ledger-check', 'aria-label': words.check },
      el('h2', { text: words.check }),
      el('p', { class: 'meta', text: words.checkHint }),
      el('div', { class: 'row' }, verify, exported, cancel, keep),
      el(
        'details',
        { class: 'fold' },
        el('summary', { text: words.key }),
        el('div', { class: 'field' }, el('label', { class: 'away', for: 'known-key', text: words.key }), key, help)
      ),
      moving,
      result
    ),
    close() {
      run?.close();
      run = null;
    },
  };
}
