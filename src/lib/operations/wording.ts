/**
 * What an operation is called and what its row says happened: labels, numbers, counts and the one result sentence.
 * Pure wording over the row; it decides nothing that `freshness`, `badge` and `progress` have not decided. Invariants:
 * what was not reported is said as such, never as zero; a share is never shown without both of its numbers.
 */
import { badgeOf, type BadgeKind } from './badge.ts';
import { toSpan } from './duration.ts';
import { silenceLimitOf } from './freshness.ts';
import type { OperationRow, SummaryKey } from './operation.ts';
import { countedProgress, progressOf } from './progress.ts';
import { toMoment } from './time.ts';

const numbers = new Intl.NumberFormat('en');

/** Grouped as English groups: 1,204,338. */
export function toNumber(n: number): string {
  return numbers.format(n);
}

/** The catalogue's label, else one made readable from the code: "ext.pacs.nightly_rollup" → "Ext pacs nightly rollup". */
export function labelOf(type: string, labels: Readonly<Record<string, string>>): string {
  // hasOwn: a type called "constructor" is a type like any other
  const known = Object.hasOwn(labels, type) ? labels[type] : undefined;
  if (known) return known;
  const words = type
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean)
    .join(' ')
    .toLowerCase();
  return words ? words.charAt(0).toUpperCase() + words.slice(1) : 'Unnamed operation';
}

/** A code of a failure as words, where no message was reported. */
function codeInWords(code: string): string {
  return labelOf(code, {});
}

const REST: readonly SummaryKey[] = ['created', 'updated', 'deleted', 'failed', 'skipped'];
/** A row has room for three facts; the detail page shows all of them. */
const MOST_FACTS = 3;

/** "386 of 412 succeeded, 26 failed"; null when no count was reported. */
export function countsSentence(counts: OperationRow['counts']): string | null {
  const facts: string[] = [];
  const whole = counts.total ?? counts.processed;
  const main: SummaryKey | null =
    counts.succeeded !== undefined ? 'succeeded' : counts.processed !== undefined ? 'processed' : null;
  if (main !== null) {
    const n = counts[main] ?? 0;
    facts.push(
      whole === undefined || whole === n ? `${toNumber(n)} ${main}` : `${toNumber(n)} of ${toNumber(whole)} ${main}`
    );
  }
  for (const key of REST) {
    const n = counts[key];
    if (n !== undefined && (n > 0 || (main === null && facts.length === 0))) facts.push(`${toNumber(n)} ${key}`);
  }
  if (facts.length === 0 && counts.total !== undefined) facts.push(`${toNumber(counts.total)} in all`);
  return facts.length ? facts.slice(0, MOST_FACTS).join(', ') : null;
}

/** How loudly the sentence is written: what needs a person, what is normal, what is missing, what went silent. */
export type Weight = 'strong' | 'plain' | 'dim' | 'stale';

export interface Result {
  text: string;
  /** said after it, quieter: the phase of counted progress, or that the follow-up is closed */
  aside: string | null;
  weight: Weight;
  /** two numbers that are compared: tabular figures, never clipped */
  isCount: boolean;
}

export interface Moment {
  /** the instant to judge by: now while live, the last proof while the feed is stale */
  at: number;
  /** a stale feed: spans would go on counting without proof, so times stand in their place */
  isFrozen: boolean;
  timeZone: string;
}

/** The "Progress or result" of a row. Order of truth: silent, in progress, ended. */
export function resultOf(row: OperationRow, moment: Moment): Result {
  const kind = badgeOf(row, moment.at);
  if (kind === 'stale') return say(silence(row, moment), 'stale');
  if (row.status === 'completed') return ended(row, kind);
  if (kind === 'unknown') return say('Times are missing in the report', 'plain');
  const progress = progressOf(row, moment.at);
  if (progress.mode === 'counted') {
    const text = `${toNumber(progress.processed)} of ${toNumber(progress.total)}`;
    return { text, aside: row.progress.phase?.trim() || null, weight: 'plain', isCount: true };
  }
  if (progress.mode === 'phased') return say(progress.phase, 'plain');
  if (row.status === 'queued') return say('Waiting to start', 'dim');
  const sofar = row.progress.processed;
  return sofar === null ? say('No counts reported', 'plain') : say(`${toNumber(sofar)} so far, total unknown`, 'plain');
}

function say(text: string, weight: Weight): Result {
  return { text, aside: null, weight, isCount: false };
}

/** "Silent for 47 min, limit 10 min"; with a stale feed "Silent since 09:00:02, limit 10 min". */
export function silence(row: OperationRow, { at, isFrozen, timeZone }: Moment): string {
  const since = silentSince(row);
  const word = row.status === 'queued' ? 'Queued' : 'Silent';
  const limit = toSpan(silenceLimitOf(row));
  const span = toSpan(at - since);
  const length = isFrozen || span === null ? `since ${toMoment(since, at, timeZone)}` : `for ${span}`;
  return `${word} ${length}${limit === null ? '' : `, limit ${limit}`}`;
}

/** The last that was heard of active work; what is only queued has been silent since it was made. */
export function silentSince(row: Pick<OperationRow, 'status' | 'createdAt' | 'lastReportedAt'>): number {
  return row.status === 'queued' ? Math.min(row.createdAt, row.lastReportedAt) : row.lastReportedAt;
}

function ended(row: OperationRow, kind: BadgeKind): Result {
  const result = endedAs(row, kind);
  // What a later success resolved, or a person reviewed, needs nobody any more: it steps back, and says so.
  if (row.resolved) return { ...result, weight: 'plain', aside: 'Resolved' };
  if (row.reviewed) return { ...result, weight: 'plain', aside: 'Reviewed' };
  return result;
}

function endedAs(row: OperationRow, kind: BadgeKind): Result {
  const counts = countsSentence(row.counts);
  const failure = row.failure?.message?.trim() || (row.failure?.code ? codeInWords(row.failure.code) : null);
  if (row.reconciledAt !== null) return say(failure ?? 'Stopped reporting; ended by reconciliation', 'strong');
  switch (kind) {
    case 'blocked':
    case 'failed':
      return say(failure ?? counts ?? 'No reason reported', 'strong');
    case 'partial':
      return say(counts ?? failure ?? 'No counts reported', 'strong');
    case 'cancelled':
      return say(cancellation(row), 'plain');
    case 'unknown':
      return say('Ended without an outcome', 'plain');
    default:
      return counts === null ? say('No counts reported', 'dim') : say(counts, 'plain');
  }
}

/** "Cancelled by Ingrid Vass after 90 of 400" */
export function cancellation(row: Pick<OperationRow, 'cancelledBy' | 'progress'>): string {
  const who = row.cancelledBy?.trim();
  const counted = countedProgress(row.progress);
  const after = counted ? ` after ${toNumber(counted.processed)} of ${toNumber(counted.total)}` : '';
  return who ? `Cancelled by ${who}${after}` : `Cancelled${after}; by whom was not reported`;
}

/** "MH" of "Maren Holt": first and last word; a name without letters is "?". */
export function toInitials(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const first = words.at(0)?.at(0) ?? '?';
  const last = words.length > 1 ? (words.at(-1)?.at(0) ?? '') : '';
  return (first + last).toUpperCase();
}

/** The one line of SQL that reports a first operation here; without an environment it is one of the workspace. */
export function firstReport(workspaceId: number, environmentId: number | null): string {
  return environmentId === null
    ? `insert into operation_runs (workspace_id, type) values (${workspaceId}, 'inventory.sync');`
    : `insert into operation_runs (workspace_id, managed_environment_id, type) values (${workspaceId}, ${environmentId}, 'inventory.sync');`;
}

export interface Share {
  parts: { key: 'succeeded' | 'failed' | 'skipped'; from: number; length: number }[];
  words: string;
}

/** Shares of the whole in percent, in a fixed order; null where there is no whole or the parts do not fit into it. */
export function shareOf(counts: OperationRow['counts']): Share | null {
  const whole = counts.total ?? counts.processed;
  if (whole === undefined || !(whole > 0)) return null;
  const parts: Share['parts'] = [];
  const words: string[] = [];
  let from = 0;
  for (const key of ['succeeded', 'failed', 'skipped'] as const) {
    const n = counts[key];
    if (n === undefined) continue;
    words.push(`${n === 0 ? 'none' : toNumber(n)} ${key}`);
    const length = (n / whole) * 100;
    if (n > 0) parts.push({ key, from, length });
    from += length;
  }
  if (words.length === 0 || from > 100.001) return null;
  return { parts, words: `Of ${toNumber(whole)}: ${words.join(', ')}` };
}
