/**
 * Steps in which rows and access change, in one transaction or in overlapping ones, with commits in a known order; after
 * each the state of all access is read, so that it can be judged later what somebody could see after which commit.
 */
import fc from 'fast-check';
import type pg from 'pg';
import { MEMBER_ROLES, type MemberRole } from '../../src/lib/server/access/capabilities.ts';
import { makeSession, type TestPerson, type World } from './world.ts';

type Environment = 'a1' | 'a2' | 'a3';
type Place = Environment | 'itself' | 'b1';

export type RowChange =
  | { do: 'insert'; place: Place; count: number }
  | { do: 'progress' | 'delete'; pick: number }
  | { do: 'fail' | 'succeed'; pick: number }
  | { do: 'move'; pick: number; to: Environment };

export type AccessChange =
  | { do: 'remove member'; person: number }
  | { do: 'add member'; person: number; role: MemberRole }
  | { do: 'change role'; person: number; role: MemberRole }
  | { do: 'narrow'; person: number; to: Environment[] }
  | { do: 'end sessions' | 'shorten sessions' | 'disable' | 'enable'; person: number };

type Change = RowChange | AccessChange;
export type Step =
  | { do: 'transaction'; changes: Change[]; commits: boolean }
  /** rows are written first and committed last; access changes between */
  | { do: 'overlap'; rows: RowChange[]; access: AccessChange[]; commits: boolean };

const person = fc.nat({ max: 5 });
const pick = fc.nat({ max: 10_000 });
const environment = fc.constantFrom<Environment>('a1', 'a2', 'a3');
const role = fc.constantFrom(...MEMBER_ROLES);
const say = <const T extends string>(...words: T[]): fc.Arbitrary<T> => fc.constantFrom(...words);

const rowChange: fc.Arbitrary<RowChange> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: say('insert'),
      place: fc.constantFrom<Place>('a1', 'a1', 'a2', 'a3', 'itself', 'b1'),
      count: fc.constantFrom(1, 1, 2)
    })
  },
  { weight: 3, arbitrary: fc.record({ do: say('progress'), pick }) },
  { weight: 2, arbitrary: fc.record({ do: say('fail', 'succeed'), pick }) },
  { weight: 2, arbitrary: fc.record({ do: say('move'), pick, to: environment }) },
  { weight: 1, arbitrary: fc.record({ do: say('delete'), pick }) }
);
const accessChange: fc.Arbitrary<AccessChange> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: say('remove member'), person }) },
  { weight: 4, arbitrary: fc.record({ do: say('add member'), person, role }) },
  { weight: 2, arbitrary: fc.record({ do: say('change role'), person, role }) },
  { weight: 5, arbitrary: fc.record({ do: say('narrow'), person, to: fc.subarray<Environment>(['a1', 'a2', 'a3']) }) },
  { weight: 1, arbitrary: fc.record({ do: say('end sessions', 'shorten sessions', 'disable'), person }) },
  { weight: 2, arbitrary: fc.record({ do: say('enable'), person }) }
);
const commits = fc.constantFrom(true, true, true, true, false);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: say('transaction'),
      changes: fc
        .tuple(
          fc.array(rowChange, { minLength: 1, maxLength: 3 }),
          fc.array(accessChange, { minLength: 1, maxLength: 2 }),
          fc.boolean()
        )
        .map(([rows, access, isAccessFirst]): Change[] =>
          isAccessFirst ? [...access, ...rows] : [...rows, ...access]
        ),
      commits
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: say('transaction'),
      changes: fc.array(rowChange, { minLength: 1, maxLength: 4 }),
      commits
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: say('transaction'),
      changes: fc.array(accessChange, { minLength: 1, maxLength: 2 }),
      commits
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: say('overlap'),
      rows: fc.array(rowChange, { minLength: 1, maxLength: 3 }),
      access: fc.array(accessChange, { minLength: 1, maxLength: 2 }),
      commits
    })
  },
  // More than one message carries: the lists are read again instead.
  {
    weight: 1,
    arbitrary: fc.record({
      do: say('transaction'),
      changes: fc
        .tuple(environment, accessChange)
        .map(([place, access]): Change[] => [{ do: 'insert', place, count: 210 }, access]),
      commits
    })
  }
);
/** Phases: after each the world must come to rest. */
export const phases: fc.Arbitrary<Step[][]> = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), {
  minLength: 4,
  maxLength: 7
});

/** Who may see what after one commit. */
export interface AccessState {
  sessions: ReadonlySet<string>;
  /** user and workspace → the environments that they are narrowed to, none = all */
  members: ReadonlyMap<string, ReadonlySet<number>>;
}

export class AccessLog {
  /** by number of the commit; 0 = before the first */
  readonly states: AccessState[] = [];
  readonly #numbers = new Map<string, number>();
  #asked = 0;

  readonly world: World;
  readonly people: TestPerson[];
  readonly first: pg.PoolClient;
  readonly second: pg.PoolClient;

  constructor(world: World, people: TestPerson[], first: pg.PoolClient, second: pg.PoolClient) {
    this.world = world;
    this.people = people;
    this.first = first;
    this.second = second;
  }

  /** commits that were asked for, whether or not they have been answered */
  get commits(): number {
    return this.#asked;
  }

  /** The number of the commit by which a transaction became visible; 0 = before the first. */
  numberOf(xid: string): number {
    return this.#numbers.get(xid) ?? 0;
  }

  async begin(): Promise<void> {
    this.states.push(await this.#read());
  }

  /** A new session of somebody: a widening like any other. */
  async signIn(one: TestPerson): Promise<TestPerson> {
    this.#asked++;
    const session = await makeSession(this.world.owner, one.id);
    this.states.push(await this.#read());
    return { ...one, ...session };
  }

  async run(step: Step): Promise<void> {
    if (step.do === 'transaction') return this.#transaction(this.first, step.changes, step.commits);
    await this.first.query('begin');
    for (const change of step.rows) await this.#change(this.first, change);
    await this.#transaction(this.second, step.access, true);
    await this.#end(this.first, step.commits);
  }

  async #transaction(client: pg.PoolClient, changes: Change[], doesCommit: boolean): Promise<void> {
    await client.query('begin');
    for (const change of changes) await this.#change(client, change);
    await this.#end(client, doesCommit);
  }

  async #end(client: pg.PoolClient, doesCommit: boolean): Promise<void> {
    if (!doesCommit) return void (await client.query('rollback'));
    const { rows } = await client.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
    this.#asked++;
    this.#numbers.set(rows[0]!.xid, this.#asked);
    await client.query('commit');
    this.states.push(await this.#read());
  }

  async #read(): Promise<AccessState> {
    const ids = this.people.map(({ id }) => id);
    const { rows: sessions } = await this.second.query<{ id: string }>(
      `select s.id from sessions s join users u on u.id = s.user_id and u.disabled_at is null
       where s.user_id = any ($1) and s.expires_at > clock_timestamp()`,
      [ids]
    );
    const { rows: members } = await this.second.query<{ key: string; narrowed: number[] }>(
      `select m.user_id || ' ' || m.workspace_id as key, array(select e.managed_environment_id
         from environment_memberships e where e.workspace_id = m.workspace_id and e.user_id = m.user_id) as narrowed
       from memberships m where m.user_id = any ($1)`,
      [ids]
    );
    return {
      sessions: new Set(sessions.map(({ id }) => id)),
      members: new Map(members.map(({ key, narrowed }) => [key, new Set(narrowed)]))
    };
  }

  async #change(client: pg.PoolClient, change: Change): Promise<void> {
    const { world } = this;
    const query = async (sql: string, ...values: unknown[]): Promise<void> => void (await client.query(sql, values));
    const picked = `(select id from operation_runs where workspace_id in ($1, $2) order by id desc offset $3
      % greatest(1, (select count(*) from operation_runs where workspace_id in ($1, $2))) limit 1)`;
    const { a, b } = world;
    switch (change.do) {
      case 'insert': {
        const [workspaceId, environmentId] =
          change.place === 'itself' ? [a, null] : change.place === 'b1' ? [b, world.b1] : [a, world[change.place]];
        return query(
          `insert into operation_runs (workspace_id, managed_environment_id, type)
           select $1, $2, 'policy.sync' from generate_series(1, $3)`,
          workspaceId,
          environmentId,
          change.count
        );
      }
      case 'progress':
        return query(
          `update operation_runs set status = 'running', progress_processed = coalesce(progress_processed, 0) + 1
           where id = ${picked} and status <> 'completed'`,
          a,
          b,
          change.pick
        );
      case 'fail':
      case 'succeed':
        return query(
          `update operation_runs set status = 'completed', outcome = $4 where id = ${picked} and status <> 'completed'`,
          a,
          b,
          change.pick,
          change.do === 'fail' ? 'failed' : 'succeeded'
        );
      case 'move':
        return query(
          `update operation_runs set managed_environment_id = $4 where id = ${picked} and workspace_id = $1`,
          a,
          b,
          change.pick,
          world[change.to]
        );
      case 'delete':
        return query(`delete from operation_runs where id = ${picked}`, a, b, change.pick);
      default:
        return this.#changeAccess(query, change);
    }
  }

  async #changeAccess(
    query: (sql: string, ...values: unknown[]) => Promise<void>,
    change: AccessChange
  ): Promise<void> {
    const { a } = this.world;
    const { id } = this.people[change.person % this.people.length]!;
    switch (change.do) {
      case 'remove member':
        return query('delete from memberships where workspace_id = $1 and user_id = $2', a, id);
      case 'add member':
        return query(
          `insert into memberships (workspace_id, user_id, role) values ($1, $2, $3)
           on conflict on constraint memberships_pkey do nothing`,
          a,
          id,
          change.role
        );
      case 'change role':
        return query('update memberships set role = $3 where workspace_id = $1 and user_id = $2', a, id, change.role);
      case 'narrow':
        await query('delete from environment_memberships where workspace_id = $1 and user_id = $2', a, id);
        return query(
          `insert into environment_memberships (workspace_id, user_id, managed_environment_id)
           select m.workspace_id, m.user_id, unnest($3::bigint[]) from memberships m
           where m.workspace_id = $1 and m.user_id = $2`,
          a,
          id,
          change.to.map((name) => this.world[name])
        );
      case 'end sessions':
        return query('delete from sessions where user_id = $1', id);
      case 'shorten sessions':
        return query(`update sessions set expires_at = clock_timestamp() where user_id = $1`, id);
      case 'disable':
      case 'enable':
        return query(
          `update users set disabled_at = case when $2 then coalesce(disabled_at, clock_timestamp()) end where id = $1`,
          id,
          change.do === 'disable'
        );
    }
  }
}
