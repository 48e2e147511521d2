// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cut, el, isOwnLink, setVars, visible } from './dom.js';

// As much of a document as el() needs.
class FakeNode {
  constructor(tag) {
    this.tag = tag;
    this.attributes = {};
    this.dataset = {};
    this.children = [];
    this.vars = {};
    this.style = { setProperty: (name, value) => (this.vars[name] = value) };
    this.heard = {};
  }
  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  addEventListener(name, fn) {
    this.heard[name] = fn;
  }
  append(...children) {
    this.children.push(...children);
  }
}
globalThis.document = { createElement: (tag) => new FakeNode(tag) };

test('what nobody sees is shown', () => {
  assert.equal(visible('a\u202eb'), 'a\\u{202e}b');
  assert.equal(visible('a\u200bb\u0007'), 'a\\u{200b}b\\u{7}');
  assert.equal(visible('tag \u{e0041}'), 'tag \\u{e0041}');
  assert.equal(visible('half \ud83d.'), 'half \\u{d83d}.');
  assert.equal(visible('line\nline é 日本 🙂'), 'line\nline é 日本 🙂');
  assert.equal(visible(null), '');
  assert.equal(visible(0), '0');
});

test('a tower of marks is bounded', () => {
  const tower = `a${'\u0301'.repeat(50)}b`;
  assert.equal(visible(tower), `a${'\u0301'.repeat(4)}…b`);
  assert.equal(visible('e\u0301\u0323'), 'e\u0301\u0323');
});

test('a text is cut between letters', () => {
  assert.equal(cut('abc', 3), 'abc');
  assert.equal(cut('abcd', 3), 'ab…');
  assert.equal(cut('🙂🙂🙂', 3), '🙂🙂🙂');
  assert.equal(cut('🙂🙂🙂🙂', 3), '🙂🙂…');
  assert.equal(cut(undefined, 3), '');
});

test('children are nodes or visible strings; nothing stands for nothing', () => {
  const node = el('p', { class: ['a', null, 'b'], data: { tone: 'ok', no: null } }, 'x\u202e', null, [1, false, [el('b')]]);
  assert.equal(node.attributes.class, 'a b');
  assert.deepEqual(node.dataset, { tone: 'ok' });
  assert.deepEqual(
    node.children.map((child) => child.tag ?? child),
    ['x\\u{202e}', '1', 'b']
  );
});

test('attributes: true is there, false and null are not, aria says its value, undefined is nothing', () => {
  const node = el('a', { hidden: true, disabled: false, title: null, href: undefined, 'aria-pressed': false });
  assert.deepEqual(node.attributes, { hidden: '', 'aria-pressed': 'false' });
});

test('what could run or lead elsewhere is refused', () => {
  for (const props of [
    { innerHTML: '<b>' },
    { outerhtml: '' },
    { style: 'color:red' },
    { onclick: 'x()' },
    { srcdoc: 'x' },
    { href: 'https://example.org' },
    { href: 'javascript:1' },
    { href: '//example.org' },
    { href: '/\\example.org' },
    { src: 'data:x' },
  ]) {
    assert.throws(() => el('a', props), Error, JSON.stringify(props));
  }
  for (const href of ['#/cases', '/openapi.json', '#']) assert.ok(isOwnLink(href));
});

test('variables of style are plain words and numbers', () => {
  const node = el('i', { vars: { share: '0.500' } });
  assert.deepEqual(node.vars, { '--share': '0.500' });
  for (const value of ['url(x)', '1;color:red', 'var(--x)', '']) assert.throws(() => setVars(node, { x: value }), Error, value);
});
