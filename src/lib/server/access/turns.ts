/**
 * Costly work in turns: so many at once, and no endless queue behind them. What comes when the queue is full is refused at
 * once, so that a crowd costs itself its answers and nobody else the process. It knows no work. Pure but for its counters.
 */

/** The queue is full; nothing was begun. */
export class TooManyWaitingError extends Error {
  override name = 'TooManyWaitingError';
}

export interface Turns {
  /** Runs `work` when it is its turn, and hands its result on. Throws TooManyWaitingError where there is no place. */
  take<T>(work: () => Promise<T>): Promise<T>;
  running(): number;
}

export function openTurns({ atOnce, waiting: most }: { atOnce: number; waiting: number }): Turns {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    running: () => running,
    async take(work) {
      if (running >= atOnce) {
        if (waiting.length >= most) throw new TooManyWaitingError('Too many wait already.');
        // Whoever ends hands its place on, so it is never given to somebody who came later.
        await new Promise<void>((begin) => waiting.push(begin));
      } else running++;
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else running--;
      }
    }
  };
}
