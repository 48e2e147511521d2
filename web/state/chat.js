// SPDX-License-Identifier: Apache-2.0
// A chat as frames come. Pure.
//
//   state: {text, thinking, stage {name, eta_ms}|null, grounding {facts, cited, unknown}|null, usage, finish,
//           error {code, message}|null, done}
//   events: those of core/sse.js: comments {kind: ':', data}, frames {kind: 'message', data: JSON | '[DONE]'}, {kind: 'error', data}

export const EMPTY = Object.freeze({
  text: '',
  thinking: '',
  stage: null,
  grounding: null,
  usage: null,
  finish: null,
  error: null,
  done: false,
});
export const TEXT_MAX = 400_000; // characters of one answer; more is cut, as the browser must draw it
const FACTS_MAX = 300;

const COMMENT = /^keep-alive(?: ([a-z_]{1,32}))?(?: eta=(\d{1,7})s)?/;

const add = (before, more) => (typeof more === 'string' && before.length < TEXT_MAX ? (before + more).slice(0, TEXT_MAX) : before);

function ofComment(state, data) {
  const found = COMMENT.exec(data);
  if (!found) return state;
  return { ...state, stage: { name: found[1] ?? 'waiting', eta_ms: found[2] === undefined ? null : Number(found[2]) * 1000 } };
}

function errorOf(body) {
  const error = body?.error ?? body;
  return { code: String(error?.code ?? ''), message: typeof error === 'string' ? error : String(error?.message ?? 'the engine failed') };
}

function groundingOf(told) {
  const list = (value) => (Array.isArray(value) ? value.slice(0, FACTS_MAX) : []);
  return { facts: list(told.facts), cited: list(told.cited), unknown: list(told.unknown) };
}

function ofFrame(state, body) {
  if (body.error) return { ...state, error: errorOf(body), stage: null };
  const next = { ...state };
  if (body.grounding) next.grounding = groundingOf(body.grounding);
  if (body.usage) next.usage = body.usage;
  const choice = body.choices?.[0];
  if (choice) {
    const delta = choice.delta ?? choice.message ?? {};
    next.text = add(state.text, delta.content);
    next.thinking = add(state.thinking, delta.reasoning_content);
    if (choice.finish_reason) next.finish = choice.finish_reason;
    if (delta.content || delta.reasoning_content) next.stage = null;
  }
  return next;
}

export function reduce(state, event) {
  if (event.kind === ':') return ofComment(state, event.data);
  if (event.data === '[DONE]') return { ...state, done: true, stage: null };
  let body;
  try {
    body = JSON.parse(event.data);
  } catch {
    return { ...state, error: { code: 'garbage', message: 'a frame of the answer could not be read' } };
  }
  if (body === null || typeof body !== 'object') return state;
  return event.kind === 'error' ? { ...state, error: errorOf(body), stage: null } : ofFrame(state, body);
}

/** The facts that were cited, in the order of citation; the others. */
export function factsOf(grounding) {
  if (!grounding) return { cited: [], others: [] };
  const byId = new Map(grounding.facts.map((fact) => [fact.id, fact]));
  const cited = grounding.cited.map((id) => byId.get(id)).filter(Boolean);
  return { cited, others: grounding.facts.filter((fact) => !cited.includes(fact)) };
}

/** What goes to the node: whole turns only, the newest that fit, never beginning with an answer. */
export function messagesOf(turns, max_chars) {
  const messages = [];
  let left = max_chars;
  for (const turn of [...turns].reverse()) {
    if (!turn.text) continue;
    left -= turn.text.length;
    if (left < 0 && messages.length) break;
    messages.unshift({ role: turn.who === 'person' ? 'user' : 'assistant', content: turn.text });
  }
  while (messages.length && messages[0].role === 'assistant') messages.shift();
  return messages;
}
