/**
 * Which rows belong to a window, and what it remembers of the others. A row belongs that is in the scope, within the
 * window's range, and matches the filter at an instant. Pure: the instant is an argument.
 * Invariants: of each id only the newest revision counts, in whatever order messages come; a row of the present revision
 * is judged again by time alone; memory is bounded, and what had to be forgotten of rows that were here is admitted.
 */
import { hasDefaultWindow, matches, windowOf, type ListFilter } from '../operations/filter.ts';
import { comparePlaces, placeOf, type ListOrder, type ListPlace, type OperationRow } from '../operations/operation.ts';
import type { Scope } from './protocol.ts';

/** Removals remembered against late rows; they are needed for seconds, and one costs about 40 bytes. */
export const TOMBSTONE_LIMIT = 1_000;
/** Rows that never were here, of which a newer revision than a late message may bring was seen: forgotten silently. */
export const PASSED_LIMIT = 1_000;
/** Rows that wait for their moment; beyond it the latest go, of which the hub tells again at that moment. */
export const PENDING_LIMIT = 1_000;

/** What a window is of. */
export interface Range {
  readonly scope: Scope;
  readonly filter: ListFilter;
  readonly order: ListOrder;
  /** the oldest place of which the window knows; null: the list ends within the window */
  readonly floor: ListPlace | null;
  /** on later pages the newest place that the window may show; null on the first page */
  readonly ceiling: ListPlace | null;
  /** on later pages the only ids that may be shown; null on the first page */
  readonly members: ReadonlySet<number> | null;
}

export interface Membership {
  /** everything known to belong: page, look-ahead, waiting */
  readonly known: ReadonlyMap<number, OperationRow>;
  /** rows that will belong by time alone (they become likely stale), if nothing is reported before */
  readonly pending: ReadonlyMap<number, OperationRow>;
  /** id → revision as of which a row is not here (any more); of that revision or higher it may be */
  readonly tombstones: ReadonlyMap<number, number>;
  /** the same of rows that never were here, as far as memory reaches */
  readonly passed: ReadonlyMap<number, number>;
  /** tombstones were dropped: a late row could come back */
  readonly forgetful: boolean;
}

/** The scope as a predicate: the same truth as the SQL of the first page. */
export function inScope(scope: Scope, row: OperationRow): boolean {
  return (
    row.workspaceId === scope.workspaceId && (scope.environmentId === null || row.environmentId === scope.environmentId)
  );
}

/** Can time alone make rows enter or leave? */
export function dependsOnTime(filter: ListFilter): boolean {
  const { problemClass, from, to } = filter;
  if (isOfStale(filter) || problemClass === 'none' || hasDefaultWindow(filter)) return true;
  return [from, to].some((edge) => edge !== null && 'agoMs' in edge);
}

function isOfStale({ tab, problemClass }: ListFilter): boolean {
  return tab === 'stale' || problemClass === 'active_stale_attention';
}

/**
 * Where time alone lets rows in, of which nobody may have told us: the whole minute of such an edge; null elsewhere. With
 * each minute the page is worth reading again: for a window whose end moves along nobody tells of what comes in there, and
 * what became stale is told only to those who were listening just then.
 */
export function entranceOf(filter: ListFilter, at: number): number | null {
  if (filter.to !== null && 'agoMs' in filter.to) return windowOf(filter, at).to;
  return isOfStale(filter) ? Math.floor(at / 60_000) * 60_000 : null;
}

/** May a row at this place be in the window? On later pages nothing is added; elsewhere nothing below the floor. */
function inRange(range: Range, row: OperationRow): boolean {
  if (range.members !== null && !range.members.has(row.id)) return false;
  const place = placeOf(range.order, row);
  if (range.ceiling !== null && comparePlaces(place, range.ceiling) < 0) return false;
  return range.floor === null || comparePlaces(place, range.floor) <= 0;
}

/** A membership while it is being changed: copies, so that the window it came from stays what it was. */
export class MembershipDraft {
  readonly known: Map<number, OperationRow>;
  readonly pending: Map<number, OperationRow>;
  readonly tombstones: Map<number, number>;
  readonly passed: Map<number, number>;
  /** what is known or owed has changed; otherwise at most something was noted */
  changed = false;
  noted = false;
  readonly #range: Range;
  readonly #wasForgetful: boolean;
  readonly #at: number;

  constructor(range: Range, was: Membership, at: number) {
    this.#range = range;
    this.#at = at;
    this.#wasForgetful = was.forgetful;
    this.known = new Map(was.known);
    this.pending = new Map(was.pending);
    this.tombstones = new Map(was.tombstones);
    this.passed = new Map(was.passed);
  }

  /** Takes a row as it was told; an older one changes nothing, and one of the known revision is only judged again. */
  take(row: OperationRow): void {
    if (this.#range.members !== null && !this.#range.members.has(row.id)) return;
    const have = this.known.get(row.id);
    if (have !== undefined) {
      if (row.revision >= have.revision) this.#judge(row.revision === have.revision ? have : row, true);
    } else if (row.revision >= this.#heard(row.id)) this.#judge(row, false);
  }

  /** Takes a removal; a row of its revision wins. */
  remove(id: number, revision: number): void {
    if (this.#range.members !== null && !this.#range.members.has(id)) return;
    if ((this.known.get(id)?.revision ?? -1) >= revision) return;
    if (this.known.delete(id)) this.changed = true;
    if ((this.pending.get(id)?.revision ?? revision) < revision) this.pending.delete(id);
    this.#bury(id, revision);
  }

  /** Judges again what time alone may have changed. */
  reconsider(): void {
    for (const row of [...this.known.values()]) this.#judge(row, true);
    for (const row of [...this.pending.values()]) this.#judge(row, false);
  }

  /** The bounded outcome. */
  result(): Membership {
    const forgot = forgetOldest(this.tombstones, TOMBSTONE_LIMIT);
    forgetOldest(this.passed, PASSED_LIMIT);
    if (this.pending.size > PENDING_LIMIT) {
      const latestFirst = [...this.pending.values()].sort((a, b) => (b.staleAt ?? 0) - (a.staleAt ?? 0));
      for (const { id } of latestFirst.slice(0, this.pending.size - PENDING_LIMIT)) this.pending.delete(id);
    }
    const { known, pending, tombstones, passed } = this;
    return { known, pending, tombstones, passed, forgetful: forgot || this.#wasForgetful };
  }

  #judge(row: OperationRow, wasKnown: boolean): void {
    const { id, revision } = row;
    const range = this.#range;
    const reachable = inScope(range.scope, row) && inRange(range, row);
    if (reachable && matches(range.filter, row, this.#at)) {
      if (this.known.get(id) === row) return;
      this.known.set(id, row);
      this.pending.delete(id);
      this.tombstones.delete(id);
      this.passed.delete(id);
      this.changed = true;
      return;
    }
    const { staleAt } = row;
    if (reachable && staleAt !== null && staleAt > this.#at && matches(range.filter, row, staleAt)) {
      if (this.pending.get(id) === row) return;
      this.pending.set(id, row);
      this.noted = true;
    } else if (this.pending.delete(id)) this.noted = true;
    if (wasKnown) {
      this.known.delete(id);
      this.changed = true;
      this.#bury(id, revision);
    } else if (this.tombstones.has(id)) this.#bury(id, revision);
    // Where an operation was made never changes: below the floor it is in all its revisions.
    else if (reachable || range.order === 'completed' || !inScope(range.scope, row)) this.#pass(id, revision);
  }

  #heard(id: number): number {
    return Math.max(this.tombstones.get(id) ?? -1, this.passed.get(id) ?? -1, this.pending.get(id)?.revision ?? -1);
  }

  #bury(id: number, revision: number): void {
    if ((this.passed.get(id) ?? revision + 1) <= revision) this.passed.delete(id);
    if ((this.tombstones.get(id) ?? -1) >= revision) return;
    this.tombstones.delete(id); // so that the map stays in order of burial
    this.tombstones.set(id, revision);
    this.changed = true;
  }

  #pass(id: number, revision: number): void {
    if ((this.passed.get(id) ?? -1) >= revision) return;
    this.passed.delete(id);
    this.passed.set(id, revision);
    this.noted = true;
  }
}

/** Drops the oldest entries beyond the limit; true if any had to go. */
export function forgetOldest(entries: Map<number, unknown>, limit: number): boolean {
  const excess = entries.size - limit;
  if (excess <= 0) return false;
  let left = excess;
  for (const id of entries.keys()) {
    if (left-- === 0) break;
    entries.delete(id);
  }
  return true;
}
