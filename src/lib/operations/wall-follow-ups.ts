/**
 * The list of what needs a person, for the wall: one line for each environment and cause, in attention order, as many as
 * fit, with their age. Pure. Invariants: the order is the hub's; what is not in sight is in the number beside the head;
 * without proof ages stand still, because nothing proves that they still grow.
 */
import { silenceLimitOf } from './freshness.ts';
import type { OperationRow } from './operation.ts';
import { attentionKindOf, attentionSince, type AttentionKind } from './problem.ts';
import { NEW_FOR_MS, placeKey } from './wall-environments.ts';
import type { WallFace } from './wall-face.ts';
import { toWallAge } from './wall-words.ts';
import { labelOf, resultOf, toNumber, type Moment } from './wording.ts';

export interface FollowUpLine {
  key: string;
  kind: AttentionKind;
  environment: string;
  /** operations of one cause there */
  count: number;
  /** of the oldest in sight */
  age: string;
  label: string;
  reason: string;
  isNew: boolean;
  isChanged: boolean;
}

export interface FollowUpList {
  lines: FollowUpLine[];
  /** "4", "4 of 9", "4 of more than 200" */
  head: string;
}

export interface FollowUpParts {
  /** in attention order */
  rows: readonly OperationRow[];
  /** null = not known */
  total: number | null;
  most: number;
  environmentName: (id: number | null) => string;
  face: WallFace;
  timeZone: string;
  typeLabels: Readonly<Record<string, string>>;
  changed: ReadonlySet<number>;
}

export function momentOf({ at, isWithdrawn }: WallFace, timeZone: string): Moment {
  return { at, isFrozen: isWithdrawn, timeZone };
}

export function followUpsOf(parts: FollowUpParts): FollowUpList {
  const { rows, total, most, face } = parts;
  const moment = momentOf(face, parts.timeZone);
  const groups = new Map<string, { rows: OperationRow[]; kind: AttentionKind; reason: string }>();
  for (const row of rows) {
    const kind = attentionKindOf(row, moment.at);
    if (kind === null) continue;
    const reason = reasonOf(row, kind, moment);
    const key = JSON.stringify([row.environmentId, kind, row.type, kind === 'stale' ? row.status : reason]);
    const group = groups.get(key);
    if (group) group.rows.push(row);
    else groups.set(key, { rows: [row], kind, reason });
  }
  const lines = [...groups].slice(0, most).map(([key, group]) => toLine(key, group, parts, moment));
  const shown = lines.reduce((sum, { count }) => sum + count, 0);
  const inSight = [...groups.values()].reduce((sum, group) => sum + group.rows.length, 0);
  return { lines, head: headOf(shown, Math.max(inSight, total ?? 0), total === null, face) };
}

function toLine(
  key: string,
  { rows, kind, reason }: { rows: readonly OperationRow[]; kind: AttentionKind; reason: string },
  { environmentName, typeLabels, changed, face }: FollowUpParts,
  moment: Moment
): FollowUpLine {
  const newest = rows[0]!;
  const since = Math.min(...rows.map((row) => attentionSince(row, moment.at)));
  const label = labelOf(newest.type, typeLabels);
  return {
    key,
    kind,
    environment: environmentName(newest.environmentId),
    count: rows.length,
    age: toWallAge(moment.at - since),
    label,
    reason,
    isNew: moment.at - Math.max(...rows.map((row) => attentionSince(row, moment.at))) < NEW_FOR_MS,
    isChanged: !face.isWithdrawn && rows.some(({ id }) => changed.has(id))
  };
}

/** "Token expired" as it was reported; of what went silent the limit, because its age stands beside it. */
function reasonOf(row: OperationRow, kind: AttentionKind, moment: Moment): string {
  if (kind !== 'stale') return resultOf(row, moment).text;
  return `Silent, limit ${toWallAge(silenceLimitOf(row))}`;
}

function headOf(shown: number, total: number, isUnknown: boolean, { isWithdrawn, since }: WallFace): string {
  if (isWithdrawn) return `as of ${since}`;
  if (isUnknown) return 'not all known';
  return shown >= total ? toNumber(total) : `${toNumber(shown)} of ${toNumber(total)}`;
}

/** Where which kind of problem is new, as `placeKey` writes it. */
export function freshPlaces(rows: readonly OperationRow[], { at }: WallFace): ReadonlySet<string> {
  return new Set(
    rows.flatMap((row) => {
      const kind = attentionKindOf(row, at);
      return kind !== null && at - attentionSince(row, at) < NEW_FOR_MS ? [placeKey(row.environmentId, kind)] : [];
    })
  );
}
