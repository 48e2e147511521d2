// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byName, highest, outcome, signature, understood, valueText } from './ask.js';

const CATALOGUE = byName([
  { name: 'host_wake', title: 'Wake a host', tier: 'change' },
  { name: 'dns_record_delete', title: 'Delete DNS records', tier: 'risky' },
  { name: 'node_list', title: 'List the nodes', tier: 'observe' },
]);

test('understood: title, tier and parameters in words; several changes are several items', () => {
  const intents = [
    { action: 'host_wake', params: { host: 'tower', limit_s: 5 } },
    { action: 'made_up', params: {} },
  ];
  const how = understood({ status: 'success', intent: intents[0], intents, text: 't' }, CATALOGUE);
  assert.equal(how.kind, 'understood');
  assert.deepEqual(how.items[0], {
    action: 'host_wake',
    title: 'Wake a host',
    tier: 'change',
    params: [
      ['host', 'tower'],
      ['limit s', '5'],
    ],
  });
  assert.deepEqual([how.items[1].title, how.items[1].tier], ['made up', null]);
});

test('a question back, not understood, and neither', () => {
  const asked = understood(
    { status: 'question', question: { text: 'Which?', missing: ['value'], action: 'dns_record_delete', params: { name: 'x' } } },
    CATALOGUE
  );
  assert.deepEqual([asked.kind, asked.text, asked.items[0].title], ['question', 'Which?', 'Delete DNS records']);
  assert.deepEqual(understood({ status: 'not_understood', text: 't', examples: ['a'] }, {}).examples, ['a']);
  assert.equal(understood({ status: 'failed', error: { message: 'm' } }, {}).text, 'm');
  assert.equal(understood(null, null).kind, 'failed');
});

test('who must sign: nobody for a look, another person where a person asks', () => {
  const of = (tier, person) => signature([{ tier }], person);
  assert.deepEqual(
    [of('observe', true), of('change', true), of('risky', true), of('risky', false), of('destructive', false), of(null, true)],
    [null, 'maybe', 'other', 'one', 'one', null]
  );
  assert.equal(highest([{ tier: 'change' }, { tier: 'destructive' }, { tier: null }]), 'destructive');
});

test('what came of it: an answer only of what looks', () => {
  const told = {
    status: 'success',
    case: 'C',
    intent: { action: 'node_list' },
    verdict: { verdict: 'permit', tier: 'observe', answer: { nodes: [] } },
    text: 'x',
  };
  assert.deepEqual(outcome(told)[0].answer, { nodes: [] });
  assert.deepEqual(outcome({ ...told, verdict: { tier: 'observe' }, execution: { rrsets: [] } })[0].answer, { rrsets: [] });
  assert.equal(outcome({ ...told, verdict: { tier: 'change' }, execution: { took_ms: 1 } })[0].answer, null);
  const denied = outcome({
    results: [
      { status: 'denied', verdict: { verdict: 'deny', reasons: [{ words: 'no' }], would_permit: ['yes if'] } },
      { status: 'success' },
    ],
  });
  assert.deepEqual([denied.length, denied[0].reasons, denied[0].would_permit], [2, ['no'], ['yes if']]);
});

test('values of every kind in a line, bounded', () => {
  assert.deepEqual(
    [valueText(['a', 1, true]), valueText({ vram_mib: 5 }), valueText(null), valueText('x'.repeat(400)).length],
    ['a, 1, yes', 'vram mib 5', '–', 300]
  );
});
