/**
 * What the live path needs of the world around it: clocks, schedules, chance and a socket, so that tests can hold all of
 * them. `browserPorts` is the real one; nothing here keeps state of a feed. One ticker serves all feeds of a tab.
 */
import { Journal } from './journal.ts';
import type { Moment } from './server-clock.ts';
import { openDisplaySocket, openSocket, type LiveSocket, type SocketListener } from './socket.ts';
import { openTransports } from './transport.ts';

export type Stop = () => void;

export interface Ports {
  moment(): Moment;
  /** in [0, 1) */
  random(): number;
  after(ms: number, callback: () => void): Stop;
  everySecond(callback: () => void): Stop;
  /** before the next drawing, or after 250 ms where nothing is drawn (hidden tab) */
  onFrame(callback: () => void): Stop;
  /** the tab is shown again, restored, or back on a network */
  onReturn(callback: () => void): Stop;
  /** is the tab shown? */
  isVisible(): boolean;
  openSocket(listener: SocketListener): LiveSocket;
  /** one line for the developer's console */
  warn(message: string): void;
}

const HIDDEN_FRAME_MS = 250;
const watchers = new Set<() => void>();
const moment = (): Moment => ({ mono: performance.now(), wall: Date.now() });
/** What became of this tab's connections; only browsers open any. */
export const journal = new Journal(moment);
let ticker: ReturnType<typeof setInterval> | undefined;

const schedules: Pick<Ports, 'after' | 'onReturn'> = {
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  onReturn(callback) {
    const shown = (): void => {
      if (document.visibilityState === 'visible') callback();
    };
    // Also fires at the end of every load, where nobody returned and the first socket is just opening.
    const restored = (event: PageTransitionEvent): void => {
      if (event.persisted) shown();
    };
    document.addEventListener('visibilitychange', shown);
    window.addEventListener('pageshow', restored);
    window.addEventListener('online', shown);
    return () => {
      document.removeEventListener('visibilitychange', shown);
      window.removeEventListener('pageshow', restored);
      window.removeEventListener('online', shown);
    };
  }
};

/** The browser's own clocks and schedules. */
export const browserPorts: Ports = {
  ...schedules,
  moment,
  random: Math.random,
  everySecond(callback) {
    watchers.add(callback);
    ticker ??= setInterval(() => watchers.forEach((watcher) => watcher()), 1_000);
    return () => {
      watchers.delete(callback);
      if (watchers.size > 0) return;
      clearInterval(ticker);
      ticker = undefined;
    };
  },
  onFrame(callback) {
    const stop = (): void => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
    const run = (): void => {
      stop();
      callback();
    };
    const frame = requestAnimationFrame(run);
    const timer = setTimeout(run, HIDDEN_FRAME_MS);
    return stop;
  },
  isVisible: () => document.visibilityState === 'visible',
  openSocket: journal.watchLosses(
    openTransports({
      ...schedules,
      openWebSocket: journal.watchAttempts(openSocket),
      loadHttp: (loaded, failed) => void import('./http-socket.ts').then(loaded, failed)
    })
  ),
  warn: (message) => console.warn(`[watchfloor] ${message}`)
};

/** The same of a wall, which asks as the display that it is. */
export const displayPorts: Ports = {
  ...browserPorts,
  openSocket: journal.watchLosses(
    openTransports({
      ...schedules,
      openWebSocket: journal.watchAttempts(openDisplaySocket),
      loadHttp: (loaded, failed) =>
        void import('./http-socket.ts').then(
          ({ openHttpSocket, postAsDisplay }) =>
            loaded({
              openHttpSocket: (listener, ports) => openHttpSocket(listener, { ...ports, post: postAsDisplay })
            }),
          failed
        )
    })
  )
};
