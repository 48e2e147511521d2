// SPDX-License-Identifier: Apache-2.0
// How a sentence was understood, and what came of it, in a form to draw. Pure.
//
//   understood(answer of a parse_only intent, catalogue) -> {kind, items [item], text, examples}
//       kind: understood · question · not_understood · failed
//       item: {action, title, tier, params [[name, value]]}
//   outcome(answer of an intent) -> [{status, case, text, tier, answer, reasons, would_permit}] of each proposal
//   signature(items, isPerson) -> 'other' | 'one' | 'maybe' | null: who must sign before it is done

const TIERS = ['observe', 'change', 'risky', 'destructive'];
const VALUE_MAX = 300;

/** A parameter's value in one line. */
export function valueText(value) {
  if (value === null || value === undefined) return '–';
  if (Array.isArray(value)) return value.map(valueText).join(', ');
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([name, inner]) => `${nameText(name)} ${valueText(inner)}`)
      .join(', ');
  }
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  const text = String(value);
  return text.length > VALUE_MAX ? `${text.slice(0, VALUE_MAX - 1)}…` : text;
}

/** "vram_mib" to "vram mib". */
export function nameText(name) {
  return String(name).replaceAll('_', ' ');
}

function item(intent, catalogue) {
  const known = catalogue?.[intent.action];
  return {
    action: intent.action,
    title: known?.title ?? nameText(intent.action),
    tier: known?.tier ?? null,
    params: Object.entries(intent.params ?? {}).map(([name, value]) => [nameText(name), valueText(value)]),
  };
}

/** The list of GET /api/v1/actions by name. */
export function byName(actions) {
  return Object.fromEntries((actions ?? []).map((action) => [action.name, action]));
}

export function understood(answer, catalogue) {
  const text = answer?.text ?? '';
  const intents = answer?.intents?.length ? answer.intents : answer?.intent ? [answer.intent] : [];
  if (answer?.status === 'question') {
    const question = answer.question ?? {};
    const items = question.action ? [item({ action: question.action, params: question.params }, catalogue)] : [];
    return { kind: 'question', items, text: question.text ?? text, examples: answer.examples ?? [] };
  }
  if (answer?.status === 'success' && intents.length) {
    return { kind: 'understood', items: intents.map((intent) => item(intent, catalogue)), text, examples: [] };
  }
  if (answer?.status === 'not_understood') return { kind: 'not_understood', items: [], text, examples: answer.examples ?? [] };
  return { kind: 'failed', items: [], text: text || answer?.error?.message || '', examples: answer?.examples ?? [] };
}

export function outcome(answer) {
  const results = answer?.results?.length ? answer.results : [answer];
  return results.map((one) => ({
    status: one?.status ?? 'failed',
    case: one?.case ?? null,
    action: one?.intent?.action ?? null,
    text: one?.text || one?.error?.message || '',
    tier: one?.verdict?.tier ?? null,
    answer: one?.verdict?.answer ?? (one?.status === 'success' && one?.verdict?.tier === 'observe' ? one?.execution : null) ?? null,
    reasons: (one?.verdict?.verdict === 'deny' ? (one.verdict.reasons ?? []) : []).map((reason) => reason.words ?? ''),
    would_permit: one?.verdict?.would_permit ?? [],
  }));
}

/** Which tier of several is the highest; null of none that is known. */
export function highest(items) {
  const ranks = items.map((one) => TIERS.indexOf(one.tier)).filter((rank) => rank >= 0);
  return ranks.length ? TIERS[Math.max(...ranks)] : null;
}

export function signature(items, isPerson) {
  const tier = highest(items);
  if (tier === 'risky' || tier === 'destructive') return isPerson ? 'other' : 'one';
  return tier === 'change' ? 'maybe' : null;
}
