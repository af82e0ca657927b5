/**
 * When a wall loads itself again: another version is deployed, or a person asked for it. `renewalDelay` decides, with all
 * time as arguments; `openRenewal` keeps the timers. It knows nothing of pages.
 * Invariants: never before the server says that it is ready; never twice within a minute, by the page's own age, which no
 * clock can set; walls do not come as one (0 to 60 s apart for a version); a load that did not help is repeated later and
 * later.
 */
import type { Ports, Stop } from './ports.ts';

/** Since every load begins a page, a page this old is a load this long ago. */
export const LEAST_AGE_MS = 60_000;
export const JITTER_MS = 60_000;
const LONGEST_GAP_MS = 15 * 60_000;
/** Loads that are longer ago were for another deployment. */
const FORGET_MS = 60 * 60_000;
/** So long until the next look where the server is not ready. */
const LOOK_AGAIN_MS = 5_000;

export type RenewalReason = 'version' | 'asked';

export interface RenewalState {
  /** since this page was loaded, monotonic */
  pageAgeMs: number;
  /** the browser's clock, ms; it may be set */
  now: number;
  /** when this screen loaded itself for a version, by that clock, oldest first; empty where nothing can be kept */
  loads: readonly number[];
}

/** Milliseconds until it may be tried; `random` in [0, 1). */
export function renewalDelay(reason: RenewalReason, { pageAgeMs, now, loads }: RenewalState, random: number): number {
  const untilOld = Math.max(0, LEAST_AGE_MS - pageAgeMs);
  if (reason === 'asked') return untilOld;
  // Loads from the future are of a clock that was set back: nothing follows from them.
  const recent = loads.filter((at) => at <= now && now - at < FORGET_MS);
  const last = recent.at(-1);
  const gap = Math.min(LONGEST_GAP_MS, LEAST_AGE_MS * 2 ** (recent.length - 1));
  const untilGap = last === undefined ? 0 : Math.max(0, last + gap - now);
  return Math.max(untilOld, untilGap) + JITTER_MS * random;
}

export interface RenewalPorts extends Pick<Ports, 'after' | 'random'> {
  state(): RenewalState;
  /** can the server serve and vouch? */
  isReady(): Promise<boolean>;
  /** does the server give another page than this one? */
  isAnother(): Promise<boolean>;
  keepLoad(): void;
  load(): void;
}

export interface Renewal {
  /** Any number of times; what is waited for already is not begun anew. */
  due(reason: RenewalReason): void;
  close(): void;
}

export function openRenewal(ports: RenewalPorts): Renewal {
  let waiting: RenewalReason | null = null;
  let stop: Stop = () => {};
  let isClosed = false;

  const attempt = async (reason: RenewalReason): Promise<void> => {
    // In this order: what is not ready may answer anything to the second question.
    const isReady = await ports.isReady().catch(() => false);
    const helps = isReady && (reason === 'asked' || (await ports.isAnother().catch(() => null)));
    if (isClosed || waiting !== reason) return;
    if (!isReady || helps === null) {
      stop = ports.after(LOOK_AGAIN_MS * (1 + ports.random()), () => void attempt(reason));
      return;
    }
    waiting = null;
    if (!helps) return;
    if (reason === 'version') ports.keepLoad();
    ports.load();
  };

  return {
    due(reason) {
      // A person's wish is not put off by a version's jitter.
      if (isClosed || waiting === reason || waiting === 'asked') return;
      stop();
      waiting = reason;
      stop = ports.after(renewalDelay(reason, ports.state(), ports.random()), () => void attempt(reason));
    },
    close() {
      isClosed = true;
      stop();
    }
  };
}
