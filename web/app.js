// SPDX-License-Identifier: Apache-2.0
// The small live page: reads cases, listens to events, draws. It can change nothing.
// Every text goes through visible() into textContent; nothing is ever parsed as HTML.

const CASES_SHOWN_MAX = 50;
const REDRAW_MS = 120; // events come in bursts; one redraw serves them all
const KINDS = [
  'case_opened', 'case_judged', 'case_answered', 'case_planned', 'consent_given', 'consent_refused',
  'consent_rejected', 'warrant_issued', 'case_executed', 'case_failed', 'case_expired',
];
const TONES = {
  success: 'good', awaiting_consent: 'wait', denied: 'bad', refused: 'bad', failed: 'bad', expired: 'bad', working: 'busy',
};
const MARKS = { add: '+', remove: '−', change: '~' };

const cases = new Map(); // id -> case view
const stale = new Set(); // ids to fetch again
let timer = null;

// Control characters, direction overrides and invisible letters: the same ranges as logicctl's text.c.
const HIDDEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{e0000}-\u{e0fff}]/gu;

function visible(text) {
  return String(text ?? '').replace(HIDDEN, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = visible(text);
  return node;
}

function byline(view) {
  const params = Object.entries(view.params ?? {}).map(([name, value]) =>
    `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return params.join('  ');
}

function drawDiff(diff) {
  const list = element('ul', 'diff');
  for (const line of diff) {
    const row = element('li', '', `${MARKS[line.op] ?? '·'} ${line.text}`);
    row.dataset.op = line.op;
    list.append(row);
  }
  return list;
}

function drawReasons(verdict) {
  const list = element('ul', 'reasons');
  for (const reason of verdict.reasons ?? []) list.append(element('li', '', reason.words));
  for (const words of verdict.would_permit ?? []) list.append(element('li', '', `It would be permitted if: ${words}`));
  return list;
}

function drawHow(view) {
  const how = element('p', 'how', 'Read the plan and sign it: ');
  how.append(element('code', '', `logicctl approve ${view.id}`));
  if (view.expires_at) how.append(element('span', '', ` — until ${localTime(view.expires_at)}`));
  return how;
}

function localTime(text) {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? String(text) : at.toLocaleString();
}

function drawTop(view) {
  const top = element('div', 'top');
  const time = element('time', '', localTime(view.opened_at));
  time.dateTime = view.opened_at ?? '';
  top.append(element('span', 'status', String(view.status).replaceAll('_', ' ')), element('span', 'action', view.action), time);
  return top;
}

function drawCase(view) {
  const card = element('article');
  card.dataset.tone = TONES[view.status] ?? '';
  card.append(drawTop(view));
  if (view.nl) card.append(element('p', 'said', `“${view.nl}”`));
  if (view.by?.via === 'model') card.append(element('p', 'model', 'Proposed by a language model, not typed by a person.'));
  if (view.verdict?.words) card.append(element('p', 'words', view.verdict.words));
  if (view.error?.message) card.append(element('p', 'words', view.error.message));
  if (view.status === 'denied' && view.verdict?.reasons) card.append(drawReasons(view.verdict));
  if (view.plan?.diff?.length) card.append(drawDiff(view.plan.diff));
  else card.append(element('p', 'facts', byline(view)));
  if (view.status === 'awaiting_consent') card.append(drawHow(view));
  card.append(element('p', 'id', view.id));
  return card;
}

function drawAll() {
  const newest = [...cases.values()].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, CASES_SHOWN_MAX);
  const waiting = newest.filter((view) => view.status === 'awaiting_consent');
  const others = newest.filter((view) => view.status !== 'awaiting_consent');
  const nothing = (words) => [element('p', 'empty', words)];

  document.getElementById('waiting-count').textContent = waiting.length || '';
  document.getElementById('waiting').replaceChildren(...(waiting.length ? waiting.map(drawCase) : nothing('Nothing waits.')));
  document.getElementById('cases').replaceChildren(
    ...(others.length ? others.map(drawCase) : nothing('No cases yet. Try: logicctl ask "add DNS record test.local to 192.168.1.100"')));
  document.title = waiting.length ? `(${waiting.length}) Logic Node` : 'Logic Node';
}

async function get(path) {
  const answer = await fetch(path, { headers: { Accept: 'application/json' } });
  if (!answer.ok) throw new Error(`${path}: HTTP ${answer.status}`);
  return answer.json();
}

function say(state, words) {
  const line = document.getElementById('line');
  line.dataset.state = state;
  line.textContent = words;
}

async function refresh() {
  timer = null;
  const ids = [...stale];
  stale.clear();
  try {
    for (const view of await Promise.all(ids.map((id) => get(`/api/v1/cases/${encodeURIComponent(id)}`)))) cases.set(view.id, view);
  } catch (error) {
    ids.forEach((id) => stale.add(id)); // shown again with the next event or reconnection
    say('lost', visible(error.message));
  }
  for (const id of [...cases.keys()].sort().slice(0, -CASES_SHOWN_MAX)) cases.delete(id);
  drawAll();
}

function changed(event) {
  try {
    const entry = JSON.parse(event.data);
    if (!entry.case) return;
    stale.add(entry.case);
    timer ??= setTimeout(refresh, REDRAW_MS);
  } catch {
    say('lost', 'an event could not be read; reload the page');
  }
}

async function load() {
  const page = await get(`/api/v1/cases?limit=${CASES_SHOWN_MAX}`);
  for (const view of page.cases ?? []) cases.set(view.id, { ...cases.get(view.id), ...view }); // a row has no plan
  drawAll();
  // A row of the list may lack verdict and plan: fetch those in full.
  for (const view of cases.values()) if (view.plan === undefined) stale.add(view.id);
  if (stale.size) await refresh();
}

function start() {
  load().catch((error) => say('lost', visible(error.message)));
}

function listen() {
  const events = new EventSource('/api/v1/events'); // resumes by Last-Event-ID itself
  events.onopen = () => {
    say('live', 'live');
    start(); // what happened while we were away
  };
  events.onerror = () => say('lost', 'the node does not answer; trying again …');
  for (const kind of KINDS) events.addEventListener(kind, changed);
  events.onmessage = changed;
}

start();
listen();
