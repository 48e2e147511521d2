// SPDX-License-Identifier: Apache-2.0
// Every pair of colours that may meet on the page keeps WCAG 2.2 AA, light and dark: 4.5:1 for text, 3:1 for borders of controls and signs.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const FOLDER = new URL('.', import.meta.url);
const sheets = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.css'))
  .map((name) => [name, readFileSync(new URL(name, FOLDER), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')]);
const base = sheets.find(([name]) => name === 'base.css')[1];
const tokens = Object.fromEntries(
  [...base.matchAll(/--([\w-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)/g)].map(([, name, light, dark]) => [
    name,
    { light, dark },
  ])
);

const SURFACES = ['paper', 'card', 'well'];
const TONES = ['ok', 'warn', 'crit', 'busy', 'rest'];
const TEXT = [
  ...['ink', 'soft', 'accent', 'warn', 'crit', 'ok', 'busy', 'rest'].flatMap((text) => SURFACES.map((ground) => [text, ground])),
  ...TONES.map((tone) => [tone, `${tone}-tint`]),
  ...TONES.map((tone) => ['ink', `${tone}-tint`]),
  ['accent', 'accent-tint'],
  ['ink', 'accent-tint'],
  ['on-accent', 'accent'],
];
const EDGES = [
  ...SURFACES.map((ground) => ['edge', ground]),
  ...SURFACES.map((ground) => ['accent', ground]),
  ...TONES.flatMap((tone) => [
    [tone, 'card'],
    [tone, 'paper'],
    [tone, 'rule'],
  ]),
];
const COLOUR = /#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(|\b(?:color-mix|oklch)\(/i;

function luminance(hex) {
  const [r, g, b] = [1, 3, 5]
    .map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(a, b) {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

function all(pairs, least) {
  const bad = [];
  for (const [text, ground] of pairs) {
    for (const mode of ['light', 'dark']) {
      const ratio = contrast(tokens[text][mode], tokens[ground][mode]);
      if (ratio < least) bad.push(`${text} on ${ground}, ${mode}: ${ratio.toFixed(2)}`);
    }
  }
  assert.deepEqual(bad, []);
}

test('the reckoning itself: black on white is 21, grey 767676 on white just passes', () => {
  assert.equal(contrast('#000000', '#ffffff'), 21);
  assert.ok(contrast('#767676', '#ffffff') >= 4.5 && contrast('#777777', '#ffffff') < 4.5);
});

test('text has 4.5:1', () => all(TEXT, 4.5));

test('borders of controls, the focus ring, signs and bars have 3:1', () => all(EDGES, 3));

test('a rule that sets text and ground sets a pair that was reckoned', () => {
  const known = new Set(TEXT.map(([text, ground]) => `${text} on ${ground}`));
  const unknown = [];
  for (const [name, css] of sheets) {
    for (const [, selector, body] of css.matchAll(/([^{}]+)\{([^{}]*)\}/g)) {
      const text = /(?:^|[;\s])color:\s*var\(--([\w-]+)/.exec(body)?.[1],
        ground = /background(?:-color)?:\s*var\(--([\w-]+)/.exec(body)?.[1];
      if (!text || !ground || text === 'tone' || ground === 'tint') continue; // a tone and its tint: reckoned above
      if (!known.has(`${text} on ${ground}`)) unknown.push(`${name}: ${selector.trim()}: ${text} on ${ground}`);
    }
  }
  assert.deepEqual(unknown, []);
});

test('colours stand in base.css only, every token that is used is there, and shadows are the only colours without a name', () => {
  const bad = [];
  for (const [name, css] of sheets) {
    for (const [, body] of css.matchAll(/\{([^{}]*)\}/g)) {
      for (const line of body.split(';'))
        if (name !== 'base.css' && COLOUR.test(line) && !/(box-shadow|background):[^;]*rgb\((?:0 0 0|10 14 13) \//.test(line))
          bad.push(`${name}: ${line.trim()}`);
    }
    for (const [, token] of css.matchAll(/var\(--((?:paper|card|well|ink|soft|rule|edge|accent|ok|warn|crit|busy|rest|on)[\w-]*)/g))
      if (!tokens[token]) bad.push(`${name}: --${token} is not a colour of base.css`);
  }
  assert.deepEqual(bad, []);
});
