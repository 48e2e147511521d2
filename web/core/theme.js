// SPDX-License-Identifier: Apache-2.0
// Light, dark, or as the system has it: kept in this browser only.

const KEY = 'logic-node.theme';
export const THEMES = ['system', 'light', 'dark'];

/** The next of the three. Pure. */
export const after = (theme) => THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];

export function theme() {
  try {
    const kept = localStorage.getItem(KEY);
    return THEMES.includes(kept) ? kept : 'system';
  } catch {
    return 'system'; // storage is forbidden: then the system's
  }
}

export function apply(name = theme()) {
  if (name === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}

export function choose(name) {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // for this page only, then
  }
  apply(name);
}
