/**
 * What one connection may send, whoever it is of and before anybody knows: text, and not without end. A page sends an
 * answer to a ping every 20 s, a question for the clock now and then and a subscription for each navigation; each message
 * costs parsing, also one that nobody listens to. It knows no Socket.IO and no person. Pure: time is an argument.
 */

/** At once, and what comes back each second: tens of times what the busiest page sends. */
const BURST = 200;
const PER_SECOND = 20;

export type Flaw = 'binary message' | 'too many messages';

export interface MessageLimit {
  /** null = the message may be read; else the connection is to be cut */
  flawOf(data: unknown, now: number): Flaw | null;
}

export function openMessageLimit(): MessageLimit {
  let left: number = BURST;
  let at: number | null = null;
  return {
    flawOf(data, now) {
      // Nothing of ours is binary, and a parser that waits for attachments keeps what came before them.
      if (data !== undefined && data !== null && typeof data !== 'string') return 'binary message';
      left = Math.min(BURST, left + ((now - (at ?? now)) / 1_000) * PER_SECOND);
      at = now;
      if (left < 1) return 'too many messages';
      left--;
      return null;
    }
  };
}
