/**
 * Hears that something changed: the only file that knows pg-listen. It owns one LISTEN connection, its supervision for
 * ever, and the loop-back canary that proves that a notification sent through the pool really comes back.
 * A wake-up is only ever a hint: it carries no data, may come late, twice or not at all, and the feed stays right.
 *
 * Facts about pg-listen 1.7.0 (read in its source, measured in ENGINE 3): its own reconnection gives up for good after
 * 3 s, its paranoid check never times out, and close() while it reconnects leaks. So it is told to try once only
 * (`retryLimit: 1` reports an error at the first loss without reconnecting), and a whole new one is built each time.
 */
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import createSubscriber from 'pg-listen';
import type { Queryable } from '../database/pool.ts';
import { backOff } from './back-off.ts';

export const CHANNEL = 'watchfloor_wake';
/** The canary flies this often, and must be back within CANARY_LIMIT_MS; a half-open connection is noticed thereby. */
const CANARY_EVERY_MS = 4_000;
const CANARY_LIMIT_MS = 2_000;

export interface WakeUpEvents {
  /** something may have changed */
  woken: [];
  /** LISTEN stands and the canary came back: catch up now, then call it sound */
  regained: [];
  lost: [cause: string];
  /** round trip of a canary, in milliseconds */
  canary: [ms: number];
}

export interface WakeUp {
  events: EventEmitter<WakeUpEvents>;
  /** true from a returned canary until anything casts doubt */
  readonly isSound: boolean;
  close(): Promise<void>;
}

/** Opens the listener; never throws, never gives up. `pool` sends the canary, on another connection than the listener's. */
export function openWakeUp({ url, pool }: { url: string; pool: Queryable }): WakeUp {
  const events = new EventEmitter<WakeUpEvents>();
  const node = randomUUID();
  let isSound = false;
  let isClosed = false;
  let attempt = 0;
  let flights = 0;
  let subscriber: ReturnType<typeof createSubscriber> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let landed: ((payload: string) => void) | null = null;

  const drop = (): void => {
    const old = subscriber;
    subscriber = null;
    landed = null;
    clearTimeout(timer);
    // Not awaited: the end of a half-open connection answers to nobody.
    old?.close().catch(() => {});
  };

  const fail = (cause: string): void => {
    if (isClosed) return;
    drop();
    const isNews = isSound || attempt === 0;
    // Before it is told: whoever hears it asks whether the listener is sound.
    isSound = false;
    if (isNews) events.emit('lost', cause);
    timer = setTimeout(() => void connect(), backOff(attempt++, Math.random()));
  };

  const fly = async (current: typeof subscriber): Promise<void> => {
    const payload = `${node}:${++flights}`;
    const from = performance.now();
    const back = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), CANARY_LIMIT_MS);
      landed = (heard) => {
        if (heard === payload) resolve(true);
      };
    });
    const sending = pool.query('select pg_notify($1, $2)', [CHANNEL, payload]);
    // Whatever comes first decides: a canary that cannot even be sent is as good as lost after the limit.
    sending.catch(() => {});
    const isBack = await Promise.race([back, sending.then(() => back)]);
    clearTimeout(timer);
    if (current !== subscriber || isClosed) return;
    if (!isBack)
      return fail(
        'a notification sent through the pool did not come back within 2 s; ' +
          'DATABASE_URL must reach Postgres directly, not through a transaction-pooling proxy'
      );
    events.emit('canary', performance.now() - from);
    attempt = 0;
    if (!isSound) {
      isSound = true;
      events.emit('regained');
    }
    timer = setTimeout(() => void flySafely(current), CANARY_EVERY_MS);
  };
  const flySafely = (current: typeof subscriber): Promise<void> =>
    fly(current).catch((error: Error) => {
      if (current === subscriber) fail(error.message);
    });

  const connect = async (): Promise<void> => {
    const current = createSubscriber(
      {
        connectionString: url,
        application_name: 'watchfloor listener',
        connectionTimeoutMillis: 2_000,
        query_timeout: 2_000,
        keepAliveInitialDelayMillis: 10_000
      },
      { retryLimit: 1, paranoidChecking: false, parse: (payload: string) => payload }
    );
    subscriber = current;
    current.events.on('error', (error) => {
      if (current === subscriber) fail(error.message);
    });
    current.notifications.on(CHANNEL, (payload?: string) => {
      if (payload) landed?.(payload);
      else events.emit('woken');
    });
    try {
      await current.connect();
      // pg-listen says "connected" before LISTEN at the first connection: only the canary counts.
      await current.listenTo(CHANNEL);
      await fly(current);
    } catch (error) {
      if (current === subscriber) fail((error as Error).message);
    }
  };

  void connect();
  return {
    events,
    get isSound() {
      return isSound;
    },
    async close() {
      isClosed = true;
      isSound = false;
      const old = subscriber;
      drop();
      events.removeAllListeners();
      // What is still going out is given a moment, then left: the process ends soon.
      await Promise.race([old?.close().catch(() => {}), new Promise((done) => setTimeout(done, 500).unref())]);
    }
  };
}
