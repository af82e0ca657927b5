/**
 * A server small enough to be obviously right, for tests: versioned rows, a log of changes, pages, catch-up, and a feed
 * that lags behind its log as a real node does. It owns no network and no clock. Invariant: `page` is the definition of
 * what a client has to show, and it judges by `matches` alone.
 */
import { CLEAN_FILTER, matches, orderOf, succeededFrom, type ListFilter } from '../../operations/filter.ts';
import { hubQuery } from '../../operations/addresses.ts';
import { freshnessOf } from '../../operations/freshness.ts';
import { comparePlaces, placeOf, type OperationRow, type Outcome } from '../../operations/operation.ts';
import { LOOK_AHEAD, type HubPage } from '../../operations/pages.ts';
import { isFollowUp, isFollowUpOpen } from '../../operations/problem.ts';
import { GROUPS_SENT, groupByCause, type Summary, type SummaryPlace } from '../../operations/summary.ts';
import type { RowsChanged, Scope } from '../protocol.ts';

export const WORKSPACE = 1;
/** An active row is likely stale after so long a silence. */
export const SILENCE_LIMIT_MS = 20_000;
/** So far from any edge of time nobody's clock is wrong. */
const CLEAR_OF_EDGES_MS = 4_000;

interface Change {
  id: number;
  revision: number;
  places: (number | null)[];
}

/** A row in its first revision; overrides make the variants. */
export function someRow(overrides: Partial<OperationRow> & { id: number }): OperationRow {
  const createdAt = overrides.createdAt ?? overrides.id;
  return {
    revision: 1,
    workspaceId: WORKSPACE,
    environmentId: 1,
    type: 'inventory.sync',
    status: 'running',
    outcome: 'pending',
    initiator: 'System',
    progress: { processed: null, total: null, phase: null },
    counts: {},
    failure: null,
    cancelledBy: null,
    reconciledAt: null,
    createdAt,
    startedAt: null,
    completedAt: null,
    lastReportedAt: createdAt,
    staleAt: null,
    search: 'inventory sync inventory.sync system',
    resolved: null,
    reviewed: null,
    ...overrides
  };
}

/** A summary without anything in it; overrides make the variants. */
export function someSummary(overrides: Partial<Summary> & Pick<Summary, 'place'>): Summary {
  const counts = { active: 0, stale: 0, blocked: 0, failed: 0, partial: 0, succeeded: 0 };
  return { at: 0, counts, groups: [], lastReportAt: null, silentAfterMs: 600_000, ...overrides };
}

const TYPES = ['inventory.sync', 'policy.export', 'restore.execute'];
const INITIATORS = ['System', 'Ada', 'Grace'];

export class OracleServer {
  rows = new Map<number, OperationRow>();
  log: Change[] = [];
  epoch = 1;
  /** environments that the person may see; access grows a version with each change */
  entitled = new Set<number | null>([null, 1, 2]);
  accessVersion = 1;
  #nextId = 1;

  insert(environmentId: number | null, at: number): OperationRow {
    const id = this.#nextId++;
    const type = TYPES[id % 3] ?? '';
    const initiator = INITIATORS[id % 2] ?? '';
    const search = `${type} ${initiator} ${id}`.toLowerCase();
    const row = someRow({ id, environmentId, type, initiator, search, createdAt: at, staleAt: at + SILENCE_LIMIT_MS });
    return this.#put(row, [environmentId]);
  }

  /** Something is reported of it. */
  update(id: number, at: number): void {
    const staleAt = this.rows.get(id)?.status === 'completed' ? null : at + SILENCE_LIMIT_MS;
    this.#change(id, { lastReportedAt: at, staleAt });
  }

  /** Ends it, or says of one that has ended that it did so otherwise: its place in lists by end moves. */
  finish(id: number, outcome: Outcome, at: number): void {
    const end = { status: 'completed', outcome, completedAt: at, lastReportedAt: at, staleAt: null } as const;
    this.#change(id, { ...end, resolved: null, reviewed: null });
  }

  resolve(id: number, at: number): void {
    const row = this.rows.get(id);
    if (row && isFollowUpOpen(row)) this.#change(id, { resolved: { at, by: 1 } });
  }

  /** Marks it reviewed, or takes that back. */
  review(id: number, at: number): void {
    const row = this.rows.get(id);
    if (row && isFollowUp(row)) this.#change(id, { reviewed: row.reviewed ? null : { at, by: 'Ada' } });
  }

  move(id: number, environmentId: number | null): void {
    this.#change(id, { environmentId });
  }

  delete(id: number): void {
    const row = this.rows.get(id);
    if (!row) return;
    this.rows.delete(id);
    this.log.push({ id, revision: row.revision + 1, places: [row.environmentId] });
  }

  grant(entitled: (number | null)[]): void {
    this.entitled = new Set(entitled);
    this.accessVersion += 1;
  }

  /** The newest page of a scope, as a fresh query gives it. */
  page(scope: Scope, pageSize: number, readAt: number, filter: ListFilter = CLEAN_FILTER): HubPage {
    const order = orderOf(filter);
    const all = [...this.rows.values()]
      .filter((row) => this.#sees(scope, row.environmentId) && matches(filter, row, readAt))
      .sort((a, b) => comparePlaces(placeOf(order, a), placeOf(order, b)));
    return {
      workspace: { id: WORKSPACE, name: 'W', isDemo: false },
      environment: scope.environmentId === null ? null : { id: scope.environmentId, name: 'E' },
      environments: [],
      typeLabels: {},
      filter,
      query: hubQuery({ environmentId: scope.environmentId, filter }),
      summaries: this.summaries(scope, readAt),
      listCounts: { list: { count: all.length, isMore: false }, tabs: null, at: readAt },
      options: { types: [], initiators: [] },
      mayReview: false,
      rows: all.slice(0, pageSize + LOOK_AHEAD),
      pageSize: pageSize as HubPage['pageSize'],
      position: { isFirst: true, newer: null, older: all.length > pageSize ? 'older' : null },
      hasAny: all.length > 0,
      token: this.token(),
      readAt
    };
  }

  /** The numbers of each unit of the scope that the person may see. */
  summaries(scope: Scope, at: number): Summary[] {
    return [...this.entitled]
      .filter((place) => this.#sees(scope, place))
      .map((place) => this.#summary(place ?? 'itself', place, at));
  }

  token(at = this.log.length): string {
    return JSON.stringify({ epoch: this.epoch, at, access: this.accessVersion, nonce: Math.random() });
  }

  /** What changed in the scope since that place in the log, as it is now; and all that is stale, for that has no log. */
  difference(from: number, scope: Scope, at: number): RowsChanged {
    return merge(this.unitDeltas(from, scope, { after: -Infinity, at }), true);
  }

  /**
   * The same as the rooms get it: one message for each environment, so that a move is told twice; with what has become
   * stale within the edge.
   */
  unitDeltas(from: number, scope: Scope, edge: { after: number; at: number } | null = null): RowsChanged[] {
    const touched = new Map<number, Change>();
    for (const change of this.log.slice(from)) {
      const seen = touched.get(change.id);
      touched.set(change.id, { ...change, places: [...(seen?.places ?? []), ...change.places] });
    }
    for (const { id, revision, staleAt, environmentId } of this.rows.values())
      if (edge !== null && staleAt !== null && staleAt > edge.after && staleAt <= edge.at && !touched.has(id))
        touched.set(id, { id, revision, places: [environmentId] });
    const units = [...this.entitled].filter((place) => this.#sees(scope, place));
    return units.map((unit) => {
      const delta: RowsChanged = { rows: [], removed: [] };
      for (const { id, revision, places } of touched.values()) {
        const row = this.rows.get(id);
        if (row && row.environmentId === unit) delta.rows.push(row);
        else if (places.includes(unit)) delta.removed.push([id, revision]);
      }
      return delta;
    });
  }

  /** Is anything about to change by time alone? */
  isNearEdge(now: number): boolean {
    const intoMinute = now % 60_000;
    if (intoMinute < CLEAR_OF_EDGES_MS || intoMinute > 60_000 - CLEAR_OF_EDGES_MS) return true;
    return [...this.rows.values()].some(
      ({ staleAt }) => staleAt !== null && Math.abs(staleAt - now) < CLEAR_OF_EDGES_MS
    );
  }

  #summary(place: SummaryPlace, environmentId: number | null, at: number): Summary {
    const rows = [...this.rows.values()].filter((row) => row.environmentId === environmentId);
    const count = (found: (row: OperationRow) => boolean): number => rows.filter(found).length;
    const open = (outcome: Outcome): number => count((row) => row.outcome === outcome && isFollowUpOpen(row));
    return someSummary({
      place,
      at: at + this.log.length / 10_000, // much may happen within a millisecond here
      counts: {
        active: count((row) => row.status !== 'completed'),
        stale: count((row) => freshnessOf(row, at) === 'likely_stale'),
        blocked: open('blocked'),
        failed: open('failed'),
        partial: open('partially_succeeded'),
        succeeded: count((row) => row.outcome === 'succeeded' && (row.completedAt ?? 0) >= succeededFrom(at))
      },
      groups: groupByCause(
        rows.map((row) => ({ row, count: 1 })),
        at
      ).slice(0, GROUPS_SENT),
      lastReportAt: rows.length === 0 ? null : Math.max(...rows.map((row) => row.lastReportedAt))
    });
  }

  #sees(scope: Scope, place: number | null): boolean {
    return this.entitled.has(place) && (scope.environmentId === null || scope.environmentId === place);
  }

  #change(id: number, change: Partial<OperationRow>): void {
    const row = this.rows.get(id);
    if (!row) return;
    const next = { ...row, ...change, revision: row.revision + 1 };
    this.#put(next, [row.environmentId, next.environmentId]);
  }

  #put(row: OperationRow, places: (number | null)[]): OperationRow {
    this.rows.set(row.id, row);
    this.log.push({ id: row.id, revision: row.revision, places });
    return row;
  }
}

function merge(deltas: RowsChanged[], rowsWin: boolean): RowsChanged {
  const rows = deltas.flatMap((delta) => delta.rows);
  const here = new Set(rowsWin ? rows.map((row) => row.id) : []);
  return { rows, removed: deltas.flatMap((delta) => delta.removed).filter(([id]) => !here.has(id)) };
}
