/**
 * Tells sockets what changed: rows to units, bursts as lists that were read once, a change of access, a resync; and takes
 * care of those who are too slow. It owns who stands in which room; it decides nothing about access and reads no log.
 * Invariants: whoever is told nothing more stands in no room of a unit; who left because of slowness or a burst is told
 * what it missed before the next tick vouches for anything.
 */
import type pg from 'pg';
import type { Server, Socket } from 'socket.io';
import type { ClientEvents, ResyncReason, ServerEvents } from '../../live/protocol.ts';
import type { ChangedNames, ChangedPlace } from './differences.ts';
import type { Feed } from './feed.ts';
import type { Counters } from './figures.ts';
import { openLaggards } from './laggards.ts';
import { openOutbox } from './outbox.ts';
import type { Ring } from './ring.ts';
import {
  environmentUnit,
  isNameSeen,
  toUnitDeltas,
  workspaceItselfUnit,
  workspaceUnit,
  type Delta,
  type OperationChange,
  type Unit
} from './rooms.ts';
import type { Summaries } from './summaries.ts';
import type { Watcher } from './watcher.ts';
import { openWindows } from './windows.ts';

export interface SocketData extends Watcher {
  /** when it was last given a fresh token, monotonic ms */
  tokenAt: number;
}
export type LiveServer = Server<ClientEvents, ServerEvents, Record<string, never>, SocketData>;
export type LiveSocket = Socket<ClientEvents, ServerEvents, Record<string, never>, SocketData>;

export interface BroadcastOptions {
  io: LiveServer;
  db: pg.Pool;
  feed: Feed;
  ring: Ring;
  summaries: Pick<Summaries, 'known' | 'touchPlaces'>;
  counters: Counters;
  /** how many are being let in or answered */
  arriving: () => number;
  /** ms until a slow client is cut off; shorter in tests */
  drainMs?: number | undefined;
}

export interface Broadcast {
  sockets(): LiveSocket[];
  leaveAll(socket: LiveSocket): void;
  /** The units that these changes touch are told. */
  tell(operations: readonly OperationChange[]): void;
  /** Very much changed in these places; what it was nobody knows one by one. */
  tellBurst(places: readonly ChangedPlace[]): void;
  /** Only who may see what was renamed is told: the hint alone would tell that it is there. */
  tellNames(names: readonly ChangedNames[]): void;
  /** Everything this socket may see is in doubt. */
  revoke(socket: LiveSocket): void;
  /** Every window is to be read anew, and nothing that waits counts any more. */
  resyncAll(reason: ResyncReason): void;
  /** It begins anew, or is gone. */
  forget(socket: LiveSocket): void;
  /** Its subscription was answered. */
  answered(socket: LiveSocket): void;
  /** What waits for its gap goes out now. */
  flush(): void;
  readonly laggards: number;
  /** Does a slow client, who stands in no room now, watch what is told there? */
  isMissedIn(room: string): boolean;
  /** Looks for slow clients, also where no rows were told. */
  lookForSlow(): void;
  close(): Promise<void>;
}

export function openBroadcast(options: BroadcastOptions): Broadcast {
  const { io, db, feed, ring, summaries, counters } = options;
  const sockets = (): LiveSocket[] => [...io.sockets.sockets.values()];
  const socketsOf = (ids: Iterable<string>): LiveSocket[] => [...ids].flatMap((id) => io.sockets.sockets.get(id) ?? []);
  const socketsIn = (room: string): LiveSocket[] => socketsOf(io.sockets.adapter.rooms.get(room) ?? []);
  const leaveAll = (socket: LiveSocket): void => {
    // Every socket stays in the room of its own id; all others are units.
    for (const room of [...socket.rooms]) if (room !== socket.id) void socket.leave(room);
  };
  /** This socket is told nothing more until it subscribes anew. */
  const stopTelling = (socket: LiveSocket): void => {
    leaveAll(socket);
    laggards.forget(socket);
    socket.data.watching = null;
    socket.data.windowDueSince = null;
    socket.data.generation++;
  };
  const resync = (socket: LiveSocket, reason: ResyncReason): void => {
    stopTelling(socket);
    counters.resyncs[reason]++;
    socket.emit('resync:required', { reason });
  };
  const outbox = openOutbox({
    send(unit, delta) {
      counters.messages++;
      counters.rows += delta.rows.length + delta.removed.length;
      io.to(unit).emit('rows:changed', delta);
      laggards.sent(socketsIn(unit));
    },
    bulk: (unit, delta) => tellBulk(unit, delta),
    audience: (unit) => io.sockets.adapter.rooms.get(unit)?.size ?? 0,
    arriving: options.arriving
  });
  const laggards = openLaggards<LiveSocket>({
    ring,
    counters,
    // Socket.IO's types hide it, and nothing else shows how slow a client is (ENGINE 3, backpressure).
    packetsOf: ({ conn }) => (conn as unknown as { writeBuffer: unknown[] }).writeBuffer.length,
    place: () => feed.place,
    flush: () => outbox.flush(),
    leave: leaveAll,
    rejoin(socket, missed) {
      const { watching } = socket.data;
      if (watching === null) return;
      void socket.join(watching.rooms);
      if (missed === null || socket.data.windowDueSince !== null) watchAgain([socket]);
      else if (missed.rows.length + missed.removed.length > 0) socket.emit('rows:changed', missed);
      for (const summary of summaries.known(watching.scope.workspaceId, watching.places))
        socket.emit('summary:changed', { summary });
    },
    cut(socket) {
      const { transport } = socket.conn as unknown as { transport: { socket: { terminate(): void } } };
      socket.disconnect(true);
      // Closing in order waits for what it does not take: what waits for it would be kept for another minute.
      transport.socket.terminate();
    },
    ...(options.drainMs !== undefined && { drainMs: options.drainMs })
  });
  const windows = openWindows({
    db,
    feed,
    ring,
    counters,
    clients: sockets,
    send(ids, message) {
      // What waits for its gap was told before the list was read: after it, an older row would come back to life.
      outbox.flush();
      io.to(ids).emit('window:read', message);
      laggards.sent(socketsOf(ids));
    },
    resync: (ids) => {
      for (const socket of socketsOf(ids)) resync(socket, 'behind');
    }
  });
  /** What these show must be read again: lists by us, once for all; single operations by their pages. */
  const watchAgain = (shown: readonly LiveSocket[]): void => {
    for (const socket of shown) {
      const { watching } = socket.data;
      // One that is just subscribing is looked at again with its answer.
      if (watching === null || watching.window.kind === 'list') socket.data.windowDueSince ??= performance.now();
      else if (watching.window.kind === 'operation') resync(socket, 'behind');
    }
    windows.look();
  };
  /** Very much changed in a unit at once; `delta` null = nobody knows what. */
  const tellBulk = (unit: Unit, delta: Delta | null): void => {
    counters.bulks++;
    const told = socketsIn(unit);
    if (delta === null) return watchAgain(told);
    const rows = new Map(delta.rows.map((row) => [row.id, row]));
    const removed = new Map(delta.removed);
    for (const socket of told) {
      const window = socket.data.watching?.window;
      if (window?.kind !== 'operation') continue;
      const [row, revision] = [rows.get(window.id), removed.get(window.id)];
      if (row !== undefined) socket.emit('rows:changed', { rows: [row], removed: [] });
      else if (revision !== undefined) socket.emit('rows:changed', { rows: [], removed: [[window.id, revision]] });
    }
    watchAgain(told.filter(({ data }) => data.watching?.window.kind !== 'operation'));
  };
  return {
    sockets,
    leaveAll,
    tell(operations) {
      for (const [unit, delta] of toUnitDeltas(operations)) outbox.add(unit, delta);
    },
    tellBurst(places) {
      outbox.flush();
      const units = new Set<Unit>();
      for (const { workspaceId, environmentId } of places) {
        units.add(workspaceUnit(workspaceId));
        units.add(
          environmentId === null ? workspaceItselfUnit(workspaceId) : environmentUnit(workspaceId, environmentId)
        );
      }
      for (const unit of units) if (io.sockets.adapter.rooms.has(unit)) tellBulk(unit, null);
      summaries.touchPlaces(places);
    },
    tellNames(names) {
      if (names.length === 0) return;
      for (const socket of sockets()) {
        const { watching } = socket.data;
        if (watching === null) continue;
        const { scope, access } = watching;
        const isSeen = (name: ChangedNames): boolean =>
          (name.workspaceId === null || name.workspaceId === scope.workspaceId) &&
          isNameSeen(name, access, socket.data.userId);
        if (names.some(isSeen)) socket.emit('reference:changed', {});
      }
    },
    revoke(socket) {
      stopTelling(socket);
      socket.emit('access:changed', { generation: socket.data.generation });
    },
    resyncAll(reason) {
      outbox.clear();
      for (const socket of sockets()) resync(socket, reason);
    },
    forget: (socket) => laggards.forget(socket),
    answered(socket) {
      // A burst while it was asking: whether the answer has it in whole nobody knows.
      const wasDue = socket.data.windowDueSince !== null;
      socket.data.windowDueSince = null;
      if (wasDue && socket.data.watching !== null) watchAgain([socket]);
    },
    flush: () => outbox.flush(),
    isMissedIn: (room) => [...laggards.away()].some(({ data }) => data.watching?.rooms.includes(room)),
    lookForSlow: () => laggards.sent(sockets()),
    get laggards() {
      return laggards.now;
    },
    async close() {
      laggards.close();
      outbox.clear();
      await windows.close();
    }
  };
}
