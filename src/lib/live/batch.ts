/**
 * Changes on their way to a window: several `rows:changed` messages become one, so that a burst costs one drawing.
 * Pure. It knows neither scope nor window. Invariant: of each id only what is newest survives, and a row beats a removal
 * of the same revision (a move sends both: the removal to the old place, the row to the new one, in any order), so the
 * result does not depend on how messages were cut or ordered.
 */
import type { OperationRow } from '../operations/operation.ts';
import type { RowsChanged } from './protocol.ts';

/** What is newest of each id; one id stands in one of the two maps only. */
export interface Batch {
  rows: Map<number, OperationRow>;
  removed: Map<number, number>;
}

export function emptyBatch(): Batch {
  return { rows: new Map(), removed: new Map() };
}

/** Distinct ids gathered; the owner applies the batch early when it grows large. */
export function batchSize(batch: Batch): number {
  return batch.rows.size + batch.removed.size;
}

/** Adds one message to the batch, in place: it is a buffer, and a copy of it per message would be the cost of a burst. */
export function gather(batch: Batch, changes: RowsChanged): void {
  for (const row of changes.rows) {
    const have = batch.rows.get(row.id);
    const gone = batch.removed.get(row.id);
    if (have !== undefined && have.revision >= row.revision) continue;
    if (gone !== undefined && gone > row.revision) continue;
    batch.removed.delete(row.id);
    batch.rows.set(row.id, row);
  }
  for (const [id, revision] of changes.removed) {
    const have = batch.rows.get(id);
    const gone = batch.removed.get(id);
    if (have !== undefined && have.revision >= revision) continue;
    if (gone !== undefined && gone >= revision) continue;
    batch.rows.delete(id);
    batch.removed.set(id, revision);
  }
}

/** The batch as one message. */
export function toChanges(batch: Batch): RowsChanged {
  return { rows: [...batch.rows.values()], removed: [...batch.removed] };
}
