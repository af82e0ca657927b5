/**
 * The laws of a live list, on random histories against the oracle server: with every filter it converges, rows and
 * numbers alike; it never goes back, it is never falsely live. Each law is shown to have teeth: faults of a hub must break
 * it. A failure prints fast-check's seed.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../operations/operation.ts';
import { mergeSummaries, type Summary } from '../operations/summary.ts';
import { someFilters } from './simulation/some-filters.ts';
import { PAGE_SIZE, World, type Fault } from './simulation/world.ts';
import { WORKSPACE } from './simulation/oracle-server.ts';

type Act = readonly [name: keyof typeof ACTS, n: number];

const FILTERS = someFilters(1_000_000);
const OUTCOMES: Outcome[] = ['failed', 'succeeded', 'blocked', 'partially_succeeded', 'cancelled'];

/** Of what bursts are made. */
const BURST = ['insert', 'update', 'end', 'insert', 'remove', 'move', 'insert', 'review'] as const;
const ACTS = {
  insert: (world: World, n: number) => void world.server.insert([null, 1, 2, 1][n % 4] ?? null, world.now),
  update: (world: World, n: number) => world.server.update(newest(world, n), world.now),
  move: (world: World, n: number) => world.server.move(newest(world, n), [null, 1, 2, 3][n % 4] ?? null),
  remove: (world: World, n: number) => world.server.delete(newest(world, n)),
  end: (world: World, n: number) => world.server.finish(newest(world, n), OUTCOMES[n % 5] ?? 'failed', world.now),
  resolve: (world: World, n: number) => world.server.resolve(newest(world, n), world.now),
  review: (world: World, n: number) => world.server.review(newest(world, n), world.now),
  pass: (world: World) => world.pass(),
  burst: (world: World, n: number) => {
    for (let left = n; left >= 0; left--) ACTS[BURST[left % BURST.length]!](world, left + n);
    world.burst();
  },
  readList: (world: World) => world.readList(),
  sendList: (world: World) => world.sendList(),
  emit: (world: World) => world.emit(),
  tick: (world: World) => world.tick(),
  serve: (world: World) => world.serve(),
  deliver: (world: World, n: number) => {
    for (let left = n % 4; left >= 0; left--) world.deliver();
  },
  repeat: (world: World, n: number) => world.repeat(n),
  cut: (world: World, n: number) => world.cut({ http: n % 2 === 0 }),
  forbid: (world: World, n: number) => {
    world.isForbidden = world.mayUseHttp && n % 2 === 0;
    world.cut();
  },
  reload: (world: World) => world.startLoad(),
  scope: (world: World, n: number) => world.startLoad({ workspaceId: WORKSPACE, environmentId: n % 2 ? 1 : null }),
  filter: (world: World, n: number) => world.startLoad(world.scope, FILTERS[n % FILTERS.length]),
  read: (world: World) => world.readPage(),
  finish: (world: World) => world.finishLoad(),
  grant: (world: World, n: number) => world.grant(n % 2 ? [null, 1] : [null, 1, 2]),
  engage: (world: World, n: number) => world.list.engage(n % 2 === 0),
  scroll: (world: World, n: number) => world.list.atTop(n % 2 === 0),
  pause: (world: World) => world.list.pause(),
  resume: (world: World) => world.list.resume(),
  show: (world: World) => world.list.showWaiting(),
  hide: (world: World) => world.hide(),
  reveal: (world: World) => world.show(),
  wait: (world: World, n: number) => world.advance([20, 300, 1_000, 2_500][n % 4] ?? 20),
  sleep: (world: World, n: number) => world.sleep([500, 1_900, 7_000, 90_000][n % 4] ?? 500),
  set: (world: World, n: number) => {
    world.wallSet += [-60_000, -1_500, 1_500, 60_000][n % 4] ?? 0;
    world.advance(1_000); // the ticker sees it before the next sleep; both within one second cannot be told apart
  }
} as const;

/** Mostly recent rows: those that the window shows. */
function newest(world: World, n: number): number {
  const ids = [...world.server.rows.keys()];
  return ids[ids.length - 1 - (n % Math.min(12, Math.max(1, ids.length)))] ?? 0;
}

const often =
  'insert update end end resolve review remove move pass burst readList sendList emit tick serve deliver wait'.split(
    ' '
  ) as (keyof typeof ACTS)[];
const act = fc.tuple(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...often) },
    { weight: 1, arbitrary: fc.constantFrom(...(Object.keys(ACTS) as (keyof typeof ACTS)[])) }
  ),
  fc.nat(23)
);
const history = fc.tuple(
  fc.array(act, { minLength: 20, maxLength: 160 }),
  fc.integer({ min: 1, max: 2 ** 30 }),
  fc.nat(FILTERS.length - 1)
);

function live([acts, seed, filter]: readonly [readonly Act[], number, number], fault: Fault | null): World {
  let state = seed;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  // Half of the histories may go over HTTP; the faults are those of a hub that tells by WebSocket.
  const mayUseHttp = fault === null && seed % 2 === 0;
  const world = new World(random, { fault, filter: FILTERS[filter]!, mayUseHttp });
  for (const [name, n] of acts) ACTS[name](world, n);
  world.settle();
  return world;
}

function expectConverged(world: World): void {
  const page = world.server.page(world.scope, PAGE_SIZE, world.now, world.filter);
  const fresh = page.rows.slice(0, PAGE_SIZE);
  expect(world.time.stamp.state).toBe('live');
  expect(world.view.waiting).toBe(0);
  expect(world.view.rows).toEqual(fresh);
  expect(essence(world.view.summary)).toEqual(essence(mergeSummaries(page.summaries)));
  const lastReportAt = mergeSummaries(page.summaries)?.lastReportAt ?? 0;
  expect(world.view.summary?.lastReportAt).toBeGreaterThan(lastReportAt - 1_000);
}

/** What of a summary does not depend on when it was read. */
function essence(summary: Summary | null): unknown {
  const groups = summary?.groups.map(({ row, count }) => [row.id, row.revision, count]);
  return [summary?.place, summary?.counts, groups, summary?.silentAfterMs];
}

/** Runs of the law that fail under a fault of the hub. */
function broken(fault: Fault): boolean {
  const found = fc.check(
    fc.property(history, (acts) => expectConverged(live(acts, fault))),
    { numRuns: 600, seed: 20, endOnFailure: true }
  );
  return found.failed;
}

describe('a live list', () => {
  it('shows what a fresh scoped query returns after any history, never goes back and is never falsely live', () => {
    fc.assert(
      fc.property(history, (acts) => expectConverged(live(acts, null))),
      { numRuns: Number(process.env['WATCHFLOOR_RUNS'] ?? 250) }
    );
  }, 120_000);

  it.each<Fault>([
    'no catch-up',
    'removal forgotten',
    'access unchecked',
    'nobody tells what became stale',
    'numbers are not told',
    'a burst is not told'
  ])(
    'would be noticed to be wrong with a hub that has the fault "%s"',
    (fault) => expect(broken(fault)).toBe(true),
    60_000
  );

  /** A row is under way while it is removed, and the page that no longer has it is adopted before the row arrives. */
  function rowOvertakenByPage(fault: Fault | null): World {
    const world = new World(() => 0.5, { fault });
    world.settle();
    const { id } = world.server.insert(1, world.now);
    world.pass();
    for (let unit = 0; unit < 3; unit++) world.emit();
    world.server.delete(id);
    world.startLoad();
    world.readPage();
    world.finishLoad();
    world.serve(); // the question reaches the hub
    world.pass(); // the removal, to whoever is in the rooms
    world.settle();
    return world;
  }

  it('does not bring back a row that an adopted page overtook, as long as the hub changes rooms in one step', () => {
    expectConverged(rowOvertakenByPage(null));
    expect(() => expectConverged(rowOvertakenByPage('gap between rooms'))).toThrow();
  });

  /** A row that was told is removed in a burst, and another one is told while the list is read. */
  function burstAmongRows(fault: Fault | null): World {
    const world = new World(() => 0.5, { fault });
    world.settle();
    const { id } = world.server.insert(1, world.now);
    world.pass();
    world.server.delete(id);
    world.burst();
    world.pass();
    world.readList();
    world.server.insert(1, world.now);
    world.pass();
    world.sendList();
    world.settle();
    return world;
  }

  it('shows a burst as a whole, if the hub sends it after what it told before and with what it told since', () => {
    expectConverged(burstAmongRows(null));
    for (const fault of ['a list is sent before what the feed told', 'a list is sent without what was told since'])
      expect(() => expectConverged(burstAmongRows(fault as Fault))).toThrow();
  });

  it('stops saying live at the very edge of 5 s, not with the next second of the ticker', () => {
    const world = new World(() => 0.5);
    world.settle();
    world.advance(500); // between two seconds
    world.pass();
    world.tick();
    world.deliverAll();
    world.advance(4_900);
    expect(world.time.stamp.state).toBe('live');
    world.advance(101);
    expect(world.time.stamp.state).toBe('reconnecting');
  });
});
