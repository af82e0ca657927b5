/**
 * One socket's subscription: authorise → join first → catch up, with access read again in catch-up's own snapshot.
 * It owns the order of those steps and the generation; hub.ts owns the sockets. Invariants: a row is caught up or
 * broadcast, or both, never neither; an answer that raced with a change of access is never given.
 */
import type { Queryable } from '../database/pool.ts';
import type { Scope, Subscribe, SubscribeAnswer } from '../../live/protocol.ts';
import { PROTOCOL_VERSION } from '../../live/protocol.ts';
import {
  isSameAccess,
  readEnvironmentIds,
  readScopeAccess,
  readScopeDifference,
  type Subscriber
} from './differences.ts';
import type { Feed } from './feed.ts';
import { numbersRoom, summaryPlacesOf, summaryUnit, toScopeDelta, unitsOf, type Unit } from './rooms.ts';
import type { Summaries } from './summaries.ts';
import type { TokenKey } from '../stream/token.ts';

/** Further behind than this many changed operations, reading the window anew is cheaper than catching up. */
const MOST_BEHIND = 2_000;

/** What the hub knows of a socket beyond Socket.IO. */
export interface Watcher extends Subscriber {
  /** grows with every change of this person's access; whoever awaited anything compares it */
  generation: number;
  /** null until caught up */
  scope: Scope | null;
}

export interface Rooms {
  join(units: Unit[]): void;
  leaveAll(): void;
}

/** Answers one `subscribe`. Never throws for what a client can cause; a lost database is `unavailable`. */
export async function subscribe(
  {
    db,
    feed,
    tokenKey,
    summaries
  }: { db: Queryable; feed: Feed; tokenKey: TokenKey; summaries: Pick<Summaries, 'watch' | 'known'> },
  watcher: Watcher,
  rooms: Rooms,
  message: Subscribe,
  /** called where names (of environments, of types) changed since the place */
  namesChanged: () => void
): Promise<SubscribeAnswer> {
  watcher.scope = null;
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

  const access = await readScopeAccess(db, scope, watcher).catch((error: unknown) => {
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

  const environments = message.summaries === 'environments' ? await readEnvironmentIds(db, scope.workspaceId) : null;
  if (isOutdated()) return { result: 'resync', reason: 'access' };
  const places = summaryPlacesOf(scope, access, environments);
  // From here on the feed tells this socket; whatever it told before is in the snapshot that is read next.
  rooms.leaveAll();
  rooms.join([...units, ...places.map((place) => numbersRoom(summaryUnit(scope.workspaceId, place)))]);
  const from = performance.now();
  const read = Promise.all([
    readScopeDifference(db, since, scope, watcher, MOST_BEHIND),
    summaries.watch(scope.workspaceId, places)
  ]);
  const [found] = await read.catch((error: unknown) => {
    // A newer subscription of this socket may stand in its rooms already.
    if (!isOutdated()) rooms.leaveAll();
    throw error;
  });
  if (isOutdated()) {
    // Whoever made it outdated has left the rooms, or joined others.
    return { result: 'resync', reason: 'access' };
  }
  if (found.access === null) return refuse({ result: 'absent' });
  const isOtherStream =
    // A place that lies ahead of the stream belongs to a history that was since put back.
    found.place.epoch !== since.epoch || found.place.epoch === '' || since.snapshot.xmax > found.place.snapshot.xmax;
  if (isOtherStream) return refuse({ result: 'resync', reason: 'epoch' });
  if (since.snapshot.xmin < found.floor) return refuse({ result: 'resync', reason: 'floor' });
  if (found.hasAccessChanged || !isSameAccess(scope, found.access, access))
    return refuse({ result: 'resync', reason: 'access' });
  if (found.isOverflow) return refuse({ result: 'resync', reason: 'behind' });

  watcher.scope = scope;
  if (found.hasNamesChanged) namesChanged();
  return {
    result: 'caught_up',
    generation,
    ...toScopeDelta(found.operations, scope, found.access),
    // Those of this moment: newer ones may have been told between the two reads and now.
    summaries: summaries.known(scope.workspaceId, places),
    token: tokenKey.seal(found.place, { userId: watcher.userId, workspaceId: scope.workspaceId }),
    proofAt: found.proofAt,
    now: found.readAt + (performance.now() - from)
  };
}
