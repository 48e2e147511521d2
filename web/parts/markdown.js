// SPDX-License-Identifier: Apache-2.0
// Draws the tree of markdown_tree.js. Nothing of the text becomes a link, an image, markup or an action: there is no tag here that
// could, and every string goes through el().
//
//   markdown(text, { words, level: 3, copy }) -> Element
//   words: words.markdown. level: that of its highest heading. copy(text) -> Element or null: what stands beside code that has a
//   line of its own (copyButton below). An answer that still grows is drawn again as a whole: parse() is linear.
import { el } from '../core/dom.js';
import { parse } from './markdown_tree.js';

const MARKS = { strong: 'strong', em: 'em', strike: 's' };

// `lines`: of a paragraph, where code may have a line of its own.
function drawInline(pieces, options, lines = false) {
  return pieces.map((piece, at) => {
    if (typeof piece === 'string') return piece;
    if (piece.kind === 'break') return el('br');
    if (piece.kind !== 'code') return el(MARKS[piece.kind], {}, drawInline(piece.inline, options));
    const code = el('code', {}, piece.text);
    return lines && ownLine(pieces, at) ? el('span', { class: 'md-command' }, code, options.copy?.(piece.text)) : code;
  });
}

// Is this piece all of its line?
function ownLine(pieces, at) {
  const before = pieces[at - 1];
  const behind = pieces[at + 1];
  const begins = before === undefined || before.kind === 'break' || (typeof before === 'string' && before.endsWith('\n'));
  return begins && (behind === undefined || behind.kind === 'break' || (typeof behind === 'string' && behind.startsWith('\n')));
}

function drawItem(blocks, loose, options) {
  return el(
    'li',
    {},
    blocks.map((block) =>
      block.kind === 'paragraph' && !loose ? el('div', {}, drawInline(block.inline, options, true)) : drawBlock(block, options)
    )
  );
}

function drawTable(table, options) {
  const cell = (tag, inline, column) =>
    el(tag, { data: { align: table.aligns[column] }, scope: tag === 'th' ? 'col' : null }, drawInline(inline, options));
  return el(
    'div',
    { class: 'md-table', tabindex: '0' },
    el(
      'table',
      {},
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          table.head.map((inline, column) => cell('th', inline, column))
        )
      ),
      el(
        'tbody',
        {},
        table.rows.map((row) =>
          el(
            'tr',
            {},
            row.map((inline, column) => cell('td', inline, column))
          )
        )
      )
    )
  );
}

function drawBlock(block, options) {
  switch (block.kind) {
    case 'heading':
      return el(`h${Math.min(6, options.level + block.level - 1)}`, {}, drawInline(block.inline, options));
    case 'code':
      return el('div', { class: 'md-code' }, el('pre', { tabindex: '0' }, el('code', {}, block.text)), options.copy?.(block.text));
    case 'quote':
      return el(
        'blockquote',
        {},
        block.blocks.map((one) => drawBlock(one, options))
      );
    case 'list':
      return el(
        block.ordered ? 'ol' : 'ul',
        { start: block.ordered && block.start !== 1 ? block.start : null },
        block.items.map((blocks) => drawItem(blocks, block.loose, options))
      );
    case 'table':
      return drawTable(block, options);
    case 'rule':
      return el('hr');
    default:
      return el('p', {}, drawInline(block.inline, options, true));
  }
}

export function markdown(text, { words, level = 3, copy = null }) {
  const tree = parse(text);
  const options = { level, copy };
  return el(
    'div',
    { class: 'md' },
    tree.blocks.map((block) => drawBlock(block, options)),
    tree.cut && el('p', { class: 'md-cut' }, words.cut)
  );
}

// A button that puts the text on the clipboard as text: nothing is run, nothing is sent. Where the browser forbids it, the code is
// selected.
export function copyButton(text, words) {
  const button = el('button', { type: 'button', class: 'md-copy', 'aria-label': words.copyLabel }, words.copy);
  const say = (word) => {
    button.textContent = word;
    setTimeout(() => {
      button.textContent = words.copy;
    }, 2000);
  };
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      say(words.copied);
    } catch {
      const code = button.parentElement?.querySelector('code');
      if (code) getSelection().selectAllChildren(code);
      say(words.selected);
    }
  });
  return button;
}
