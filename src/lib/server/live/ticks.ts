/**
 * The tick: what vouches for what is on screen. It is sent only while the feed is sound, after everything it vouches for,
 * and not to those whose list or numbers are older than it would say.
 */
import type { TokenKey } from '../stream/token.ts';
import type { Broadcast, LiveServer } from './broadcast.ts';
import type { Feed } from './feed.ts';
import { numbersRoom } from './rooms.ts';
import type { Summaries } from './summaries.ts';
import { WINDOW_LATE_MS } from './windows.ts';

/** A socket is given a fresh token with a tick at most this often. */
const TOKEN_EVERY_MS = 10_000;

export interface TicksOptions {
  io: LiveServer;
  feed: Pick<Feed, 'lostLink' | 'place' | 'proofAt'>;
  broadcast: Pick<Broadcast, 'sockets' | 'flush' | 'lookForSlow'>;
  summaries: Pick<Summaries, 'lateUnits'>;
  tokenKey: Pick<TokenKey, 'seal'>;
}

/** What ticks once; its owner decides how often. */
export function openTicks({ io, feed, broadcast, summaries, tokenKey }: TicksOptions): () => void {
  return () => {
    const link = feed.lostLink;
    if (link !== null || feed.place === null) return void io.emit('feed:halted', { link: link ?? 'database' });
    broadcast.flush();
    broadcast.lookForSlow();
    const { place, proofAt } = feed;
    const now = performance.now();
    const late = [...summaries.lateUnits()].map(numbersRoom);
    const told: string[] = [];
    for (const socket of broadcast.sockets()) {
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
    // Nine of ten are told the same: encoded and framed once for all of them.
    if (told.length > 0) io.to(told).emit('feed:ticked', { proofAt });
  };
}
