/** The demo writer's steps, without a database: whatever the dice say, what it reports is legal and bounded. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEMO_WORKSPACES } from './cast.ts';
import { openRandom } from './random.ts';
import { progressOf } from '../../operations/progress.ts';
import { kindOf, QUIET_LIMIT_SECONDS } from './kinds.ts';
import { MOST_ACTIVE, nextStep, withStep, type Active, type Step, type WriterState } from './steps.ts';
import { KEPT_STORY } from './stories.ts';
import type { Place } from './turns.ts';

const PLACES: Place[] = DEMO_WORKSPACES.flatMap(({ name, environments }, workspace) => [
  { workspaceId: workspace + 1, workspace: name, environmentId: null, environment: null },
  ...environments.map((environment, place) => ({
    workspaceId: workspace + 1,
    workspace: name,
    environmentId: 100 * (workspace + 1) + place,
    environment: environment.name
  }))
]);

const START = Date.UTC(2026, 10, 23, 9);
const EMPTY: WriterState = {
  places: PLACES,
  userIds: new Map(),
  hasQuietType: true,
  active: [],
  open: [],
  turn: { index: 0, at: START }
};

/** Takes steps from a seed, at the pace of the writer, and hands each to `see`, with the state before and after. */
function simulate(
  seed: number,
  steps: number,
  see: (step: Step, before: WriterState, after: WriterState, now: number) => void
): void {
  const random = openRandom(seed);
  let state = EMPTY;
  let now = START;
  for (let id = 1; id <= steps; id += 1) {
    const step = nextStep(state, random, now);
    const after = withStep(state, step, { id, random, now });
    see(step, state, after, now);
    state = after;
    now += 15 + Math.min(-Math.log(1 - random()) * 500, 2_500);
  }
}

const find = (state: WriterState, id: number): Active | undefined => state.active.find((active) => active.id === id);

describe('the demo writer', () => {
  it('never has more than 15 operations active, nor two of one identity', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        simulate(seed, 800, (_step, _before, { active }) => {
          expect(active.length).toBeLessThanOrEqual(MOST_ACTIVE);
          const identities = active.map(
            ({ place, kind }) => `${place.workspaceId} ${place.environmentId} ${kind.type}`
          );
          expect(new Set(identities).size).toBe(identities.length);
        });
      }),
      { numRuns: 6 }
    );
  });

  it('never takes progress back and never leaves the order queued, running, ended', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        simulate(seed, 800, (step, before) => {
          if (step.does === 'rest' || step.does === 'create') return;
          const active = find(before, step.id);
          expect(active, 'a step is about something active').toBeDefined();
          if (step.does === 'start') expect(active!.status).toBe('queued');
          if (step.does !== 'report') return;
          expect(active!.status).toBe('running');
          expect(step.processed ?? 0).toBeGreaterThanOrEqual(active!.processed ?? 0);
          if (step.total !== null) expect(step.processed).toBeLessThan(step.total);
          const phases = active!.kind.phases;
          expect(phases.indexOf(step.phase ?? '')).toBeGreaterThanOrEqual(phases.indexOf(active!.phase ?? ''));
        });
      }),
      { numRuns: 6 }
    );
  });

  it('ends operations with counts that add up, more of them badly than in the history but few', () => {
    const outcomes: string[] = [];
    simulate(7, 12_000, (step) => {
      if (step.does !== 'end') return;
      const { outcome, counts, failures, cancelledBy } = step.ending;
      outcomes.push(outcome);
      const { total = 0, processed = 0, succeeded = 0, failed = 0, skipped = 0 } = counts;
      expect(succeeded + failed + skipped).toBeLessThanOrEqual(total);
      expect(processed).toBeLessThanOrEqual(total);
      if (outcome === 'failed' && total > 20) expect(failed).toBeGreaterThan(0);
      expect(cancelledBy === null).toBe(outcome !== 'cancelled');
      expect(failures.length > 0).toBe(['partially_succeeded', 'failed', 'blocked'].includes(outcome));
    });
    const bad = outcomes.filter((outcome) => ['partially_succeeded', 'failed', 'blocked'].includes(outcome));
    expect(outcomes.length).toBeGreaterThan(1_000);
    expect(bad.length / outcomes.length).toBeGreaterThan(0.03);
    expect(bad.length / outcomes.length).toBeLessThan(0.18);
  });

  it('changes something nearly every time, so that its pace is the pace of changes', () => {
    let rested = 0;
    simulate(3, 4_000, (step) => {
      if (step.does === 'rest') rested += 1;
    });
    expect(rested).toBeLessThan(40);
  });

  it('shows every state, every kind of progress and every ending within any two minutes', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const seen = new Map<string, number[]>();
        const note = (what: string, at: number): void => void seen.set(what, [...(seen.get(what) ?? []), at]);
        let last = START;
        simulate(seed, 2_400, (step, before, after, now) => {
          last = now;
          if (step.does === 'create') note('queued', now);
          if (step.does === 'report' || step.does === 'start')
            note(`progress ${progressModeOf(find(after, step.id)!, now)}`, now);
          if (step.does === 'start' && find(after, step.id)!.kind.isQuiet)
            note('stale by time alone', now + QUIET_LIMIT_SECONDS * 1_000);
          if (step.does !== 'end') return;
          note(step.ending.outcome, now);
          if (after.open.length > before.open.length) note('a follow-up opens', now);
          if (after.open.length < before.open.length) note('a success closes a follow-up', now);
        });
        const expected = ['queued', 'succeeded', 'failed', 'blocked', 'partially_succeeded', 'cancelled']
          .concat(['progress counted', 'progress phased', 'progress activity', 'stale by time alone'])
          .concat(['a follow-up opens', 'a success closes a follow-up']);
        for (const what of expected) {
          // The first two minutes are those after the writer has filled an empty place.
          const times = [START + 60_000, ...(seen.get(what) ?? []), last];
          const gaps = times.slice(1).map((time, index) => time - times[index]!);
          expect(Math.max(...gaps), `${what}, longest wait`).toBeLessThan(120_000);
        }
      }),
      { numRuns: 6 }
    );
  });

  it('ends what is quiet only after its limit, without a word between', () => {
    const started = new Map<number, number>();
    let ended = 0;
    simulate(21, 3_000, (step, before, _after, now) => {
      if (step.does === 'rest' || step.does === 'create' || !find(before, step.id)!.kind.isQuiet) return;
      expect(step.does).not.toBe('report');
      if (step.does === 'start') started.set(step.id, now);
      if (step.does !== 'end') return;
      ended += 1;
      expect(now - started.get(step.id)!).toBeGreaterThan(QUIET_LIMIT_SECONDS * 1_500);
    });
    expect(ended).toBeGreaterThan(5);
  });

  it('never leaves more open than a handful, and nothing that only a person could close', () => {
    let most = 0;
    simulate(13, 20_000, (step, _before, after) => {
      most = Math.max(most, after.open.length);
      if (step.does === 'create' && step.kind.closedBy === 'person')
        expect(['succeeded', 'cancelled']).toContain(step.outcome);
    });
    expect(most).toBeLessThanOrEqual(10);
  });

  it('closes what it finds open, the oldest first', () => {
    const open = ['policy.sync', 'inventory.sync', 'policy.export', 'rbac.health_check'].flatMap((type, index) =>
      PLACES.filter(({ environment }) => ['Calder Freight', 'Harbourline Insurance'].includes(environment ?? '')).map(
        (place) => ({ id: -10 + index, place, kind: kindOf(type)! })
      )
    );
    const random = openRandom(4);
    let state: WriterState = { ...EMPTY, open };
    let now = START;
    const repeated: number[] = [];
    for (let id = 1; id <= 4_000; id += 1) {
      const step = nextStep(state, random, now);
      if (step.does === 'create' && step.retryOf !== null && step.retryOf < 0) repeated.push(step.retryOf);
      state = withStep(state, step, { id, random, now });
      now += 500;
    }
    expect(state.open.filter(({ id }) => id < 0)).toEqual([]);
    expect(repeated).toEqual(repeated.toSorted((a, b) => a - b));
  });

  it('leaves alone what the cast keeps: silent, unheard, the story of six, and places that it does not know', () => {
    const unknown: Place = {
      workspaceId: 1,
      workspace: 'Halden & Roy',
      environmentId: 9_999,
      environment: 'A visitor’s own'
    };
    const random = openRandom(5);
    const state: WriterState = { ...EMPTY, places: [...PLACES, unknown] };
    for (let draw = 0; draw < 4_000; draw += 1) {
      const step = nextStep({ ...state, turn: { index: draw, at: draw % 3 === 0 ? 0 : Infinity } }, random, 1);
      if (step.does !== 'create') continue;
      expect(['Fenwick Mills', 'Ellery & Finch LLP', unknown.environment]).not.toContain(step.place.environment);
      expect(step.place.environment === KEPT_STORY.environment && step.kind.type === KEPT_STORY.type).toBe(false);
    }
  });

  it('lets nothing go wrong where the demo is calm', () => {
    const calm = ['Aster Dental Group', 'Greyfriars Academy Trust (sixth form, exams and admissions, all four sites)'];
    simulate(17, 8_000, (step) => {
      if (step.does === 'create' && calm.includes(step.place.environment ?? ''))
        expect(['succeeded', 'cancelled']).toContain(step.outcome);
    });
  });
});

function progressModeOf({ status, processed, total, phase }: Active, now: number): string {
  const progress = { processed, total, phase };
  return progressOf({ status, outcome: 'pending', staleAt: now + 1, reconciledAt: null, progress }, now).mode;
}
