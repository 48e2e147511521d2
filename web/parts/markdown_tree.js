// SPDX-License-Identifier: Apache-2.0
// Markdown to a tree, for texts that models wrote: a strict small part of CommonMark and nothing that leads or acts. Pure.
//
//   parse(text) -> {blocks: [block], cut: bool}
//   block   {kind: 'heading', level, inline} · {kind: 'paragraph', inline} · {kind: 'code', text, language} · {kind: 'quote', blocks}
//           {kind: 'list', ordered, start, loose, items: [[block]]} · {kind: 'rule'} ·
//           {kind: 'table', aligns, head: [inline], rows: [[inline]]}
//   inline  [string | {kind: 'code', text} | {kind: 'strong'|'em'|'strike', inline} | {kind: 'break'}]
//
// Links, images, addresses, HTML stay the text they are. Escapes (\*) and the five entities are read, as door `runbook` writes them.
// Bounded: what is beyond LIMITS is left out and `cut` says so. Linear: no text is gone through again for what follows it.

export const LIMITS = Object.freeze({ characters: 262144, depth: 8, nodes: 20000, emphasis: 12, columns: 24 });

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const ENTITY = /&(amp|lt|gt|quot|#39);/y;
const ESCAPED = /[!-/:-@[-`{-~]/;
const SPACE = /\s/u;
const MARK = /[\p{P}\p{S}]/u;

// --- inline: text, code, emphasis

function runLength(text, at, char) {
  let end = at;
  while (text[end] === char) end++;
  return end - at;
}

// Where each run of backticks of a length ends a span: asked from left to right only.
function closers(text) {
  const places = new Map();
  for (let at = text.indexOf('`'); at >= 0; at = text.indexOf('`', at)) {
    const length = runLength(text, at, '`');
    if (!places.has(length)) places.set(length, { next: 0, at: [] });
    places.get(length).at.push(at);
    at += length;
  }
  return (length, from) => {
    const row = places.get(length);
    if (!row) return -1;
    while (row.next < row.at.length && row.at[row.next] < from) row.next++;
    return row.at[row.next] ?? -1;
  };
}

function codeText(raw) {
  const text = raw.replaceAll('\n', ' ');
  return text.length > 2 && text[0] === ' ' && text.at(-1) === ' ' && text.trim() ? text.slice(1, -1) : text;
}

// May a run open or close? CommonMark 6.2: by what stands before and behind it.
function flanks(text, at, end) {
  const before = at ? [...text.slice(Math.max(0, at - 2), at)].at(-1) : ' ';
  const behind = end < text.length ? String.fromCodePoint(text.codePointAt(end)) : ' ';
  const spaceBefore = SPACE.test(before);
  const spaceBehind = SPACE.test(behind);
  const left = !spaceBehind && (!MARK.test(behind) || spaceBefore || MARK.test(before));
  const right = !spaceBefore && (!MARK.test(before) || spaceBehind || MARK.test(behind));
  if (text[at] !== '_') return { opens: left, closes: right };
  return { opens: left && (!right || MARK.test(before)), closes: right && (!left || MARK.test(behind)) };
}

function unspaced(line) {
  let end = line.length;
  while (end && line[end - 1] === ' ') end--;
  return line.slice(0, end);
}

// The text as a row of strings, {kind: 'code'|'break'} and runs {run, count, opens, closes}.
function tokens(text) {
  const found = [];
  const closer = closers(text);
  let plain = '';
  const put = (token) => {
    if (plain) found.push(plain);
    plain = '';
    if (token) found.push(token);
  };
  for (let at = 0; at < text.length;) {
    const char = text[at];
    if (char === '\\' && text[at + 1] === '\n') {
      put({ kind: 'break' });
      at += 2;
    } else if (char === '\\' && at + 1 < text.length && ESCAPED.test(text[at + 1])) {
      plain += text[at + 1];
      at += 2;
    } else if (char === '`') {
      const length = runLength(text, at, '`');
      const end = closer(length, at + length);
      if (end < 0) plain += text.slice(at, at + length);
      else put({ kind: 'code', text: codeText(text.slice(at + length, end)) });
      at = end < 0 ? at + length : end + length;
    } else if (char === '*' || char === '_' || (char === '~' && text[at + 1] === '~')) {
      const count = runLength(text, at, char);
      put({ run: char, count, ...flanks(text, at, at + count), starts: [], ends: [] });
      at += count;
    } else if (char === '&' && ((ENTITY.lastIndex = at), ENTITY.test(text))) {
      plain += ENTITIES[text.slice(at + 1, ENTITY.lastIndex - 1)];
      at = ENTITY.lastIndex;
    } else if (char === '\n') {
      const bare = unspaced(plain);
      const hard = plain.length - bare.length >= 2;
      plain = bare;
      put(hard ? { kind: 'break' } : '\n'); // a line is put by itself: one long text would be copied with each
      at++;
    } else {
      plain += char;
      at++;
    }
  }
  put(null);
  return found;
}

// Pairs runs as CommonMark's "process emphasis" does; a closer that found nothing is not looked for again (`bottom`), so this is linear.
function pair(found) {
  let last = null;
  const runs = found.filter((token) => token.run);
  for (const [place, run] of runs.entries()) {
    run.place = place;
    run.all = run.count;
    run.previous = last;
    if (last) last.next = run;
    last = run;
  }
  const bottom = new Map(); // group -> place below which no opener of it is
  const drop = (run) => {
    if (run.previous) run.previous.next = run.next;
    if (run.next) run.next.previous = run.previous;
  };
  for (let closer = runs[0] ?? null; closer;) {
    if (!closer.closes) {
      closer = closer.next ?? null;
      continue;
    }
    const group = `${closer.run}${closer.opens}${closer.all % 3}${closer.count > 1}`;
    const least = bottom.get(group) ?? 0;
    let opener = closer.previous;
    while (opener && opener.place >= least && !fits(opener, closer)) opener = opener.previous;
    if (!opener || opener.place < least) {
      bottom.set(group, closer.place);
      const next = closer.next ?? null;
      if (!closer.opens) drop(closer);
      closer = next;
      continue;
    }
    const size = closer.run === '~' || (opener.count >= 2 && closer.count >= 2) ? 2 : 1;
    opener.count -= size;
    closer.count -= size;
    opener.starts.unshift(size);
    closer.ends.push(size);
    opener.next = closer;
    closer.previous = opener;
    if (opener.count === 0) drop(opener);
    if (closer.count === 0) {
      drop(closer);
      closer = closer.next ?? null;
    }
  }
}

function fits(opener, closer) {
  if (opener.run !== closer.run || !opener.opens) return false;
  if (opener.run === '~') return opener.count >= 2 && closer.count >= 2;
  return !((opener.closes || closer.opens) && (opener.all + closer.all) % 3 === 0 && (opener.all % 3 || closer.all % 3));
}

const nameOf = (run, size) => (run.run === '~' ? 'strike' : size === 2 ? 'strong' : 'em');

export function inline(text, budget = { nodes: LIMITS.nodes, cut: false }) {
  const found = tokens(text);
  pair(found);
  const stack = [{ inline: [] }];
  let flat = 0; // marks that stand deeper than emphasis may: left out
  const put = (piece) => {
    const into = stack.at(-1).inline;
    if (typeof piece === 'string' && typeof into.at(-1) === 'string') into[into.length - 1] += piece;
    else if (budget.nodes > 0) budget.nodes -= into.push(piece) ? 1 : 0;
    else budget.cut = true;
  };
  const begin = (kind) => {
    if (stack.length > LIMITS.emphasis || budget.nodes <= 0) return void flat++;
    const piece = { kind, inline: [] };
    put(piece);
    stack.push(piece);
  };
  const end = () => (flat ? flat-- : stack.pop());
  for (const token of found) {
    if (!token.run) {
      put(token);
      continue;
    }
    for (let i = 0; i < token.ends.length; i++) end();
    if (token.count) put(token.run.repeat(token.count));
    for (const size of token.starts) begin(nameOf(token, size));
  }
  return stack[0].inline;
}

// --- blocks

function indentOf(line) {
  let n = 0;
  while (line[n] === ' ') n++;
  return n;
}

function fenceOf(line) {
  const at = indentOf(line);
  const char = line[at];
  if (char !== '`' && char !== '~') return null;
  const length = runLength(line, at, char);
  const info = line.slice(at + length).trim();
  if (length < 3 || (char === '`' && info.includes('`'))) return null;
  return { char, length, indent: at, language: info.split(' ', 1)[0].slice(0, 24) };
}

function headingOf(line) {
  const at = indentOf(line);
  const level = runLength(line, at, '#');
  if (!level || level > 6 || (line.length > at + level && line[at + level] !== ' ')) return null;
  let text = line.slice(at + level).trim();
  let end = text.length;
  while (end && text[end - 1] === '#') end--;
  if (end === 0 || text[end - 1] === ' ') text = text.slice(0, end).trim();
  return { kind: 'heading', level, text };
}

// Three or more of one of these and nothing else but spaces.
function onlyOf(line, chars) {
  const char = line[indentOf(line)];
  if (!char || !chars.includes(char)) return 0;
  let count = 0;
  for (const c of line) {
    if (c === char) count++;
    else if (c !== ' ') return 0;
  }
  return count;
}

const isRule = (line) => onlyOf(line, '-*_') >= 3;

// The mark of a list item: {ordered, start, char, content (column of its text), rest}.
function markOf(line) {
  const at = indentOf(line);
  let end = at;
  if ('-+*'.includes(line[at] ?? ' ')) {
    end = at + 1;
  } else {
    while (end - at < 10 && line[end] >= '0' && line[end] <= '9') end++;
    if (end === at || end - at > 9 || (line[end] !== '.' && line[end] !== ')')) return null;
    end++;
  }
  if (end < line.length && line[end] !== ' ') return null;
  if (isRule(line)) return null;
  const spaces = indentOf(line.slice(end, end + 5));
  const blank = end + spaces >= line.length;
  const gap = blank || spaces > 4 ? 1 : spaces;
  const ordered = end - at > 1;
  return {
    ordered,
    start: ordered ? Number(line.slice(at, end - 1)) : 1,
    char: line[end - 1],
    indent: at,
    content: end + gap,
    rest: line.slice(end + gap),
  };
}

const isBlank = (line) => line.trim() === '';
const isQuote = (line) => line[indentOf(line)] === '>';

// Does this line begin something that a paragraph does not go on over?
function interrupts(line) {
  if (isBlank(line) || fenceOf(line) || headingOf(line) || isRule(line) || isQuote(line)) return true;
  const mark = markOf(line);
  return Boolean(mark && mark.rest.trim() && (!mark.ordered || mark.start === 1));
}

function takeFence(reader, fence) {
  const lines = [];
  reader.at++;
  for (; reader.at < reader.lines.length; reader.at++) {
    const line = reader.lines[reader.at];
    const indent = indentOf(line);
    if (indent < 4 && line[indent] === fence.char && onlyOf(line, fence.char) >= fence.length) {
      reader.at++;
      break;
    }
    lines.push(line.slice(Math.min(indent, fence.indent)));
  }
  return { kind: 'code', text: lines.join('\n'), language: fence.language };
}

function takeQuote(reader, depth, budget) {
  const lines = [];
  let open = false; // a paragraph that a line without > goes on
  for (; reader.at < reader.lines.length; reader.at++) {
    const line = reader.lines[reader.at];
    const at = indentOf(line);
    if (line[at] === '>') lines.push(line.slice(at + (line[at + 1] === ' ' ? 2 : 1)));
    else if (open && !interrupts(line)) lines.push(line);
    else break;
    open = !interrupts(lines.at(-1));
  }
  return { kind: 'quote', blocks: blocksOf(lines, depth + 1, budget) };
}

// The lines of one item, without its indent; reader stands behind them afterwards. `spaced`: an empty line stands in or behind it.
function takeItem(reader, mark) {
  const lines = [mark.rest];
  const inner = Math.min(mark.content, mark.indent + 2); // models indent by two where CommonMark wants three
  let open = !isBlank(mark.rest) && !interrupts(mark.rest);
  let blanks = 0;
  let fence = fenceOf(mark.rest);
  reader.at++;
  for (; reader.at < reader.lines.length; reader.at++) {
    const line = reader.lines[reader.at];
    const indent = indentOf(line);
    if (isBlank(line)) {
      blanks++;
      open = false;
      continue;
    }
    const own = indent >= mark.content || (indent >= inner && (markOf(line) || fenceOf(line) || fence));
    if (!own && !(open && !fence && !interrupts(line) && !markOf(line))) break;
    for (; blanks; blanks--) lines.push('');
    const text = line.slice(Math.min(indent, mark.content));
    lines.push(text);
    if (fence) fence = onlyOf(text, fence.char) >= fence.length ? null : fence;
    else fence = fenceOf(text);
    open = !fence && !interrupts(text);
  }
  return { lines, spaced: blanks > 0, inside: lines.includes('', 1) };
}

function takeList(reader, first, depth, budget) {
  const list = { kind: 'list', ordered: first.ordered, start: first.start, loose: false, items: [] };
  let spaced = false;
  for (let mark = first; mark && mark.char === first.char && mark.ordered === first.ordered;) {
    const item = takeItem(reader, mark);
    list.loose ||= spaced || item.inside;
    spaced = item.spaced;
    if (--budget.nodes < 0) {
      budget.cut = true;
      break;
    }
    list.items.push(blocksOf(item.lines, depth + 1, budget));
    mark = reader.at < reader.lines.length ? markOf(reader.lines[reader.at]) : null;
  }
  return list;
}

// --- tables (GitHub's): a line of cells, a line of dashes, lines of cells

function cellsOf(line) {
  const cells = [];
  let cell = '';
  const text = line.trim();
  for (let at = text[0] === '|' ? 1 : 0; at < text.length; at++) {
    if (text[at] === '\\' && text[at + 1] === '|') {
      cell += '\\|';
      at++;
    } else if (text[at] === '|') {
      cells.push(cell.trim());
      cell = '';
    } else {
      cell += text[at];
    }
  }
  if (cell.trim() || text.at(-1) !== '|') cells.push(cell.trim());
  return cells;
}

function alignsOf(line) {
  if (!line.includes('-') || !line.includes('|')) return null;
  const aligns = [];
  for (const cell of cellsOf(line)) {
    const dashes = cell.slice(cell[0] === ':' ? 1 : 0, cell.length > 1 && cell.at(-1) === ':' ? -1 : undefined);
    if (!dashes || onlyOf(dashes, '-') !== dashes.length) return null;
    aligns.push(cell.at(-1) === ':' ? (cell[0] === ':' ? 'center' : 'right') : 'left');
  }
  return aligns;
}

function takeTable(reader, budget) {
  const { lines, at } = reader;
  if (!lines[at].includes('|') || at + 1 >= lines.length) return null;
  const aligns = alignsOf(lines[at + 1]);
  const head = aligns && cellsOf(lines[at]);
  if (!head || head.length !== aligns.length || head.length > LIMITS.columns) return null;
  const table = { kind: 'table', aligns, head: head.map((cell) => inline(cell, budget)), rows: [] };
  for (reader.at += 2; reader.at < lines.length && lines[reader.at].includes('|') && !interrupts(lines[reader.at]); reader.at++) {
    budget.nodes -= head.length;
    if (budget.nodes < 0) budget.cut = true;
    else table.rows.push(fitted(cellsOf(lines[reader.at]), head.length).map((cell) => inline(cell, budget)));
  }
  return table;
}

const fitted = (cells, count) => [...cells, ...Array(count).fill('')].slice(0, count);

function takeParagraph(reader, budget) {
  const lines = [reader.lines[reader.at++]];
  for (; reader.at < reader.lines.length; reader.at++) {
    const line = reader.lines[reader.at];
    const level = { '=': 1, '-': 2 }[line[indentOf(line)]];
    if (level && onlyOf(line.trimEnd(), '=-') === line.trim().length) {
      reader.at++;
      return { kind: 'heading', level, inline: inline(joined(lines), budget) };
    }
    if (interrupts(line)) break;
    lines.push(line);
  }
  return { kind: 'paragraph', inline: inline(joined(lines), budget) };
}

const joined = (lines) =>
  lines
    .map((line) => line.trimStart())
    .join('\n')
    .trimEnd();

function takeBlock(reader, depth, budget) {
  const line = reader.lines[reader.at];
  const fence = fenceOf(line);
  if (fence) return takeFence(reader, fence);
  const heading = headingOf(line);
  if (heading) {
    reader.at++;
    return { kind: 'heading', level: heading.level, inline: inline(heading.text, budget) };
  }
  if (isRule(line)) {
    reader.at++;
    return { kind: 'rule' };
  }
  if (depth < LIMITS.depth) {
    if (isQuote(line)) return takeQuote(reader, depth, budget);
    const mark = markOf(line);
    if (mark) return takeList(reader, mark, depth, budget);
  }
  return takeTable(reader, budget) ?? takeParagraph(reader, budget);
}

function blocksOf(lines, depth, budget) {
  const reader = { lines, at: 0 };
  const blocks = [];
  while (reader.at < lines.length) {
    if (isBlank(lines[reader.at])) {
      reader.at++;
      continue;
    }
    if (--budget.nodes < 0) {
      budget.cut = true;
      break;
    }
    blocks.push(takeBlock(reader, depth, budget));
  }
  return blocks;
}

export function parse(text) {
  const whole = String(text ?? '');
  const budget = { nodes: LIMITS.nodes, cut: whole.length > LIMITS.characters };
  const lines = whole.slice(0, LIMITS.characters).replace(/\r\n?/g, '\n').replaceAll('\t', '    ').split('\n');
  const blocks = blocksOf(lines, 0, budget);
  return { blocks, cut: budget.cut };
}
