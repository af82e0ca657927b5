/**
 * What a node knows of its own delivery, as owners read it: samples of its figures over the last hour, what a recount
 * found, and what both mean. Pure; server/metrics takes the samples and recounts. Figures are of the whole node and name
 * nobody; only the recount is of one workspace (docs/decisions/0013).
 * Invariant: what was not measured is said as such; no sentence here is calmer than the figures.
 */
import { COUNT_KEYS, type CountKey } from './summary.ts';
import { toSpan } from './duration.ts';

/** A sample stands for so long; so many are kept: an hour. */
export const STEP_MS = 10_000;
export const MOST_SAMPLES = 360;

/** What is kept of each step, each a list as long as `at`; null = not known in that step. */
export interface DeliverySamples {
  /** the end of the step, ms by this node's clock */
  at: number[];
  /** how old the last complete read of the database was at most, ms */
  lagMs: number[];
  /** round trip of the last notification to ourselves, ms */
  canaryMs: (number | null)[];
  /** such notifications that did not come back */
  canaryLost: number[];
  /** changes that only the read once a second found */
  backstop: number[];
  /** reads because a transaction was open that may have written */
  rePolls: number[];
  /** windows that pages were told to read anew */
  resyncs: number[];
  /** slow clients at the end of the step */
  laggards: number[];
  /** changes kept in memory for who comes back */
  ringRows: number[];
  /** could the node not vouch for its data at any moment of the step? 1 or 0 */
  lost: number[];
}

/** Since this node started. */
export interface DeliveryTotals {
  resyncs: Record<string, number>;
  laggards: { left: number; recovered: number; cut: number };
  ringBatches: number;
  /** null where the node does not reckon them */
  ringBytes: number | null;
  sockets: number;
}

/** What a recount of the workspace found. */
export interface Recount {
  /** ms by the database's clock */
  at: number;
  tookMs: number;
  /** told − recounted, by number; null = it took longer than it may */
  drift: Record<CountKey, number> | null;
}

export interface SelfProof {
  node: string;
  /** when it began to measure, ms by its clock */
  since: number;
  /** when it answered */
  at: number;
  lostNow: 'database' | 'listener' | 'lag' | null;
  samples: DeliverySamples;
  totals: DeliveryTotals | null;
  /** null = none yet; it takes turns */
  recount: Recount | null;
}

export interface DeliveryVerdict {
  look: 'good' | 'notice' | 'trouble' | 'waiting';
  sentence: string;
  meaning: string;
  next: string | null;
}

/** A proof may be this old at most, or pages stop to say Live. */
export const LAG_LIMIT_MS = 5_000;
/** A listener that is slower than this is given up. */
export const CANARY_LIMIT_MS = 2_000;

export function deliveryVerdict(proof: SelfProof | null): DeliveryVerdict {
  if (proof === null)
    return {
      look: 'waiting',
      sentence: 'This node measures nothing of itself.',
      meaning: 'Pages are served by a process without a hub, as while developing. Nothing is known here of delivery.',
      next: null
    };
  const { samples, recount, lostNow } = proof;
  const wrong = recount?.drift ? COUNT_KEYS.filter((key) => recount.drift![key] !== 0) : [];
  if (wrong.length > 0)
    return {
      look: 'trouble',
      sentence: `The recount does not agree: ${wrong.join(', ')}.`,
      meaning: 'Numbers of this workspace differ from what its operations add up to. That is a defect of Watchfloor.',
      next: 'Report it with the table below. Lists are right all the same: they are read from the operations themselves.'
    };
  if (lostNow !== null)
    return {
      look: 'trouble',
      sentence: 'This node cannot vouch for its data now.',
      meaning: `${LOST[lostNow]} Pages that it serves say so, and nothing is lost: what was missed is caught up with.`,
      next: NEXT[lostNow]
    };
  const measured = toSpan(samples.at.length * STEP_MS);
  if (samples.at.length === 0)
    return {
      look: 'waiting',
      sentence: 'Nothing has been measured yet.',
      meaning: 'The node started a few seconds ago. It keeps a figure every 10 seconds, and the last hour of them.',
      next: null
    };
  const [lost, canaryLost, backstop, laggards] = [samples.lost, samples.canaryLost, samples.backstop, samples.laggards];
  const lostSteps = sum(lost);
  if (lostSteps > 0)
    return notice(
      `It could not vouch for its data for ${toSpan(lostSteps * STEP_MS)} at most.`,
      `In the last ${measured}. Pages said so meanwhile, and caught up afterwards.`,
      'The log of this node has the reasons, with their times.'
    );
  if (sum(canaryLost) > 0)
    return notice(
      `${count(sum(canaryLost), 'notification')} did not come back.`,
      `In the last ${measured}. Changes were found by the read once a second instead.`,
      'If it grows, DATABASE_URL leads through a pooling proxy, or the network loses connections.'
    );
  if (sum(backstop) > 0)
    return notice(
      `${count(sum(backstop), 'change')} came up to a second late.`,
      `In the last ${measured}. Nothing woke the node for them; the read once a second found them.`,
      'If it grows, look for writers with watchfloor.wake off, or for triggers that were switched off.'
    );
  if (sum(laggards) > 0)
    return notice(
      'Some clients read more slowly than changes come.',
      `In the last ${measured}. They catch up by themselves, and hold nobody else up.`,
      null
    );
  return {
    look: 'good',
    sentence: `All that this node checks has held for ${measured}.`,
    meaning:
      recount?.drift != null
        ? 'It heard from the database each time, nothing was late, and the recount agrees.'
        : 'It heard from the database each time, and nothing was late. The numbers have not been recounted yet.',
    next: null
  };
}

const LOST = {
  database: 'It cannot read the database.',
  listener: 'Notifications to itself do not come back.',
  lag: 'It reads more slowly than changes come.'
} as const;
const NEXT = {
  database: 'See the log of this node, and whether Postgres answers.',
  listener: 'DATABASE_URL must reach Postgres directly, not through a transaction-pooling proxy.',
  lag: 'The database answers slowly: look for what else it does.'
} as const;

function notice(sentence: string, meaning: string, next: string | null): DeliveryVerdict {
  return { look: 'notice', sentence, meaning, next };
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function count(n: number, what: string): string {
  return `${n.toLocaleString('en-GB')} ${what}${n === 1 ? '' : 's'}`;
}

/** The samples of the last hour as one empty set. */
export function noSamples(): DeliverySamples {
  return {
    at: [],
    lagMs: [],
    canaryMs: [],
    canaryLost: [],
    backstop: [],
    rePolls: [],
    resyncs: [],
    laggards: [],
    ringRows: [],
    lost: []
  };
}
