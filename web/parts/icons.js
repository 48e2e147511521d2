// SPDX-License-Identifier: Apache-2.0
// A few line drawings, 24 × 24, drawn with the colour of their text. icon(name) is decoration: a word stands beside it.

import { svg } from '../core/dom.js';

const LINES = {
  house: ['M4 11 12 4l8 7', 'M6 9.5V20h12V9.5', 'M10 20v-5h4v5'],
  cases: ['M7 3.5h7l4 4V20.5H7z', 'M14 3.5v4h4', 'M10 12h5', 'M10 16h5'],
  alerts: ['M12 4v1.5', 'M6.5 16V11a5.5 5.5 0 0 1 11 0v5l1.5 2H5z', 'M10 20.5h4'],
  models: ['M4.5 7.5 12 3.5l7.5 4v9L12 20.5l-7.5-4z', 'M4.5 7.5 12 11.5l7.5-4', 'M12 11.5v9'],
  chat: ['M4 5h16v11H10l-4.5 4v-4H4z'],
  ledger: ['M6 4h12v16H6z', 'M9.5 8h5', 'M9.5 12h5', 'M9.5 16h3'],
  people: [
    'M9 11a3.2 3.2 0 1 0 0-6.4A3.2 3.2 0 0 0 9 11z',
    'M3.5 19.5c.4-3.6 2.5-5.5 5.5-5.5s5.100 1.900 5.500 5.500',
    'M16 11.2a2.800 2.800 0 1 0-1-5.400',
    'M17 14.200c2 .5 3.200 2.200 3.500 5.300',
  ],
  power: ['M12 3.5v8', 'M7.200 6.800a7 7 0 1 0 9.600 0'],
  swarm: [
    'M12 7.500a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
    'M5.500 19.500a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
    'M18.500 19.500a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
    'M11 7.300 6.500 15.700',
    'M13 7.300l4.500 8.400',
    'M7.500 17.500h9',
  ],
  more: ['M5 12h.01', 'M12 12h.01', 'M19 12h.01'],
  ask: ['M5 12h13', 'M13 7l5 5-5 5'],
  theme: ['M12 4a8 8 0 1 0 0 16z', 'M12 4a8 8 0 0 1 0 16'],
  keys: ['M3.500 6.500h17v11h-17z', 'M7 10h.01', 'M11 10h.01', 'M15 10h.01', 'M8 14h8'],
  out: ['M10 4.500H5v15h5', 'M14 8l4 4-4 4', 'M18 12H9'],
};

export function icon(name) {
  return svg(
    'svg',
    { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' },
    (LINES[name] ?? []).map((d) => svg('path', { d }))
  );
}
