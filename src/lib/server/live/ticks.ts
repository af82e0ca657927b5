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
import { WINDOW_LATE_MS } from './windows.ts';

/** A socket is given a fresh token with a tick at most this often. */
const TOKEN_EVERY_MS = 10_000;
/**
 * So many are told in one go, and the next after a pause: to tell ten thousand takes a fifth of a second, in which no
 * change would reach anybody. The last of them have the tick half a second later; it vouches for the moment of the first.
 */
const AT_ONCE = 500;
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
  /** who has yet to be told by the last tick */
  let rest: LiveSocket[] = [];
  let timer: NodeJS.Timeout | null = null;

  const tellSome = (place: Place, proofAt: number): void => {
    timer = null;
    // What was vouched for still stands, but it is not for a tick to say so while something is lost, or of another stream.
    if (feed.lostLink !== null || feed.place?.epoch !== place.epoch) return void (rest = []);
    const now = performance.now();
    const late = [...summaries.lateUnits()].map(numbersRoom);
    const told: string[] = [];
    for (const socket of rest.splice(0, AT_ONCE)) {
      const { watching, windowDueSince, lagging, userId, tokenAt } = socket.data;
      // One that is slow is told nothing: its own silence says so.
      if (watching === null || lagging !== null) continue;
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
    if (rest.length > 0) timer = setTimeout(tellSome, GAP_MS, place, proofAt);
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
      const unreached = new Set(rest);
      rest = [...unreached, ...broadcast.sockets().filter((socket) => !unreached.has(socket))];
      tellSome(feed.place, feed.proofAt);
    },
    close() {
      if (timer !== null) clearTimeout(timer);
    }
  };
}
