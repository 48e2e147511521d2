// SPDX-License-Identifier: Apache-2.0
// The consent dialog: the plan, drawn from the bytes whose hash is the passkey's challenge; then approve or refuse. It never signs at one
// press, and as soon as the plan expires, changes or is decided elsewhere, nothing in it can be pressed any more.

import { el, replace, setText } from '../core/dom.js';
import { duration } from '../core/format.js';
import { careful, message, overtaken, readPlan, reasonOf, refusalText, sha256, signers, usable } from '../identity/consent.js';
import { assertion, bytesOfHex, failure as failureOf, lacking } from '../identity/passkey.js';
import { dialog } from '../parts/dialog.js';
import { failure, loading } from '../parts/empty.js';
import { holdButton } from '../parts/hold.js';
import { hash, plan as drawPlan } from '../parts/plan.js';
import { row as rowOf } from '../state/cases.js';
import { pathOf } from './cases_feed.js';

const TICK_MS = 500;
const PATIENCE_MS = 600_000; // who signs waits for what comes of it

const code = (text) => el('code', { class: 'copyable', text });
const note = (tone, ...children) => el('div', { class: 'note', data: { tone } }, children);
const line = (text) => el('p', { text });

function button(text, press, name = '') {
  return el('button', { class: `button ${name}`, type: 'button', text, on: { click: press } });
}

/** What somebody has to type who does not hold: the thing it is about. */
export function wordOf(plan) {
  const { name, zone, host, pool } = plan.params ?? {};
  return [name, zone, host, pool, plan.action].find((one) => typeof one === 'string' && one.length > 0) ?? 'yes';
}

async function fetchPlan(api, cases, id) {
  const [view, bytes, known] = await Promise.all([
    cases.look(id),
    api.stream(`${pathOf(id)}/plan`).then((answer) => answer.arrayBuffer()),
    api.get('/api/v1/people').catch((error) => {
      if (error.status === 0 || error.status === 401) throw error;
      return {}; // an older node: no passkeys then
    }),
  ]);
  const read = await readPlan(new Uint8Array(bytes), { id, sha256: view.plan_sha256 });
  return { ...read, view, people: known.people ?? [], origins: known.origins ?? [] };
}

// Why nobody can sign in this browser, as what to do about it; null when somebody can.
function obstacle({ session, got, row }, words, texts) {
  const here = usable(signers(got.plan, got.people, row?.consents ?? got.view.consents ?? []), location.hostname);
  const why = lacking(session.get(), { origins: got.origins });
  const people = got.plan.consent?.approvers ?? [];
  const enrol = (person) => el('p', {}, code(`logicctl operator enroll ${person}`));

  if (!session.mayChange()) return note('rest', line(words.viewer));
  if (why === 'wrong_origin' || here.why === 'other_host') {
    const text = why ? texts.passkey.lacking.wrong_origin : words.noPasskey.other_host;
    return note(
      'warn',
      line(text),
      got.origins.map((origin) => line(words.openAt(origin)))
    );
  }
  if (here.why === 'nobody') return note('rest', line(words.noPasskey.nobody));
  if (here.why === 'no_passkey') return note('warn', line(words.noPasskey.no_passkey), people.map(enrol));
  return why ? note('warn', line(texts.passkey.lacking[why])) : null;
}

function errorNote(error, words) {
  const hint = words.codes[error.code] ?? (error.status === 0 ? words.codes.away : null);
  return note('crit', line(error.message), hint && hint !== error.message ? line(hint) : null);
}

// --- the dialog; `me` holds what it knows: {context, cases, id, got, box, said, step, stop}

function current(me) {
  return rowOf(me.cases.store.get(), me.id);
}

function say(me, ...nodes) {
  replace(me.said, nodes);
}

function cli(me) {
  const { words } = me;
  return el('p', { class: 'meta' }, words.cli, ': ', code(`logicctl approve ${me.id}`), ' ', code(`logicctl refuse ${me.id}`));
}

function drawFoot(me) {
  const { words, got } = me;
  const hindered = me.over ? null : obstacle({ session: me.context.session, got, row: current(me) }, words, me.context.words);
  const steps = { choose, refuse, prompt, sending };
  const parts = me.over || hindered ? [] : steps[me.step](me);
  if (me.over) replace(me.box.foot, note('crit', line(words.overtaken[me.over])), me.said);
  else replace(me.box.foot, hindered, me.said, parts, cli(me));
}

function become(me, step) {
  me.step = step;
  drawFoot(me);
}

function choose(me) {
  const { words, got } = me;
  const no = button(words.refuse, () => become(me, 'refuse'), 'danger');
  const yes = () => sign(me, 'approve');
  if (!careful(got.plan)) return [el('div', { class: 'row consent-choice' }, no, button(words.approve, yes, 'main'))];

  const word = wordOf(got.plan);
  const typed = el('input', { class: 'input', type: 'text', autocomplete: 'off', maxlength: 255, 'aria-label': words.type(word) });
  const go = button(words.typed, yes, 'main');
  go.disabled = true;
  typed.addEventListener('input', () => {
    go.disabled = typed.value.trim() !== word;
  });
  return [
    el(
      'div',
      { class: 'row consent-choice' },
      no,
      el('strong', { class: 'careful', text: words.careful }),
      holdButton({ text: words.hold, holding: words.holding, short: words.heldShort, done: yes })
    ),
    el('div', { class: 'consent-typed' }, el('label', { class: 'meta' }, words.type(word), typed), go),
  ];
}

function refuse(me) {
  const { words } = me;
  const text = el('textarea', { class: 'input', rows: 3, 'aria-label': words.reason, value: me.reason ?? '' });
  const count = el('p', { class: 'meta', role: 'status' });
  const send = button(words.refuseSend, () => sign(me, 'refuse'), 'main danger');
  const check = () => {
    const { left, why } = reasonOf(text.value);
    me.reason = text.value;
    send.disabled = why !== null;
    const over = why === 'long' ? words.reasonLong(-left) : words.reasonEmpty;
    setText(count, why ? over : left < 100 ? words.reasonLeft(left) : '');
  };
  text.addEventListener('input', check);
  check();
  queueMicrotask(() => text.focus());
  return [
    el('label', { class: 'field' }, el('span', { class: 'label', text: words.reason }), text),
    count,
    el(
      'div',
      { class: 'row consent-choice' },
      button(words.back, () => become(me, 'choose')),
      send
    ),
  ];
}

function prompt(me) {
  const { words } = me;
  const stop = button(words.stop, () => me.stop?.abort());
  return [el('p', { role: 'status' }, words.prompt), el('div', { class: 'row consent-choice' }, stop)];
}

function sending(me) {
  return [loading(me.words.sending)];
}

async function ask(me, decision, reason) {
  const { got } = me;
  const { rpId, ids } = usable(signers(got.plan, got.people, current(me)?.consents ?? []), location.hostname);
  const challenge = decision === 'approve' ? bytesOfHex(got.hash) : await sha256(new TextEncoder().encode(refusalText(got.hash, reason)));
  me.stop = new AbortController();
  return assertion({ challenge, rpId, ids, signal: me.stop.signal });
}

// The answer comes when the change is done; that our signature counted is known before.
function counted(me, keyId) {
  return new Promise((resolve) => {
    const look = () => {
      if (!current(me)?.consents.some((one) => one.key_id === keyId)) return;
      off();
      resolve({ status: current(me).status });
    };
    const off = me.cases.store.subscribe(look);
    me.box.onShut(off);
  });
}

async function send(me, body) {
  const answer = me.context.api.post(`${pathOf(me.id)}/consent`, body, { timeout_ms: PATIENCE_MS });
  answer.catch(() => {}); // when the stream was first, the case's page shows what became of it
  return body.decision === 'approve' ? Promise.race([answer, counted(me, body.key_id)]) : answer;
}

async function sign(me, decision) {
  const { words, got, context } = me;
  const { reason } = reasonOf(me.reason ?? '');
  let body;

  if (me.over) return;
  me.back = me.step;
  say(me);
  become(me, 'prompt');
  try {
    const given = await ask(me, decision, reason);
    body = message({ assertion: given, people: got.people, decision, sha256: got.hash, reason });
  } catch (error) {
    if (me.over || !me.box.isOpen()) return;
    say(me, note('warn', line(words.notSigned(context.words.passkey.failure[failureOf(error)]))));
    become(me, me.back);
    return;
  }
  if (me.over || !me.box.isOpen()) return;
  if (!body) {
    say(me, note('crit', line(words.unknownKey)));
    become(me, me.back);
    return;
  }
  become(me, 'sending');
  try {
    const answer = await send(me, body);
    me.box.shut();
    context.toast(decision === 'refuse' ? words.done.refuse : answer.status === 'awaiting_consent' ? words.done.more : words.done.approve, {
      tone: decision === 'refuse' ? 'rest' : 'ok',
    });
  } catch (error) {
    say(me, errorNote(error, words));
    become(me, me.back);
    watch(me);
  }
}

// Every half second, and with each event: is this still the plan to be signed?
function watch(me) {
  const { got, words } = me;
  if (!got?.plan) return;
  const left = got.plan.expires_at_ms - me.cases.now();

  const given = JSON.stringify(current(me)?.consents ?? []);
  const over = me.step === 'sending' ? null : overtaken(current(me), got, me.cases.now());
  const lost = me.context.stream.state() === 'lost';
  me.offline.hidden = !lost;
  setText(me.left, left > 0 && !over ? words.left(duration(left)) : '');
  if (over === (me.over ?? null) && given === me.given) return;
  me.over = over;
  me.given = given;
  if (over) me.stop?.abort();
  if (over || me.step === 'choose') drawFoot(me);
}

function draw(me) {
  const { words, got, context } = me;
  const again = () => load(me);
  if (got.why) {
    replace(
      me.box.body,
      note('crit', line(words.why[got.why]), line(words.gotHash), hash(got.hash), line(words.wantedHash), hash(got.view.plan_sha256))
    );
    replace(me.box.foot, el('div', { class: 'row consent-choice' }, button(words.again, again)), cli(me));
    return;
  }
  replace(
    me.box.body,
    me.offline,
    me.left,
    drawPlan(got.plan, context.words, { whole: true, now: me.cases.now() }),
    el('div', { class: 'consent-hash' }, el('p', { class: 'meta', text: words.checked }), hash(got.hash))
  );
  become(me, 'choose');
  watch(me);
}

async function load(me) {
  const { words } = me;
  replace(me.box.body, loading(words.loading));
  replace(me.box.foot, cli(me));
  try {
    me.got = await fetchPlan(me.context.api, me.cases, me.id);
  } catch (error) {
    replace(
      me.box.body,
      failure(error, { title: words.failed, again: words.again }, () => load(me))
    );
    return;
  }
  if (me.box.isOpen()) draw(me);
}

export function openConsent(context, cases, view) {
  const words = context.words.consent;
  const me = {
    context,
    cases,
    words,
    id: view.id,
    got: null,
    step: 'choose',
    over: null,
    given: '',
    reason: '',
    stop: null,
    said: el('div', { role: 'alert' }),
    left: el('p', { class: 'consent-left' }),
    offline: note('warn', line(words.offline)),
  };
  me.offline.hidden = true;
  me.box = dialog({ title: words.title, close: words.close, class: 'consent', busy: () => me.step === 'sending' });
  const off = cases.store.subscribe(() => watch(me));
  const timer = setInterval(() => watch(me), TICK_MS);
  me.box.onShut(() => {
    off();
    clearInterval(timer);
    me.stop?.abort();
  });
  me.box.open();
  load(me);
}
