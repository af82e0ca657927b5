/** Every state of a wall by name, as what its components take. Invented; never part of the product's build. */
import type { OperationRow } from '#lib/operations/operation.ts';
import type { FeedStamp } from '#lib/operations/stamp-wording.ts';
import type { PairingView, RevokedView, WallData, WallDisplay } from '#lib/operations/wall-data.ts';
import {
  AT,
  byAttention,
  DAY,
  ended,
  environmentsOf,
  H,
  HOURS,
  MIN,
  queued,
  running,
  S,
  stale,
  summaryOf,
  TYPE_LABELS
} from './rows.ts';

export type WallState =
  | { kind: 'wall'; data: WallData; stamp: FeedStamp; now: number }
  | { kind: 'pairing'; pairing: PairingView; now: number }
  | { kind: 'revoked'; revoked: RevokedView; now: number };

const DISPLAY: WallDisplay = {
  id: 1,
  name: 'Room 2, east wall',
  layout: 'whole',
  theme: 'dark',
  distanceM: 5,
  diagonalIn: 55,
  rotateSeconds: null,
  zone: 'Europe/Berlin',
  identifyUntil: null
};
const LIVE: FeedStamp = {
  state: 'live',
  ageMs: 2_000,
  staleSince: null,
  link: null,
  catchingUp: false,
  retryInMs: null
};
const lost = (ageMs: number, link: FeedStamp['link']): FeedStamp => ({
  ...LIVE,
  state: ageMs >= 60_000 ? 'no_data' : 'stale',
  ageMs,
  staleSince: AT - ageMs,
  link,
  retryInMs: 12_000
});

const ACTIVE: OperationRow[] = [
  running(2, 4 * MIN, 'inventory.sync', 412, 1_204),
  running(7, 9 * MIN, 'policy.sync', 3_180, 12_400),
  running(4, 2 * MIN, 'policy.snapshot', 88, 96),
  running(10, 130 * S, 'policy.export'),
  queued(2, 20 * S, 'policy.sync')
];
const FOUR: OperationRow[] = [
  ended(5, 'blocked', 3 * H, 'policy.export', 'Consent missing'),
  ended(8, 'failed', 42 * MIN, 'inventory.sync', 'Token expired'),
  ended(11, 'failed', 7 * MIN, 'backup_set.update', 'Quota exceeded'),
  stale(4, 26 * MIN, 'policy.snapshot')
];
const FIVE = [...FOUR, ended(47, 'partially_succeeded', 2 * DAY, 'policy.sync', '26 of 412 failed')];
const FLOOD: OperationRow[] = Array.from({ length: 23 }, (_, at) =>
  ended(
    [1, 2, 7, 8, 9, 10, 11, 12][at % 8]!,
    'failed',
    (at % 9) * 50 * S + 10 * S,
    'inventory.sync',
    at < 18 ? 'Connection refused' : at < 21 ? 'Token expired' : 'Quota exceeded'
  )
);
const manyBad = (count: number): OperationRow[] =>
  Array.from({ length: count }, (_, at) =>
    at % 5 === 3
      ? stale(at + 1, (at + 3) * 7 * MIN, 'policy.snapshot')
      : ended(
          at + 1,
          (['failed', 'blocked', 'partially_succeeded'] as const)[at % 3]!,
          (at + 2) * 11 * MIN,
          'inventory.sync',
          'Provider limited the requests'
        )
  );

interface Make {
  bad?: OperationRow[];
  active?: OperationRow[];
  environments?: number;
  fresh?: OperationRow[];
  isLong?: boolean;
  display?: Partial<WallDisplay>;
  change?: Partial<WallData>;
}

export function dataOf({
  bad = [],
  active = ACTIVE,
  environments = 12,
  fresh = [],
  isLong = false,
  display = {},
  change = {}
}: Make): WallData {
  const rows = [...bad, ...active];
  const followUps = byAttention(rows);
  return {
    workspace: {
      id: 3,
      name: isLong ? 'Northgate Services for municipalities, schools and hospitals' : 'Northgate Services',
      isDemo: true
    },
    display: { ...DISPLAY, ...display },
    seesAllEnvironments: true,
    environments: environmentsOf(environments, rows, { isLong }),
    itself: summaryOf('itself', []),
    total: summaryOf('workspace', rows),
    active: {
      rows: rows.filter(({ status }) => status !== 'completed'),
      total: rows.filter(({ status }) => status !== 'completed').length
    },
    followUps: { rows: followUps, total: followUps.length },
    newProblems: fresh,
    hours: HOURS,
    hoursAt: AT,
    typeLabels: TYPE_LABELS,
    handOvers: [],
    readAt: AT - 2 * S,
    withheld: false,
    changed: new Set(),
    ...change
  };
}

const NEVER = { lastReportAt: null, silentAfterMs: null };
const nothingYet = (environments: number): WallData => {
  const data = dataOf({
    active: [],
    environments,
    change: { hours: HOURS.map(() => ({ completed: 0, bad: 0, open: 0 })) }
  });
  return {
    ...data,
    environments: environmentsOf(environments, [], { change: () => NEVER }),
    itself: summaryOf('itself', [], NEVER),
    total: summaryOf('workspace', [], NEVER)
  };
};
const hundreds = (): WallData => {
  const data = dataOf({ bad: FIVE, environments: 60 });
  const counts = { ...data.total!.counts, blocked: 128, failed: 1_290, stale: 214, partial: 407 };
  return { ...data, total: { ...data.total!, counts }, followUps: { ...data.followUps, total: 2_039 } };
};
const NOTE = {
  text: 'Kestrel moves to the new tenant until 22:00; failures there are expected',
  by: 'Okafor',
  setAt: AT - H,
  endsAt: AT + 46 * MIN
};
const SILENT_SINCE = AT - 41 * MIN;
const silentData = (): WallData => {
  const data = dataOf({ active: [] });
  const silence = { lastReportAt: SILENT_SINCE, silentAfterMs: 10 * MIN };
  return {
    ...data,
    environments: environmentsOf(12, [], { change: () => silence }),
    total: summaryOf('workspace', [], silence)
  };
};

const wall = (data: WallData, stamp: FeedStamp = LIVE): WallState => ({ kind: 'wall', data, stamp, now: AT });
const pairing = (change: Partial<PairingView>): WallState => ({
  kind: 'pairing',
  now: AT,
  pairing: {
    state: 'waiting',
    code: 'KXPRVTBN',
    address: 'ops.example.net/pair',
    url: 'https://ops.example.net/pair?code=KXPRVTBN',
    expiresAt: AT + 520 * S,
    ...change
  }
});

export const STATES: Record<string, () => WallState> = {
  quiet: () => wall(dataOf({})),
  abnormal: () => wall(dataOf({ bad: FOUR, change: { handOvers: [NOTE] } })),
  changed: () => wall(dataOf({ bad: FOUR, change: { changed: new Set([FOUR[2]!.id]) } })),
  flood: () => wall(dataOf({ bad: [...FOUR, ...FLOOD], fresh: [...FLOOD, FOUR[2]!], change: { handOvers: [NOTE] } })),
  stale: () => wall(dataOf({ bad: FOUR }), lost(39 * S, 'browser')),
  'stale-calm': () => wall(dataOf({}), lost(12 * S, 'database')),
  'stale-midnight': () =>
    wall(dataOf({ bad: FOUR, change: { handOvers: [NOTE] } }), {
      ...lost(50 * S, 'lag'),
      staleSince: AT - 9 * H - 20 * MIN
    }),
  nodata: () => wall(dataOf({ bad: FOUR }), lost(324 * S, 'database')),
  'nodata-days': () => wall(dataOf({ bad: FOUR, environments: 60 }), lost(9 * DAY, 'browser')),
  connecting: () => wall(dataOf({}), { ...LIVE, state: 'connecting', ageMs: null }),
  reconnecting: () => wall(dataOf({}), { ...LIVE, state: 'reconnecting', ageMs: 7 * S }),
  'reconnecting-abnormal': () =>
    wall(dataOf({ bad: FOUR }), { ...LIVE, state: 'reconnecting', ageMs: 7 * S, catchingUp: true }),
  silent: () => wall(silentData()),
  one: () =>
    wall(
      dataOf({
        environments: 1,
        active: [running(1, 4 * MIN, 'inventory.sync', 412, 1_204), queued(1, 20 * S, 'policy.sync')]
      })
    ),
  'one-failed': () =>
    wall(
      dataOf({ environments: 1, bad: [ended(1, 'failed', 42 * MIN, 'inventory.sync', 'Token expired')], active: [] })
    ),
  two: () =>
    wall(
      dataOf({ environments: 2, bad: [ended(2, 'failed', 3 * DAY, 'inventory.sync', 'Token expired')], active: [] })
    ),
  'twenty-four': () => wall(dataOf({ environments: 24, bad: FOUR })),
  sixty: () => wall(dataOf({ environments: 60, bad: FIVE })),
  'sixty-quiet': () => wall(dataOf({ environments: 60 })),
  'sixty-worst': () => wall(dataOf({ environments: 60, bad: manyBad(31) })),
  'sixty-flood': () => wall(dataOf({ environments: 60, bad: [...FIVE, ...FLOOD], fresh: FLOOD })),
  hundreds: () => wall(hundreds()),
  empty: () => wall(nothingYet(12)),
  'empty-sixty': () => wall(nothingYet(60)),
  none: () => wall(nothingYet(0)),
  long: () =>
    wall(
      dataOf({
        environments: 12,
        bad: FOUR,
        isLong: true,
        change: {
          handOvers: [{ ...NOTE, text: `${NOTE.text}. `.repeat(4), by: 'Bartholomew Featherstonehaugh-Cholmondeley' }]
        }
      })
    ),
  'long-one': () => wall(dataOf({ environments: 1, isLong: true })),
  notes: () => wall(dataOf({ change: { handOvers: [NOTE, { ...NOTE, text: 'Brandt has the night' }] } })),
  identify: () => wall(dataOf({ bad: FOUR, display: { identifyUntil: AT + 20 * S } })),
  withheld: () => wall(dataOf({ change: { withheld: true } })),
  unknown: () =>
    wall(
      dataOf({
        change: {
          total: null,
          environments: environmentsOf(12, []).map((one) => ({ ...one, summary: null })),
          followUps: { rows: [], total: null },
          active: { rows: [], total: null }
        }
      })
    ),
  light: () => wall(dataOf({ bad: FOUR, display: { theme: 'light' } })),
  'light-stale': () => wall(dataOf({ bad: FOUR, display: { theme: 'light' } }), lost(39 * S, 'browser')),
  small: () => wall(dataOf({ bad: FOUR, display: { layout: 'small' }, change: { handOvers: [NOTE] } })),
  'small-quiet': () => wall(dataOf({ display: { layout: 'small' } })),
  'small-stale': () => wall(dataOf({ bad: FOUR, display: { distanceM: 7 } }), lost(39 * S, 'browser')),
  far: () => wall(dataOf({ bad: FOUR, display: { distanceM: 6.5 } })),
  near: () => wall(dataOf({ bad: FOUR, display: { distanceM: 2 } })),
  pairing: () => pairing({}),
  'pairing-long': () => pairing({ address: 'watchfloor.operations.northgate-services.example/pair' }),
  'pairing-starting': () => pairing({ state: 'starting', code: null, url: null, expiresAt: null }),
  'pairing-expired': () => pairing({ state: 'expired' }),
  'pairing-away': () => pairing({ state: 'away' }),
  revoked: () => ({ kind: 'revoked', now: AT, revoked: { at: AT - 12 * S, pairingInSeconds: 18 } })
};
