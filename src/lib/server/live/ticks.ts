/**
 * The tick: what vouches for what is on screen. It is sent only while the feed is sound, after everything it vouches for,
 * and not to those whose list or numbers are older than it would say.
 */
import type { TokenKey } from '../stream/token.ts';
import type { Place } from '../stream/place.ts';
import type { Broadcast, LiveServer, LiveSocket } from './broadcast.ts';
import type { Feed } from './feed.ts';
import { numbersRoom } from './rooms.ts';
import type { Summaries } from './summaries.ts';
import type { Watcher } from './watcher.ts';
import { WINDOW_LATE_MS } from './windows.ts';

/** A socket is given a fresh token with a tick at most this often. */
const TOKEN_EVERY_MS = 10_000;
/**
 * Many are told in parts, with a pause between: to tell ten thousand takes a fifth of a second, in which no change would
 * reach anybody. So many at least in one part, and no more parts than that: the last of them have the tick a fifth of a
 * second later (it vouches for the moment of the first), and a machine that is late with each still tells all of them in time.
 */
const LEAST_AT_ONCE = 500;
const MOST_PARTS = 8;
const GAP_MS = 25;

export interface TicksOptions {
  io: LiveServer;
  feed: Pick<Feed, 'lostLink' | 'place' | 'proofAt'>;
  broadcast: Pick<Broadcast, 'sockets' | 'flush' | 'lookForSlow'>;
  summaries: Pick<Summaries, 'lateUnits'>;
  tokenKey: Pick<TokenKey, 'seal'>;
}

export interface Ticks {
  /** Ticks once; its owner decides how often. */
  tick(): void;
  close(): void;
}

export function openTicks({ io, feed, broadcast, summaries, tokenKey }: TicksOptions): Ticks {
  /** who has yet to be told by the last tick, and what they watched when it began */
  let rest: [LiveSocket, Watcher['watching']][] = [];
  let timer: NodeJS.Timeout | null = null;

  const tellSome = (place: Place, proofAt: number, count: number): void => {
    timer = null;
    // What was vouched for still stands, but it is not for a tick to say so while something is lost, or of another stream.
    if (feed.lostLink !== null || feed.place?.epoch !== place.epoch) return void (rest = []);
    const now = performance.now();
    const late = [...summaries.lateUnits()].map(numbersRoom);
    const told: string[] = [];
    for (const [socket, watched] of rest.splice(0, count)) {
      const { watching, windowDueSince, lagging, userId, tokenAt } = socket.data;
      // One that is slow is told nothing: its own silence says so; and who subscribed since has a newer proof.
      if (watching === null || watching !== watched || lagging !== null) continue;
      // Its numbers or its list are older than what a tick would vouch for.
      const isLate = windowDueSince !== null && now - windowDueSince > WINDOW_LATE_MS;
      if (isLate || late.some((room) => socket.rooms.has(room))) {
        socket.emit('feed:halted', { link: 'lag' });
        continue;
      }
      if (windowDueSince !== null) continue;
      if (now - tokenAt < TOKEN_EVERY_MS) told.push(socket.id);
      else {
        socket.data.tokenAt = now;
        socket.emit('feed:ticked', {
          proofAt,
          token: tokenKey.seal(place, { userId, workspaceId: watching.scope.workspaceId })
        });
      }
    }
    // Most are told the same: encoded and framed once for all of them.
    if (told.length > 0) io.to(told).emit('feed:ticked', { proofAt });
    if (rest.length > 0) timer = setTimeout(tellSome, GAP_MS, place, proofAt, count);
  };

  return {
    tick() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      const link = feed.lostLink;
      if (link !== null || feed.place === null) {
        rest = [];
        return void io.emit('feed:halted', { link: link ?? 'database' });
      }
      broadcast.flush();
      broadcast.lookForSlow();
      // Who was not reached by the last one comes first, or the same would wait for ever where there is never time enough.
      const unreached = new Set(rest.map(([socket]) => socket));
      const sockets = broadcast.sockets();
      const first = sockets.filter((socket) => unreached.has(socket));
      const then = sockets.filter((socket) => !unreached.has(socket));
      rest = [...first, ...then].map((socket) => [socket, socket.data.watching]);
      tellSome(feed.place, feed.proofAt, Math.max(LEAST_AT_ONCE, Math.ceil(rest.length / MOST_PARTS)));
    },
    close() {
      if (timer !== null) clearTimeout(timer);
    }
  };
}
