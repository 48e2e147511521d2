// SPDX-License-Identifier: Apache-2.0
// What a model wrote for an alert: three sections, its origin, and the mark that nothing of it was done. Commands can be copied as text.
import { el } from '../core/dom.js';
import { duration, when } from '../core/format.js';
import { pairs } from '../parts/card.js';
import { copyButton, markdown } from '../parts/markdown.js';

function steps(actions, words, md) {
  if (!actions?.length) return el('p', { class: 'meta', text: words.sectionNone });
  return el(
    'ol',
    {},
    actions.map((action) =>
      el(
        'li',
        {},
        el('div', { text: action.text ?? '' }),
        action.command && el('span', { class: 'md-command' }, el('code', { text: action.command }), copyButton(String(action.command), md))
      )
    )
  );
}

// The sections as data, each text as text: what the door checked. The whole Markdown, as it is kept, stands in a fold.
function sections(book, words, md) {
  const { probable_cause: cause, immediate_actions: actions, escalation_criteria: criteria } = book.sections ?? {};
  return [
    el('h3', { text: words.cause }),
    el('p', { text: cause ?? words.sectionNone }),
    el('h3', { text: words.actions }),
    steps(actions, words, md),
    el('h3', { text: words.criteria }),
    criteria?.length
      ? el(
          'ul',
          {},
          criteria.map((text) => el('li', { text }))
        )
      : el('p', { class: 'meta', text: words.sectionNone }),
  ];
}

const hash = (text) => el('code', { class: 'digest', text });

function origin(book, words) {
  return el(
    'details',
    { class: 'fold' },
    el('summary', { text: words.origin }),
    pairs([
      book.model?.name && [words.model, book.model.name],
      [words.modelHash, book.model?.sha256 ? hash(book.model.sha256) : words.modelHashNone],
      book.prompt_sha256 && [words.prompt, hash(book.prompt_sha256)],
      book.ms !== undefined && [words.took, duration(book.ms)],
      book.facts?.length && [
        words.facts,
        el(
          'ul',
          { class: 'alert-facts-list' },
          book.facts.map((id) => el('li', { class: 'mono', text: id }))
        ),
      ],
    ])
  );
}

function written(book, words, md) {
  const digest = book.model?.sha256;
  const model = book.model?.name
    ? `${words.model} ${book.model.name}, ${digest ? `sha256 ${digest.slice(0, 16)}…` : words.modelUnknown}`
    : '';
  return [
    el(
      'div',
      { class: 'note', data: { tone: 'warn' } },
      el('strong', { text: words.runbookMark }),
      el('p', { text: words.runbookCheck }),
      book.truncated && el('p', {}, el('strong', { text: words.runbookCut }))
    ),
    el('p', { class: 'meta', text: [model, when(book.at, Date.now())].filter(Boolean).join(' · ') }),
    el('div', { class: 'md' }, sections(book, words, md)),
    book.markdown &&
      el(
        'details',
        { class: 'fold' },
        el('summary', { text: words.markdown }),
        markdown(book.markdown, { words: md, level: 4, copy: (text) => copyButton(text, md) })
      ),
    origin(book, words),
  ];
}

export function runbook(view, all) {
  const words = all.alert;
  const book = view.runbook;
  const card = (...children) => el('section', { class: 'card alert-section alert-runbook' }, el('h2', { text: words.runbook }), children);
  if (!book) return card(el('p', { class: 'meta', text: words.runbookNone }));
  if (!book.failed) return card(written(book, words, all.markdown));
  return card(
    el(
      'div',
      { class: 'note', data: { tone: 'rest' } },
      el('strong', { text: words.runbookFailed }),
      el('p', { text: book.failed.words || book.failed.code }),
      el('p', { class: 'meta mono', text: book.failed.code })
    ),
    origin(book, words)
  );
}
