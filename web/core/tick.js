// SPDX-License-Identifier: Apache-2.0
// One clock for everything that counts on the page: once a second while somebody looks. onTick(fn) -> off

const EACH_MS = 1000;
const counting = new Set();
let timer = null;

function tick() {
  const now = Date.now();
  for (const fn of [...counting]) fn(now);
}

function keep() {
  const wanted = counting.size > 0 && !document.hidden;
  if (wanted && timer === null) timer = setInterval(tick, EACH_MS);
  if (!wanted && timer !== null) {
    clearInterval(timer);
    timer = null;
  }
}

export function onTick(fn) {
  if (!counting.size) document.addEventListener('visibilitychange', onVisible);
  counting.add(fn);
  keep();
  return () => {
    counting.delete(fn);
    if (!counting.size) document.removeEventListener('visibilitychange', onVisible);
    keep();
  };
}

function onVisible() {
  if (!document.hidden) tick();
  keep();
}
