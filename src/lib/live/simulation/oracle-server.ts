/**
 * A server small enough to be obviously right, for tests: versioned rows, a log of changes, pages, catch-up, and a feed
 * that lags behind its log as a real node does. It owns no network and no clock. Invariant: `page` is the definition of
 * what a client has to show.
 */
import { byNewest, type OperationRow } from '../../operations/operation.ts';
import { LOOK_AHEAD, type HubPage } from '../../operations/pages.ts';
import type { RowsChanged, Scope } from '../protocol.ts';

export const WORKSPACE = 1;

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
    ...overrides
  };
}

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
    return this.#put(someRow({ id, environmentId, createdAt: at }), [environmentId]);
  }

  update(id: number, at: number): void {
    const row = this.rows.get(id);
    if (row) this.#put({ ...row, revision: row.revision + 1, lastReportedAt: at }, [row.environmentId]);
  }

  move(id: number, environmentId: number | null): void {
    const row = this.rows.get(id);
    if (row) this.#put({ ...row, revision: row.revision + 1, environmentId }, [row.environmentId, environmentId]);
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
  page(scope: Scope, pageSize: number, readAt: number): HubPage {
    const all = [...this.rows.values()].filter((row) => this.#sees(scope, row.environmentId)).sort(byNewest);
    return {
      workspace: { id: WORKSPACE, name: 'W', isDemo: false },
      environment: scope.environmentId === null ? null : { id: scope.environmentId, name: 'E' },
      environments: [],
      typeLabels: {},
      rows: all.slice(0, pageSize + LOOK_AHEAD),
      pageSize: pageSize as HubPage['pageSize'],
      position: { isFirst: true, newer: null, older: all.length > pageSize ? 'older' : null },
      hasAny: all.length > 0,
      token: this.token(),
      readAt
    };
  }

  token(at = this.log.length): string {
    return JSON.stringify({ epoch: this.epoch, at, access: this.accessVersion, nonce: Math.random() });
  }

  /** What changed in the scope since that place in the log, as it is now. */
  difference(from: number, scope: Scope): RowsChanged {
    return merge(this.unitDeltas(from, scope), true);
  }

  /** The same as the rooms get it: one message for each environment, so that a move is told twice. */
  unitDeltas(from: number, scope: Scope): RowsChanged[] {
    const touched = new Map<number, Change>();
    for (const change of this.log.slice(from)) {
      const seen = touched.get(change.id);
      touched.set(change.id, { ...change, places: [...(seen?.places ?? []), ...change.places] });
    }
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

  #sees(scope: Scope, place: number | null): boolean {
    return this.entitled.has(place) && (scope.environmentId === null || scope.environmentId === place);
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
