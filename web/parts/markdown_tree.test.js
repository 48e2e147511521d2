// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS, inline, parse } from './markdown_tree.js';

const em = (...pieces) => ({ kind: 'em', inline: pieces });
const strong = (...pieces) => ({ kind: 'strong', inline: pieces });
const code = (text) => ({ kind: 'code', text });
const p = (...pieces) => ({ kind: 'paragraph', inline: pieces });
const blocks = (text) => parse(text).blocks;

// All strings of a tree, one after the other.
function plain(value) {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(plain).join('');
  if (value && typeof value === 'object')
    return Object.entries(value)
      .filter(([key]) => !['kind', 'language'].includes(key))
      .map(([, one]) => plain(one))
      .join('');
  return '';
}

function depthOf(value) {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

const KINDS = new Set(['heading', 'paragraph', 'code', 'quote', 'list', 'table', 'rule', 'strong', 'em', 'strike', 'break']);

function kindsOf(value, found = new Set()) {
  if (value && typeof value === 'object') {
    if (value.kind) found.add(value.kind);
    Object.values(value).forEach((one) => kindsOf(one, found));
  }
  return found;
}

test('emphasis pairs as CommonMark pairs it', () => {
  assert.deepEqual(inline('*a* **b** ***c*** _d_ __e__'), [
    em('a'),
    ' ',
    strong('b'),
    ' ',
    em(strong('c')),
    ' ',
    em('d'),
    ' ',
    strong('e'),
  ]);
  assert.deepEqual(inline('**a*b*c**'), [strong('a', em('b'), 'c')]);
  assert.deepEqual(inline('a*b*c a_b_c'), ['a', em('b'), 'c a_b_c']);
  assert.deepEqual(inline('2 * 3 * 4, *open, close*'), ['2 * 3 * 4, ', em('open, close')]);
  assert.deepEqual(inline('**a'), ['**a']);
  assert.deepEqual(inline('*a**b*'), [em('a**b')]);
  assert.deepEqual(inline('**a*'), ['*', em('a')]);
  assert.deepEqual(inline('~~gone~~ ~here~'), [{ kind: 'strike', inline: ['gone'] }, ' ~here~']);
  assert.deepEqual(inline('*a _b* c_'), [em('a _b'), ' c_']);
});

test('code spans hold what is in them', () => {
  assert.deepEqual(inline('`*a*` ``b`c`` ` d ` `open'), [code('*a*'), ' ', code('b`c'), ' ', code('d'), ' `open']);
  assert.deepEqual(inline('`a\nb`'), [code('a b')]);
  assert.deepEqual(inline('*a `b* c` d*'), [em('a ', code('b* c'), ' d')]);
});

test('the escapes that the node writes are read', () => {
  const text =
    'A \\*star\\*, \\`tick\\`, \\_x\\_, 5 &lt; 6 &amp;&amp; 7 &gt; 3, http\\[:\\]//a, www\\[.\\]b, me\\[at\\]c, \\| \\~ \\$ \\\\';
  assert.deepEqual(inline(text), ['A *star*, `tick`, _x_, 5 < 6 && 7 > 3, http[:]//a, www[.]b, me[at]c, | ~ $ \\']);
  assert.deepEqual(blocks('1\\. no list\n\n\\# no heading\n\n\\- no item'), [p('1. no list'), p('# no heading'), p('- no item')]);
  assert.deepEqual(inline('&copy; &#60; &; &amp &lt;script&gt;'), ['&copy; &#60; &; &amp <script>']);
});

test('a runbook as the node writes it', () => {
  const made = parse(
    '# Runbook for alert 7\n\n> Written by a model, and **cut off** here.\n\n## Probable cause\n\nDust (F1).\n\n## Immediate actions\n\n' +
      '1. Look at the disk.\n   `smartctl -a /dev/sda`\n2. Copy what is on it.\n\n## Escalate when\n\n- More sectors.\n- None left.\n'
  );
  assert.equal(made.cut, false);
  assert.deepEqual(
    made.blocks.map((block) => block.kind),
    ['heading', 'quote', 'heading', 'paragraph', 'heading', 'list', 'heading', 'list']
  );
  assert.deepEqual(made.blocks[5], {
    kind: 'list',
    ordered: true,
    start: 1,
    loose: false,
    items: [[p('Look at the disk.\n', code('smartctl -a /dev/sda'))], [p('Copy what is on it.')]],
  });
  assert.deepEqual(made.blocks[1].blocks, [p('Written by a model, and ', strong('cut off'), ' here.')]);
});

test('blocks', () => {
  assert.deepEqual(blocks('```sh\nls *a*\n\n  x\n```\nafter'), [{ kind: 'code', text: 'ls *a*\n\n  x', language: 'sh' }, p('after')]);
  assert.deepEqual(blocks('~~~\n```\n~~~'), [{ kind: 'code', text: '```', language: '' }]);
  assert.deepEqual(blocks('``` a`b'), [p('``` a`b')]);
  assert.deepEqual(blocks('```\nnever ended'), [{ kind: 'code', text: 'never ended', language: '' }]);
  assert.deepEqual(blocks('# a #\n####### b\n#c'), [{ kind: 'heading', level: 1, inline: ['a'] }, p('####### b\n#c')]);
  assert.deepEqual(blocks('a\n===\nb\n---'), [
    { kind: 'heading', level: 1, inline: ['a'] },
    { kind: 'heading', level: 2, inline: ['b'] },
  ]);
  assert.deepEqual(blocks('a  \nb\\\nc\nd'), [p('a', { kind: 'break' }, 'b', { kind: 'break' }, 'c\nd')]);
  assert.deepEqual(blocks('---\n***'), [{ kind: 'rule' }, { kind: 'rule' }]);
  assert.deepEqual(blocks('> a\nlazy\n> > b\n\nc'), [
    { kind: 'quote', blocks: [p('a\nlazy'), { kind: 'quote', blocks: [p('b')] }] },
    p('c'),
  ]);
  assert.deepEqual(blocks('a\r\nb\rc'), [p('a\nb\nc')]);
  assert.deepEqual(blocks('```\n\tx\n```'), [{ kind: 'code', text: '    x', language: '' }]);
});

test('lists, nested by two, three or four spaces', () => {
  const list = (ordered, loose, ...items) => ({ kind: 'list', ordered, start: 1, loose, items });
  for (const by of ['  ', '   ', '    ']) {
    assert.deepEqual(blocks(`1. a\n${by}- b\n${by}- c\n2. d`), [
      list(true, false, [p('a'), list(false, false, [p('b')], [p('c')])], [p('d')]),
    ]);
  }
  assert.deepEqual(blocks('- a\n\n- b'), [list(false, true, [p('a')], [p('b')])]);
  assert.deepEqual(blocks('- a\n\n  more\n- b\n\nafter'), [list(false, true, [p('a'), p('more')], [p('b')]), p('after')]);
  assert.deepEqual(blocks('- a\n* b'), [list(false, false, [p('a')]), list(false, false, [p('b')])]);
  assert.deepEqual(blocks('3) a\n4) b'), [{ ...list(true, false, [p('a')], [p('b')]), start: 3 }]);
  assert.deepEqual(blocks('- a\n  ```\n  x\n  - y\n  ```\n- b'), [
    list(false, false, [p('a'), { kind: 'code', text: 'x\n- y', language: '' }], [p('b')]),
  ]);
  assert.deepEqual(blocks('in 2026\n2. is no list'), [p('in 2026\n2. is no list')]);
  assert.deepEqual(blocks('-'), [list(false, false, [])]);
});

test('tables', () => {
  assert.deepEqual(blocks('| a | b |\n|---|--:|\n| *1* | `x` |\n| 2 \\| 3 |\n\nafter'), [
    {
      kind: 'table',
      aligns: ['left', 'right'],
      head: [['a'], ['b']],
      rows: [
        [[em('1')], [code('x')]],
        [['2 | 3'], []],
      ],
    },
    p('after'),
  ]);
  assert.deepEqual(blocks('a | b\nno table'), [p('a | b\nno table')]);
});

test('what would lead or act in Markdown or HTML stays the text it is', () => {
  const hostile = [
    '<script>alert(1)</script>',
    '[click](javascript:alert(1))',
    '![x](http://evil.example/a.png)',
    '<a href="https://evil">x</a>',
    'https://evil.example/?q=1',
    '<https://evil.example>',
    '[ref]: https://evil.example',
    '<img src=x onerror=alert(1)>',
    '&lt;b&gt;',
    'me@evil.example',
    '<!-- x --> <![CDATA[y]]>',
    '<iframe srcdoc="<script>"></iframe>',
  ];
  for (const text of hostile) {
    for (const form of [
      text,
      `- ${text}`,
      `> ${text}`,
      `# ${text}`,
      `| ${text.replaceAll('|', '')} |\n|---|\n`,
      `**${text}**`,
      `\`${text}\``,
      `\`\`\`\n${text}\n\`\`\``,
    ]) {
      const tree = parse(form);
      for (const kind of kindsOf(tree)) assert.ok(KINDS.has(kind), `${form}: ${kind}`);
      const bare = text === '&lt;b&gt;' && !form.includes('`') ? '<b>' : text;
      assert.ok(plain(tree).includes(bare), `${form} -> ${plain(tree)}`);
    }
  }
});

test('limits: characters, nodes, depth, emphasis, columns; what is left out is said', () => {
  assert.equal(parse('a'.repeat(LIMITS.characters)).cut, false);
  assert.equal(parse('a'.repeat(LIMITS.characters + 1)).cut, true);
  assert.equal(plain(parse('a'.repeat(1 << 20))).length, LIMITS.characters);
  assert.equal(parse('- a\n'.repeat(LIMITS.nodes)).cut, true);
  assert.equal(parse('`a` '.repeat(LIMITS.nodes)).cut, true);
  assert.equal(parse('a\n\n'.repeat(LIMITS.nodes)).cut, true);
  assert.equal(parse(`|a|b|\n|-|-|\n${'|c|d|\n'.repeat(LIMITS.nodes)}`).cut, true);
  assert.equal(parse('a\n\n'.repeat(1000)).cut, false);
  const deep = [`${'> '.repeat(500)}x`, `${'- '.repeat(500)}x`, Array.from({ length: 300 }, (_, i) => `${'  '.repeat(i)}- x`).join('\n')];
  for (const text of deep) assert.ok(depthOf(parse(text)) < 60, text.slice(0, 20));
  let nested = 'x';
  for (let i = 0; i < 200; i++) nested = i % 2 ? `*a ${nested} a*` : `__b ${nested} b__`;
  const tree = parse(nested);
  assert.ok(depthOf(tree) <= 2 * LIMITS.emphasis + 8, String(depthOf(tree)));
  assert.ok(plain(tree).includes('x'));
  const wide = '|a'.repeat(LIMITS.columns + 1);
  assert.equal(blocks(`${wide}\n${'|-'.repeat(LIMITS.columns + 1)}`)[0].kind, 'paragraph');
});

// Not timed, but a parser that goes back would not end here: twenty thousand of each stand before what does not fit.
test('hostile texts of a quarter of a megabyte end', () => {
  const units = [
    '*',
    '_',
    '**a ',
    '*a ',
    'a*b_',
    '*_',
    '`',
    '``a` ',
    '` `` ',
    '~~',
    '~~a',
    '[',
    '![',
    '<',
    '&',
    '&lt',
    '\\',
    '> ',
    '>',
    '- ',
    '1. ',
    '|',
    '|-',
    '#',
    '# ',
    '```',
    '```\n',
    '~~~ \n',
    ' ',
    '  \n',
    '\n',
    '\t',
    '-\n',
    '- \n',
    '---',
    '--- | ',
    '=',
    'a\n=',
    '*a **b ',
    'a**b',
    '_a _',
    '\u0000',
    '\ud83d',
    '𝄞*',
    '``` `',
    '``` ',
    '- a\n  ',
    '>\n',
    '> a\nb\n',
    '1) \n\n',
    '***a** b*',
    '**a *b ',
    '_*a*_',
    '&amp;',
    '\\*',
    '`\\`',
  ];
  for (const unit of units) {
    const text = unit.repeat(Math.ceil(LIMITS.characters / unit.length));
    const short = text.slice(0, 20000);
    for (const form of [text, `a${short}`, `${short}b`, `- ${short}`, `> ${short}\n`]) {
      const tree = parse(form);
      assert.ok(depthOf(tree) < 100, JSON.stringify(unit));
    }
  }
});

test('anything parses, and the same way each time', () => {
  let seed = 12345;
  const next = (n) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed % n;
  };
  const pieces = [
    '*',
    '**',
    '_',
    '`',
    '``',
    '~~',
    '\n',
    '\n\n',
    '  ',
    '    ',
    '> ',
    '- ',
    '1. ',
    '# ',
    '|',
    '|-|-|',
    '\\',
    '&lt;',
    'a',
    'b c',
    '```',
    '---',
    '=',
    '\t',
    '<b>',
    '](x)',
    '\r\n',
    'é',
    '\u202e',
  ];
  for (let round = 0; round < 3000; round++) {
    let text = '';
    for (let i = next(40); i >= 0; i--) text += pieces[next(pieces.length)];
    const tree = parse(text);
    assert.deepEqual(parse(text), tree);
    for (const kind of kindsOf(tree)) assert.ok(KINDS.has(kind), kind);
  }
});
