/**
 * Catch-up over plain HTTP, for networks that forbid WebSockets: the same question, place, authorisation and answer as on
 * a socket, asked again and again by the client. It owns the door (method, origin, session, size) and the order of reads.
 * Invariant: access is read after the place up to which rows are told, so no row of the answer was committed after a
 * revocation that the access does not know of.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  CATCH_UP_PATH,
  PROTOCOL_VERSION,
  subscribeSchema,
  type Subscribe,
  type SubscribeAnswer
} from '../../live/protocol.ts';
import type { Denial } from '../access/denials.ts';
import type { Queryable } from '../database/pool.ts';
import type { TokenKey } from '../stream/token.ts';
import type { ReadAccess } from './access-reads.ts';
import type { CatchUp } from './catch-up.ts';
import { isSameAccess, readEnvironmentIds, readScopeAccess, type Subscriber } from './scope-access.ts';
import type { Feed } from './feed.ts';
import type { Counters } from './figures.ts';
import { summaryPlacesOf, summaryUnit, toScopeDelta, unitsOf, type Unit } from './rooms.ts';
import type { Summaries } from './summaries.ts';

/** A question is small: who needs longer to send it is no page of ours. */
const BODY_MS = 10_000;

export interface HttpCatchUpParts {
  db: Queryable;
  feed: Pick<Feed, 'lostLink'>;
  catchUp: CatchUp;
  tokenKey: TokenKey;
  summaries: Pick<Summaries, 'watch' | 'known' | 'lateUnits'>;
  counters: Counters;
  deny: (request: IncomingMessage, denial: Omit<Denial, 'door' | 'address'>) => void;
  isOwnOrigin: (origin: string | undefined, host: string | undefined) => boolean;
  /** null = there is no session, and no display */
  readSubscriber: (request: IncomingMessage) => Promise<Subscriber | null>;
  maySubscribe: (sessionId: string) => boolean;
  /** the numbers of these units are watched for a while */
  watching: (units: Unit[]) => void;
  /** as `db` would answer; with those of others in one statement where many ask */
  readAccess?: ReadAccess;
  readEnvironments?: (workspaceId: number) => Promise<number[]>;
  mostBytes: number;
}

/** Whoever asks counts as a watcher of its numbers for so long after each question. */
const WATCH_MS = 10_000;

/** The units whose numbers somebody watches who stands in no room. */
export function openHttpWatch(): { add(units: Unit[]): void; has(unit: Unit): boolean } {
  const until = new Map<Unit, number>();
  return {
    add(units) {
      for (const unit of units) until.set(unit, performance.now() + WATCH_MS);
    },
    has(unit) {
      const end = until.get(unit) ?? -Infinity;
      if (end > performance.now()) return true;
      until.delete(unit);
      return false;
    }
  };
}

/** Answers and returns true where the path is ours. */
export function answerCatchUp(parts: HttpCatchUpParts, request: IncomingMessage, response: ServerResponse): boolean {
  if (request.url?.split('?', 1)[0] !== CATCH_UP_PATH) return false;
  const answer = (status: number, body: unknown): void => {
    if (response.headersSent || response.destroyed) return;
    const text = JSON.stringify(body);
    response.writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store'
    });
    response.end(text);
  };
  void take(parts, request, answer).catch(() => answer(200, unavailable(parts.feed)));
  return true;
}

async function take(
  parts: HttpCatchUpParts,
  request: IncomingMessage,
  answer: (status: number, body: unknown) => void
): Promise<void> {
  if (request.method !== 'POST') return answer(405, { error: 'Ask with POST.' });
  if (!parts.isOwnOrigin(request.headers.origin, request.headers.host))
    return answer(403, { error: 'Foreign origin.' });
  const subscriber = await parts.readSubscriber(request);
  if (subscriber === null) {
    parts.deny(request, { why: 'signed out' });
    return answer(401, {});
  }
  const text = await readBody(request, parts.mostBytes);
  if (text === null) return answer(413, { error: `At most ${parts.mostBytes} bytes.` });
  const message = parseJson(text);
  const parsed = subscribeSchema.safeParse(message);
  if (!parsed.success) {
    const version: unknown = (message as Partial<Subscribe> | null | undefined)?.protocol;
    const isOther = typeof version === 'number' && version !== PROTOCOL_VERSION;
    return answer(200, isOther ? { result: 'reload', protocol: PROTOCOL_VERSION } : { result: 'absent' });
  }
  if (!parts.maySubscribe(subscriber.sessionId)) return answer(200, { result: 'unavailable', link: 'lag' });
  const answered = await catchUpOnce(parts, subscriber, parsed.data);
  if (answered.result === 'absent') {
    const { userId: personId, sessionId } = subscriber;
    parts.deny(request, { personId, sessionId, ...parsed.data.scope });
  }
  answer(200, answered);
}

async function catchUpOnce(
  {
    db,
    feed,
    catchUp,
    tokenKey,
    summaries,
    counters,
    watching,
    readAccess = (scope, who) => readScopeAccess(db, scope, who),
    readEnvironments = (workspaceId) => readEnvironmentIds(db, workspaceId)
  }: HttpCatchUpParts,
  subscriber: Subscriber,
  { protocol, scope, token, summaries: wanted }: Subscribe
): Promise<SubscribeAnswer> {
  if (protocol !== PROTOCOL_VERSION) return { result: 'reload', protocol: PROTOCOL_VERSION };
  const first = await readAccess(scope, subscriber);
  if (first === null || unitsOf(scope, first) === null) return { result: 'absent' };
  const link = feed.lostLink;
  if (link !== null) return { result: 'unavailable', link };
  const owner = { userId: subscriber.userId, workspaceId: scope.workspaceId };
  const since = tokenKey.open(token, owner);
  if (since === null) return { result: 'resync', reason: 'token' };
  const environments = wanted === 'environments' ? await readEnvironments(scope.workspaceId) : null;
  const places = summaryPlacesOf(scope, first, environments);
  const units = places.map((place) => summaryUnit(scope.workspaceId, place));
  watching(units);
  await summaries.watch(scope.workspaceId, places, true);
  // What is told vouches for numbers, too.
  const late = summaries.lateUnits();
  if (units.some((unit) => late.has(unit))) return { result: 'unavailable', link: 'lag' };
  let found = await catchUp.fromRing(since, scope, subscriber, first);
  // Before access is read for the last time, like the rows.
  const numbers = summaries.known(scope.workspaceId, places);
  if (found !== null) {
    // Nobody tells this client of a change of access meanwhile: it is asked again, after what was told.
    const access = await readAccess(scope, subscriber);
    if (access === null) return { result: 'absent' };
    if (!isSameAccess(scope, access, first)) return { result: 'resync', reason: 'access' };
  } else found = await catchUp.fromLog(since, scope, subscriber, first);
  counters.catchUps.http++;
  if (found === 'absent') return { result: 'absent' };
  if ('resync' in found) {
    counters.resyncs[found.resync]++;
    return { result: 'resync', reason: found.resync };
  }
  return {
    result: 'caught_up',
    generation: 0,
    ...toScopeDelta(found.operations, scope, first),
    summaries: numbers,
    ...(found.hasNamesChanged && { namesChanged: true }),
    token: tokenKey.seal(found.place, owner),
    proofAt: found.proofAt,
    now: found.now
  };
}

function unavailable(feed: Pick<Feed, 'lostLink'>): SubscribeAnswer {
  return { result: 'unavailable', link: feed.lostLink ?? 'database' };
}

/** The body as text; null when it is larger than `most` bytes. Throws when it does not come in time. */
async function readBody(request: IncomingMessage, most: number): Promise<string | null> {
  const deadline = setTimeout(() => request.destroy(), BODY_MS);
  try {
    return await readChunks(request, most);
  } finally {
    clearTimeout(deadline);
  }
}

async function readChunks(request: IncomingMessage, most: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // The rest is read and dropped, so that the answer is heard.
    if (size <= most) chunks.push(chunk);
    else if (size > most * 64) return null;
  }
  return size > most ? null : Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
