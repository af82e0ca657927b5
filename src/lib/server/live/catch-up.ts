/**
 * What a client missed since its place: from memory where the ring reaches so far back, else from the log. Shared by
 * sockets (subscriptions.ts) and by those who ask over HTTP (http-catch-up.ts). Many who ask at the same time are
 * answered in rounds: what is read for one of them is read for all.
 * Invariants: what is given is of one moment and complete up to `proofAt`; access is at least as new as the rows (the log's
 * statement reads both in one snapshot; over the ring see each caller); whatever could make rows come into sight or leave
 * it without a change of their own (access, another stream) is answered by the log or by a resync.
 */
import type { ResyncReason, Scope } from '../../live/protocol.ts';
import { gatherReads } from '../database/gather-reads.ts';
import type { Queryable } from '../database/pool.ts';
import type { Place } from '../stream/place.ts';
import { formatSnapshot } from '../stream/place.ts';
import type { ReadAccess } from './access-reads.ts';
import { readScopeDifference, type ScopeDifference } from './differences.ts';
import { isSameAccess, type Subscriber } from './scope-access.ts';
import type { Feed } from './feed.ts';
import type { Counters } from './figures.ts';
import { openReachBack } from './reach-back.ts';
import { covers, mergeChange, type Ring, type RingDifference } from './ring.ts';
import { isInScope, isNameSeen, type OperationChange, type WorkspaceAccess } from './rooms.ts';
import { shareReads } from './share-reads.ts';
import { readAccessChanges } from './shared-log.ts';
import { readStaleRows } from './stale.ts';

/** Further behind than this many changed operations, reading the window anew is cheaper than catching up. */
const MOST_BEHIND = 2_000;
/** So few of a round who stand before the ring read the log for themselves, each only of what they may see. */
const FEW = 4;

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
  /** reads by indexes, for the one read that serves all who stand before the ring */
  backDb: Queryable;
  feed: Pick<Feed, 'place' | 'proofAt' | 'lostLink' | 'databaseNow' | 'passSoon'>;
  ring: Pick<Ring, 'since' | 'reaches' | 'reachBack' | 'version'>;
  counters: Counters;
  readAccess: ReadAccess;
}

export interface CatchUp {
  /**
   * From memory; null where the log must be read. Whoever calls sees to it that `access` holds for everything that was
   * told when this resolves.
   */
  fromRing(since: Place, scope: Scope, subscriber: Subscriber, access: WorkspaceAccess): Promise<CatchUpResult | null>;
  fromLog(since: Place, scope: Scope, subscriber: Subscriber, access: WorkspaceAccess): Promise<CatchUpResult>;
}

interface Question {
  since: Place;
  scope: Scope;
  access: WorkspaceAccess;
  /** who may see the same of the same scope */
  key: string;
}
/** What was read for a round; null = the feed could not pass */
type Round = { stale: OperationChange[] } | null;

export function openCatchUp({ db, backDb, feed, ring, counters, readAccess }: CatchUpParts): CatchUp {
  const reachBack = openReachBack({ db: backDb, feed, ring });
  const shareLog = shareReads<{ found: ScopeDifference; of: Subscriber; from: number }>();
  const shareAccessChanges = shareReads<ReadonlySet<number>>();
  const told = openMemory(ring);

  const reachBackFor = (lacking: Place[]): Promise<void> =>
    lacking.length <= FEW
      ? Promise.resolve()
      : reachBack.to([...new Map(lacking.map((since) => [toKey(since), since])).values()]);
  const ask = gatherReads<Question, Round>(async (questions) => {
    // Who became stale stands in no log, and of a unit that nobody watched nobody was told.
    const scopes = new Map(questions.map((question) => [question.key, question]));
    const [stale] = await Promise.all([
      Promise.all(
        [...scopes].map(async ([key, { scope, access }]) => [key, await readStaleRows(db, scope, access)] as const)
      ),
      reachBackFor(questions.map(({ since }) => since).filter((since) => !ring.reaches(since)))
    ]);
    // One pass for all who ask meanwhile: what was committed before they asked is in the answer, and a page that was
    // read a moment ago is not ahead of what was told. After the stale ones were read, so that a revocation before any of
    // them has been told, too.
    const hasPassed = await feed.passSoon();
    const staleOf = new Map(stale);
    return questions.map(({ key }) => (hasPassed ? { stale: staleOf.get(key)! } : null));
  });

  return {
    async fromRing(since, scope, { userId }, access) {
      if (feed.place === null) return null;
      const round = await ask({ since, scope, access, key: toScopeKey(scope, access) });
      // From here on nothing is awaited: ring, place and proof are of one moment.
      const { place, proofAt } = feed;
      if (round === null || place === null || feed.lostLink !== null) return null;
      // The pass began after the question, so this is the present stream; a place ahead of it is of one that was put back.
      if (place.epoch !== since.epoch || since.snapshot.xmax > place.snapshot.xmax) return { resync: 'epoch' };
      if (!covers(place, since)) return null;
      const found = told(since);
      if (found === null) return since.snapshot.xmin < reachBack.floor ? { resync: 'floor' } : null;
      // More may be in there than happened since the place: the log knows exactly.
      const isOfScope = (id: number | null): boolean => id === null || id === scope.workspaceId;
      if (found.access.some((one) => one.userId === userId && isOfScope(one.workspaceId))) return null;
      const newest = new Map<number, OperationChange>();
      // Only what lies in the scope counts, so that "too far behind" tells nothing of what happens elsewhere.
      for (const change of found.operations) if (isChangeInScope(change, scope, access)) newest.set(change.id, change);
      for (const change of round.stale) {
        const merged = mergeChange(change, found.byId.get(change.id) ?? change);
        if (isChangeInScope(merged, scope, access)) newest.set(change.id, merged);
      }
      counters.catchUps.ring++;
      if (newest.size > MOST_BEHIND) return { resync: 'behind' };
      return {
        operations: [...newest.values()],
        // Maybe of before the place: then names are read once more than they had to be.
        hasNamesChanged: found.names.some((one) => isOfScope(one.workspaceId) && isNameSeen(one, access, userId)),
        place,
        proofAt,
        now: feed.databaseNow()
      };
    },

    async fromLog(since, scope, subscriber, access) {
      // What is told of a display is told to no other one: displays read for themselves.
      const self = subscriber.userId < 0 ? subscriber.userId : 0;
      const { found, of, from } = await shareLog(`${self} ${toScopeKey(scope, access)} ${toKey(since)}`, async () => {
        const from = performance.now();
        return { found: await readScopeDifference(db, since, scope, subscriber, MOST_BEHIND), of: subscriber, from };
      });
      counters.catchUps.database++;
      const isOwn = of.userId === subscriber.userId && of.sessionId === subscriber.sessionId;
      if (isOwn && found.access === null) return 'absent';
      const resync = whyAnew(found, since);
      if (resync !== null) return { resync };
      if (!isOwn) {
        // Read with the access of somebody else who may see the same. One's own is read after it: whoever had it before
        // and has it now, with no change between, had it then.
        const changed = await shareAccessChanges(`${scope.workspaceId} ${toKey(since)}`, () =>
          readAccessChanges(db, since, scope.workspaceId)
        );
        const own = await readAccess(scope, subscriber);
        if (own === null) return 'absent';
        if (changed.has(subscriber.userId) || !isSameAccess(scope, own, access)) return { resync: 'access' };
      }
      // Of somebody else's access that changed we cannot know whether the rows are ours: the page is read anew.
      if (found.access === null || found.hasAccessChanged || !isSameAccess(scope, found.access, access))
        return { resync: 'access' };
      if (found.isOverflow) return { resync: 'behind' };
      const { operations, hasNamesChanged, place, proofAt } = found;
      return { operations, hasNamesChanged, place, proofAt, now: found.readAt + (performance.now() - from) };
    }
  };
}

interface Told extends RingDifference {
  byId: Map<number, OperationChange>;
}

/** What the ring has since a place, put together once for all who come back from there. */
function openMemory(ring: Pick<Ring, 'since' | 'version'>): (since: Place) => Told | null {
  const known = new Map<string, Told | null>();
  let version = ring.version;
  return (since) => {
    if (ring.version !== version || known.size > 1_000) known.clear();
    version = ring.version;
    const key = toKey(since);
    let told = known.get(key);
    if (told === undefined) {
      const found = ring.since(since);
      told = found && { ...found, byId: new Map(found.operations.map((change) => [change.id, change])) };
      known.set(key, told);
    }
    return told;
  };
}

const toKey = ({ epoch, snapshot }: Place): string => `${epoch} ${formatSnapshot(snapshot)}`;

function toScopeKey({ workspaceId, environmentId }: Scope, { narrowedTo }: WorkspaceAccess): string {
  return JSON.stringify([workspaceId, environmentId, [...narrowedTo].sort((a, b) => a - b)]);
}

function isChangeInScope(
  { workspaceId, places, row }: OperationChange,
  scope: Scope,
  access: WorkspaceAccess
): boolean {
  return (
    workspaceId === scope.workspaceId &&
    [...places, ...(row ? [row.environmentId] : [])].some((place) => isInScope(scope, access, place))
  );
}

function whyAnew({ place, floor }: ScopeDifference, since: Place): ResyncReason | null {
  // A place that lies ahead of the stream belongs to a history that was since put back.
  if (place.epoch !== since.epoch || place.epoch === '' || since.snapshot.xmax > place.snapshot.xmax) return 'epoch';
  return since.snapshot.xmin < floor ? 'floor' : null;
}
