// SPDX-License-Identifier: Apache-2.0
// A way of several stages, where it is now, and for how long: it counts by itself, no server is asked.
//
//   makeSteps({words}) -> {node, set(stage|null, skew_ms), close()}       stage: {stage, since_ms, expected_ms} of state/queue.js

import { el, replace, setAttr, setText, setVars } from '../core/dom.js';
import { duration } from '../core/format.js';
import { onTick } from '../core/tick.js';
import { STAGES_DOWN, STAGES_UP } from '../state/queue.js';

/** How far it is: {index, count, elapsed_ms, share 0…1|null, late}. Pure. */
export function progress(stage, stages, now_ms, skew_ms) {
  const elapsed = stage.since_ms === null ? null : Math.max(0, now_ms - skew_ms - stage.since_ms);
  const share = elapsed !== null && stage.expected_ms ? elapsed / stage.expected_ms : null;
  return {
    index: stages.indexOf(stage.stage),
    count: stages.length,
    elapsed_ms: elapsed,
    share: share === null ? null : Math.min(1, share),
    late: share !== null && share > 1.25,
  };
}

export const wayOf = (way) => (STAGES_DOWN.includes(way.stage) ? STAGES_DOWN : STAGES_UP);

export function makeSteps({ words }) {
  const dots = el('ol', { class: 'steps-dots' }),
    name = el('span', { class: 'steps-name' }),
    time = el('span', { class: 'steps-time' });
  const node = el('div', { class: 'steps', hidden: true }, el('p', { class: 'steps-line' }, name, time), dots);
  let stage = null,
    skew = 0,
    way = null,
    off = null;

  function drawWay() {
    way = wayOf(stage);
    replace(
      dots,
      way.map((one) => el('li', { title: words.stages[one] ?? one }, el('span', { class: 'away', text: words.stages[one] ?? one })))
    );
  }

  function count(now = Date.now()) {
    if (!stage) return;
    const at = progress(stage, way, now, skew);
    setText(
      time,
      at.elapsed_ms === null
        ? ''
        : stage.expected_ms
          ? words.timeOf(duration(at.elapsed_ms), duration(stage.expected_ms), at.late)
          : duration(at.elapsed_ms)
    );
    setVars(node, { share: (at.share ?? 0).toFixed(3) });
    setAttr(node, 'data-late', at.late ? 'yes' : null);
  }

  function set(next, skew_ms = 0) {
    stage = next;
    skew = skew_ms;
    node.hidden = !stage;
    if (!stage) {
      off?.();
      off = null;
      return;
    }
    if (way !== wayOf(stage)) drawWay();
    const index = way.indexOf(stage.stage);
    [...dots.children].forEach((dot, i) => {
      setAttr(dot, 'data-at', i < index ? 'past' : i === index ? 'now' : 'next');
      setAttr(dot, 'aria-current', i === index ? 'step' : null);
    });
    setText(name, words.stages[stage.stage] ?? stage.stage);
    off ??= onTick(count);
    count();
  }

  return {
    node,
    set,
    close() {
      off?.();
      off = null;
    },
  };
}
