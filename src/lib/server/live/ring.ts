/**
 * What this node told last, in memory: serves those who come back after a moment without a read of the log. Pure but for
 * its own contents. A batch is what was told between two places in the stream.
 * Invariants: what is given since a place contains everything that was told and that the place does not cover (more than
 * that may come, and revisions drop it); memory is bounded; where it cannot answer it says so, never too little.
 */
import type { Place } from '../stream/place.ts';
import type { FeedDifference } from './differences.ts';
import type { OperationChange } from './rooms.ts';

/** Changes that are kept: about a kilobyte each, and two where somebody came back for them (answer-encoder.ts). */
const MOST_CHANGES = 20_000;
/** Batches at most: each costs a comparison to whoever comes back. */
const MOST_BATCHES = 2_000;

interface Batch {
  /** everything that this place covers was told before the batch */
  from: Place;
  operations: OperationChange[];
  access: FeedDifference['access'];
  names: FeedDifference['names'];
}

export interface RingDifference {
  /** the newest of each operation */
  operations: OperationChange[];
  access: FeedDifference['access'];
  names: FeedDifference['names'];
}

export interface Ring {
  /** A pass was told; `place` is where the stream stands after it. */
  passed(difference: Pick<FeedDifference, 'place' | 'operations' | 'access' | 'names'>): void;
  /** Something was told beside a pass: time alone changed it. */
  told(operations: readonly OperationChange[]): void;
  /** What was told here is not known one by one: whoever stands before it must read the log, or anew. */
  cut(place: Place): void;
  /**
   * What the log knows of a time before the ring's own: everything since `from`, read when everything up to
   * `difference.place` had been told. False when it does not join what is kept, or is more than may be kept.
   */
  reachBack(from: Place, difference: Pick<FeedDifference, 'place' | 'operations' | 'access' | 'names'>): boolean;
  /** Does it reach back to this place? */
  reaches(place: Place): boolean;
  /** null = it lies before what is kept, or in another stream */
  since(place: Place): RingDifference | null;
  readonly batches: number;
  readonly changes: number;
  /** another number whenever there is something else to be given */
  readonly version: number;
}

export function openRing({ mostChanges = MOST_CHANGES, mostBatches = MOST_BATCHES } = {}): Ring {
  let batches: Batch[] = [];
  let changes = 0;
  let version = 0;

  const open = (from: Place): void => void batches.push({ from, operations: [], access: [], names: [] });
  const isEmpty = ({ operations, access, names }: Batch): boolean =>
    operations.length + access.length + names.length === 0;
  /** the newest batch that the place does not lack the beginning of; -1 = none */
  const firstAfter = (place: Place): number => {
    let first = batches.length - 1;
    while (first >= 0 && !covers(place, batches[first]!.from)) first--;
    return first;
  };
  const trim = (): void => {
    let dropped = 0;
    while (batches.length - dropped > 1 && (changes > mostChanges || batches.length - dropped > mostBatches))
      changes -= batches[dropped++]!.operations.length;
    if (dropped > 0) batches = batches.slice(dropped);
  };

  return {
    passed({ place, operations, access, names }) {
      const last = batches.at(-1);
      if (last === undefined || last.from.epoch !== place.epoch) {
        version++;
        batches = [];
        changes = 0;
        return open(place);
      }
      if (operations.length + access.length + names.length > 0) version++;
      // One by one: a spread of very many is more than a call can take.
      for (const one of operations) last.operations.push(one);
      for (const one of access) last.access.push(one);
      for (const one of names) last.names.push(one);
      changes += operations.length;
      // Of places with nothing told between them the oldest serves most.
      if (!isEmpty(last)) open(place);
      trim();
    },
    told(operations) {
      version++;
      batches.at(-1)?.operations.push(...operations);
      changes += operations.length;
      trim();
    },
    cut(place) {
      version++;
      batches = [];
      changes = 0;
      open(place);
    },
    reachBack(from, { place, operations, access, names }) {
      const first = batches[0];
      if (first === undefined || !covers(place, first.from) || changes + operations.length > mostChanges) return false;
      version++;
      batches.unshift({ from, operations, access, names });
      changes += operations.length;
      return true;
    },
    reaches: (place) => firstAfter(place) >= 0,
    since(place) {
      const first = firstAfter(place);
      if (first < 0) return null;
      const newest = new Map<number, OperationChange>();
      const found: RingDifference = { operations: [], access: [], names: [] };
      for (const batch of batches.slice(first)) {
        for (const change of batch.operations) newest.set(change.id, mergeChange(newest.get(change.id), change));
        found.access.push(...batch.access);
        found.names.push(...batch.names);
      }
      return { ...found, operations: [...newest.values()] };
    },
    get batches() {
      return batches.length;
    },
    get changes() {
      return changes;
    },
    get version() {
      return version;
    }
  };
}

/** Does `later` cover everything that `earlier` does? Only then nothing is missed by who reads on from `earlier`. */
export function covers(later: Place, earlier: Place): boolean {
  if (later.epoch === '' || later.epoch !== earlier.epoch) return false;
  const { xmax, inProgress } = earlier.snapshot;
  if (xmax > later.snapshot.xmax) return false;
  // What had not ended by the later one must not have ended by the earlier one.
  const wasInProgress = new Set(inProgress);
  return later.snapshot.inProgress.every((xid) => xid >= xmax || wasInProgress.has(xid));
}

/** A place that all of these cover, and no older than it must be: what was not seen at one of them was not seen there. */
export function oldestOf(places: readonly Place[]): Place {
  const least = (of: (place: Place) => bigint): bigint =>
    places.map(of).reduce((least, one) => (one < least ? one : least));
  const xmax = least(({ snapshot }) => snapshot.xmax);
  const inProgress = new Set(places.flatMap(({ snapshot }) => snapshot.inProgress.filter((xid) => xid < xmax)));
  return {
    epoch: places[0]!.epoch,
    snapshot: {
      xmin: least(({ snapshot }) => snapshot.xmin),
      xmax,
      inProgress: [...inProgress].sort((a, b) => (a < b ? -1 : 1))
    }
  };
}

/** Two changes of one operation as one: wherever it was, and as it is by the newer of them. */
export function mergeChange(known: OperationChange | undefined, change: OperationChange): OperationChange {
  if (known === undefined) return change;
  const isNewer = revisionOf(change) >= revisionOf(known);
  return {
    ...change,
    places: [...new Set([...known.places, ...change.places])],
    revision: Math.max(known.revision, change.revision),
    row: isNewer ? change.row : known.row
  };
}

function revisionOf({ revision, row }: OperationChange): number {
  return Math.max(revision, row?.revision ?? 0);
}
