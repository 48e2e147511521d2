// SPDX-License-Identifier: Apache-2.0
// One entry of the ledger with all that it says, and its hashes worked out here: so anybody can see that the next entry holds it.
import { el, replace } from '../core/dom.js';
import { when } from '../core/format.js';
import { hashesOf } from '../ledger/verify.js';
import { head, pairs } from '../parts/card.js';
import { failure, loading } from '../parts/empty.js';
import { copyButton } from '../parts/markdown.js';
import { tree } from '../parts/tree.js';

const hash = (text) => el('code', { class: 'digest', text });

function keptBy(next, hashes, words) {
  if (!next) return el('p', { class: 'meta', text: words.keptNone });
  const good = next.prev === hashes.chain;
  return el(
    'p',
    { class: 'entry-kept', data: { tone: good ? 'ok' : 'crit' }, role: good ? null : 'alert' },
    el('span', { class: 'sign', 'aria-hidden': 'true', text: good ? '✓ ' : '✕ ' }),
    good ? words.kept : words.keptNot
  );
}

function hashCard(entry, next, words, md) {
  const hashes = hashesOf(entry);
  if (!hashes)
    return el(
      'section',
      { class: 'card alert-section' },
      el('h2', { text: words.hashes }),
      el('p', { role: 'alert', text: words.notCanonical })
    );
  return el(
    'section',
    { class: 'card alert-section' },
    el('h2', { text: words.hashes }),
    pairs([
      [words.prev, hash(entry.prev)],
      [words.leaf, hash(hashes.leaf)],
      [words.chain, hash(hashes.chain)],
    ]),
    keptBy(next, hashes, words),
    el(
      'details',
      { class: 'fold' },
      el('summary', { text: words.line }),
      el('div', { class: 'md-code' }, el('pre', { tabindex: '0' }, el('code', { text: hashes.line })), copyButton(hashes.line, md))
    )
  );
}

export function open(context, params) {
  const { api, link } = context;
  const words = context.words.entry;
  const seq = Number(params.seq);
  const node = el('div', { class: 'view-entry' });
  let closed = false;

  const step = (to, text, there) => (there ? el('a', { class: 'button small', href: link('ledger', to), text }) : null);

  function draw(entry, next) {
    replace(
      node,
      head({
        title: words.title(seq),
        back: { href: link('ledger'), text: words.back },
        actions: [step(seq - 1, words.older, seq > 1), step(seq + 1, words.newer, Boolean(next))].filter(Boolean),
      }),
      el(
        'div',
        { class: 'stack' },
        el(
          'div',
          { class: 'card' },
          pairs([
            [words.kind, el('span', { class: 'mono', text: entry.kind })],
            [words.at, el('time', { datetime: entry.at, text: when(entry.at) })],
            [words.actor, entry.actor],
            [words.case, entry.case ? el('a', { class: 'mono', href: link('cases', entry.case), text: entry.case }) : words.noCase],
          ])
        ),
        el('section', { class: 'card alert-section' }, el('h2', { text: words.body }), tree(entry.body, words)),
        hashCard(entry, next, words, context.words.markdown)
      )
    );
  }

  function drawProblem(error) {
    replace(
      node,
      head({ title: words.title(params.seq), back: { href: link('ledger'), text: words.back } }),
      error ? failure(error, { title: words.failed, again: words.again }, read) : el('p', { class: 'empty', text: words.missing })
    );
  }

  async function read() {
    try {
      if (!Number.isSafeInteger(seq) || seq < 1) return drawProblem(null);
      const { entries = [] } = await api.get(`/api/v1/ledger?after=${seq - 1}&limit=2`);
      if (closed) return undefined;
      if (entries[0]?.seq !== seq) return drawProblem(null);
      return draw(entries[0], entries[1]?.seq === seq + 1 ? entries[1] : null);
    } catch (error) {
      return closed ? undefined : drawProblem(error);
    }
  }

  replace(node, head({ title: words.title(params.seq), back: { href: link('ledger'), text: words.back } }), loading(words.loading));
  read();
  return {
    node,
    title: words.title(params.seq),
    close() {
      closed = true;
    },
  };
}
