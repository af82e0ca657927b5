/**
 * Flood: more new problems than anybody can read one by one. From then on the wall counts them together and by cause, and
 * never scrolls. Pure. Invariants: it ends lower than it begins, so that a rate at the limit does not make it flicker;
 * a number that may be too small says so.
 */
import type { OperationRow } from './operation.ts';
import { attentionKindOf, attentionSince, type AttentionKind } from './problem.ts';
import type { Summary } from './summary.ts';
import { FLOOD_ABOVE, FLOOD_ENDS_BELOW } from './wall-data.ts';
import { labelOf, resultOf, type Moment } from './wording.ts';

/** Is it a flood now, given whether it was one and how many problems are new? Not known (null): as it was. */
export function isFlood(was: boolean, fresh: number | null): boolean {
  if (fresh === null) return was;
  return was ? fresh >= FLOOD_ENDS_BELOW : fresh > FLOOD_ABOVE;
}

export interface FloodCause {
  key: string;
  label: string;
  count: number;
  environments: number;
  /** when the first of them began */
  since: number;
}

export interface Flood {
  count: number;
  /** lists carry so many rows; where all of a list are new, there may be more */
  isMore: boolean;
  /** of the most of them: the colour and shape of the block */
  kind: AttentionKind;
  since: number;
  environments: number;
  /** most first */
  causes: FloodCause[];
}

const KINDS = ['blocked', 'failed', 'stale', 'partial'] as const satisfies readonly AttentionKind[];

/** Sums up the new problems; null without any. `rows` are all follow-ups in sight, new or not. */
export function floodOf(
  fresh: readonly OperationRow[],
  rows: readonly OperationRow[],
  counts: Summary['counts'] | null,
  moment: Moment,
  typeLabels: Readonly<Record<string, string>>
): Flood | null {
  const causes = new Map<string, FloodCause & { places: Set<number | null> }>();
  const places = new Set<number | null>();
  const kinds = new Map<AttentionKind, number>();
  let [count, since] = [0, Infinity];
  for (const row of fresh) {
    const kind = attentionKindOf(row, moment.at);
    if (kind === null) continue;
    count += 1;
    const began = attentionSince(row, moment.at);
    since = Math.min(since, began);
    places.add(row.environmentId);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    const label = causeLabel(row, kind, moment, typeLabels);
    const cause = causes.get(label) ?? {
      key: label,
      label,
      count: 0,
      environments: 0,
      since: began,
      places: new Set<number | null>()
    };
    cause.count += 1;
    cause.since = Math.min(cause.since, began);
    cause.places.add(row.environmentId);
    causes.set(label, cause);
  }
  if (count === 0) return null;
  const inSight = (kind: AttentionKind) => rows.filter((row) => attentionKindOf(row, moment.at) === kind).length;
  const isMore = KINDS.some((kind) => {
    const new_ = kinds.get(kind) ?? 0;
    return new_ > 0 && new_ >= inSight(kind) && (counts?.[kind] ?? 0) > new_;
  });
  return {
    count,
    isMore,
    // Of equally many the worse one.
    kind: KINDS.reduce((most, kind) => ((kinds.get(kind) ?? 0) > (kinds.get(most) ?? 0) ? kind : most)),
    since,
    environments: places.size,
    causes: [...causes.values()]
      .map(({ places: at, ...cause }) => ({ ...cause, environments: at.size }))
      .sort((a, b) => b.count - a.count || a.since - b.since || (a.key < b.key ? -1 : 1))
  };
}

/** What they have in common: the reason as it was reported, else what went silent or what failed. */
function causeLabel(
  row: OperationRow,
  kind: AttentionKind,
  moment: Moment,
  typeLabels: Readonly<Record<string, string>>
): string {
  const label = labelOf(row.type, typeLabels);
  if (kind === 'stale') return `${label} silent`;
  const { code, message } = row.failure ?? { code: null, message: null };
  if (message?.trim()) return message.trim();
  if (code !== null) return resultOf(row, moment).text;
  return `${label} ${kind === 'partial' ? 'in part' : kind}`;
}
