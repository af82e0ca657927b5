/**
 * What a run of the oracle is: a world, and acts in which writers write while faults happen. A scenario follows from its
 * seed alone, and is plain JSON, so that one that was found can be kept as it was even when the generators change.
 */
import fc from 'fast-check';
import { faultsOf, type FaultLengths, type Timed } from './oracle-faults.ts';
import { worldPlans, type WorldPlan } from './oracle-world.ts';
import { stepsOf, type Step } from './steps.ts';

export interface Act {
  lanes: Step[][];
  faults: Timed[];
}

export interface Scenario {
  world: WorldPlan;
  hubs: number;
  acts: Act[];
}

export interface Size {
  viewers: number;
  acts: [least: number, most: number];
  steps: { minLength: number; maxLength: number };
  faults: number;
  lengths: FaultLengths;
  longestTransactionMs: number;
}

/** For `npm test`: everything that lasts is short, one act. */
export const SHORT: Size = {
  viewers: 8,
  acts: [1, 1],
  steps: { minLength: 8, maxLength: 20 },
  faults: 6,
  lengths: { clients: [0, 200, 1_000, 3_000], servers: [200, 1_000, 2_500] },
  longestTransactionMs: 1_500
};

/** As things happen: clients are away for up to half a minute, hubs and networks longer than anybody waits for them. */
export const LONG: Size = {
  viewers: 12,
  acts: [2, 4],
  steps: { minLength: 12, maxLength: 40 },
  faults: 9,
  lengths: { clients: [0, 300, 2_000, 8_000, 30_000], servers: [300, 2_000, 7_000, 14_000] },
  longestTransactionMs: 8_000
};

/** As long, and for so many acts that what grows in a hub shows. */
export const SOAK: Size = { ...LONG, acts: [5, 10] };

export function toScenario(seed: number, size: Size): Scenario {
  const steps = stepsOf(size.longestTransactionMs, size.steps);
  const [minLength, maxLength] = size.acts;
  const scenarios: fc.Arbitrary<Scenario> = fc.record({
    world: worldPlans(size.viewers),
    hubs: fc.constantFrom(2, 2, 3),
    acts: fc.array(
      fc.record({
        lanes: fc.tuple(steps, steps, steps) as fc.Arbitrary<Step[][]>,
        faults: faultsOf(size.lengths, size.faults)
      }),
      { minLength, maxLength }
    )
  });
  return fc.sample(scenarios, { seed, numRuns: 1 })[0]!;
}
