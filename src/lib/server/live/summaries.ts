/**
 * The numbers that move: of every unit that somebody watches, read again when its rows changed or time alone did (an
 * operation became stale, a minute of the last 24 hours passed), and told to who watches. It owns when to read; what is
 * read is operations/summary.ts. It knows neither sockets nor people.
 * Invariants: a unit that was touched is read after the change that touched it was visible; units that nobody watches
 * cost nothing; what is late is known (`isLate`), so that nobody vouches for old numbers.
 */
import type { Queryable } from '../database/pool.ts';
import type { Summary, SummaryPlace } from '../../operations/summary.ts';
import { readSilenceLimits, readSummaries } from '../operations/summary.ts';
import { backOff } from './back-off.ts';
import type { ChangedPlace } from './differences.ts';
import { readStaleEdge } from './stale.ts';
import { summaryUnit, type OperationChange, type Unit } from './rooms.ts';

/** Between two reads of a workspace's numbers at least this, and at least so many times what the last one took. */
const LEAST_GAP_MS = 250;
const COST_SHARE = 8;
/** But never so long that numbers count as late for this reason alone. */
const LONGEST_GAP_MS = 1_500;
/** Numbers that wait longer than this for their read are not vouched for. */
const LATE_MS = 3_000;
/** How talkative a source is changes slowly. */
const SILENCE_LIMIT_AGE_MS = 600_000;
/** Looked at least this often, whatever the edges say. */
const LONGEST_EDGE_WAIT_MS = 30_000;
/** Rows that became stale in one moment and are told one by one; more only move the numbers. */
const MOST_STALE_TOLD = 1_000;
/** A later last report alone is told at most this often. */
const REPORT_STEP_MS = 20_000;
const MINUTE = 60_000;
/** No operation has this id. */
const EVERY_OPERATION = 0;
/** What became stale is told this much later, so that it is stale by the clock of every client, too. */
const JUDGED_LATER_MS = 1_000;

interface UnitState {
  place: SummaryPlace;
  summary: Summary | null;
  /** monotonic ms since when it waits for a read; null = nothing changed since the last one */
  dirtySince: number | null;
  /** since when what is being read had waited, while it is being read */
  readingSince: number | null;
  /** the same of what is being read for who begins to watch; beside it, since both reads may run at once */
  firstReadSince: number | null;
  silentAfterMs: number | null;
  limitReadAt: number;
  /** a read for who begins to watch, and for all who do so meanwhile */
  firstRead: Promise<void> | null;
}
interface WorkspaceState {
  units: Map<Unit, UnitState>;
  timer: NodeJS.Timeout | null;
  isReading: boolean;
  notBefore: number;
  failures: number;
  /** ms, the database's clock: staleness has been told up to here */
  edgeAt: number;
  edgeTimer: NodeJS.Timeout | null;
  edgeDueAt: number;
  /** operations that changed while an edge is being read; null = none is */
  changedMeanwhile: Set<number> | null;
}

export interface Summaries {
  /**
   * Somebody watches these units from now on: resolves once their numbers are known and nothing that was known to have
   * changed is missing (who is patient takes what was told last, for he asks again). What changes meanwhile is told to the units' rooms, so whoever is in them misses nothing.
   */
  watch(workspaceId: number, places: readonly SummaryPlace[], isPatient?: boolean): Promise<void>;
  /** The numbers of these units as they were last told; for an answer, at the moment in which it is given. */
  known(workspaceId: number, places: readonly SummaryPlace[]): Summary[];
  /** These operations changed. */
  touch(changes: readonly OperationChange[]): void;
  /** Anything may have changed in these places. */
  touchPlaces(places: readonly ChangedPlace[]): void;
  /** Anything may have changed (another stream, an overflow). */
  touchAll(): void;
  /** Units whose numbers wait for longer than can be vouched for. */
  lateUnits(): ReadonlySet<Unit>;
  close(): Promise<void>;
}

export interface SummariesOptions {
  db: Queryable;
  /** the database's present time in ms */
  now: () => number;
  /** does anybody watch this unit's numbers? */
  isWatched: (unit: Unit) => boolean;
  send: (unit: Unit, summary: Summary) => void;
  /** operations that became stale by time alone */
  becameStale: (operations: OperationChange[]) => void;
}

export function openSummaries({ db, now, isWatched, send, becameStale }: SummariesOptions): Summaries {
  const workspaces = new Map<number, WorkspaceState>();
  let isClosed = false;
  const running = new Set<Promise<unknown>>();
  const track = (work: Promise<unknown>): void => {
    running.add(work);
    void work.catch(() => {}).finally(() => running.delete(work));
  };

  // What we take for the database's present is an upper bound, and steps back when a better one is measured. The order of
  // two reads of ours is sure all the same: clients take the newer `at` for the newer numbers.
  let lastAt = -Infinity;
  const nextAt = (): number => (lastAt = Math.max(now(), lastAt + 1));

  const stateOf = (workspaceId: number): WorkspaceState => {
    let state = workspaces.get(workspaceId);
    if (!state) {
      state = {
        units: new Map(),
        timer: null,
        isReading: false,
        notBefore: -Infinity,
        failures: 0,
        edgeAt: now() - JUDGED_LATER_MS,
        edgeTimer: null,
        edgeDueAt: Infinity,
        changedMeanwhile: null
      };
      workspaces.set(workspaceId, state);
      lookForEdgeIn(workspaceId, state, 0);
    }
    return state;
  };
  const forget = (workspaceId: number, state: WorkspaceState): void => {
    if (state.timer) clearTimeout(state.timer);
    if (state.edgeTimer) clearTimeout(state.edgeTimer);
    workspaces.delete(workspaceId);
  };
  /** Units that nobody watches any more are dropped here, and the workspace with its last one. */
  const dropUnwatched = (workspaceId: number, state: WorkspaceState): boolean => {
    for (const unit of [...state.units.keys()]) if (!isWatched(unit)) state.units.delete(unit);
    if (state.units.size > 0) return false;
    forget(workspaceId, state);
    return true;
  };
  const markDirty = (unit: UnitState): void => void (unit.dirtySince ??= performance.now());

  const schedule = (workspaceId: number, state: WorkspaceState): void => {
    if (isClosed || state.timer || state.isReading) return;
    if (![...state.units.values()].some(({ dirtySince }) => dirtySince !== null)) return;
    state.timer = setTimeout(
      () => {
        state.timer = null;
        track(refresh(workspaceId, state));
      },
      Math.max(0, state.notBefore - performance.now())
    );
  };

  const readUnits = async (workspaceId: number, state: WorkspaceState, units: [Unit, UnitState][]): Promise<void> => {
    const at = nextAt();
    const judgedAt = now() - JUDGED_LATER_MS;
    const places = units.map(([, { place }]) => place);
    track(readLimits(workspaceId, state, units));
    const found = new Map((await readSummaries(db, workspaceId, places, judgedAt)).map((one) => [one.place, one]));
    for (const [name, unit] of units) {
      const summary = found.get(unit.place);
      if (!summary || state.units.get(name) !== unit || (unit.summary?.at ?? 0) > at) continue;
      const next = { ...summary, at, silentAfterMs: unit.silentAfterMs };
      const isNews = unit.summary === null || isOther(unit.summary, next);
      if (isNews) {
        unit.summary = next;
        send(name, next);
      } else unit.summary = { ...next, lastReportAt: unit.summary!.lastReportAt };
    }
  };

  /** How talkative each source is: a day of its operations, so nobody waits for it; told when it is known. */
  const readLimits = async (workspaceId: number, state: WorkspaceState, units: [Unit, UnitState][]): Promise<void> => {
    const from = performance.now();
    for (const [name, unit] of units) {
      if (isClosed || from - unit.limitReadAt <= SILENCE_LIMIT_AGE_MS) continue;
      unit.limitReadAt = from;
      const limit = (await readSilenceLimits(db, workspaceId, [unit.place])).get(unit.place) ?? null;
      if (isClosed || state.units.get(name) !== unit || limit === unit.silentAfterMs) continue;
      unit.silentAfterMs = limit;
      markDirty(unit);
      schedule(workspaceId, state);
    }
  };

  const refresh = async (workspaceId: number, state: WorkspaceState): Promise<void> => {
    if (isClosed || dropUnwatched(workspaceId, state)) return;
    const dirty = [...state.units].filter(([, { dirtySince }]) => dirtySince !== null);
    const since = dirty.map(([, unit]) => unit.dirtySince);
    // What is touched while reading waits for the next read.
    for (const [, unit] of dirty) {
      unit.readingSince ??= unit.dirtySince;
      unit.dirtySince = null;
    }
    state.isReading = true;
    const from = performance.now();
    try {
      await readUnits(workspaceId, state, dirty);
      state.failures = 0;
      const took = performance.now() - from;
      state.notBefore = performance.now() + Math.min(LONGEST_GAP_MS, Math.max(LEAST_GAP_MS, took * COST_SHARE));
    } catch {
      // The feed says what is wrong with the database; these numbers are late meanwhile.
      for (const [at, [, unit]] of dirty.entries()) unit.dirtySince = since[at] ?? unit.dirtySince;
      state.notBefore = performance.now() + backOff(state.failures++, Math.random());
    } finally {
      state.isReading = false;
      for (const [, unit] of dirty) unit.readingSince = null;
    }
    schedule(workspaceId, state);
  };

  const lookForEdgeIn = (workspaceId: number, state: WorkspaceState, ms: number): void => {
    if (isClosed) return;
    const wait = Math.min(Math.max(ms, 0), LONGEST_EDGE_WAIT_MS);
    const dueAt = performance.now() + wait;
    if (state.edgeTimer && state.edgeDueAt <= dueAt) return;
    if (state.edgeTimer) clearTimeout(state.edgeTimer);
    state.edgeDueAt = dueAt;
    state.edgeTimer = setTimeout(() => {
      state.edgeTimer = null;
      track(lookForEdge(workspaceId, state));
    }, wait);
  };
  const lookForEdge = async (workspaceId: number, state: WorkspaceState): Promise<void> => {
    if (isClosed || workspaces.get(workspaceId) !== state) return;
    if (state.units.size > 0 && dropUnwatched(workspaceId, state)) return;
    const at = now() - JUDGED_LATER_MS;
    let next: number | null;
    const meanwhile = new Set<number>();
    state.changedMeanwhile = meanwhile;
    try {
      const edge = await readStaleEdge(db, workspaceId, state.edgeAt, at, MOST_STALE_TOLD);
      // What the feed told of since is newer: told after it, a row of before would be a phantom to who came in between.
      const operations = meanwhile.has(EVERY_OPERATION) ? [] : edge.operations.filter(({ id }) => !meanwhile.has(id));
      const hasMinutePassed = Math.floor(at / MINUTE) > Math.floor(state.edgeAt / MINUTE);
      state.edgeAt = Math.max(at, state.edgeAt);
      next = edge.nextAt;
      if (operations.length > 0) becameStale(operations);
      if (edge.operations.length >= MOST_STALE_TOLD || hasMinutePassed)
        for (const unit of state.units.values()) markDirty(unit);
      touch(edge.operations);
      schedule(workspaceId, state);
    } catch {
      // Whatever time has changed meanwhile is not known: these numbers wait, and are late when they wait too long.
      for (const unit of state.units.values()) markDirty(unit);
      schedule(workspaceId, state);
      next = at + 1_000;
    } finally {
      state.changedMeanwhile = null;
    }
    const minute = (Math.floor(at / MINUTE) + 1) * MINUTE;
    // A little after the edge, so that it lies behind us whatever the clocks' difference.
    lookForEdgeIn(workspaceId, state, Math.min(next ?? Infinity, minute) - at + 5);
  };

  const touch = (changes: readonly OperationChange[]): void => {
    for (const { id, workspaceId, places, row } of changes) {
      const state = workspaces.get(workspaceId);
      if (!state) continue;
      state.changedMeanwhile?.add(id);
      const touched: SummaryPlace[] = [
        'workspace',
        ...[...places, row?.environmentId ?? null].map((place) => place ?? 'itself')
      ];
      for (const place of touched) {
        const unit = state.units.get(summaryUnit(workspaceId, place));
        if (unit) markDirty(unit);
      }
      schedule(workspaceId, state);
      if (row?.staleAt != null) lookForEdgeIn(workspaceId, state, row.staleAt - now() + JUDGED_LATER_MS + 5);
    }
  };

  return {
    async watch(workspaceId, places, isPatient = false) {
      const state = stateOf(workspaceId);
      const unread: [Unit, UnitState][] = [];
      const reads = new Set<Promise<void>>();
      for (const place of places) {
        const name = summaryUnit(workspaceId, place);
        let unit = state.units.get(name);
        if (!unit) {
          unit = {
            place,
            summary: null,
            dirtySince: null,
            readingSince: null,
            firstReadSince: null,
            silentAfterMs: null,
            limitReadAt: -Infinity,
            firstRead: null
          };
          state.units.set(name, unit);
        }
        if (unit.summary !== null && (isPatient || unit.dirtySince === null)) continue;
        if (unit.firstRead) reads.add(unit.firstRead);
        else unread.push([name, unit]);
      }
      if (unread.length > 0) {
        const since = unread.map(([, { dirtySince }]) => dirtySince);
        const read = readUnits(workspaceId, state, unread)
          .catch((error: unknown) => {
            for (const [at, [, unit]] of unread.entries()) unit.dirtySince = since[at] ?? performance.now();
            schedule(workspaceId, state);
            throw error;
          })
          .finally(() => {
            for (const [, unit] of unread) {
              unit.firstRead = null;
              unit.firstReadSince = null;
            }
          });
        for (const [at, [, unit]] of unread.entries()) {
          unit.firstRead = read;
          // Meanwhile the numbers that others have are as old as before.
          unit.firstReadSince = unit.summary === null ? null : (since[at] ?? null);
          unit.dirtySince = null; // what comes from here on is told to the room
        }
        reads.add(read);
        track(read);
      }
      await Promise.all(reads);
    },
    known: (workspaceId, places) =>
      places.flatMap((place) => workspaces.get(workspaceId)?.units.get(summaryUnit(workspaceId, place))?.summary ?? []),
    touch,
    touchPlaces(places) {
      for (const { workspaceId, environmentId } of places) {
        const state = workspaces.get(workspaceId);
        if (!state) continue;
        state.changedMeanwhile?.add(EVERY_OPERATION);
        for (const place of ['workspace', environmentId ?? 'itself'] as const) {
          const unit = state.units.get(summaryUnit(workspaceId, place));
          if (unit) markDirty(unit);
        }
        schedule(workspaceId, state);
        lookForEdgeIn(workspaceId, state, 0);
      }
    },
    touchAll() {
      for (const [workspaceId, state] of workspaces) {
        state.changedMeanwhile?.add(EVERY_OPERATION);
        for (const unit of state.units.values()) markDirty(unit);
        schedule(workspaceId, state);
        lookForEdgeIn(workspaceId, state, 0);
      }
    },
    lateUnits() {
      const late = new Set<Unit>();
      const from = performance.now() - LATE_MS;
      for (const { units } of workspaces.values())
        for (const [name, { dirtySince, readingSince, firstReadSince }] of units)
          if (Math.min(readingSince ?? Infinity, firstReadSince ?? Infinity, dirtySince ?? Infinity) < from)
            late.add(name);
      return late;
    },
    async close() {
      isClosed = true;
      for (const [workspaceId, state] of [...workspaces]) forget(workspaceId, state);
      await Promise.allSettled([...running]);
    }
  };
}

/** Is there anything to tell? The instant itself is none, and a later last report only now and then. */
function isOther(known: Summary, next: Summary): boolean {
  if (Math.abs((next.lastReportAt ?? 0) - (known.lastReportAt ?? 0)) > REPORT_STEP_MS) return true;
  const told = ({ counts, groups, silentAfterMs }: Summary): string =>
    JSON.stringify([counts, groups.map(({ row, count }) => [row.id, row.revision, count]), silentAfterMs]);
  return told(known) !== told(next);
}
