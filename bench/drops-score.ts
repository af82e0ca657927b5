/**
 * What one client of the bench was told, and how much of what was changed that is. Pure; time is an argument. A change is
 * one revision of one row, since every statement raises it by one. `itself` counts what arrived as that revision;
 * `delivered` counts also what was overtaken: a newer revision of the same row arrived, so the client knows better by now.
 */

/** A row as a fresh query finds it: what is there, and how it stands. */
export type Row = [id: number, revision: number, state: string];

export interface Counts {
  made: number;
  itself: number;
  delivered: number;
}

export class Score {
  private readonly told = new Map<number, { newest: number; state: string; all: Set<number> }>();
  private missing: Map<number, number> | null = null;
  private since = 0;
  private took: number | null = null;

  tell(id: number, revision: number, state: string, now: number): void {
    let row = this.told.get(id);
    if (!row) this.told.set(id, (row = { newest: 0, state: '', all: new Set() }));
    row.all.add(revision);
    // Of the same revision the later message counts: time alone changes a row, too.
    if (revision >= row.newest) {
      row.newest = revision;
      row.state = state;
    }
    if (this.missing && (this.missing.get(id) ?? Infinity) <= revision) {
      this.missing.delete(id);
      this.endWhenComplete(now);
    }
  }

  /** From now on it is awaited that the client knows these rows, each in this revision or a newer one. */
  await(rows: readonly Row[], now: number): void {
    this.since = now;
    this.took = null;
    this.missing = new Map();
    for (const [id, revision] of rows) if ((this.told.get(id)?.newest ?? 0) < revision) this.missing.set(id, revision);
    this.endWhenComplete(now);
  }

  /** milliseconds until everything awaited was known; null when something is still missing */
  completeAfter(): number | null {
    return this.took;
  }

  /** Of the changes after `from` up to `to`; rows that are not in `from` began later. */
  count(from: ReadonlyMap<number, number>, to: readonly Row[]): Counts {
    const counts = { made: 0, itself: 0, delivered: 0 };
    for (const [id, last] of to) {
      const row = this.told.get(id);
      for (let revision = (from.get(id) ?? 0) + 1; revision <= last; revision++) {
        counts.made++;
        if (row?.all.has(revision)) counts.itself++;
        if (row && row.newest >= revision) counts.delivered++;
      }
    }
    return counts;
  }

  /** How many of these rows the client shows as they are. */
  countRight(rows: readonly Row[]): number {
    return rows.filter(([id, revision, state]) => {
      const row = this.told.get(id);
      return row !== undefined && row.newest >= revision && row.state === state;
    }).length;
  }

  private endWhenComplete(now: number): void {
    if (this.missing?.size !== 0) return;
    this.missing = null;
    this.took = now - this.since;
  }
}
