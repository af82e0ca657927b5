/**
 * Work that is done again and again in the background of one process: spread by jitter so that nodes do not march in
 * step, retried with back-off, one line per change of state. Invariant: it never throws, and closing waits for the work
 * under way, which is told by a signal to stop early.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { toErrorFields } from '../log-redaction.ts';
import { workEnded } from '../metrics/channels.ts';

export interface Lines {
  info(message: string): void;
  warn(message: string): void;
}

export interface RepeatOptions {
  /** what is done, as the subject of a sentence: "History retention" */
  name: string;
  firstAfterMs: number;
  everyMs: number;
  log: Lines;
  work: (signal: AbortSignal) => Promise<void>;
}

export interface Repeating {
  /** Resolves when nothing runs any more; never throws. */
  close(): Promise<void>;
}

const FIRST_RETRY_MS = 1_000;
/** Also of what runs every second: a database that is away is not asked every second. */
const LONGEST_RETRY_MS = 10_000;
/** Each wait is drawn from this share around its length. */
const JITTER = 0.2;

export function openRepeat({ name, firstAfterMs, everyMs, log, work }: RepeatOptions): Repeating {
  const ending = new AbortController();
  const rest = (ms: number): Promise<void> =>
    sleep(ms * (1 - JITTER / 2 + Math.random() * JITTER), undefined, { signal: ending.signal }).catch(() => {});

  const run = async (): Promise<void> => {
    let failures = 0;
    await rest(firstAfterMs);
    while (!ending.signal.aborted) {
      try {
        await work(ending.signal);
        workEnded.tell({ name, isDone: true });
        if (failures > 0) log.info(`${name} works again.`);
        failures = 0;
        await rest(everyMs);
      } catch (error) {
        if (ending.signal.aborted) return;
        workEnded.tell({ name, isDone: false });
        if (failures === 0)
          log.warn(`${name} failed (${toErrorFields(error).message}); it is tried again until it works.`);
        failures += 1;
        await rest(Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), Math.max(everyMs, LONGEST_RETRY_MS)));
      }
    }
  };
  const running = run();
  return {
    async close() {
      ending.abort();
      await running;
    }
  };
}
