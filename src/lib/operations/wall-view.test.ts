/** What stands on a wall, in the states that pictures are taken of, and in any state of the stamp. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AT, ended, H, MIN, running, S } from '../../../e2e/pictures/wall/rows.ts';
import { dataOf, STATES } from '../../../e2e/pictures/wall/states.ts';
import type { FeedStamp } from './stamp-wording.ts';
import { stripLabels, stripOf, stripWords, STRIP } from './wall-day.ts';
import { isFlood } from './wall-flood.ts';
import { noteOf } from './wall-note.ts';
import { roomOf, USUAL_VIEWING } from './wall-size.ts';
import { viewOf, type WallView } from './wall-view.ts';

const HD = roomOf({ width: 1920, height: 1080 }, USUAL_VIEWING);
const LIVE: FeedStamp = {
  state: 'live',
  ageMs: 2_000,
  staleSince: null,
  link: null,
  catchingUp: false,
  retryInMs: null
};

function view(name: string, stamp?: FeedStamp): WallView {
  const state = STATES[name]!();
  if (state.kind !== 'wall') throw new Error(`${name} is no wall.`);
  const { data, now } = state;
  return viewOf({ data, stamp: stamp ?? state.stamp, now, room: HD, isFlood: isFlood(false, data.newProblems.length) });
}
const walls = Object.keys(STATES).filter((name) => STATES[name]!().kind === 'wall');

describe('the picture', () => {
  it('of a sound feed with nothing open: the calm line with its basis, and what runs', () => {
    const { verdict, first, second, field } = view('quiet');
    expect(verdict).toEqual({
      kind: 'sentence',
      text: 'No open follow-up',
      basis: '5 active, 903 finished in 24 h',
      isCalm: true
    });
    expect([first.part, second.part, field?.head]).toEqual(['active', 'nothing', '12 of 12 reporting']);
    expect(first.part === 'active' && first.active.cells.map(({ figure }) => figure)).toEqual([
      '3,180 of 12,400',
      '412 of 1,204',
      '88 of 96',
      'running 2 m',
      'queued 20 s'
    ]);
  });

  it('of follow-ups: how many of which kind and since when, and the list in attention order', () => {
    const { verdict, first, second } = view('abnormal');
    expect(verdict).toMatchObject({
      kind: 'counts',
      counts: [
        { kind: 'blocked', count: '1', age: '3 h' },
        { kind: 'failed', count: '2', age: '42 m' },
        { kind: 'stale', count: '1', age: '26 m' }
      ]
    });
    expect(first).toMatchObject({ part: 'follow-ups', list: { head: '4' } });
    expect(first.part === 'follow-ups' && first.list.lines).toMatchObject([
      { environment: 'Eastfold', kind: 'blocked', age: '3 h', isNew: false, reason: 'Consent missing' },
      { environment: 'Kestrel', kind: 'failed', age: '7 m', isNew: true },
      { environment: 'Halden', kind: 'failed', age: '42 m', isNew: true },
      { environment: 'Dunmore', kind: 'stale', age: '26 m', reason: 'Silent, limit 10 m' }
    ]);
    expect(second).toMatchObject({ part: 'active', active: { head: '2 of 5' } });
  });

  it('of a flood: summed up by cause, what was open before stays', () => {
    const { flood, first, second } = view('flood');
    expect(flood).toMatchObject({ count: 24, kind: 'failed' });
    expect(first).toMatchObject({ part: 'causes', head: '3 causes' });
    expect(second.part === 'follow-ups' && second.list.lines.map(({ environment }) => environment)).toEqual([
      'Eastfold',
      'Halden'
    ]);
  });

  it('of a lost feed: ages as of the last proof; without data no value at all', () => {
    const stale = view('stale');
    expect(stale.first.part === 'follow-ups' && stale.first.list).toMatchObject({
      head: 'as of 09:13:28',
      lines: [{ age: '2 h' }, {}, {}, {}]
    });
    const blank = view('nodata');
    expect(blank.first.part === 'told' && blank.first.told.map(({ text }) => text)).toEqual([
      'No proof for 5 m',
      'Operations run without it',
      'Look at /readyz',
      'Next try in 12 s'
    ]);
    expect(blank.field?.tiles.every(({ words }) => words === '—')).toBe(true);
    expect(blank.second.part).toBe('nothing');
  });

  it('of nothing: what never came is not calm, and what to do is said', () => {
    const { verdict, first } = view('empty');
    expect(verdict).toMatchObject({ text: 'Nothing reported', isCalm: false });
    expect(first).toMatchObject({ part: 'told', told: [{ text: 'Waiting for a first report' }, {}, {}] });
    expect(view('none').field).toMatchObject({ layout: 'none' });
  });

  it('of a silent source: live, since when nothing came, and what is usual', () => {
    const { face, verdict, first } = view('silent');
    expect(face).toMatchObject({ state: 'silent', age: '41 m' });
    expect(verdict).toMatchObject({ text: 'Silent for 41 m', isCalm: false });
    expect(first.part === 'told' && first.told[2]).toEqual({ term: 'Usual', text: 'Usually within 3 m' });
  });

  it('of withdrawn access: no name, no number, no list', () => {
    const { field, first, second, hasDay, verdict, flood } = view('withheld');
    expect([field, first.part, second.part, hasDay, flood]).toEqual([null, 'nothing', 'nothing', false, null]);
    expect(verdict).toMatchObject({ text: 'Access changed', isCalm: false });
  });

  it('of numbers that are not known: said as such', () => {
    const { verdict, field } = view('unknown');
    expect(verdict).toMatchObject({ text: 'Not known yet', isCalm: false });
    expect(field?.tiles.every(({ mark }) => mark === 'unknown')).toBe(true);
  });

  it('of a display that is looked for: its name, until then', () => {
    expect(view('identify').identify).toBe('Room 2, east wall');
    expect(view('abnormal').identify).toBeNull();
  });

  it('puts one cause in one environment into one line, with the age of the oldest', () => {
    const bad = [5, 9, 2].map((age) => ended(3, 'failed', age * MIN, 'inventory.sync', 'Token expired'));
    const seen = viewOf({ data: dataOf({ bad }), stamp: LIVE, now: AT, room: HD, isFlood: false });
    expect(seen.first.part === 'follow-ups' && seen.first.list.lines).toMatchObject([{ count: 3, age: '9 m' }]);
  });

  it('never shows as running what went silent or has completed', () => {
    const silent = { ...running(1, H, 'policy.sync', 4, 8), staleAt: AT - MIN };
    const done = { ...running(2, H, 'policy.sync', 4, 8), status: 'completed' as const, outcome: 'succeeded' as const };
    const seen = viewOf({ data: dataOf({ active: [silent, done] }), stamp: LIVE, now: AT, room: HD, isFlood: false });
    expect(seen.second.part === 'active' && seen.second.active.cells).toEqual([]);
  });
});

const CALM = /[Nn]o open follow-up(?! was known)|with nothing open|[Nn]othing is open|[Hh]ealthy/;
const stamps = fc.record({
  state: fc.constantFrom('connecting', 'reconnecting', 'stale', 'no_data'),
  ageMs: fc.option(fc.integer({ min: 0, max: 1e8 })),
  staleSince: fc.option(fc.integer({ min: AT - 1e8, max: AT })),
  link: fc.constantFrom('browser', 'database', 'listener', 'lag', null),
  catchingUp: fc.boolean(),
  retryInMs: fc.option(fc.nat(60_000))
});

describe('honesty', () => {
  it('says nothing calm in any state but Live, whatever is known', () => {
    fc.assert(
      fc.property(fc.constantFrom(...walls), stamps, (name, stamp) => {
        const seen = view(name, stamp as FeedStamp);
        expect(JSON.stringify(seen)).not.toMatch(CALM);
        expect(JSON.stringify(seen)).not.toContain('"isCalm":true');
      })
    );
  });

  it('says no value of the present without data', () => {
    fc.assert(
      fc.property(fc.constantFrom(...walls), stamps, (name, stamp) => {
        const { field, first, second, flood } = view(name, { ...stamp, state: 'no_data' } as FeedStamp);
        expect(flood).toBeNull();
        expect([first.part, second.part].filter((part) => part !== 'told' && part !== 'nothing')).toEqual([]);
        for (const { words, mark } of field?.tiles ?? []) expect([words, mark]).toEqual(['—', null]);
      })
    );
  });

  it('writes no undefined, null or NaN in any state', () => {
    for (const name of walls) expect(JSON.stringify(view(name))).not.toMatch(/undefined|NaN|\bnull (s|m|h|d)\b/);
  });
});

describe('the day', () => {
  it('draws an hour with anything in it, within its box, open ones longer', () => {
    const bars = stripOf([
      { completed: 1, bad: 0, open: 0 },
      { completed: 5_000, bad: 3, open: 0 },
      { completed: 9, bad: 9, open: 1 },
      { completed: 0, bad: 0, open: 0 }
    ]);
    expect(bars.map(({ kind }) => kind)).toEqual(['done', 'done', 'past', 'done', 'open']);
    for (const { x, y, width, height } of bars) {
      expect(height).toBeGreaterThanOrEqual(3);
      expect(x >= 0 && x + width <= STRIP.width && y >= 0 && y + height <= STRIP.height).toBe(true);
    }
    expect(bars[4]!.height).toBeGreaterThan(bars[2]!.height);
  });

  it('is said in words, and ends at a time where "now" would be a lie', () => {
    expect(stripWords([{ completed: 1_204, bad: 14, open: 3 }])).toBe(
      'Last 24 hours: 1,204 finished, 14 of them failed or blocked, 3 of these still open'
    );
    expect(stripWords([{ completed: 0, bad: 0, open: 0 }])).toBe('Last 24 hours: nothing finished');
    const { face } = view('stale');
    expect(stripLabels(AT, face, 'Europe/Berlin').at(-1)).toBe('09:14');
    expect(stripLabels(AT, view('quiet').face, 'Europe/Berlin').at(-1)).toBe('now');
  });
});

describe('the hand-over note', () => {
  const note = { text: 'Kestrel moves', by: 'Okafor', setAt: AT - H, endsAt: AT + 46 * MIN };
  it('stands with its end, and is gone with it', () => {
    expect(noteOf([note], AT, 'Europe/Berlin')).toEqual({
      text: 'Kestrel moves',
      by: 'Okafor',
      until: 'until 10:00',
      place: null
    });
    expect(noteOf([note], note.endsAt, 'Europe/Berlin')).toBeNull();
  });

  it('takes turns with others', () => {
    const two = [note, { ...note, text: 'Brandt has the night' }];
    const texts = [0, 20, 40].map((s) => noteOf(two, AT + s * S, 'Europe/Berlin')?.text);
    expect(new Set(texts.slice(0, 2)).size).toBe(2);
    expect(texts[2]).toBe(texts[0]);
  });
});
