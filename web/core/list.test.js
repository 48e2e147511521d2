// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyed, move, seen } from './list.js';

test('only what is seen and a little more is drawn', () => {
  assert.deepEqual(seen({ count: 1000, height: 40, top: 4000, bottom: 4800, beyond: 2 }), [98, 122]);
  assert.deepEqual(seen({ count: 10, height: 40, top: 0, bottom: 800, beyond: 2 }), [0, 10]);
  assert.deepEqual(seen({ count: 0, height: 40, top: 0, bottom: 800 }), [0, 0]);
  assert.deepEqual(seen({ count: 10, height: 40, top: 9000, bottom: 9800, beyond: 2 }), [0, 0]);
});

test('keys move the focus and stay in the list', () => {
  const to = (key, from) => move(key, from, 10, 5);
  assert.deepEqual(
    [to('ArrowDown', 3), to('ArrowUp', 0), to('PageDown', 8), to('Home', 5), to('End', 5), to('x', 5), move('End', 0, 0, 5)],
    [4, 0, 9, 0, 9, null, null]
  );
});

// A parent as small as keyed() needs it.
class Parent {
  constructor() {
    this.nodes = [];
    this.moved = 0;
  }
  get firstChild() {
    return this.nodes[0] ?? null;
  }
  insertBefore(node, before) {
    node.parentNode?.drop(node);
    node.parentNode = this;
    this.nodes.splice(before ? this.nodes.indexOf(before) : this.nodes.length, 0, node);
    this.moved += 1;
  }
  drop(node) {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    node.parentNode = null;
  }
  child(name) {
    const parent = this;
    return {
      name,
      remove() {
        this.parentNode?.drop(this);
      },
      get nextSibling() {
        return this.parentNode?.nodes[this.parentNode.nodes.indexOf(this) + 1] ?? null;
      },
      parentNode: null,
      parent,
    };
  }
}

test('elements stay, move and go with their rows; only what changed is drawn', () => {
  const root = new Parent(),
    drawn = [];
  const set = keyed(root, { key: (row) => row.id, make: (row) => root.child(row.id), update: (_, row) => drawn.push(row.id) });
  const [a, b, c] = ['a', 'b', 'c'].map((id) => ({ id }));
  const names = () => root.nodes.map((node) => node.name).join('');
  set([a, b, c]);
  assert.deepEqual([names(), drawn.splice(0).join('')], ['abc', 'abc']);
  const moved = root.moved;
  set([a, { id: 'b', new: true }, c]);
  assert.deepEqual([names(), drawn.splice(0).join(''), root.moved - moved], ['abc', 'b', 0]);
  set([c, a]);
  assert.deepEqual([names(), drawn.join('')], ['ca', '']);
  set([a, a]);
  assert.equal(names(), 'a');
});

test('an element that moved to another list is not taken from there', () => {
  const one = new Parent(),
    two = new Parent(),
    node = one.child('x'),
    made = { key: (row) => row, make: () => node };
  const setOne = keyed(one, made),
    setTwo = keyed(two, made);
  setOne(['x']);
  setTwo(['x']);
  setOne([]);
  assert.deepEqual([one.nodes.length, two.nodes.length], [0, 1]);
});
