/**
 * What needs a person first, in words: the decision card, and the lines of the queue after it. The reason is the
 * headline, then impact and since when. Pure wording over a summary's groups; their order is the summary's. Invariant:
 * what was not reported is said to be missing, and ages become times where nothing proves that they still grow.
 */
import { badgeOf, type BadgeKind } from './badge.ts';
import { toAge, toSpan } from './duration.ts';
import type { OperationRow } from './operation.ts';
import type { AttentionGroup } from './summary.ts';
import { toMinute, toMoment } from './time.ts';
import { progressOf } from './progress.ts';
import { verdictOf } from './statement.ts';
import { countsSentence, resultOf, silentSince, toNumber, type Moment } from './wording.ts';

export interface DecisionFact {
  name: string;
  value: string;
  /** it ticks: it must not push what stands after it */
  isTime: boolean;
}

export interface Decision {
  kind: BadgeKind;
  statement: string;
  facts: DecisionFact[];
}

const SINCE: Partial<Record<BadgeKind, string>> = {
  blocked: 'Blocked since',
  failed: 'Failed since',
  partial: 'Open since'
};

export function decisionOf({ row }: AttentionGroup, environment: string | null, moment: Moment): Decision {
  const kind = badgeOf(row, moment.at);
  const facts = [
    evidenceOf(row, kind),
    { name: 'Environment', value: environment ?? 'None, of the workspace', isTime: false },
    { name: sinceName(row, kind), value: sinceOf(row, moment), isTime: true },
    { name: 'Started by', value: row.initiator, isTime: false }
  ];
  return { kind, statement: verdictOf(row, moment), facts };
}

function evidenceOf(row: OperationRow, kind: BadgeKind): DecisionFact {
  const fact = (name: string, value: string): DecisionFact => ({ name, value, isTime: false });
  if (row.status !== 'completed') return fact('Last proof', proofOf(row));
  // A partial one is headed by its counts; then the reason is what is left to say.
  const reason = row.failure?.message?.trim();
  return kind === 'partial' && reason && countsSentence(row.counts) !== null
    ? fact('Reason', reason)
    : fact('Impact', impactOf(row));
}

/** When the trouble began: its end, or the last that was heard of it. */
function troubleSince(row: OperationRow): number {
  return row.status === 'completed' ? (row.completedAt ?? row.createdAt) : silentSince(row);
}

function sinceName(row: OperationRow, kind: BadgeKind): string {
  if (row.status !== 'completed') return row.status === 'queued' ? 'Queued since' : 'Silent since';
  return SINCE[kind] ?? 'Completed';
}

/** "08:02:39, for 1 h 11 m"; without proof of now only the time. */
function sinceOf(row: OperationRow, { at, isFrozen, timeZone }: Moment): string {
  const since = troubleSince(row);
  const span = toSpan(at - since);
  return `${toMoment(since, at, timeZone)}${isFrozen || span === null ? '' : `, for ${span}`}`;
}

/** What it did not do, as far as its own counts say: "26 of 412 failed". */
export function impactOf(row: Pick<OperationRow, 'counts' | 'outcome' | 'failure'>): string {
  const { counts } = row;
  const whole = counts.total ?? counts.processed;
  const of = (n: number, word: string) =>
    whole === undefined || whole === n ? `${toNumber(n)} ${word}` : `${toNumber(n)} of ${toNumber(whole)} ${word}`;
  const parts: string[] = [];
  if (counts.failed) parts.push(of(counts.failed, 'failed'));
  if (counts.skipped) parts.push(parts.length ? `${toNumber(counts.skipped)} skipped` : of(counts.skipped, 'skipped'));
  const done = counts.processed ?? counts.succeeded;
  if (parts.length === 0 && counts.total !== undefined && done !== undefined && done < counts.total)
    parts.push(of(counts.total - done, 'not processed'));
  return parts.join(', ') || (countsSentence(counts) ?? 'No counts reported');
}

/** The last that active work said of itself: "1,104 of 3,200". */
function proofOf(row: OperationRow): string {
  // Silent work has no progress that could be trusted to go on; what it said last is still what it said.
  const progress = progressOf({ ...row, staleAt: Infinity }, 0);
  if (progress.mode === 'counted') return `${toNumber(progress.processed)} of ${toNumber(progress.total)}`;
  if (progress.mode === 'phased') return progress.phase;
  if (row.status === 'queued') return 'Queued, not started';
  const sofar = row.progress.processed;
  return sofar === null ? 'No counts reported' : `${toNumber(sofar)} so far`;
}

export interface QueueLine {
  kind: BadgeKind;
  /** left out where several environments may share the cause, or the page is of one */
  where: string | null;
  reason: string;
  age: string;
  since: number;
  /** the same line as long as it is the same trouble, whichever operation is its newest */
  key: string;
}

export function queueLineOf({ row, count }: AttentionGroup, environment: string | null, moment: Moment): QueueLine {
  const kind = badgeOf(row, moment.at);
  const since = row.status === 'completed' ? troubleSince(row) : (row.staleAt ?? row.createdAt);
  return {
    kind,
    where: count > 1 ? null : environment,
    reason: resultOf(row, moment).text,
    age: moment.isFrozen
      ? `since ${toMinute(since, moment.at, moment.timeZone)}`
      : toAge(since, moment.at).replace(/ ago$/, ''),
    since,
    key: JSON.stringify([kind, row.type, kind === 'stale' ? row.status : (row.failure?.code ?? row.failure?.message)])
  };
}

/** The lines of several groups. What told two of them apart may have passed since they were read; keys never coincide. */
export function queueLinesOf(
  groups: readonly AttentionGroup[],
  environmentOf: (environmentId: number | null) => string | null,
  moment: Moment
): (QueueLine & AttentionGroup)[] {
  const taken = new Set<string>();
  return groups.map((group) => {
    const line = queueLineOf(group, environmentOf(group.row.environmentId), moment);
    const key = taken.has(line.key) ? `${line.key} ${group.row.id}` : line.key;
    taken.add(key);
    return { ...line, ...group, key };
  });
}

/** "newest 3 min": the age of the newest trouble of a kind, as far as the summary's groups reach. */
export function newestOf(groups: readonly AttentionGroup[], kind: BadgeKind, moment: Moment): string | null {
  if (moment.isFrozen) return null;
  const first = groups.find(({ row }) => badgeOf(row, moment.at) === kind);
  return first ? `newest ${queueLineOf(first, null, moment).age}` : null;
}
