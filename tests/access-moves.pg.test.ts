/**
 * Access that moves: whatever is taken from or given to a person, on every open socket of two nodes and in every catch-up,
 * also with rows changed in the same transaction. A property over generated phases (WATCHFLOOR_SEED replays a run), proof
 * that it fails with a hub that handles access too late, and a table of each kind of removal against each kind of page.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { disableUser } from '../src/lib/server/access/administration.ts';
import { CATCH_UP_PATH, PROTOCOL_VERSION, type Scope, type SubscribeAnswer } from '../src/lib/live/protocol.ts';
import type { OperationRow } from '../src/lib/operations/operation.ts';
import { readFeedDifference, type FeedDifference } from '../src/lib/server/live/differences.ts';
import { judge, sees } from './harness/access-judge.ts';
import { numbersOf, openScopeReader, Seat, type ScopeReader, type SeatPlan } from './harness/access-seat.ts';
import { AccessLog, phases, type Step } from './harness/access-steps.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { startHub, type TestHub } from './harness/live.ts';
import {
  entitle,
  insertOperation,
  makePerson,
  makeSession,
  makeWorld,
  type TestPerson,
  type World
} from './harness/world.ts';

const RUNS = Number(process.env['WATCHFLOOR_ACCESS_RUNS'] ?? 2);
const seed = Number(process.env['WATCHFLOOR_SEED'] ?? Date.now() % 2_147_483_647);

let database: TestDatabase;
let reader: ScopeReader;
let hubs: TestHub[];
beforeAll(async () => {
  database = await createDatabase();
  reader = openScopeReader(database.url);
  hubs = [await startHub(database.url), await startHub(database.url)];
});
afterAll(async () => {
  await Promise.all((hubs ?? []).map((hub) => hub.close()));
  await reader?.close();
  await database?.drop();
});

type Place = 'a' | 'a1' | 'a2' | 'b';
const scopeOf = (world: World, place: Place): Scope => ({
  workspaceId: place === 'b' ? world.b : world.a,
  environmentId: place === 'a1' || place === 'a2' ? world[place] : null
});

async function join(world: World, one: TestPerson, workspaceId: number, role: string): Promise<void> {
  await world.owner.query('insert into memberships (workspace_id, user_id, role) values ($1, $2, $3)', [
    workspaceId,
    one.id,
    role
  ]);
}

/** Six people of all roles, two of them narrowed, one of B alone. */
async function makePeople(world: World): Promise<TestPerson[]> {
  const people: TestPerson[] = [];
  for (const role of ['owner', 'manager', 'operator', 'readonly', 'support', 'stranger'] as const) {
    const one = await makePerson(world.owner, role);
    people.push(one);
    await join(world, one, role === 'stranger' ? world.b : world.a, role === 'stranger' ? 'owner' : role);
  }
  await join(world, people[0]!, world.b, 'readonly');
  await entitle(world.owner, world.a, people[2]!.id, [world.a1]);
  await entitle(world.owner, world.a, people[4]!.id, [world.a1, world.a3]);
  return people;
}

/** Asks for what is missing since a token over HTTP, as long as the node is not ready; null = not signed in. */
async function catchUp(
  port: number,
  { person, scope, window, numbers }: SeatPlan,
  token: string
): Promise<SubscribeAnswer | null> {
  return vi.waitFor(
    async () => {
      const response = await fetch(`http://127.0.0.1:${port}${CATCH_UP_PATH}`, {
        method: 'POST',
        headers: { cookie: person.cookie, 'content-type': 'application/json' },
        body: JSON.stringify({ protocol: PROTOCOL_VERSION, scope, window, summaries: numbers, token })
      });
      const text = await response.text();
      if (response.status === 401) {
        expect(text).toBe('{}');
        return null;
      }
      const answer = JSON.parse(text) as SubscribeAnswer;
      expect(answer.result).not.toBe('unavailable');
      return answer;
    },
    { timeout: 10_000, interval: 100 }
  );
}

/** All that may differ of rows that were read at different moments, by id. */
const inShort = (rows: Iterable<OperationRow>): string[] =>
  [...rows]
    .sort((one, other) => one.id - other.id)
    .map(({ id, revision, environmentId, status, resolved }) =>
      [id, revision, environmentId, status, resolved].join(' ')
    );

/** After a burst an overview is told numbers alone, and the page of one operation that one. */
const isInWindow = ({ window }: SeatPlan, id: number): boolean =>
  window.kind === 'list' || (window.kind === 'operation' && window.id === id);

/** A place somebody once had, with what they saw there. */
interface Keepsake {
  plan: SeatPlan;
  token: string;
  rows: Map<number, OperationRow>;
}

async function play(nodes: TestHub[], run: Step[][], patienceMs = 15_000): Promise<void> {
  const world = await makeWorld(database.url);
  const people = await makePeople(world);
  const [first, second] = [await world.writer.connect(), await world.owner.connect()];
  // Both as owner: steps delete rows and change access.
  await first.query('reset role; set role watchfloor_owner');
  const log = new AccessLog(world, people, first, second);
  const seats: Seat[] = [];
  const every: Seat[] = [];
  let settled = 0;
  const clock = () => ({ commits: log.commits, settled });
  try {
    const shown = await insertOperation(world.writer, world.a, world.a2);
    for (const place of [null, world.a1, world.a2, world.a3]) await insertOperation(world.writer, world.a, place);
    await insertOperation(world.writer, world.b, world.b1);
    await log.begin();
    const open = async (plan: SeatPlan, at = seats.length): Promise<void> => {
      const seat = new Seat({ ...plan, person: await log.signIn(plan.person) }, reader, clock);
      seats[at] = seat;
      every.push(seat);
    };
    const list = { kind: 'list', query: '' } as const;
    const plans: [number, Place, SeatPlan['window'], SeatPlan['numbers']][] = [
      [0, 'a', list, 'scope'],
      [0, 'a', { kind: 'numbers' }, 'environments'],
      [0, 'b', list, 'scope'],
      [1, 'a', list, 'scope'],
      [1, 'a1', list, 'scope'],
      [2, 'a', list, 'scope'],
      [2, 'a2', { kind: 'operation', id: shown }, 'scope'],
      [3, 'a2', { kind: 'operation', id: shown }, 'scope'],
      [3, 'a', { kind: 'numbers' }, 'environments'],
      [4, 'a', list, 'scope'],
      [5, 'b', list, 'scope'],
      [5, 'a', list, 'scope']
    ];
    for (const [at, [who, place, window, numbers]] of plans.entries())
      await open({ person: people[who]!, scope: scopeOf(world, place), window, numbers, port: nodes[at % 2]!.port });

    const keepsakes: Keepsake[] = [];
    const rest = async (): Promise<void> => {
      const now = log.states.at(-1)!;
      for (const [at, seat] of seats.entries()) {
        const { plan } = seat;
        const isSignedIn = now.sessions.has(plan.person.sessionId);
        await vi.waitFor(
          async () => {
            if (!isSignedIn) return expect(seat.state, `seat ${at}`).toBe('ended');
            const fresh = await reader.read(plan.person, plan.scope, plan.numbers);
            expect(seat.state, `seat ${at}`).toBe(fresh === null ? 'absent' : 'live');
            const isWanted = ({ id }: OperationRow): boolean => isInWindow(plan, id);
            expect(inShort([...seat.rows.values()].filter(isWanted)), `rows of seat ${at}`).toEqual(
              inShort((fresh?.rows ?? []).filter(isWanted))
            );
            expect(numbersOf(seat.summaries.values()), `numbers of seat ${at}`).toEqual(
              numbersOf(fresh?.summaries ?? [])
            );
          },
          { timeout: patienceMs, interval: 30 }
        );
        expect(seat.faults).toEqual([]);
        if (seat.state === 'live' && plan.window.kind === 'list')
          keepsakes.push({ plan, token: seat.token, rows: new Map(seat.rows) });
      }
      settled = log.commits;
      // Any old place, on any node: what comes is nothing, or makes of what was seen then what is to be seen now.
      for (const [at, { plan, token, rows }] of keepsakes.slice(-40).entries()) {
        if (at % 3 !== keepsakes.length % 3) continue;
        const answer = await catchUp(nodes[at % 2]!.port, plan, token);
        if (!now.sessions.has(plan.person.sessionId)) expect(answer).toBeNull();
        else if (!sees(plan, now, plan.scope.environmentId)) expect(answer).toEqual({ result: 'absent' });
        else if (answer?.result === 'caught_up') {
          const then = new Map(rows);
          for (const row of answer.rows) then.set(row.id, row);
          for (const [id, revision] of answer.removed) if ((then.get(id)?.revision ?? 0) < revision) then.delete(id);
          const fresh = await reader.read(plan.person, plan.scope, plan.numbers);
          expect(inShort(then.values()), 'what an old place leads to').toEqual(inShort(fresh!.rows));
        } else expect(answer?.result).toBe('resync');
      }
      // Who was signed out signs in again; a disabled person stays out, whatever the cookie.
      for (const [at, seat] of seats.entries())
        if (seat.state === 'ended') {
          seat.close();
          await open(seat.plan, at);
        }
    };

    await rest();
    for (const steps of run) {
      for (const step of steps) await log.run(step);
      await rest();
    }
    await judge(every, log.states, (xid) => log.numberOf(xid), world.owner);
  } finally {
    for (const seat of every) seat.close();
    first.release(true);
    second.release(true);
    await world.close();
  }
}

test(`what is taken from a person leaves at once on every node, and what is given comes whole, with rows changed in the same transactions (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(phases, (run) => play(hubs, run)),
    { seed, numRuns: RUNS, endOnFailure: true }
  );
}, 120_000);

test('the same property fails with a node that handles access one pass after the rows', async () => {
  const handleLate = (): typeof readFeedDifference => {
    let held: FeedDifference['access'] = [];
    return async (...read) => {
      const found = await readFeedDifference(...read);
      [held, found.access] = [found.access, held];
      return found;
    };
  };
  const nodes = await Promise.all([1, 2].map(() => startHub(database.url, { difference: handleLate() })));
  const insert: Step = { do: 'transaction', changes: [{ do: 'insert', place: 'a1', count: 1 }], commits: true };
  const leave: Step = {
    do: 'transaction',
    changes: [
      { do: 'insert', place: 'a1', count: 1 },
      { do: 'remove member', person: 1 }
    ],
    commits: true
  };
  await expect(play(nodes, [[insert], [leave, insert, insert]])).rejects.toThrow();
  await play(hubs, [[insert], [leave, insert, insert]]);
  await Promise.all(nodes.map((node) => node.close()));
}, 60_000);

/** What an administrator takes away, and gives back. `stays`: the page does not go, it is only read again. */
interface Removal {
  take(world: World, one: TestPerson): Promise<unknown>;
  give(world: World, one: TestPerson): Promise<unknown>;
  ends?: true;
  stays?: true;
}
const sql = (world: World, text: string, ...values: unknown[]): Promise<unknown> => world.owner.query(text, values);
const giveBack = (world: World, one: TestPerson): Promise<unknown> => join(world, one, world.a, 'operator');
const REMOVALS: Record<string, Removal> = {
  'a membership is removed': {
    take: (world, { id }) => sql(world, 'delete from memberships where user_id = $1', id),
    give: giveBack
  },
  'a membership is given to somebody else': {
    take: (world, { id }) =>
      sql(world, 'update memberships set user_id = $2 where user_id = $1', id, world.stranger.id),
    give: giveBack
  },
  'an environment is narrowed away': {
    take: (world, { id }) => entitle(world.owner, world.a, id, [world.a3]),
    give: (world, { id }) => sql(world, 'delete from environment_memberships where user_id = $1', id)
  },
  'a role is changed': {
    take: (world, { id }) => sql(world, `update memberships set role = 'readonly' where user_id = $1`, id),
    give: (world, { id }) => sql(world, `update memberships set role = 'support' where user_id = $1`, id),
    stays: true
  },
  'a session is deleted': {
    take: (world, { id }) => sql(world, 'delete from sessions where user_id = $1', id),
    give: () => Promise.resolve(),
    ends: true
  },
  'a session is shortened': {
    take: (world, { id }) => sql(world, 'update sessions set expires_at = now() where user_id = $1', id),
    give: () => Promise.resolve(),
    ends: true
  },
  'a person is disabled': {
    take: (world, { email }) => disableUser(world.owner, { email }),
    give: (world, { id }) => sql(world, 'update users set disabled_at = null where id = $1', id),
    ends: true
  },
  'a person is disabled, and the sessions are left': {
    take: (world, { id }) => sql(world, 'update users set disabled_at = now() where id = $1', id),
    give: (world, { id }) => sql(world, 'update users set disabled_at = null where id = $1', id),
    ends: true
  }
};

describe('each removal, on each kind of page of each node', () => {
  test.each(Object.keys(REMOVALS))('%s', async (name) => {
    const { take, give, ends, stays } = REMOVALS[name]!;
    const world = await makeWorld(database.url);
    const one = await makePerson(world.owner, 'moved');
    await giveBack(world, one);
    const shown = await insertOperation(world.writer, world.a, world.a2);
    const list = { kind: 'list', query: '' } as const;
    const pages: Record<string, Pick<SeatPlan, 'scope' | 'window' | 'numbers'>> = {
      list: { scope: scopeOf(world, 'a2'), window: list, numbers: 'scope' },
      'list of the workspace': { scope: scopeOf(world, 'a'), window: list, numbers: 'scope' },
      detail: { scope: scopeOf(world, 'a2'), window: { kind: 'operation', id: shown }, numbers: 'scope' },
      overview: { scope: scopeOf(world, 'a'), window: { kind: 'numbers' }, numbers: 'environments' }
    };
    const clock = () => ({ commits: 0, settled: 0 });
    const openAll = (person: TestPerson): [string, Seat][] =>
      Object.entries(pages).flatMap(([page, plan]) =>
        hubs.map(({ port }, node): [string, Seat] => [
          `${page} on node ${node}`,
          new Seat({ ...plan, person, port }, reader, clock)
        ])
      );
    /** until every seat is `state`, where a narrowing leaves the workspace itself */
    const until = (seats: [string, Seat][], state: Seat['state']): Promise<void> =>
      vi.waitFor(
        () => {
          for (const [page, seat] of seats)
            expect(seat.state, page).toBe(
              state === 'absent' && isOfAll(seat) && name.includes('narrowed') ? 'live' : state
            );
        },
        { timeout: 10_000, interval: 10 }
      );
    const isOfAll = ({ plan }: Seat): boolean => plan.scope.environmentId === null;
    const seats = openAll(one);
    const witnesses = hubs.map(
      ({ port }) => new Seat({ ...pages['list']!, person: world.everyone, port }, reader, clock)
    );
    let later: [string, Seat][] = [];
    try {
      await until([...seats, ...witnesses.map((seat): [string, Seat] => ['witness', seat])], 'live');
      const tokens = seats.map(([, { token }]) => token);
      const heardBefore = seats.map(([, { heard }]) => heard.length);
      const from = performance.now();
      await take(world, one);
      await vi.waitFor(
        () => {
          for (const [at, [page, { heard }]] of seats.entries())
            expect(
              heard.slice(heardBefore[at]).map((message) => message.name),
              page
            ).toContain(ends ? 'session:ended' : 'access:changed');
        },
        { timeout: 10_000, interval: 5 }
      );
      const tookMs = Math.round(performance.now() - from);
      await until(seats, ends ? 'ended' : stays ? 'live' : 'absent');
      const secret = await insertOperation(world.writer, world.a, world.a2);
      // A witness on each node has it: whatever was to be told with it was told.
      await vi.waitFor(() => expect(witnesses.map(({ rows }) => rows.has(secret))).toEqual(hubs.map(() => true)), {
        timeout: 10_000,
        interval: 20
      });
      for (const [at, [page, seat]] of seats.entries()) {
        if (stays) continue;
        expect(JSON.stringify(seat.heard), page).not.toContain(`"id":${secret},`);
        if (isOfAll(seat) && name.includes('narrowed')) expect(seat.rows.has(shown), page).toBe(false);
        for (const { port } of hubs) {
          const answer = await catchUp(port, seat.plan, tokens[at]!);
          if (ends) expect(answer, page).toBeNull();
          else if (isOfAll(seat) && name.includes('narrowed'))
            expect(answer, page).toEqual({ result: 'resync', reason: 'access' });
          else expect(answer, page).toEqual({ result: 'absent' });
        }
      }
      await give(world, one);
      later = ends ? openAll({ ...one, ...(await makeSession(world.owner, one.id)) }) : seats;
      await until(later, 'live');
      // Also what did not change since before.
      for (const [page, seat] of later)
        if (seat.plan.window.kind !== 'numbers')
          await vi.waitFor(() => expect([seat.rows.has(shown), seat.rows.has(secret)], page).toEqual([true, true]));
      console.info(`${name}: told to ${seats.length} pages on two nodes after ${tookMs} ms`);
    } finally {
      for (const seat of [...witnesses, ...[...seats, ...later].map(([, one]) => one)]) seat.close();
      await world.close();
    }
  });
});
