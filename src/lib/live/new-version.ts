/**
 * What a page does when the hub says that another version of the wire is deployed: it loads itself again, once, when that
 * helps. It owns when; what a load keeps of the page is the page's business. The connection goes on asking meanwhile, so
 * whatever is not done now is told again.
 * Invariants: never while somebody writes; only when the server is ready and gives another page than this one; never in a
 * loop: after a load that did not help, the next one comes a minute later at the earliest, then two, four, up to fifteen.
 */
import type { Ports, Stop } from './ports.ts';

/** All tabs hear of a deployment at once: they spread over four seconds. */
const JITTER_MS = { least: 500, most: 4_000 } as const;
/** Writing may end without any event (a field that is taken away). */
const LOOK_AGAIN_MS = 2_000;
const FIRST_GAP_MS = 60_000;
const LONGEST_GAP_MS = 15 * 60_000;
/** Loads that are longer ago were for another deployment. */
const FORGET_MS = 60 * 60_000;

export interface NewVersionPorts extends Pick<Ports, 'after' | 'random'> {
  /** the browser's clock, ms: it outlives the load */
  now(): number;
  /** can the server serve and vouch? */
  isReady(): Promise<boolean>;
  /** does the server give another page than this one? */
  isAnother(): Promise<boolean>;
  /** has somebody written what a load would take away? */
  isWriting(): boolean;
  /** when this tab loaded itself for this reason, oldest first; kept over loads; throws where nothing can be kept */
  readLoads(): number[];
  keepLoads(at: number[]): void;
  load(): void;
  /** it waits for somebody to finish, or no longer */
  tell(isWaiting: boolean): void;
}

export interface NewVersion {
  /** The hub said so; any number of times. */
  told(): void;
  /** A field was left, or a form was sent. */
  wrote(): void;
  close(): void;
}

export function openNewVersion(ports: NewVersionPorts): NewVersion {
  let state: 'none' | 'due' | 'asking' | 'writing' = 'none';
  let stop: Stop = () => {};

  const turn = (next: typeof state): void => {
    if ((state === 'writing') !== (next === 'writing')) ports.tell(next === 'writing');
    state = next;
  };
  const wait = (): void => {
    turn('writing');
    stop = ports.after(LOOK_AGAIN_MS, () => void attempt());
  };
  const attempt = async (): Promise<void> => {
    stop();
    if (ports.isWriting()) return wait();
    const loads = readLoads(ports);
    if (loads === null || ports.now() < nextAfter(loads)) return turn('none');
    turn('asking');
    const helps = await Promise.all([ports.isReady(), ports.isAnother()]).catch(() => [false]);
    if (state !== 'asking') return; // closed meanwhile
    if (!helps.every(Boolean)) return turn('none');
    if (ports.isWriting()) return wait();
    ports.keepLoads([...loads, ports.now()]);
    ports.load();
  };

  return {
    told() {
      if (state !== 'none') return;
      turn('due');
      const { least, most } = JITTER_MS;
      stop = ports.after(least + (most - least) * ports.random(), () => void attempt());
    },
    wrote() {
      if (state === 'writing') void attempt();
    },
    close() {
      stop();
      turn('none');
    }
  };
}

/** null where they cannot be kept: then nothing would bound how often the page loads, and it does not load at all. */
function readLoads(ports: NewVersionPorts): number[] | null {
  try {
    return ports.readLoads().filter((at) => ports.now() - at < FORGET_MS);
  } catch {
    return null;
  }
}

/** The earliest time of the next load; loads that helped are among them, since nobody can tell them apart. */
function nextAfter(loads: readonly number[]): number {
  const last = loads.at(-1);
  return last === undefined ? -Infinity : last + Math.min(LONGEST_GAP_MS, FIRST_GAP_MS * 2 ** (loads.length - 1));
}
