/**
 * Generated workspaces, people and entitlements for the oracle: a plan of small numbers, and the same plan as rows of a
 * database. It owns a journal (`oracle_access`) that every change of access raises in the same transaction, so that whoever
 * looks twice knows whether access was the same meanwhile.
 */
import fc from 'fast-check';
import type pg from 'pg';
import { openPool } from '../../src/lib/server/database/pool.ts';
import { CLEAN_FILTER, type ListFilter } from '../../src/lib/operations/filter.ts';
import type { Marks } from '../../src/lib/server/reports/log-trim.ts';
import type { PageSize } from '../../src/lib/operations/pages.ts';
import { makePerson, type TestPerson } from './world.ts';

/** Numbers are taken modulo what there is, so that any plan is a valid one. */
export interface WorldPlan {
  /** environments of each workspace */
  workspaces: number[];
  people: { workspace: number; narrowedTo: number[]; also: number | null }[];
  viewers: ViewerPlan[];
}

export interface ViewerPlan {
  person: number;
  /** of the person's workspaces */
  workspace: number;
  /** null = the whole workspace */
  environment: number | null;
  pageSize: PageSize;
  filter: number;
  overHttp: boolean;
}

/** What lists are of; the first is the plain one. */
export const FILTERS: readonly ListFilter[] = [
  CLEAN_FILTER,
  { ...CLEAN_FILTER, tab: 'active' },
  { ...CLEAN_FILTER, tab: 'needs_follow_up' },
  { ...CLEAN_FILTER, tab: 'stale' },
  { ...CLEAN_FILTER, tab: 'succeeded' },
  { ...CLEAN_FILTER, tab: 'failed' },
  { ...CLEAN_FILTER, outcomes: ['succeeded', 'cancelled'] },
  { ...CLEAN_FILTER, types: ['policy.sync'], statuses: ['queued', 'running'] },
  { ...CLEAN_FILTER, problemClass: 'terminal_follow_up' }
];

const small = fc.nat({ max: 7 });
export function worldPlans(viewers: number): fc.Arbitrary<WorldPlan> {
  return fc.record({
    workspaces: fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 3 }).map(([first, ...rest]) => [
      // The first is where most happens.
      Math.max(2, first!),
      ...rest
    ]),
    people: fc.array(
      fc.record({
        workspace: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: small }),
        narrowedTo: fc.oneof(
          { weight: 1, arbitrary: fc.constant<number[]>([]) },
          { weight: 1, arbitrary: fc.uniqueArray(small, { minLength: 1, maxLength: 3 }) }
        ),
        also: fc.option(small, { nil: null, freq: 2 })
      }),
      { minLength: 3, maxLength: 5 }
    ),
    viewers: fc.array(
      fc.record({
        person: small,
        workspace: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: small }),
        environment: fc.option(small, { nil: null, freq: 3 }),
        pageSize: fc.constantFrom<PageSize>(25, 25, 50, 100),
        filter: fc.oneof(
          { weight: 2, arbitrary: fc.constant(0) },
          { weight: 3, arbitrary: fc.nat({ max: FILTERS.length - 1 }) }
        ),
        overHttp: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) })
      }),
      { minLength: viewers, maxLength: viewers }
    )
  });
}

export interface OracleWorkspace {
  id: number;
  environments: number[];
}

export interface OraclePerson extends TestPerson {
  workspaces: OracleWorkspace[];
}

export interface OracleWorld {
  url: string;
  owner: pg.Pool;
  feed: pg.Pool;
  workspaces: OracleWorkspace[];
  people: OraclePerson[];
  /** what the trimming of the log remembers */
  marks: Marks;
  /** member `at` of a list that is taken around */
  pick<T>(list: readonly T[], at: number): T;
  close(): Promise<void>;
}

export async function makeOracleWorld(url: string, plan: WorldPlan): Promise<OracleWorld> {
  const owner = openPool({ url, role: 'owner', max: 4, applicationName: 'oracle', statementTimeoutMs: 60_000 });
  const feed = openPool({ url, role: 'feed', max: 1, applicationName: 'oracle trim' });
  await owner.query(
    `create table oracle_access (user_id bigint primary key, version bigint not null default 1);
     insert into operation_types (code, label, follow_up_policy, queued_limit_seconds, running_limit_seconds) values
       ('test.quick', 'Quick', 'repeatable', 1, 1), ('test.repeated', 'Repeated', 'repeatable', 900, 900)`
  );
  const one = async (sql: string, values: unknown[]): Promise<number> =>
    (await owner.query<{ id: number }>(sql, values)).rows[0]!.id;
  const workspaces: OracleWorkspace[] = [];
  for (const [at, count] of plan.workspaces.entries()) {
    const id = await one('insert into workspaces (name) values ($1) returning id', [`Workspace ${at}`]);
    const environments: number[] = [];
    for (let i = 0; i < count; i++)
      environments.push(
        await one('insert into managed_environments (workspace_id, name) values ($1, $2) returning id', [id, `e${i}`])
      );
    workspaces.push({ id, environments });
  }
  const pick = <T>(list: readonly T[], at: number): T => list[at % list.length]!;
  const people: OraclePerson[] = [];
  for (const [at, { workspace, narrowedTo, also }] of plan.people.entries()) {
    const person = await makePerson(owner, `person${at}`);
    const first = pick(workspaces, workspace);
    const second = also === null ? first : pick(workspaces, also);
    const mine = first === second ? [first] : [first, second];
    for (const { id } of mine)
      await owner.query('insert into memberships (workspace_id, user_id, role) values ($1, $2, $3)', [
        id,
        person.id,
        'operator'
      ]);
    await narrow(owner, person.id, first, narrowedTo);
    await owner.query('insert into oracle_access (user_id) values ($1)', [person.id]);
    people.push({ ...person, workspaces: mine });
  }
  return {
    url,
    owner,
    feed,
    workspaces,
    people,
    marks: { epoch: '', marks: [] },
    pick,
    close: async () => void (await Promise.all([owner.end(), feed.end()]))
  };
}

/** Lets a member see these environments only; none: all. */
export async function narrow(
  db: pg.Pool | pg.ClientBase,
  userId: number,
  { id, environments }: OracleWorkspace,
  to: readonly number[]
): Promise<void> {
  const ids = environments.length === 0 ? [] : [...new Set(to.map((at) => environments[at % environments.length]!))];
  await db.query('delete from environment_memberships where user_id = $1 and workspace_id = $2', [userId, id]);
  await db.query(
    `insert into environment_memberships (workspace_id, user_id, managed_environment_id) select $1, $2, unnest($3::bigint[])`,
    [id, userId, ids]
  );
}
