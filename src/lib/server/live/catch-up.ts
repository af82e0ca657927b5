/**
 * What a client missed since its place: from memory where the ring reaches so far back, else from the log. Shared by
 * sockets (subscriptions.ts) and by those who ask over HTTP (http-catch-up.ts).
 * Invariants: what is given is of one moment and complete up to `proofAt`; access is at least as new as the rows (the log's
 * statement reads both in one snapshot; over the ring see each caller); whatever could make rows come into sight or leave
 * it without a change of their own (access, names, another stream) is answered by the log or by a resync.
 */
import type { ResyncReason, Scope } from '../../live/protocol.ts';
import type { Queryable } from '../database/pool.ts';
import type { Place } from '../stream/place.ts';
import { isSameAccess, readScopeDifference, type ScopeDifference, type Subscriber } from './differences.ts';
import type { Feed } from './feed.ts';
import type { Counters } from './figures.ts';
import { covers, mergeChange, type Ring } from './ring.ts';
import { isInScope, type OperationChange, type WorkspaceAccess } from './rooms.ts';
import { shareReads } from './share-reads.ts';
import { readStaleRows } from './stale.ts';

/** Further behind than this many changed operations, reading the window anew is cheaper than catching up. */
const MOST_BEHIND = 2_000;

export interface CaughtUp {
  operations: OperationChange[];
  hasNamesChanged: boolean;
  place: Place;
  proofAt: number;
  /** not before the database's present time when this was made */
  now: number;
}
export type CatchUpResult = CaughtUp | 'absent' | { resync: ResyncReason };

export interface CatchUpParts {
  db: Queryable;
  feed: Pick<Feed, 'place' | 'proofAt' | 'lostLink' | 'databaseNow' | 'passSoon'>;
  ring: Pick<Ring, 'since' | 'reaches'>;
  counters: Counters;
}

export interface CatchUp {
  /**
   * From memory; null where the log must be read. Whoever calls sees to it that `access` holds for everything that was
   * told when this resolves.
   */
  fromRing(since: Place, scope: Scope, subscriber: Subscriber, access: WorkspaceAccess): Promise<CatchUpResult | null>;
  fromLog(since: Place, scope: Scope, subscriber: Subscriber, access: WorkspaceAccess): Promise<CatchUpResult>;
}

export function openCatchUp({ db, feed, ring, counters }: CatchUpParts): CatchUp {
  const shareStale = shareReads<OperationChange[]>();

  return {
    async fromRing(since, scope, { userId }, access) {
      if (feed.place === null || (covers(feed.place, since) && !ring.reaches(since))) return null;
      // Who became stale stands in no log, and of a unit that nobody watched nobody was told.
      const key = JSON.stringify([
        scope.workspaceId,
        scope.environmentId,
        [...access.narrowedTo].sort((a, b) => a - b)
      ]);
      const stale = await shareStale(key, () => readStaleRows(db, scope, access));
      // One pass for all who ask meanwhile: what was committed before they asked is in the answer, and a page that was
      // read a moment ago is not ahead of what was told. After the stale ones were read, so that a revocation before any of
      // them has been told, too.
      if (!(await feed.passSoon()) || !covers(feed.place, since)) return null;
      // From here on nothing is awaited: ring, place and proof are of one moment.
      const told = ring.since(since);
      const { place, proofAt } = feed;
      if (told === null || place === null || feed.lostLink !== null) return null;
      const isOfScope = (id: number | null): boolean => id === null || id === scope.workspaceId;
      // More may be in there than happened since the place: the log knows exactly.
      if (told.access.some((one) => one.userId === userId && isOfScope(one.workspaceId))) return null;
      if (told.names.some((one) => isOfScope(one.workspaceId))) return null;
      const newest = new Map(told.operations.map((change) => [change.id, change]));
      for (const change of stale) newest.set(change.id, mergeChange(change, newest.get(change.id) ?? change));
      // Only what lies in the scope counts, so that "too far behind" tells nothing of what happens elsewhere.
      const operations = [...newest.values()].filter(
        ({ workspaceId, places, row }) =>
          workspaceId === scope.workspaceId &&
          [...places, ...(row ? [row.environmentId] : [])].some((place) => isInScope(scope, access, place))
      );
      counters.catchUps.ring++;
      if (operations.length > MOST_BEHIND) return { resync: 'behind' };
      return { operations, hasNamesChanged: false, place, proofAt, now: feed.databaseNow() };
    },

    async fromLog(since, scope, subscriber, access) {
      const from = performance.now();
      const found = await readScopeDifference(db, since, scope, subscriber, MOST_BEHIND);
      counters.catchUps.database++;
      if (found.access === null) return 'absent';
      const resync = whyAnew(found, since);
      if (resync !== null) return { resync };
      if (found.hasAccessChanged || !isSameAccess(scope, found.access, access)) return { resync: 'access' };
      if (found.isOverflow) return { resync: 'behind' };
      const { operations, hasNamesChanged, place, proofAt } = found;
      return { operations, hasNamesChanged, place, proofAt, now: found.readAt + (performance.now() - from) };
    }
  };
}

function whyAnew({ place, floor }: ScopeDifference, since: Place): ResyncReason | null {
  // A place that lies ahead of the stream belongs to a history that was since put back.
  if (place.epoch !== since.epoch || place.epoch === '' || since.snapshot.xmax > place.snapshot.xmax) return 'epoch';
  return since.snapshot.xmin < floor ? 'floor' : null;
}
