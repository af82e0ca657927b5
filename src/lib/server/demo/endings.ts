/**
 * How an operation of the demo ends: outcome, counts and sanitised failures that fit each other and its kind. Used for
 * the history and by the writer, so that both have the same proportions: about 5 % bad endings, 1 % cancelled.
 */
import { drawOne, drawWeighted, drawWhole, type Random } from './random.ts';
import { type FailureText, type Kind } from './kinds.ts';

export interface Ending {
  outcome: 'succeeded' | 'partially_succeeded' | 'blocked' | 'failed' | 'cancelled';
  counts: Record<string, number>;
  failures: (FailureText & { count?: number })[];
  cancelledBy: string | null;
}

const SHARES: Record<Ending['outcome'], number> = {
  succeeded: 94,
  partially_succeeded: 2,
  blocked: 0.6,
  failed: 2.4,
  cancelled: 1
};

/** Draws an outcome that this kind can have: nothing is blocked without a prerequisite, nothing partial without counts. */
export function drawOutcome(random: Random, kind: Kind): Ending['outcome'] {
  return drawWeighted(random, Object.keys(SHARES) as Ending['outcome'][], (outcome) => {
    if (outcome === 'blocked' && kind.blockers.length === 0) return 0;
    if (outcome === 'partially_succeeded' && kind.amount < 20) return 0;
    // Changes made by people are rare, and where something can be missing it often is.
    return outcome === 'blocked' && kind.byPeople === 1 ? 14 : SHARES[outcome];
  });
}

/**
 * The counts and failures of an operation of `total` items that ends with `outcome` after `processed` of them.
 * `cancelledBy` is used for a cancelled one only.
 */
export function composeEnding(
  random: Random,
  kind: Kind,
  outcome: Ending['outcome'],
  { total, processed, cancelledBy }: { total: number; processed: number; cancelledBy: string }
): Ending {
  const base = { outcome, cancelledBy: outcome === 'cancelled' ? cancelledBy : null };
  if (outcome === 'blocked')
    return { ...base, counts: total > 0 ? { total, processed: 0 } : {}, failures: [drawOne(random, kind.blockers)] };
  if (total === 0)
    return { ...base, counts: {}, failures: outcome === 'failed' ? [drawOne(random, kind.failures)] : [] };

  if (outcome === 'succeeded') {
    const touched = kind.effect === 'created' ? total : drawWhole(random, 0, Math.ceil(total * 0.04));
    return {
      ...base,
      counts: {
        total,
        processed: total,
        succeeded: total,
        failed: 0,
        ...(kind.effect ? { [kind.effect]: touched } : {})
      },
      failures: []
    };
  }
  if (outcome === 'cancelled')
    return { ...base, counts: { total, processed, succeeded: processed, failed: 0 }, failures: [] };
  if (outcome === 'partially_succeeded') {
    const failed = drawWhole(random, 1, Math.max(1, Math.floor(total * 0.12)));
    const skipped = random() < 0.3 ? drawWhole(random, 0, Math.min(total - failed - 1, 9)) : 0;
    const first = drawOne(random, kind.failures);
    const other = drawOne(random, kind.failures);
    const ofOther = other === first || failed < 4 ? 0 : drawWhole(random, 1, Math.floor(failed / 3));
    return {
      ...base,
      counts: { total, processed: total, succeeded: total - failed - skipped, failed, skipped },
      failures: [{ ...first, count: failed - ofOther }, ...(ofOther > 0 ? [{ ...other, count: ofOther }] : [])]
    };
  }
  const done = total === 1 ? 1 : Math.min(processed, total - 1);
  return {
    ...base,
    counts: { total, processed: done, succeeded: 0, failed: done },
    failures: [{ ...drawOne(random, kind.failures), ...(done > 1 ? { count: done } : {}) }]
  };
}
