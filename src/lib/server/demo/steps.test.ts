/** The demo writer's steps, without a database: whatever the dice say, what it reports is legal and bounded. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEMO_WORKSPACES } from './cast.ts';
import { openRandom } from './random.ts';
import { MOST_ACTIVE, nextStep, withStep, type Active, type Place, type Step, type WriterState } from './steps.ts';

const PLACES: Place[] = DEMO_WORKSPACES.flatMap(({ name, environments }, workspace) => [
  { workspaceId: workspace + 1, workspace: name, environmentId: null, environment: null },
  ...environments.map((environment, place) => ({
    workspaceId: workspace + 1,
    workspace: name,
    environmentId: 100 * (workspace + 1) + place,
    environment: environment.name
  }))
]);

/** Takes steps every half second from a seed and hands each to `see`, with the state before and after. */
function simulate(
  seed: number,
  steps: number,
  see: (step: Step, before: WriterState, after: WriterState) => void
): void {
  const random = openRandom(seed);
  let state: WriterState = { places: PLACES, userIds: new Map(), active: [] };
  let now = Date.UTC(2026, 10, 23, 9);
  for (let id = 1; id <= steps; id += 1) {
    const step = nextStep(state, random, now);
    const after = withStep(state, step, { id, random, now });
    see(step, state, after);
    state = after;
    now += 100 + random() * 800;
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
      { numRuns: 15 }
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
      { numRuns: 15 }
    );
  });

  it('ends operations with counts that add up, at least 3 % of them badly', () => {
    const outcomes: string[] = [];
    simulate(7, 40_000, (step) => {
      if (step.does !== 'end') return;
      const { outcome, counts, failures, cancelledBy } = step.ending;
      outcomes.push(outcome);
      const { total = 0, processed = 0, succeeded = 0, failed = 0, skipped = 0 } = counts;
      expect(succeeded + failed + skipped).toBeLessThanOrEqual(total);
      expect(processed).toBeLessThanOrEqual(total);
      expect(cancelledBy === null).toBe(outcome !== 'cancelled');
      expect(failures.length > 0).toBe(['partially_succeeded', 'failed', 'blocked'].includes(outcome));
    });
    const bad = outcomes.filter((outcome) => ['partially_succeeded', 'failed', 'blocked'].includes(outcome));
    expect(outcomes.length).toBeGreaterThan(1_000);
    expect(bad.length / outcomes.length).toBeGreaterThan(0.03);
    expect(bad.length / outcomes.length).toBeLessThan(0.1);
  });

  it('changes something nearly every time, so that its pace is the pace of changes', () => {
    let rested = 0;
    simulate(3, 4_000, (step) => {
      if (step.does === 'rest') rested += 1;
    });
    expect(rested).toBeLessThan(40);
  });

  it('leaves the silent environment alone, and places that the demo does not know', () => {
    const unknown: Place = {
      workspaceId: 1,
      workspace: 'Halden & Roy',
      environmentId: 9_999,
      environment: 'A visitor’s own'
    };
    const random = openRandom(5);
    const state: WriterState = { places: [...PLACES, unknown], userIds: new Map(), active: [] };
    for (let draw = 0; draw < 2_000; draw += 1) {
      const step = nextStep(state, random, 0);
      if (step.does === 'create') expect(['Fenwick Mills', unknown.environment]).not.toContain(step.place.environment);
    }
  });
});
