// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { link, match, parse } from './router.js';

const TABLE = [
  { path: '/', view: 'house' },
  { path: '/nodes/:name', view: 'node' },
  { path: '/cases', view: 'cases' },
  { path: '/cases/:id', view: 'case' },
  { path: '/ask', view: 'ask' },
];
const view = (hash) => match(TABLE, hash)?.row.view ?? null;

test('addresses to views', () => {
  assert.deepEqual(['', '#', '#/', '#/cases', '#/cases/', '#/cases/01ABC', '#/nodes/tower', '#/ask?q=x'].map(view), [
    'house',
    'house',
    'house',
    'cases',
    'cases',
    'case',
    'node',
    'ask',
  ]);
  assert.deepEqual(['#/cases/1/2', '#/nowhere', '#nodes', '#/nodes'].map(view), [null, null, null, null]);
});

test('parameters are decoded once, and what is behind ? is the query', () => {
  assert.deepEqual(match(TABLE, '#/nodes/a%2Fb%20c').params, { name: 'a/b c', query: {} });
  assert.deepEqual(match(TABLE, '#/ask?q=wake%20tower%3F&x=1').params.query, { q: 'wake tower?', x: '1' });
  assert.equal(parse('#/nodes/%zz'), null);
  assert.deepEqual(match(TABLE, '#/nodes/__proto__').params.name, '__proto__');
});

test('a link is read back as what it was made of', () => {
  for (const name of ['tower', 'a/b', 'ä ?#%', '..']) assert.equal(match(TABLE, link('nodes', name)).params.name, name);
});
