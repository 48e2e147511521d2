// SPDX-License-Identifier: Apache-2.0
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { CASES_MAX, KINDS, STAGES_MAX, STATUS, TABLE, closed, counts, first, list, reduce, row } from './cases.js';

const ROOT = process.env.LN_ROOT ? pathToFileURL(`${process.env.LN_ROOT}/`) : new URL('../../', import.meta.url); // tests run in a copy
const C = readFileSync(new URL('src/3_domain/case/case.c', ROOT), 'utf8');
const word = (name) => name.replace(/^CASE_/, '').toLowerCase();

test('the table is that of 3_domain/case, row by row', () => {
  const rows = [...C.matchAll(/\{(CASE_\w+),\s+(CASE_\w+),\s+(CASE_\w+)\s*\}/g)].map((m) => m.slice(1).map(word).join(' '));
  const ours = Object.entries(TABLE).flatMap(([from, steps]) => Object.entries(steps).map(([on, to]) => `${from} ${on} ${to}`));
  assert.equal(rows.length, 21);
  assert.deepEqual(ours.sort(), rows.sort());
});

test('the words of states, and which are closed, are those of 3_domain/case', () => {
  const rows = [...C.matchAll(/\[(CASE_\w+)\] = \{"(\w+)", "(\w+)", (true|false)\}/g)];
  assert.equal(rows.length, Object.keys(STATUS).length);
  for (const [, name, state, status, isClosed] of rows) {
    assert.equal(word(name), state);
    assert.equal(STATUS[state], status);
    assert.equal(closed(state), isClosed === 'true');
  }
});

test('the kinds of entries are those of 3_domain/case', () => {
  const rows = [...C.matchAll(/\{"(\w+)",\s+CASE_\w+,\s+(?:NULL|\w+)\s*\}/g)].map((m) => m[1]);
  assert.equal(rows.length, 11);
  assert.deepEqual(Object.keys(KINDS).sort(), rows.sort());
});

// --- entries

const BODIES = {
  opened: { action: 'dns_record_add', params: { name: 'a.local' }, by: { principal: 'person:owner', via: 'grammar' }, nl: 'add a.local' },
  verdict_go: { verdict: { verdict: 'needs_consent', tier: 'risky', words: 'Needs 1 signature.' } },
  verdict_deny: { verdict: { verdict: 'deny', tier: 'risky', words: 'Denied.' } },
  answered: { answer: { words: 'nothing' } },
  plan_free: { plan_sha256: 'a'.repeat(64), expires_at_ms: 5, consent: null, summary: 'adds a.local' },
  plan_consent: { plan_sha256: 'a'.repeat(64), expires_at_ms: 5, consent: { signatures: 2 }, summary: 'adds a.local' },
  consent_more: { key_id: '1'.repeat(16), person: 'owner', enough: false },
  consent_enough: { key_id: '2'.repeat(16), person: 'alice', enough: true },
  consent_refused: { person: 'owner', reason: 'not today' },
  consent_rejected: { code: 'bad_signature' },
  warrant: {},
  executed: {},
  failure: { error: { code: 'world_moved', message: 'things changed' }, changed: 'no' },
  expiry: {},
};
const KIND_OF = {
  opened: 'case_opened',
  verdict_go: 'case_judged',
  verdict_deny: 'case_judged',
  answered: 'case_answered',
  plan_free: 'case_planned',
  plan_consent: 'case_planned',
  consent_more: 'consent_given',
  consent_enough: 'consent_given',
  consent_refused: 'consent_refused',
  consent_rejected: 'consent_rejected',
  warrant: 'warrant_issued',
  executed: 'case_executed',
  failure: 'case_failed',
  expiry: 'case_expired',
};

const id = (n) => `01K${String(n).padStart(23, '0')}`;
const at = (seq) => new Date(1_800_000_000_000 + seq * 10).toISOString();
const entry = (on, seq, n = 1, time = at(seq)) => ({ seq, kind: KIND_OF[on], case: id(n), at: time, body: BODIES[on] });
const fold = (events, state = first()) => events.reduce(reduce, state);

test('each event is told by its kind and body', () => {
  for (const [on, body] of Object.entries(BODIES)) assert.equal(KINDS[KIND_OF[on]](body), on);
  assert.equal(KINDS.case_judged({ verdict: { verdict: 'perhaps' } }), 'verdict_deny', 'denied by default');
  assert.equal(KINDS.case_judged({}), 'verdict_deny');
});

// Every way through the table up to `depth` entries.
function* ways(state, depth) {
  yield [];
  for (const [on, next] of depth ? Object.entries(TABLE[state] ?? {}) : []) for (const rest of ways(next, depth - 1)) yield [on, ...rest];
}

test('every way through the table ends where the table says, and nothing follows a closed case', () => {
  let count = 0;
  for (const way of ways('none', 7)) {
    const end = way.reduce((state, on) => TABLE[state][on], 'none');
    const state = fold(way.map((on, i) => entry(on, i + 1)));
    assert.equal(row(state, id(1))?.state ?? 'none', end, way.join(' '));
    for (const on of closed(end) ? Object.keys(BODIES) : [])
      assert.equal(row(fold([entry(on, 90)], fold(way.map((o, i) => entry(o, i + 1)))), id(1)).state, end);
    count++;
  }
  assert.ok(count > 100, `${count} ways`);
});

test('a pair without a row changes nothing and asks for the whole case', () => {
  for (const from of Object.keys(TABLE)) {
    const way = [...ways('none', 6)].find((w) => w.reduce((s, on) => TABLE[s][on], 'none') === from);
    for (const on of Object.keys(BODIES).filter((name) => !(name in TABLE[from]))) {
      const state = fold([...way.map((o, i) => entry(o, i + 1)), entry(on, 50)]);
      assert.equal(row(state, id(1))?.state ?? 'none', from, `${from} ${on}`);
      assert.deepEqual([...state.missing.keys()], [id(1)]);
    }
  }
});

test('what an entry says stands in the row', () => {
  const life = ['opened', 'verdict_go', 'plan_consent', 'consent_more', 'consent_enough', 'warrant', 'failure'];
  const state = fold(life.map((on, i) => entry(on, i + 1)));
  const r = row(state, id(1));
  assert.equal(r.status, 'failed');
  assert.equal(r.nl, 'add a.local');
  assert.equal(r.verdict.tier, 'risky');
  assert.equal(r.summary, 'adds a.local');
  assert.deepEqual(
    r.consents.map((c) => c.person),
    ['owner', 'alice']
  );
  assert.equal(r.error.code, 'world_moved');
  assert.equal(r.changed, 'no');
  assert.equal(r.opened_at, at(1));
  assert.equal(r.updated_at, at(7));
  assert.equal(r.last_seq, 7);
});

test('a whole entry of the ledger gives the same summary as a brief one', () => {
  const body = { plan: '{"summary":"adds a.local"}', plan_sha256: 'a'.repeat(64), expires_at_ms: 5, consent: null };
  const whole = { ...entry('plan_free', 3), body };
  assert.equal(row(fold([entry('opened', 1), entry('verdict_go', 2), whole]), id(1)).summary, 'adds a.local');
  const broken = { ...whole, body: { ...whole.body, plan: 'not JSON' } };
  assert.equal(row(fold([entry('opened', 1), entry('verdict_go', 2), broken]), id(1)).summary, null);
});

// --- resuming and pages

const LIFE = [
  'opened',
  'verdict_go',
  'verdict_go',
  'plan_consent',
  'consent_rejected',
  'consent_more',
  'consent_enough',
  'warrant',
  'executed',
];
const view = (upTo, n = 1, time = at) => {
  const r = row(fold(LIFE.slice(0, upTo).map((on, i) => entry(on, i + 1, n, time(i + 1)))), id(n));
  return {
    id: r.id,
    state: r.state,
    action: r.action,
    params: r.params,
    by: r.by,
    nl: r.nl,
    opened_at: r.opened_at,
    updated_at: r.updated_at,
    verdict: r.verdict,
    plan_sha256: r.plan_sha256,
    summary: r.summary,
    expires_at: r.expires_at_ms && new Date(r.expires_at_ms).toISOString(),
    consents: r.consents,
    error: r.error,
  };
};
const told = ({ state, summary, consents, updated_at }) => ({ state, summary, consents, updated_at });

test('a stream that is resumed and repeats itself changes nothing twice', () => {
  const events = LIFE.map((on, i) => entry(on, i + 1));
  const whole = told(row(fold(events), id(1)));
  for (let cut = 1; cut < events.length; cut++)
    for (let back = 0; back <= cut; back++)
      assert.deepEqual(told(row(fold([...events.slice(0, cut), ...events.slice(back)]), id(1))), whole, `${cut} ${back}`);
});

for (const [name, time] of [
  ['at its own time', at],
  ['written at one time', () => at(1)],
])
  test(`a page may come before, amid or after the entries, each ${name}`, () => {
    const events = LIFE.map((on, i) => entry(on, i + 1, 1, time(i + 1)));
    const whole = told(row(fold(events), id(1)));
    for (let from = 0; from <= events.length; from++)
      // the stream begins behind entry `from`
      for (let upTo = Math.max(from, 1); upTo <= events.length; upTo++)
        // what the page knew: at least what the stream has not
        for (let when = from; when <= events.length; when++) {
          const page = { kind: 'page', cases: [view(upTo, 1, time)] };
          const state = fold([...events.slice(from, when), page, ...events.slice(when)]);
          const settled = state.missing.size ? fold([{ kind: 'view', case: view(events.length, 1, time) }], state) : state;
          assert.deepEqual(told(row(settled, id(1))), whole, `from ${from}, page of ${upTo} at ${when}`);
        }
  });

test('a case whose beginning was missed is asked for, and a view of it settles it', () => {
  let state = fold([entry('warrant', 8)]);
  assert.deepEqual([...state.missing.keys()], [id(1)]);
  assert.equal(list(state).length, 0);
  state = fold([{ kind: 'view', case: view(8) }, entry('executed', 9)], state);
  assert.equal(state.missing.size, 0);
  assert.equal(row(state, id(1)).state, 'done');
  state = fold([entry('warrant', 10, 2), { kind: 'looked_up', case: id(2) }], state);
  assert.equal(state.missing.size, 0, 'a case that is not there is not asked for again');
});

test('what one person saw is forgotten before another looks', () => {
  const state = fold([...LIFE.map((on, i) => entry(on, i + 1)), { kind: 'page', cases: [view(9, 3)], more: false }, { kind: 'forget' }]);
  assert.deepEqual({ ...state, version: 0 }, first());
});

test('an older page changes nothing', () => {
  const state = fold([...LIFE.map((on, i) => entry(on, i + 1)), { kind: 'page', cases: [view(4)] }]);
  assert.equal(row(state, id(1)).state, 'done');
});

test('a page says where the next begins; a single view does not', () => {
  let state = fold([{ kind: 'page', cases: [view(9, 30), view(9, 20)], more: true }]);
  assert.equal(state.cursor, id(20));
  state = fold(
    [
      { kind: 'view', case: view(9, 3) },
      { kind: 'page', cases: [view(4, 4)] },
    ],
    state
  );
  assert.equal(state.cursor, id(20));
  state = fold([{ kind: 'page', cases: [], more: false }], state);
  assert.equal(state.more, false);
});

test('what has no sense is passed over', () => {
  const state = fold([
    { kind: 'view', case: {} },
    { kind: 'page' },
    { kind: 'view', case: { id: id(1), state: 'levitating' } },
    { seq: 3, kind: 'alert_raised', body: {} },
    { kind: 'stage', seq: null, case: id(1), stage: 'x' },
    { seq: 4, kind: 'case_opened', case: '', at: at(4), body: {} },
    { seq: 5, kind: 'case_opened', case: id(2), at: at(5) },
  ]);
  assert.deepEqual(
    list(state).map((r) => r.id),
    [id(2)]
  );
  assert.equal(state.seq, 5);
});

// --- stages

test('stages belong to a case under way, the newest of one kind counts, and they end with it', () => {
  const stage = (name, at_ms) => ({ kind: 'stage', case: id(1), stage: name, words: name, at_ms });
  const before = ['opened', 'verdict_go', 'plan_free', 'warrant'].map((on, i) => entry(on, i + 1));
  let state = fold([...before, stage('wake', 1), stage('wake', 2), stage('load', 3)]);
  assert.deepEqual(
    row(state, id(1)).stages.map((s) => [s.stage, s.at_ms]),
    [
      ['wake', 2],
      ['load', 3],
    ]
  );
  for (let i = 0; i < 100; i++) state = reduce(state, stage(`s${i}`, i));
  assert.equal(row(state, id(1)).stages.length, STAGES_MAX);
  state = fold([entry('executed', 9), stage('late', 9)], state);
  assert.deepEqual(row(state, id(1)).stages, []);
});

// --- what is shown

test('those that wait stand on top, the one that ends first before the others; then the newest', () => {
  let seq = 0;
  const life = (n, ways, expires) =>
    ways.map((on) => {
      const e = entry(on, ++seq, n);
      return on === 'plan_consent' ? { ...e, body: { ...e.body, expires_at_ms: expires } } : e;
    });
  const state = fold([
    ...life(1, ['opened', 'verdict_go', 'plan_consent'], 900),
    ...life(2, ['opened', 'verdict_deny']),
    ...life(3, ['opened', 'verdict_go', 'plan_consent'], 500),
    ...life(4, ['opened', 'verdict_go', 'answered']),
  ]);
  assert.deepEqual(
    list(state).map((r) => r.id),
    [id(3), id(1), id(4), id(2)]
  );
  assert.deepEqual(
    list(state, 'waiting').map((r) => r.id),
    [id(3), id(1)]
  );
  assert.deepEqual(
    list(state, 'failed').map((r) => r.id),
    [id(2)]
  );
  assert.deepEqual(
    list(state, 'all', 'DENIED').map((r) => r.id),
    [id(2)]
  );
  assert.deepEqual(list(state, 'all', 'a.local owner').length, 4);
  assert.deepEqual(list(state, 'all', 'nowhere'), []);
  assert.deepEqual(counts(state), { all: 4, waiting: 2, failed: 1 });
});

test('the newest are kept, what waits is kept longest, and then no older page is wished for', () => {
  let state = fold(['opened', 'verdict_go', 'plan_consent'].map((on, i) => entry(on, i + 1, 0)));
  for (let n = 1; n <= CASES_MAX + 10; n++)
    state = fold(
      ['opened', 'verdict_go', 'verdict_deny'].map((on, i) => entry(on, 10 * n + i, n)),
      state
    );
  assert.equal(state.ids.length, CASES_MAX);
  assert.equal(state.rows.size, CASES_MAX);
  assert.equal(state.full, true);
  assert.equal(row(state, id(0)).state, 'awaiting');
  assert.equal(row(state, id(1)), null);
  assert.notEqual(row(state, id(CASES_MAX + 10)), null);
  assert.equal(reduce(state, { kind: 'page', cases: [], more: true }).more, false);
});
