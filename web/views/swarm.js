// SPDX-License-Identifier: Apache-2.0
// Where other nodes of a swarm will stand (row H5). This node knows of none yet, and the view says so.

import { el } from '../core/dom.js';
import { head } from '../parts/card.js';
import { empty } from '../parts/empty.js';

export function open({ session, words: all }) {
  const words = all.swarm,
    now = session.get();
  const node = el(
    'div',
    { class: 'stack wide' },
    head({ title: words.title, sub: words.sub }),
    el('div', { class: 'card' }, empty({ title: words.alone(now.node ?? words.thisNode), text: words.later }))
  );
  return { node, title: words.title };
}
