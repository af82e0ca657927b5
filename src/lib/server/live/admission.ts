/**
 * How much one session may ask of the hub: open sockets and subscriptions, so that one client costs only itself. Pure
 * but for its counters; time is an argument. Invariant: what it remembers is bounded by the sessions that have open sockets
 * or asked within the last minute.
 */

/** Tabs of one sign-in. A person with more is a script. */
const MOST_SOCKETS = 50;
/** Subscriptions of one session: a burst, and what comes back each second. Fifty tabs that return at once may. */
const BURST = 60;
const PER_SECOND = 3;

/** A session without a socket is forgotten after this. */
const IDLE_MS = 60_000;

interface Account {
  sockets: number;
  left: number;
  at: number;
}

export interface Admission {
  /** false: this session has too many sockets */
  enter(sessionId: string, now: number): boolean;
  leave(sessionId: string): void;
  /** false: this session subscribed too often; it is told to try again, and nothing is read for it */
  maySubscribe(sessionId: string, now: number): boolean;
}

/** `perSecond`: what comes back of the burst each second. */
export function openAdmission({ perSecond = PER_SECOND } = {}): Admission {
  const accounts = new Map<string, Account>();
  let sweptAt = -Infinity;
  const accountOf = (sessionId: string, now: number): Account => {
    let account = accounts.get(sessionId);
    if (!account) accounts.set(sessionId, (account = { sockets: 0, left: BURST, at: now }));
    if (now - sweptAt > IDLE_MS) {
      sweptAt = now;
      for (const [id, { sockets, at }] of accounts)
        if (sockets === 0 && now - at > IDLE_MS && id !== sessionId) accounts.delete(id);
    }
    return account;
  };
  return {
    enter(sessionId, now) {
      const account = accountOf(sessionId, now);
      if (account.sockets >= MOST_SOCKETS) return false;
      account.sockets++;
      return true;
    },
    leave(sessionId) {
      const account = accounts.get(sessionId);
      if (account && account.sockets > 0) account.sockets--;
    },
    maySubscribe(sessionId, now) {
      const account = accountOf(sessionId, now);
      account.left = Math.min(BURST, account.left + ((now - account.at) / 1_000) * perSecond);
      account.at = now;
      if (account.left < 1) return false;
      account.left--;
      return true;
    }
  };
}
