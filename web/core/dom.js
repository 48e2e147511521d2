// SPDX-License-Identifier: Apache-2.0
// Elements out of values. Every text from outside goes through visible() and ends as text; nothing is ever parsed as markup.
//
//   el('p', { class: 'said', on: { click } }, 'text', node, [more], null)     null, undefined, false are left out
//   props: class (string or list) · text · on {event: fn} · data {name: value} · vars {name: value} (CSS variables --name) · attributes
//   svg('path', { d: '…' })                                                     the same for drawings
//   replace(node, …children) · visible(text) · cut(text, max)

// Control characters, direction overrides and invisible letters: the same ranges as logicctl's text.c; and halves of a pair.
const HIDDEN = new RegExp(
  '[\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u180e\\u200b-\\u200f\\u2028-\\u202e' +
    '\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb\\u{e0000}-\\u{e0fff}]|\\p{Surrogate}',
  'gu'
);
const MARKS_MAX = 4; // combining marks on one letter; more are a tower that hides the lines around it
const TOWER = new RegExp(`(\\p{M}{${MARKS_MAX}})\\p{M}+`, 'gu');
const SVG = 'http://www.w3.org/2000/svg';
const FORBIDDEN = new Set(['style', 'innerhtml', 'outerhtml', 'srcdoc']);
const PROPERTIES = new Set(['value', 'checked', 'selected', 'indeterminate']);
const VARIABLE = /^[\w.%#-]{1,40}$/;

/** The text with all that cannot be seen made visible: \u{202e}; a newline stays. */
export function visible(text) {
  return String(text ?? '')
    .replace(HIDDEN, (c) => `\\u{${c.codePointAt(0).toString(16)}}`)
    .replace(TOWER, '$1…');
}

/** At most `max` characters (never half of one), with … where something is missing. */
export function cut(text, max) {
  const whole = String(text ?? '');
  if (whole.length <= max) return whole;
  const letters = Array.from(whole.slice(0, 2 * max));
  return letters.length <= max && letters.join('') === whole ? whole : `${letters.slice(0, Math.max(0, max - 1)).join('')}…`;
}

/** Only to this page and this node: "#/cases", "/openapi.json". Text from outside never becomes a link to elsewhere. */
export function isOwnLink(href) {
  return /^#|^\/(?![/\\])/.test(href);
}

function setAttribute(node, name, value) {
  if (value === null || value === undefined) return;
  const lower = name.toLowerCase();
  if (FORBIDDEN.has(lower) || lower.startsWith('on')) throw new Error(`el(): '${name}' is not allowed; use class, vars or on`);
  if ((lower === 'href' || lower === 'src' || lower === 'action') && !isOwnLink(String(value)))
    throw new Error(`el(): ${name} leads elsewhere`);
  if (PROPERTIES.has(name)) node[name] = value;
  else if (lower.startsWith('aria-')) node.setAttribute(name, visible(value));
  else if (value === true) node.setAttribute(name, '');
  else if (value !== false) node.setAttribute(name, visible(value));
}

/** CSS variables by the object model, which the page's policy allows; a value that is not a plain word or number is refused. */
export function setVars(node, vars) {
  for (const [name, value] of Object.entries(vars)) {
    if (!VARIABLE.test(String(value))) throw new Error(`setVars(): '${visible(value)}' is not a plain value`);
    node.style.setProperty(`--${name}`, String(value));
  }
}

function setProps(node, props) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name === 'class') {
      if (value?.length) node.setAttribute('class', [value].flat().filter(Boolean).join(' '));
    } else if (name === 'text') node.textContent = visible(value);
    else if (name === 'on') for (const [event, fn] of Object.entries(value)) node.addEventListener(event, fn);
    else if (name === 'data')
      for (const [key, text] of Object.entries(value)) {
        if (text !== null && text !== undefined) node.dataset[key] = visible(text);
      }
    else if (name === 'vars') setVars(node, value);
    else setAttribute(node, name, value);
  }
  return node;
}

function nodesOf(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false && child !== '')
    .map((child) => (typeof child === 'object' ? child : visible(child)));
}

export function el(tag, props, ...children) {
  const node = setProps(document.createElement(tag), props);
  node.append(...nodesOf(children));
  return node;
}

export function svg(tag, props, ...children) {
  const node = setProps(document.createElementNS(SVG, tag), props);
  node.append(...nodesOf(children));
  return node;
}

/** What was in the node goes, the children come. */
export function replace(node, ...children) {
  node.replaceChildren(...nodesOf(children));
  return node;
}

/** Text only where it differs: a screen reader is not told the same twice, and a selection stays. */
export function setText(node, text) {
  const shown = visible(text);
  if (node.textContent !== shown) node.textContent = shown;
  return node;
}

/** An attribute only where it differs; null takes it away. */
export function setAttr(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== visible(value === true ? '' : value))
    node.setAttribute(name, visible(value === true ? '' : value));
  return node;
}
