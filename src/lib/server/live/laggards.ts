/**
 * Slow clients: one that does not take what it is sent leaves the stream, so that it costs only itself, and comes back by
 * the ring once its connection has drained; one that does not drain in time is cut off. Socket.IO bounds nothing here
 * (ENGINE 3, backpressure), and `conn.writeBuffer` is what shows it.
 * Invariant: a slow client waits with a bounded number of packets, and what it missed is told to it when it returns.
 */
import type { Place } from '../stream/place.ts';
import type { Ring, RingDifference } from './ring.ts';
import { openCounters, type Counters } from './figures.ts';
import { toScopeDelta, type Delta } from './rooms.ts';
import type { Watcher } from './watcher.ts';

/** Packets that may wait in a client's connection … */
export const MOST_PACKETS = 16;
/** … for so long: one turn of telling much fills it for a moment, also of a client that is quick. */
const PATIENCE_MS = 100;
/** So many at once are too many for any patience. */
const MANY_PACKETS = 256;
/** A connection that has not drained by then is ended; its client comes back by itself. */
const DRAIN_MS = 15_000;
const LOOK_MS = 100;
/** So many come back at each look: a crowd that was slow together must not keep the quick waiting. */
const MOST_RETURNS = 50;
/** Who missed more than this reads its window anew. */
const MOST_MISSED = 2_000;

export interface SlowClient {
  id: string;
  data: Watcher;
}

export interface LaggardsOptions<C extends SlowClient> {
  ring: Pick<Ring, 'since'>;
  /** packets that wait in its connection */
  packetsOf: (client: C) => number;
  /** where the stream has been told up to; null before the first pass */
  place: () => NonNullable<Watcher['lagging']>['place'] | null;
  /** everything that waits to be told goes out now */
  flush: () => void;
  leave: (client: C) => void;
  /** it stands in its rooms again; `missed` null = more than can be told */
  rejoin: (client: C, missed: Delta | null) => void;
  cut: (client: C) => void;
  counters?: Counters;
  /** ms until an undrained connection is ended; shorter in tests */
  drainMs?: number;
}

export interface Laggards<C extends SlowClient> {
  /** Something was sent to these. */
  sent(clients: Iterable<C>): void;
  /** This one is gone, or begins anew. */
  forget(client: C): void;
  readonly now: number;
  /** those who are away; they still watch what they watched */
  away(): Iterable<C>;
  close(): void;
}

export function openLaggards<C extends SlowClient>(options: LaggardsOptions<C>): Laggards<C> {
  const { ring, packetsOf, place, flush, leave, rejoin, cut, counters = openCounters(), drainMs = DRAIN_MS } = options;
  /** filled since, monotonic ms: not slow yet */
  const filled = new Map<C, number>();
  const lagging = new Set<C>();
  let timer: NodeJS.Timeout | null = null;

  const look = (): void => {
    const now = performance.now();
    for (const [client, since] of [...filled]) {
      if (packetsOf(client) <= MOST_PACKETS) filled.delete(client);
      else if (now - since >= PATIENCE_MS) fallBehind(client);
    }
    // Those who fell behind together stand at the same place.
    const told = new Map<Place, RingDifference | null>();
    let returns = 0;
    for (const client of [...lagging]) {
      const { data } = client;
      if (data.lagging === null) lagging.delete(client);
      else if (packetsOf(client) === 0) {
        if (returns++ < MOST_RETURNS) comeBack(client, told);
      } else if (now - data.lagging.since >= drainMs) {
        forget(client);
        counters.laggards.cut++;
        cut(client);
      }
    }
    if (filled.size + lagging.size === 0 && timer) {
      clearInterval(timer);
      timer = null;
    }
  };
  const fallBehind = (client: C): void => {
    filled.delete(client);
    if (client.data.watching === null || client.data.lagging !== null) return;
    // What waits for its gap was not sent to it yet, and the place covers it already.
    flush();
    const from = place();
    // Flushing may have found it slow already.
    if (from === null || lagging.has(client)) return;
    leave(client);
    client.data.lagging = { since: performance.now(), place: from };
    lagging.add(client);
    counters.laggards.left++;
  };
  const comeBack = (client: C, told: Map<Place, RingDifference | null>): void => {
    const { watching, lagging: was } = client.data;
    forget(client);
    if (watching === null || was === null) return;
    if (!told.has(was.place)) told.set(was.place, ring.since(was.place));
    const found = told.get(was.place) ?? null;
    const missed = found === null ? null : toScopeDelta(found.operations, watching.scope, watching.access);
    counters.laggards.recovered++;
    rejoin(client, missed !== null && missed.rows.length + missed.removed.length <= MOST_MISSED ? missed : null);
  };
  const forget = (client: C): void => {
    filled.delete(client);
    lagging.delete(client);
    client.data.lagging = null;
  };

  return {
    sent(clients) {
      for (const client of clients) {
        const waiting = packetsOf(client);
        if (waiting <= MOST_PACKETS) continue;
        if (!filled.has(client)) filled.set(client, performance.now());
        if (waiting > MANY_PACKETS) fallBehind(client);
      }
      if (filled.size + lagging.size > 0) timer ??= setInterval(look, LOOK_MS);
    },
    forget,
    get now() {
      return lagging.size;
    },
    away: () => lagging,
    close() {
      if (timer) clearInterval(timer);
      timer = null;
    }
  };
}
