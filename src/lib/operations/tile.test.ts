import { describe, expect, test } from 'vitest';
import type { OperationRow } from './operation.ts';
import type { Counts, Summary } from './summary.ts';
import {
  fleetSentence,
  fleetTitle,
  holdOrder,
  parseTileOrder,
  sortTiles,
  tileFacts,
  tileStateOf,
  tileWords,
  TILE_STATES
} from './tile.ts';

const AT = Date.UTC(2026, 10, 23, 9, 14, 2);
const S = 1_000;
const MIN = 60 * S;
const H = 60 * MIN;
const live = { at: AT, isFrozen: false, timeZone: 'UTC' };
const frozen = { ...live, isFrozen: true };
const labels = { 'policy.sync': 'Policy sync', 'environment.review_pack.generate': 'Review pack' };

const row = (change: Partial<OperationRow> = {}): OperationRow => ({
  id: 1,
  revision: 1,
  workspaceId: 3,
  environmentId: 7,
  type: 'policy.sync',
  status: 'completed',
  outcome: 'failed',
  initiator: 'System',
  progress: { processed: null, total: null, phase: null },
  counts: {},
  failure: null,
  cancelledBy: null,
  reconciledAt: null,
  createdAt: AT - H,
  startedAt: AT - H,
  completedAt: AT - 50 * MIN,
  lastReportedAt: AT - 50 * MIN,
  staleAt: null,
  search: '',
  resolved: null,
  reviewed: null,
  ...change
});

const summary = (
  counts: Partial<Counts> = {},
  change: Partial<Summary> = {},
  ...rows: [row: OperationRow, count: number][]
): Summary => ({
  place: 7,
  at: AT,
  counts: { active: 0, stale: 0, blocked: 0, failed: 0, partial: 0, succeeded: 0, ...counts },
  groups: rows.map(([row, count]) => ({ row, count })),
  lastReportAt: AT - 4 * S,
  silentAfterMs: H,
  ...change
});

const words = (of: Summary | null, moment = live) => tileWords(of, moment, labels, AT - 4 * 24 * H);

describe('the state of a tile', () => {
  test('is the worst of what is so', () => {
    const everything = { blocked: 1, failed: 2, stale: 3, partial: 4, active: 5, succeeded: 6 };
    expect(tileStateOf(summary(everything), AT)).toBe('blocked');
    expect(tileStateOf(summary({ ...everything, blocked: 0 }), AT)).toBe('failed');
    expect(tileStateOf(summary({ ...everything, blocked: 0, failed: 0 }), AT)).toBe('stale');
    expect(tileStateOf(summary({ partial: 1, active: 5 }, { lastReportAt: AT - 9 * H }), AT)).toBe('partial');
    expect(tileStateOf(summary({ active: 5 }, { lastReportAt: AT - 9 * H }), AT)).toBe('silent');
    expect(tileStateOf(summary({ active: 5, succeeded: 6 }), AT)).toBe('calm');
  });

  test('becomes silent by time alone, at the limit of its own source', () => {
    const quiet = summary({}, { lastReportAt: AT - H });
    expect(tileStateOf(quiet, AT)).toBe('calm');
    expect(tileStateOf(quiet, AT + 1)).toBe('silent');
    expect(tileStateOf(summary({}, { lastReportAt: AT - 90 * H, silentAfterMs: null }), AT)).toBe('calm');
  });

  test('is not calm where nothing was ever reported, or nothing is known', () => {
    expect(tileStateOf(summary({}, { lastReportAt: null, silentAfterMs: null }), AT)).toBe('never');
    expect(tileStateOf(null, AT)).toBe('unknown');
  });
});

describe('the words of a tile', () => {
  test('a failure says its kind, how often, and the reason as it was reported', () => {
    const failed = row({ failure: { code: 'throttled', message: 'AADSTS50034: the user does not exist' } });
    expect(words(summary({ failed: 3 }, {}, [failed, 3]))).toEqual({
      state: 'failed',
      word: 'Failed',
      reason: 'Policy sync ×3: AADSTS50034: the user does not exist'
    });
  });

  test('the reason is of the worst state, not of the newest trouble', () => {
    const stale = row({
      id: 2,
      type: 'environment.review_pack.generate',
      status: 'running',
      outcome: 'pending',
      completedAt: null,
      lastReportedAt: AT - 47 * MIN,
      staleAt: AT - 37 * MIN
    });
    const partial = row({ outcome: 'partially_succeeded', counts: { total: 412, succeeded: 386, failed: 26 } });
    expect(words(summary({ stale: 1, partial: 1 }, {}, [partial, 1], [stale, 1]))).toMatchObject({
      word: 'Stale',
      reason: 'Review pack: silent for 47 min, limit 10 min'
    });
    expect(words(summary({ stale: 1 }, {}, [stale, 1]), frozen).reason).toBe(
      'Review pack: silent since 08:27:02, limit 10 min'
    );
    expect(words(summary({ partial: 1 }, {}, [partial, 1])).reason).toBe(
      'Policy sync: 386 of 412 succeeded, 26 failed'
    );
  });

  test('a number without its rows is still a number', () => {
    expect(words(summary({ failed: 1 })).reason).toBe('One operation');
    expect(words(summary({ failed: 1_200 })).reason).toBe('1,200 operations');
  });

  test('a silent source says for how long, and what is usual, rounded up', () => {
    const silent = summary({}, { lastReportAt: AT - 3 * H - 10 * MIN, silentAfterMs: 59 * MIN + 1 });
    expect(words(silent)).toMatchObject({
      word: 'Source silent',
      reason: 'Nothing for 3 h 10 m, usually within 20 min'
    });
    expect(words(silent, frozen).reason).toBe('Nothing since 06:04:02, usually within 20 min');
  });

  test('what never reported says since when it could', () => {
    const never = summary({}, { lastReportAt: null, silentAfterMs: null });
    expect(words(never)).toEqual({ state: 'never', word: 'No report yet', reason: 'Added on 19 Nov, 09:14' });
    expect(tileWords(never, live, labels, AT - 2 * S).reason).toBe('Added at 09:14:00');
  });

  test('no calm word is said without proof', () => {
    expect(words(summary()).reason).toBe('No open follow-up');
    expect(words(summary(), frozen).reason).toBe('Not known');
    expect(words(null).reason).toBe('Not known');
  });
});

describe('the facts of a tile', () => {
  test('open is what the strip counts as open follow-ups', () => {
    expect(tileFacts(summary({ active: 7, stale: 2, blocked: 1, failed: 9, partial: 4 }), live)).toEqual({
      active: 7,
      open: 14,
      last: 'last report 4 s ago'
    });
  });

  test('what was never reported is unknown, not zero; an age without proof is a time', () => {
    const unknown = { active: null, open: null };
    expect(tileFacts(summary({}, { lastReportAt: null }), live)).toEqual({ ...unknown, last: 'no report' });
    expect(tileFacts(null, live)).toEqual({ ...unknown, last: 'last report –' });
    expect(tileFacts(summary({ active: 2 }), frozen)).toEqual({ active: 2, open: null, last: 'last report 09:13:58' });
  });
});

describe('the order of tiles', () => {
  const tiles = (['calm', 'failed', 'silent', 'blocked', 'failed', 'unknown'] as const).map((state, id) => ({
    id,
    state
  }));

  test('worst first keeps the given order within a state; by name keeps it altogether', () => {
    expect(sortTiles(tiles, 'worst').map(({ id }) => id)).toEqual([3, 1, 4, 2, 5, 0]);
    expect(sortTiles(tiles, 'name')).toEqual(tiles);
    expect(TILE_STATES.at(-1)).toBe('calm');
  });

  test('while it is held every tile keeps its place, a new one comes last, and one that is gone leaves', () => {
    const wanted = sortTiles(tiles, 'worst').filter(({ id }) => id !== 2);
    expect(holdOrder(wanted, [0, 1, 2, 3, 5]).map(({ id }) => id)).toEqual([0, 1, 3, 5, 4]);
    expect(holdOrder(wanted, null)).toEqual(wanted);
  });

  test('the address may say one of two orders, or nothing', () => {
    expect([null, 'worst', 'name', 'Name', '', 'toString'].map(parseTileOrder)).toEqual([
      'worst',
      'worst',
      'name',
      undefined,
      undefined,
      undefined
    ]);
  });
});

describe('the sentence over the tiles', () => {
  const states = [
    ...Array<'failed'>(7).fill('failed'),
    'silent' as const,
    'never' as const,
    ...Array<'calm'>(3).fill('calm')
  ];

  test('says how many stand how', () => {
    expect(fleetTitle(12)).toBe('12 environments');
    expect(fleetTitle(1)).toBe('1 environment');
    expect(fleetTitle(0)).toBe('No environments');
    expect(fleetSentence(states, live)).toBe(
      '7 need attention, 1 is silent, 1 has not reported yet, 3 have nothing open.'
    );
    expect(fleetSentence(['calm', 'calm'], live)).toBe('None has anything open.');
    expect(fleetSentence(['never', 'never'], live)).toBe('None has reported yet.');
    expect(fleetSentence(['calm'], live)).toBe('It has nothing open.');
    expect(fleetSentence(['never'], live)).toBe('It has not reported yet.');
    expect(fleetSentence(['blocked'], live)).toBe('1 needs attention.');
    expect(fleetSentence([], live)).toBeNull();
  });

  test('without proof it speaks of then, and has no calm word', () => {
    expect(fleetSentence(states, frozen)).toBe(
      'As of 09:14:02: 7 needed attention, 1 was silent, 1 had not reported yet, 3 are not known now.'
    );
    expect(fleetSentence(['calm'], frozen)).toBe('As of 09:14:02: 1 is not known now.');
  });
});
