/**
 * Each figure of the delivery page: what it is now, what it means, its course over the last hour as numbers for a plot,
 * and the same as a table of a few lines for who does not see plots. Pure. Invariant: plot, table and words come from the
 * same numbers.
 */
import {
  CANARY_LIMIT_MS,
  LAG_LIMIT_MS,
  STEP_MS,
  sum,
  type DeliverySamples,
  type Recount,
  type SelfProof
} from './delivery.ts';
import { toMs } from './connection-wording.ts';
import { toSpan } from './duration.ts';
import { COUNT_KEYS } from './summary.ts';
import { toClock, toZoneName } from './time.ts';

export interface DeliveryFigure {
  id: string;
  title: string;
  /** the figure of now, as words and unit; null = not measured */
  value: string | null;
  unit: string;
  note: string;
  /** course: instants (ms) and values, null where nothing was measured */
  at: readonly number[];
  values: readonly (number | null)[];
  /** how a value is written */
  kind: 'ms' | 'count';
  /** lines: a value that lasts; bars: what happened within each step */
  shape: 'line' | 'bars';
  /** a value that must not be passed, and what it is; drawn only where the course comes near it */
  limit: { value: number; name: string } | null;
  /** why there is no course yet */
  missing: string;
}

export interface BrowserHalf {
  proofs: readonly { at: number; ms: number }[];
  trips: readonly { ms: number }[];
}

const NO_SAMPLE = 'The first sample comes ten seconds after the node has started.';

/** What only this browser knows: how old a proof is when it arrives here, from the database's commit to this screen. */
export function browserFigure({ proofs, trips }: BrowserHalf, hasScripts: boolean): DeliveryFigure {
  const last = proofs.at(-1);
  const trip = trips.at(-1);
  return {
    id: 'browser',
    title: 'Database → this browser',
    value: last ? toMs(last.ms) : null,
    unit: 'old when the last proof arrived',
    note: `A proof says that everything committed before it is here. One comes every 2 s; the database is read at least each second.${trip ? ` This browser is ${toMs(trip.ms)} from the node and back.` : ''}`,
    at: proofs.map(({ at }) => at),
    values: proofs.map(({ ms }) => ms),
    kind: 'ms',
    shape: 'line',
    limit: { value: LAG_LIMIT_MS, name: 'no longer live' },
    missing: hasScripts
      ? 'Measured from now on, while this page is open and live.'
      : 'Needs JavaScript: it is measured in the browser.'
  };
}

export function nodeFigures(proof: SelfProof | null): DeliveryFigure[] {
  const samples = proof?.samples;
  const totals = proof?.totals ?? null;
  const of = (
    key: Exclude<keyof DeliverySamples, 'at'>,
    figure: Omit<DeliveryFigure, 'at' | 'values' | 'missing' | 'id' | 'value'> & { value?: string | null }
  ): DeliveryFigure => {
    const values = samples?.[key] ?? [];
    const isKnown = values.length > 0;
    const now = values.at(-1) ?? null;
    const value = figure.shape === 'bars' ? toCount(sum(values.map((one) => one ?? 0))) : toValue(now, figure.kind);
    return {
      ...figure,
      id: key,
      value: !isKnown ? null : figure.value === undefined ? value : figure.value,
      at: samples?.at ?? [],
      values,
      missing: NO_SAMPLE
    };
  };
  const hour = samples ? `in the last ${toSpan(Math.max(1, samples.at.length) * STEP_MS)}` : '';
  return [
    of('canaryMs', {
      title: 'Canary: database → node',
      unit: 'there and back',
      note: 'A notification that the node sends to itself through Postgres every 4 s: it proves that listening works.',
      kind: 'ms',
      shape: 'line',
      limit: { value: CANARY_LIMIT_MS, name: 'counts as lost' },
      value: toValue(samples?.canaryMs.findLast((one) => one !== null) ?? null, 'ms')
    }),
    of('lagMs', {
      title: 'Feed lag',
      unit: 'at most, in the last 10 s',
      note: 'How old the last complete read of the database was. It is read at least once a second.',
      kind: 'ms',
      shape: 'line',
      limit: { value: LAG_LIMIT_MS, name: 'no longer live' }
    }),
    of('backstop', {
      title: 'Found late',
      unit: hour,
      note: 'Changes that nothing woke the node for, found by the read once a second. It should stay at zero.',
      kind: 'count',
      shape: 'bars',
      limit: null
    }),
    of('rePolls', {
      title: 'Re-polls in flight',
      unit: hour,
      note: 'Reads because a transaction was open that may have written. Many mean that writers keep transactions open.',
      kind: 'count',
      shape: 'bars',
      limit: null
    }),
    of('resyncs', {
      title: 'Resyncs',
      unit: hour,
      note: totals
        ? `Pages that had to be read anew. ${resyncWords(totals.resyncs)}`
        : 'Pages that had to be read anew instead of catching up.',
      kind: 'count',
      shape: 'bars',
      limit: null
    }),
    of('laggards', {
      title: 'Slow clients',
      unit: 'now',
      note: totals
        ? `They read more slowly than changes come. Since the node started ${toCount(totals.laggards.left)} fell behind, ${toCount(totals.laggards.recovered)} came back, ${toCount(totals.laggards.cut)} were cut off; ${toCount(totals.sockets)} sockets are open.`
        : 'Clients that read more slowly than changes come.',
      kind: 'count',
      shape: 'line',
      limit: null
    }),
    of('ringRows', {
      title: 'Ring in memory',
      unit: 'changes kept',
      note: `For clients that come back after a moment, at most 20,000. ${
        totals?.ringBytes != null
          ? `${toBytes(totals.ringBytes)} in ${toCount(totals.ringBatches)} batches.`
          : totals
            ? `About ${toBytes((samples?.ringRows.at(-1) ?? 0) * 1_024)}, reckoned at a kilobyte each, in ${toCount(totals.ringBatches)} batches.`
            : ''
      }`,
      kind: 'count',
      shape: 'line',
      limit: null
    })
  ];
}

const REASONS: Readonly<Record<string, string>> = {
  epoch: 'another stream',
  floor: 'away too long',
  behind: 'too many changes',
  token: 'no valid place',
  access: 'access changed'
};

function resyncWords(resyncs: Readonly<Record<string, number>>): string {
  const parts = Object.entries(resyncs)
    .filter(([, n]) => n > 0)
    .map(([reason, n]) => `${REASONS[reason] ?? reason} ${toCount(n)}`);
  return parts.length === 0 ? 'None since the node started.' : `Since the node started: ${parts.join(', ')}.`;
}

export function toValue(value: number | null, kind: DeliveryFigure['kind']): string | null {
  if (value === null) return null;
  return kind === 'ms' ? toMs(Math.max(value, 0.1)) : toCount(value);
}

function toCount(n: number): string {
  return Math.round(n).toLocaleString('en-GB');
}

function toBytes(bytes: number): string {
  if (bytes < 1_024 * 1_024) return `${toCount(bytes / 1_024)} KB`;
  return `${(bytes / 1_024 / 1_024).toFixed(1)} MB`;
}

export interface CourseLine {
  from: number;
  to: number;
  least: number | null;
  most: number | null;
  sum: number;
}

/** The course as at most `lines` spans of time, the newest first; empty without one. */
export function courseLines({ at, values }: Pick<DeliveryFigure, 'at' | 'values'>, lines = 6): CourseLine[] {
  if (at.length === 0) return [];
  const size = Math.max(1, Math.ceil(at.length / lines));
  const found: CourseLine[] = [];
  for (let end = at.length; end > 0; end -= size) {
    const start = Math.max(0, end - size);
    const known = values.slice(start, end).filter((value) => value !== null);
    found.push({
      from: at[start]!,
      to: at[end - 1]!,
      least: known.length > 0 ? Math.min(...known) : null,
      most: known.length > 0 ? Math.max(...known) : null,
      sum: sum(known)
    });
  }
  return found;
}

/** The plot in one sentence, for who does not see it. */
export function courseWords({ title, at, values, kind, shape, missing }: DeliveryFigure, timeZone: string): string {
  const known = values.filter((value) => value !== null);
  if (at.length === 0 || known.length === 0) return `${title}: no course yet. ${missing}`;
  const since = toClock(at[0]!, timeZone);
  const last = toValue(values.findLast((value) => value !== null) ?? null, kind)!;
  if (shape === 'bars') {
    const most = toCount(Math.max(...known));
    return `${title} since ${since}: ${toCount(sum(known))} in all, at most ${most} in ten seconds`;
  }
  return `${title} since ${since}: between ${toValue(Math.min(...known), kind)} and ${toValue(Math.max(...known), kind)}, last ${last}`;
}

export interface RecountWords {
  value: string;
  unit: string;
  note: string;
  isWrong: boolean;
}

export function recountWords(proof: SelfProof | null, seesAll: boolean, timeZone: string): RecountWords {
  const unknown = { value: '–', unit: '', isWrong: false };
  if (!seesAll)
    return { ...unknown, note: 'It is of the whole workspace, and shown to owners who see all of its environments.' };
  const recount = proof?.recount ?? null;
  if (recount === null)
    return {
      ...unknown,
      unit: 'not counted yet',
      note: 'The node counts the operations of one workspace after another, in the background, and compares.'
    };
  const when = `${toClock(recount.at, timeZone)} ${toZoneName(recount.at, timeZone)}`;
  if (recount.drift === null)
    return {
      ...unknown,
      unit: `too large, tried at ${when}`,
      note: 'To count every operation would take the database longer than this check may, so it was broken off.'
    };
  const drift = sum(COUNT_KEYS.map((key) => Math.abs(recount.drift![key])));
  return {
    value: toCount(drift),
    unit: `off, at ${when}`,
    note: `The numbers that pages are told, held to a count of every operation of this workspace; it took ${toMs(recount.tookMs)}. It must be zero.`,
    isWrong: drift > 0
  };
}

const NAMES = {
  active: 'Active',
  stale: 'Stale',
  blocked: 'Blocked, open',
  failed: 'Failed, open',
  partial: 'Partial, open',
  succeeded: 'Succeeded, 24 h'
} as const;

export function recountLines({ drift }: Recount): { name: string; drift: string; isWrong: boolean }[] {
  if (drift === null) return [];
  return COUNT_KEYS.map((key) => {
    const n = drift[key];
    const text = n === 0 ? '0' : n > 0 ? `+${toCount(n)}` : `−${toCount(-n)}`;
    return { name: NAMES[key], drift: text, isWrong: n !== 0 };
  });
}
