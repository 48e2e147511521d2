// SPDX-License-Identifier: Apache-2.0
// What a card shows of a node, out of its readings: only fresh ones count, what is not known is null. Pure.
//
//   rowVitals(row of GET /api/v1/nodes) -> the same as vitals(), out of the few rounded numbers that each row carries
//   vitals(detail of GET /api/v1/nodes/NAME) -> {cpu 0…1, load, cores, memory 0…1, memory_bytes, temperature °C, disk_temperature,
//           disk 0…1, disk_part, watts, gpus [{part, name, busy, used, total, share, temperature, watts}],
//           stale: how many readings are, tells: of itself, now}
//   nodeState({row, host, stage}) -> {tone, key}: the one word of a node · groupOf(roles) · readingText(unit, value)

import { duration } from '../core/format.js';
import { shown } from './readings.js';

const GROUPS = [
  ['servers', ['hypervisor', 'gpu_server', 'server', 'storage']],
  ['desks', ['desktop', 'worker', 'client']],
  ['network', ['gateway']],
  ['small', ['sensor', 'voter']],
];
export const GROUP_ORDER = ['servers', 'desks', 'network', 'small', 'others'];

const FAMILIES = [
  ['processor', /^(cpu_(?!temperature)|load_|processes_|io_pressure)/],
  ['memory', /^(memory_|swap_|oom_)/],
  ['heat', /(_temperature|^fan_|^power_)/],
  ['gpu', /^gpu_/],
  ['disks', /^(disk_|inodes_|filesystem_|raid_|zpool_|zfs_)/],
  ['network', /^(network_|conntrack_)/],
  ['engine', /^engine_/],
];
export const FAMILY_ORDER = ['processor', 'memory', 'heat', 'gpu', 'disks', 'network', 'engine', 'system'];

const most = (values) => (values.length ? Math.max(...values) : null);
const sum = (values) => (values.length ? values.reduce((a, b) => a + b, 0) : null);
const scaled = (value, by) => (value === null ? null : value / by);

function gpusOf(of, names) {
  const parts = [
    ...new Set(
      ['gpu_temperature', 'gpu_busy', 'gpu_memory_used', 'gpu_memory_total', 'gpu_power'].flatMap((metric) =>
        of(metric).map((fact) => fact.part)
      )
    ),
  ];
  const at = (metric, part) => of(metric).find((fact) => fact.part === part)?.value ?? null;
  return parts.sort().map((part, i) => {
    const used = at('gpu_memory_used', part),
      total = at('gpu_memory_total', part);
    return {
      part,
      name: names[i] ?? null,
      busy: scaled(at('gpu_busy', part), 1000),
      used,
      total,
      share: used !== null && total ? used / total : null,
      temperature: scaled(at('gpu_temperature', part), 1000),
      watts: scaled(at('gpu_power', part), 1000),
    };
  });
}

export function vitals(detail) {
  const facts = (detail?.facts ?? []).filter((fact) => fact.metric),
    fresh = facts.filter((fact) => fact.fresh);
  const of = (metric) => fresh.filter((fact) => fact.metric === metric);
  const values = (metric) => of(metric).map((fact) => fact.value);
  const one = (metric) => of(metric).find((fact) => fact.part === '')?.value ?? null;
  const available = scaled(one('memory_available_share'), 1000);
  const disks = of('disk_used_share').sort((a, b) => b.value - a.value);
  const power = sum([...values('power_draw'), ...values('gpu_power')]);
  return {
    cpu: scaled(one('cpu_busy'), 1000),
    load: scaled(one('load_1'), 1000),
    cores: one('cpu_cores') ?? detail?.node?.cores ?? null,
    memory: available === null ? null : 1 - available,
    memory_bytes: one('memory_total'),
    temperature: scaled(most([...values('cpu_temperature'), ...values('board_temperature')]), 1000),
    disk_temperature: scaled(most(values('disk_temperature')), 1000),
    disk: disks.length ? disks[0].value / 1000 : null,
    disk_part: disks[0]?.part ?? null,
    watts: scaled(power, 1000),
    gpus: gpusOf(
      of,
      (detail?.node?.gpus ?? []).map((gpu) => gpu.gpu)
    ),
    stale: facts.length - fresh.length,
    known: facts.length,
    tells: fresh.some((fact) => fact.metric !== 'source_ok'),
  };
}

const or = (value) => (Number.isInteger(value) ? value : null);
const MIB = 1024 * 1024;

function rowGpu(gpu) {
  const used = scaled(or(gpu.vram_used_mib), 1 / MIB),
    total = scaled(or(gpu.vram_mib), 1 / MIB);
  return {
    part: String(gpu.part ?? ''),
    name: gpu.name ?? null,
    busy: scaled(or(gpu.busy), 100),
    used,
    total,
    share: used !== null && total ? used / total : null,
    temperature: or(gpu.celsius),
    watts: or(gpu.watts),
  };
}

/** A row without vitals is of a node that tells nothing of itself (or of one of too many: house.left_out). */
export function rowVitals(row) {
  const v = row?.vitals ?? {};
  return {
    cpu: scaled(or(v.cpu), 100),
    load: scaled(or(v.load), 1000),
    cores: or(v.cores),
    memory: scaled(or(v.memory), 100),
    memory_bytes: scaled(or(v.memory_mib), 1 / MIB),
    temperature: or(v.celsius),
    disk_temperature: or(v.disk_celsius),
    disk: scaled(or(v.disk), 100),
    disk_part: v.disk_part ?? null,
    watts: or(v.watts),
    gpus: (Array.isArray(v.gpus) ? v.gpus : []).map(rowGpu),
    stale: null,
    known: null,
    tells: Boolean(row?.vitals),
  };
}

/** `host`: its row of the queue store where it may sleep; `stage`: what is under way there, if anything is. */
export function nodeState({ row, host = null, stage = null }) {
  if (stage && stage.stage !== 'ready' && stage.stage !== 'asleep') return { tone: 'busy', key: stage.stage };
  if (host?.power === 'asleep' || row?.power === 'asleep') return { tone: 'sleep', key: 'asleep' };
  if (row?.health === 'critical') return { tone: 'crit', key: 'critical' };
  if (row?.power === 'down') return { tone: 'warn', key: 'silent' };
  if (row?.health === 'degraded') return { tone: 'warn', key: 'warning' };
  if (row?.health === 'ok') return { tone: 'ok', key: 'ok' };
  if (host?.power === 'awake') return { tone: 'ok', key: 'awake' };
  return { tone: 'rest', key: 'unknown' };
}

const RANK = { critical: 0, silent: 1, warning: 2, unknown: 8, asleep: 7, ok: 6, awake: 6 };

const COLLATOR = new Intl.Collator('en', { numeric: true }); // localeCompare makes one at each call

/** n2 before n10. */
export const byName = (a, b) => COLLATOR.compare(a, b);

/** The worst first, then what moves, then by name. */
export function worstFirst(a, b) {
  return (RANK[a.state.key] ?? 4) - (RANK[b.state.key] ?? 4) || byName(a.name, b.name);
}

export function groupOf(roles) {
  for (const [group, members] of GROUPS) if ((roles ?? []).some((role) => members.includes(role))) return group;
  return 'others';
}

export function familyOf(metric) {
  for (const [family, pattern] of FAMILIES) if (pattern.test(metric)) return family;
  return 'system';
}

/** A whole number in one of our units, as people read it; a time as a duration. */
export function readingText(unit, value) {
  return unit === 'seconds' && value !== null && value !== undefined ? duration(value * 1000) : shown(value, unit);
}
