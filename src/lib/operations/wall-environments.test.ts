import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AT, environmentsOf, summaryOf } from '../../../e2e/pictures/wall/rows.ts';
import { type Counts } from './summary.ts';
import { TILE_STATES } from './tile.ts';
import type { WallEnvironment } from './wall-data.ts';
import { fieldOf, type FieldParts } from './wall-environments.ts';
import type { WallFace } from './wall-face.ts';

const FACE: WallFace = {
  state: 'live',
  word: 'Live',
  age: '2 s',
  since: '09:14:05',
  cause: null,
  mayBeCalm: true,
  isWithdrawn: false,
  isBlank: false,
  at: AT
};
const NONE: Counts = { active: 0, stale: 0, blocked: 0, failed: 0, partial: 0, succeeded: 3 };
const environment = (
  id: number,
  name: string,
  change: Partial<Counts> | 'never' | 'silent' | null = {}
): WallEnvironment => ({
  ...environmentsOf(1, [])[0]!,
  id,
  name,
  summary:
    change === null
      ? null
      : change === 'never'
        ? summaryOf(id, [], { counts: NONE, lastReportAt: null, silentAfterMs: null })
        : change === 'silent'
          ? summaryOf(id, [], { counts: NONE, lastReportAt: AT - 3_600_000, silentAfterMs: 600_000 })
          : summaryOf(id, [], { counts: { ...NONE, ...change } })
});
const field = (environments: readonly WallEnvironment[], change: Partial<FieldParts> = {}) =>
  fieldOf({
    environments,
    itself: null,
    face: FACE,
    now: AT,
    columns: 3,
    tileRows: 4,
    rotateSeconds: null,
    changed: new Set(),
    fresh: new Set(),
    ...change
  });
const kinds = fc.constantFrom<Parameters<typeof environment>[2][]>(
  {},
  {},
  {},
  { active: 2 },
  { blocked: 1 },
  { failed: 3 },
  { stale: 1, active: 1 },
  { partial: 1 },
  'never',
  'silent',
  null
);
const worlds = fc
  .array(fc.tuple(kinds, fc.string({ maxLength: 6 })), { maxLength: 70 })
  .map((all) => all.map(([kind, name], at) => environment(at + 1, name, kind)));

describe('the environments on the wall', () => {
  it('stand worst first, and by name within a state', () => {
    const { tiles } = field([
      environment(1, 'Calder'),
      environment(2, 'Dunmore', { stale: 1 }),
      environment(3, 'Halden', { failed: 1 }),
      environment(4, 'Aldergate'),
      environment(5, 'Garrick', { failed: 2 }),
      environment(6, 'Eastfold', { blocked: 1 }),
      environment(7, 'Unit 10', 'never'),
      environment(8, 'Unit 9', 'never')
    ]);
    expect(tiles.map(({ name }) => name)).toEqual([
      'Eastfold',
      'Garrick',
      'Halden',
      'Dunmore',
      'Unit 9',
      'Unit 10',
      'Aldergate',
      'Calder'
    ]);
    expect(tiles.map(({ words }) => words)).toEqual([
      'Blocked',
      '2 failed',
      'Failed',
      'Stale',
      'no report yet',
      'no report yet',
      '9 m ago',
      '11 m ago'
    ]);
  });

  it('say at once what is not known, and never in grey', () => {
    const [unknown, silent] = field([environment(1, 'A', null), environment(2, 'B', 'silent')]).tiles.toReversed();
    expect(unknown).toMatchObject({ mark: 'unknown', words: 'Unknown' });
    expect(silent).toMatchObject({ mark: 'silent', words: 'Silent', age: '1 h' });
  });

  it.each([
    [0, 'none'],
    [1, 'one'],
    [12, 'tiles'],
    [13, 'many'],
    [60, 'many']
  ])('of which there are %d are laid out as %s', (count, layout) => {
    expect(field(environmentsOf(count, [])).layout).toBe(layout);
  });

  it('are wide where they are few, so that names stay whole', () => {
    expect([2, 4, 5, 8, 9, 12].map((count) => field(environmentsOf(count, [])).columns)).toEqual([1, 1, 2, 2, 3, 3]);
  });

  it('of the workspace itself only where something needs a person', () => {
    const itself = (counts: Partial<Counts>) => summaryOf('itself', [], { counts: { ...NONE, ...counts } });
    const two = environmentsOf(2, []);
    expect(field(two, { itself: itself({}) }).tiles).toHaveLength(2);
    expect(field(two, { itself: itself({ failed: 1 }) }).tiles[0]).toMatchObject({
      name: 'Workspace itself',
      mark: 'failed'
    });
  });

  it('are filled while a problem is new, and marked when something changed', () => {
    const { tiles } = field([environment(1, 'A', { failed: 1 }), environment(2, 'B', { failed: 1 })], {
      fresh: new Set(['1 failed', '2 blocked']),
      changed: new Set([2])
    });
    expect(tiles).toMatchObject([
      { isNew: true, isChanged: false },
      { isNew: false, isChanged: true }
    ]);
  });

  it('lose every value without data, and the order that values gave', () => {
    const { tiles, head } = field([environment(1, 'B', { failed: 1 }), environment(2, 'A', { active: 2 })], {
      face: { ...FACE, state: 'no_data', mayBeCalm: false, isWithdrawn: true, isBlank: true }
    });
    expect(tiles.map(({ name, words, mark }) => [name, words, mark])).toEqual([
      ['A', '—', null],
      ['B', '—', null]
    ]);
    expect(head).toBe('—');
  });
});

describe('many environments', () => {
  it('show the abnormal ones by name, and the others in one line', () => {
    const { tiles, quiet, more } = field([
      ...environmentsOf(57, []),
      environment(61, 'Halden', { failed: 1 }),
      environment(62, 'Eastfold', { blocked: 1 }),
      environment(63, 'Yarm', 'never')
    ]);
    expect(tiles.map(({ name }) => name)).toEqual(['Eastfold', 'Halden']);
    expect(more).toBeNull();
    expect(quiet).toMatchObject({ count: 58, words: 'with nothing open', note: '1 with no report yet' });
  });

  it('say what has no room, and take turns where that is wished', () => {
    const bad = Array.from({ length: 20 }, (_, at) =>
      environment(at + 1, `E ${at + 10}`, at < 11 ? { failed: 1 } : { stale: 1 })
    );
    const first = field(bad);
    expect(first.tiles).toHaveLength(8);
    expect(first.more).toEqual({ count: 12, words: '3 failed, 9 stale' });
    const seen = new Set(
      [0, 20, 40].flatMap((seconds) =>
        field(bad, { now: AT + seconds * 1_000, rotateSeconds: 20 }).tiles.map(({ name }) => name)
      )
    );
    expect(seen.size).toBe(20);
  });

  it('say of the quiet ones as of when, and nothing calm, when that is not proven', () => {
    const { quiet } = field(environmentsOf(60, []), {
      face: { ...FACE, state: 'stale', mayBeCalm: false, isWithdrawn: true }
    });
    expect(quiet).toMatchObject({ words: 'had nothing open', note: 'as of 09:14:05' });
  });

  it('count every one of them exactly once, and never hide an abnormal one without counting it', () => {
    fc.assert(
      fc.property(
        worlds,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        (environments, columns, tileRows) => {
          const { tiles, more, quiet } = field(environments, { columns, tileRows });
          expect(tiles.length + (more?.count ?? 0) + (quiet?.count ?? 0)).toBe(environments.length);
          const abnormal = field(environments, { columns: 9, tileRows: 9 }).tiles.filter(
            ({ mark }) => mark !== null
          ).length;
          expect(tiles.filter(({ mark }) => mark !== null).length + (more?.count ?? 0)).toBe(abnormal);
          const ranks = tiles.map(({ state }) => TILE_STATES.indexOf(state));
          expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
          // What fits in the rows, the last of which may say what is left.
          if (tiles.length > 1)
            expect(tiles.length + (more ? 1 : 0)).toBeLessThanOrEqual(Math.max(columns * tileRows, 1));
        }
      )
    );
  });
});
