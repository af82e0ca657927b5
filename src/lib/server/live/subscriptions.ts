/**
 * One socket's subscription: authorise → join first → catch up, with access at least as new as what is told.
 * It owns the order of those steps and the generation; hub.ts owns the sockets. Invariants: a row is caught up or
 * broadcast, or both, never neither; an answer that raced with a change of access is never given.
 */
import type { Subscribe, SubscribeAnswer } from '../../live/protocol.ts';
import { PROTOCOL_VERSION } from '../../live/protocol.ts';
import type { Queryable } from '../database/pool.ts';
import type { TokenKey } from '../stream/token.ts';
import type { ReadAccess } from './access-reads.ts';
import type { CatchUp } from './catch-up.ts';
import { readEnvironmentIds, readScopeAccess } from './scope-access.ts';
import type { Feed } from './feed.ts';
import { numbersRoom, summaryPlacesOf, summaryUnit, toScopeDelta, unitsOf, type Unit } from './rooms.ts';
import type { Summaries } from './summaries.ts';
import type { Watcher } from './watcher.ts';

export interface Rooms {
  join(units: Unit[]): void;
  leaveAll(): void;
}

export interface SubscriptionParts {
  db: Queryable;
  feed: Pick<Feed, 'lostLink'>;
  catchUp: CatchUp;
  tokenKey: TokenKey;
  summaries: Pick<Summaries, 'watch' | 'known'>;
  /** as `db` would answer; with those of others in one statement where many ask */
  readAccess?: ReadAccess;
  readEnvironments?: (workspaceId: number) => Promise<number[]>;
}

/** Answers one `subscribe`. Never throws for what a client can cause; a lost database is `unavailable`. */
export async function subscribe(
  {
    db,
    feed,
    catchUp,
    tokenKey,
    summaries,
    readAccess = (scope, subscriber) => readScopeAccess(db, scope, subscriber),
    readEnvironments = (workspaceId) => readEnvironmentIds(db, workspaceId)
  }: SubscriptionParts,
  watcher: Watcher,
  rooms: Rooms,
  message: Subscribe,
  /** called where names (of environments, of types) changed since the place */
  namesChanged: () => void
): Promise<SubscribeAnswer> {
  watcher.watching = null;
  watcher.windowDueSince = null;
  // The old rooms are left in the moment in which the new ones are joined, not before: what is told between would be
  // missed by a window that goes on.
  const refuse = (answer: SubscribeAnswer): SubscribeAnswer => {
    rooms.leaveAll();
    return answer;
  };
  if (message.protocol !== PROTOCOL_VERSION) return refuse({ result: 'reload', protocol: PROTOCOL_VERSION });
  const generation = ++watcher.generation;
  const isOutdated = (): boolean => watcher.generation !== generation;
  const { scope } = message;

  const access = await readAccess(scope, watcher).catch((error: unknown) => {
    if (!isOutdated()) rooms.leaveAll();
    throw error;
  });
  if (isOutdated()) return { result: 'resync', reason: 'access' };
  const units = unitsOf(scope, access);
  if (units === null || access === null) return refuse({ result: 'absent' });

  const link = feed.lostLink;
  if (link !== null) return refuse({ result: 'unavailable', link });
  const since = tokenKey.open(message.token, { userId: watcher.userId, workspaceId: scope.workspaceId });
  if (since === null) return refuse({ result: 'resync', reason: 'token' });

  const environments = message.summaries === 'environments' ? await readEnvironments(scope.workspaceId) : null;
  if (isOutdated()) return { result: 'resync', reason: 'access' };
  const places = summaryPlacesOf(scope, access, environments);
  // From here on the feed tells this socket; whatever it told before is in the snapshot that is read next.
  rooms.leaveAll();
  const joined = [...units, ...places.map((place) => numbersRoom(summaryUnit(scope.workspaceId, place)))];
  rooms.join(joined);
  const read = async (): Promise<Awaited<ReturnType<CatchUp['fromLog']>>> => {
    const [told] = await Promise.all([
      // Access that changes after it was read above makes this outdated before a row of the same pass is told, so what the
      // ring has by the end may be seen with that access.
      catchUp.fromRing(since, scope, watcher, access),
      summaries.watch(scope.workspaceId, places)
    ]);
    return told ?? (await catchUp.fromLog(since, scope, watcher, access));
  };
  const found = await read().catch((error: unknown) => {
    // A newer subscription of this socket may stand in its rooms already.
    if (!isOutdated()) rooms.leaveAll();
    throw error;
  });
  if (isOutdated()) {
    // Whoever made it outdated has left the rooms, or joined others.
    return { result: 'resync', reason: 'access' };
  }
  if (found === 'absent') return refuse({ result: 'absent' });
  if ('resync' in found) return refuse({ result: 'resync', reason: found.resync });

  watcher.watching = { scope, access, window: message.window, places, rooms: joined };
  if (found.hasNamesChanged) namesChanged();
  return {
    result: 'caught_up',
    generation,
    ...toScopeDelta(found.operations, scope, access),
    // Those of this moment: newer ones may have been told between the two reads and now.
    summaries: summaries.known(scope.workspaceId, places),
    token: tokenKey.seal(found.place, { userId: watcher.userId, workspaceId: scope.workspaceId }),
    proofAt: found.proofAt,
    now: found.now
  };
}
