/**
 * The last hour of a node's figures, in memory: one sample every ten seconds, counters as what they grew by, ages as the
 * highest in between. It measures nothing itself and writes nothing down; with the process it is gone.
 * Invariants: bounded (MOST_SAMPLES); a step that was held up is one sample, not many; nothing here names anybody.
 */
import {
  MOST_SAMPLES,
  noSamples,
  STEP_MS,
  type DeliverySamples,
  type DeliveryTotals
} from '../../operations/delivery.ts';
import type { LiveFigures } from '../live/figures.ts';

/** Ages are looked at so often: they rise by one second a second, so a peak is missed by at most this. */
const LOOK_EVERY_MS = 1_000;

export interface Samples {
  /** Looks now; called by the timer, and by tests. */
  look(now: number): void;
  readonly samples: DeliverySamples;
  readonly totals: DeliveryTotals | null;
  readonly lostNow: LiveFigures['lostLink'];
  close(): void;
}

export interface SamplesOptions {
  /** null while there is no hub yet */
  figures: () => LiveFigures | null;
  /** false: nobody looks but who calls `look` */
  isTimed?: boolean;
}

export function openSamples({ figures, isTimed = true }: SamplesOptions): Samples {
  const samples = noSamples();
  let last: LiveFigures | null = null;
  let before: LiveFigures | null = null;
  let stepFrom = 0;
  let lagMs = 0;
  let wasLost = false;

  const look = (now: number): void => {
    const found = figures();
    if (found === null) return;
    last = found;
    if (before === null) {
      before = found;
      stepFrom = now;
    }
    lagMs = Math.max(lagMs, found.proofAgeMs);
    wasLost ||= found.lostLink !== null;
    if (now - stepFrom < STEP_MS) return;
    const was = before;
    push('at', now);
    push('lagMs', Math.round(lagMs));
    push('canaryMs', found.canary.returned > was.canary.returned ? round(found.canary.lastMs) : null);
    push('canaryLost', found.canary.lost - was.canary.lost);
    push('backstop', found.leaked - was.leaked);
    push('rePolls', found.rePolls - was.rePolls);
    push('resyncs', total(found.resyncs) - total(was.resyncs));
    push('laggards', found.laggardsNow);
    push('ringRows', found.ringRows);
    push('lost', wasLost ? 1 : 0);
    before = found;
    stepFrom = now;
    lagMs = 0;
    wasLost = false;
  };
  function push<K extends keyof DeliverySamples>(key: K, value: DeliverySamples[K][number]): void {
    const kept = samples[key] as DeliverySamples[K][number][];
    kept.push(value);
    if (kept.length > MOST_SAMPLES) kept.shift();
  }

  const timer = isTimed ? setInterval(() => look(Date.now()), LOOK_EVERY_MS) : undefined;
  timer?.unref();
  return {
    look,
    samples,
    get totals() {
      if (last === null) return null;
      const { resyncs, laggards, ringBatches, sockets } = last;
      // A node of another make of the ring may reckon its bytes.
      const ringBytes = (last as LiveFigures & { ringBytes?: number }).ringBytes ?? null;
      return { resyncs: { ...resyncs }, laggards: { ...laggards }, ringBatches, ringBytes, sockets };
    },
    get lostNow() {
      return last?.lostLink ?? null;
    },
    close: () => clearInterval(timer)
  };
}

function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, one) => sum + one, 0);
}

/** Tenths of a millisecond: more would say more than was measured. */
function round(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}
