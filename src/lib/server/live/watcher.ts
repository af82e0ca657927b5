/**
 * What the hub knows of one client beyond Socket.IO. Types only: subscriptions.ts fills it, hub.ts, windows.ts and
 * laggards.ts read it.
 */
import type { Scope, WatchedWindow } from '../../live/protocol.ts';
import type { SummaryPlace } from '../../operations/summary.ts';
import type { Place } from '../stream/place.ts';
import type { Subscriber } from './scope-access.ts';
import type { Unit, WorkspaceAccess } from './rooms.ts';

/** What a client watches, once it has caught up. */
export interface Watching {
  scope: Scope;
  access: WorkspaceAccess;
  window: WatchedWindow;
  /** of these units the numbers */
  places: SummaryPlace[];
  /** units of its rows and numbers: where it stands while it keeps up */
  rooms: Unit[];
}

export interface Watcher extends Subscriber {
  /** grows with every change of this person's access; whoever awaited anything compares it */
  generation: number;
  /** null until caught up */
  watching: Watching | null;
  /** since when its list waits to be read after a burst, monotonic ms; null = it does not */
  windowDueSince: number | null;
  /** it was too slow and stands in no room: since when, and what it was told up to; null = it keeps up */
  lagging: { since: number; place: Place } | null;
}

export function newWatcher(subscriber: Subscriber): Watcher {
  return { ...subscriber, generation: 0, watching: null, windowDueSince: null, lagging: null };
}
