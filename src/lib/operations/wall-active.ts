/**
 * What runs, as cells of the wall: where, what, how far. Those with counts first, then what has run longest: an order that
 * stays while new ones come. Pure. Invariants: what went silent is a follow-up and not here; never a share of progress
 * that was not reported.
 */
import type { OperationRow } from './operation.ts';
import { attentionKindOf } from './problem.ts';
import { progressOf, type Progress } from './progress.ts';
import type { WallRows } from './wall-data.ts';
import type { WallFace } from './wall-face.ts';
import { NOT_KNOWN, toWallAge, toWallProgress } from './wall-words.ts';
import { labelOf, toNumber } from './wording.ts';

export interface ActiveCell {
  key: string;
  name: string;
  label: string;
  /** "412 of 1,204", "running 2 m", "queued 20 s" */
  figure: string;
  /** both null unless both were reported and can be trusted */
  processed: number | null;
  total: number | null;
}

export interface ActiveCells {
  cells: ActiveCell[];
  head: string;
}

const RANK: Record<Progress['mode'], number> = { counted: 0, phased: 1, activity: 1, none: 3 };

export function activeOf(
  { rows, total }: WallRows,
  most: number,
  face: WallFace,
  environmentName: (id: number | null) => string,
  typeLabels: Readonly<Record<string, string>>
): ActiveCells {
  if (face.isBlank) return { cells: [], head: NOT_KNOWN };
  const { at } = face;
  const fresh = rows.filter((row) => row.status !== 'completed' && attentionKindOf(row, at) === null);
  const stale = rows.length - fresh.length;
  const rank = (row: OperationRow): number => (row.status === 'queued' ? 2 : RANK[progressOf(row, at).mode]);
  const since = (row: OperationRow): number => row.startedAt ?? row.createdAt;
  const cells = [...fresh]
    .sort((a, b) => rank(a) - rank(b) || since(a) - since(b) || a.id - b.id)
    .slice(0, most)
    .map((row): ActiveCell => {
      const progress = progressOf(row, at);
      const counted = progress.mode === 'counted' ? progress : null;
      return {
        key: String(row.id),
        name: environmentName(row.environmentId),
        label: labelOf(row.type, typeLabels),
        figure: figureOf(row, progress, at),
        processed: counted?.processed ?? null,
        total: counted?.total ?? null
      };
    });
  return { cells, head: headOf(cells.length, total === null ? null : Math.max(total - stale, fresh.length), face) };
}

function figureOf(row: OperationRow, progress: Progress, at: number): string {
  switch (progress.mode) {
    case 'counted':
      return toWallProgress(progress.processed, progress.total);
    case 'phased':
      return progress.phase;
    default:
      return `${row.status} ${toWallAge(at - (row.startedAt ?? row.createdAt))}`;
  }
}

function headOf(shown: number, total: number | null, { isWithdrawn, since }: WallFace): string {
  if (isWithdrawn) return `as of ${since}`;
  if (total === null) return 'not all known';
  return shown >= total ? toNumber(total) : `${toNumber(shown)} of ${toNumber(total)}`;
}
