/**
 * Postgres as the second fence: each check of the application is taken away in turn, and what the statements of the pages
 * then give is still only what the person may see. The statements are the real ones; what is taken away is the check
 * around them, or the condition inside them. The push path has no such fence: its checks are held by mutants
 * (scripts/mutants/list-access.ts).
 */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { can, MEMBER_ROLES, type Capability, type MemberRole } from '../src/lib/server/access/capabilities.ts';
import type { VisibleWorkspace } from '../src/lib/server/access/scope.ts';
import { openPool, withTransaction, type Queryable, type Role } from '../src/lib/server/database/pool.ts';
import { readListCounts } from '../src/lib/server/operations/counts.ts';
import { readOperation } from '../src/lib/server/operations/detail.ts';
import { openDiagnostics } from '../src/lib/server/operations/diagnostics.ts';
import { isThere } from '../src/lib/server/operations/door.ts';
import { readOperationsById, readPageOfRows } from '../src/lib/server/operations/first-page.ts';
import { normaliseSearch, readOptions } from '../src/lib/server/operations/options.ts';
import { readOverview } from '../src/lib/server/operations/overview.ts';
import { readRejected } from '../src/lib/server/operations/rejected.ts';
import { reviewOperation } from '../src/lib/server/operations/review.ts';
import { readSummaries, summaryPlaces } from '../src/lib/server/operations/summary.ts';
import { CLEAN_FILTER } from '../src/lib/operations/filter.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { makePerson, makeWorld, type TestPerson, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
let people: pg.Pool;
/** an operation that failed in each place, by the name of the place */
const made: Record<'a' | 'a1' | 'a2' | 'b' | 'b1', number> = { a: 0, a1: 0, a2: 0, b: 0, b1: 0 };

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  people = openPool({ url: database.url, role: 'people', max: 4, applicationName: 'test pages' });
  const places = {
    a: [world.a, null],
    a1: [world.a, world.a1],
    a2: [world.a, world.a2],
    b: [world.b, null],
    b1: [world.b, world.b1]
  };
  for (const [name, [workspace, environment]] of Object.entries(places)) {
    const { rows } = await world.writer.query<{ id: number }>(
      `insert into operation_runs (workspace_id, managed_environment_id, type, initiator_name, status, outcome, context)
       values ($1, $2, $3, $4, 'completed', 'failed', $5) returning id`,
      [workspace, environment, `kind.${name}`, `Somebody of ${name}`, { secret: name }]
    );
    made[name as keyof typeof made] = rows[0]!.id;
    // Final: what says otherwise is refused, and kept as it was sent.
    await world.writer.query(`update operation_runs set status = 'running' where id = $1`, [rows[0]!.id]);
  }
});
afterAll(async () => {
  await people?.end();
  await world?.close();
  await database?.drop();
});

/** What a page would hand on that asked nobody: every workspace and environment, whoever asks. */
async function everything(workspaceId: number): Promise<VisibleWorkspace> {
  const { rows } = await world.owner.query<{ id: number; name: string }>('select id, name from managed_environments');
  return {
    workspace: { id: workspaceId, name: 'Anything', isDemo: false },
    role: 'owner',
    environments: rows,
    seesAllEnvironments: true,
    typeLabels: {},
    snapshot: '1:1:',
    epoch: null,
    readAt: Date.now()
  };
}

/** The person and the workspace of the transaction, as readWorkspace says them, and nothing that it asks. */
function enter<T>(
  person: TestPerson | null,
  workspaceId: number,
  work: (db: Queryable) => Promise<T>,
  strip: (sql: string) => string = (sql) => sql
): Promise<T> {
  return withTransaction(people, 'isolation level repeatable read read only', async (client) => {
    if (person !== null)
      await client.query(
        `select set_config('watchfloor.user_id', $1, true), set_config('watchfloor.workspace_id', $2, true)`,
        [String(person.id), String(workspaceId)]
      );
    const query = (sql: string | pg.QueryConfig, values?: unknown[]) =>
      typeof sql === 'string' ? client.query(strip(sql), values) : client.query(strip(sql.text), sql.values);
    return work({ query } as unknown as Queryable);
  });
}

/** Everything that pages read, as the names of the places it came from. */
async function readAll(db: Queryable, workspaceId: number): Promise<{ places: string[]; words: string }> {
  const visible = await everything(workspaceId);
  const page = { environmentId: null, pageSize: 25 as const, after: null, before: null };
  const text = await normaliseSearch(db, 'kind');
  const found: unknown[] = [
    await readPageOfRows(db, visible, { ...page, filter: CLEAN_FILTER }),
    await readPageOfRows(db, visible, { ...page, filter: { ...CLEAN_FILTER, tab: 'needs_follow_up' } }),
    await readPageOfRows(db, visible, { ...page, filter: { ...CLEAN_FILTER, text: 'kind', textNormal: text } }),
    await readPageOfRows(db, { ...visible, seesAllEnvironments: false }, { ...page, filter: CLEAN_FILTER }),
    await readOperationsById(db, workspaceId, Object.values(made)),
    await readOptions(db, workspaceId, null),
    await readRejected(db, visible, { after: null, before: null })
  ];
  for (const id of Object.values(made)) found.push(await readOperation(db, workspaceId, id));
  const words = JSON.stringify(found);
  return { places: Object.keys(made).filter((name) => new RegExp(`\\bkind\\.${name}\\b`).test(words)), words };
}

/** How many failed ones each count and each summary says there are. */
async function countAll(db: Queryable, workspaceId: number): Promise<number[]> {
  const visible = await everything(workspaceId);
  const counts = await readListCounts(db, visible, null, CLEAN_FILTER);
  const places = [...summaryPlaces(visible, null), 'itself' as const, ...visible.environments.map(({ id }) => id)];
  const summaries = await readSummaries(db, workspaceId, places, Date.now());
  const { environments } = await readOverview(db, visible);
  return [
    ...[counts.list, ...Object.values(counts.tabs ?? {})].map(({ count }) => count),
    ...summaries.map(({ counts: { failed } }) => failed),
    ...environments.map((environment) => (JSON.stringify(environment).match(/kind\./g) ?? []).length)
  ].filter((count) => count > 0);
}

/** The same statements without what they say of workspaces and places. */
const withoutConditions = (sql: string): string =>
  sql
    .replace(/\b\w+\.workspace_id = (\$\d+)(::bigint)?/g, '($1::bigint is not null)')
    .replace(/\b\w+\.place_id = (\$\d+)(::bigint)?/g, '($1::bigint is not null)')
    .replace(/\b\w+\.place_id = any \((\$\d+)[^)]*\)/g, '($1::bigint[] is not null)')
    .replace(/\bw\.id = (\$\d+)/g, '($1::bigint is not null)');

describe('what people read', () => {
  test('the control: with every right, all of one’s own workspace and nothing else is read', async () => {
    const { places } = await enter(world.everyone, world.a, (db) => readAll(db, world.a));
    expect(places).toEqual(['a', 'a1', 'a2']);
    expect((await enter(world.everyone, world.a, (db) => countAll(db, world.a))).length).toBeGreaterThan(0);
  });

  test('without the check that somebody is a member, a foreign workspace is empty', async () => {
    const { places, words } = await enter(world.everyone, world.b, (db) => readAll(db, world.b));
    expect(places).toEqual([]);
    expect(words).not.toContain('Somebody');
    expect(await enter(world.everyone, world.b, (db) => countAll(db, world.b))).toEqual([]);
    for (const id of [made.b, made.b1])
      expect(await enter(world.everyone, world.b, async (db) => isThere(db, await everything(world.b), id))).toBe(
        false
      );
  });

  test('without the check which environments somebody sees, the others are empty', async () => {
    const { places } = await enter(world.narrowed, world.a, (db) => readAll(db, world.a));
    expect(places).toEqual(['a', 'a1']);
    const counted = await enter(world.narrowed, world.a, (db) => countAll(db, world.a));
    const all = await enter(world.everyone, world.a, (db) => countAll(db, world.a));
    expect(counted.length).toBeLessThan(all.length);
    const page = { environmentId: world.a2, filter: CLEAN_FILTER, pageSize: 25 as const, after: null, before: null };
    const read = async (db: Queryable) => readPageOfRows(db, await everything(world.a), page);
    expect((await enter(world.narrowed, world.a, read)).rows).toEqual([]);
    expect((await enter(world.everyone, world.a, read)).rows).toHaveLength(1);
  });

  test('without the conditions of the statements, they still read nothing of other workspaces and places', async () => {
    let stripped = 0;
    const strip = (sql: string): string => {
      const without = withoutConditions(sql);
      if (without !== sql) stripped++;
      return without;
    };
    const everyone = await enter(world.everyone, world.a, (db) => readAll(db, world.a), strip);
    expect(everyone.places).toEqual(['a', 'a1', 'a2']);
    const narrowed = await enter(world.narrowed, world.a, (db) => readAll(db, world.a), strip);
    expect(narrowed.places).toEqual(['a', 'a1']);
    expect(stripped).toBeGreaterThan(20);
    // Each count is of everything that is let through: three of A, two of them for who is narrowed, never all five.
    expect(Math.max(...(await enter(world.everyone, world.a, (db) => countAll(db, world.a), strip)))).toBe(3);
    expect(Math.max(...(await enter(world.narrowed, world.a, (db) => countAll(db, world.a), strip)))).toBe(2);
    // Where the address names one workspace, and the transaction entered another.
    const crossed = await enter(world.everyone, world.a, (db) => readAll(db, world.b), strip);
    expect(crossed.places.filter((place) => place.startsWith('b'))).toEqual([]);
  });

  test('the same statements read everything where there is no fence: what was taken away was a check', async () => {
    const owner: Queryable = {
      query: ((sql: string, values?: unknown[]) =>
        world.owner.query(withoutConditions(sql), values)) as Queryable['query']
    };
    expect((await readAll(owner, world.a)).places).toEqual(['a', 'a1', 'a2', 'b', 'b1']);
  });

  test('where the transaction never said who asks, nothing is read at all', async () => {
    for (const strip of [undefined, withoutConditions]) {
      expect((await enter(null, world.a, (db) => readAll(db, world.a), strip)).places).toEqual([]);
      expect(await enter(null, world.a, (db) => countAll(db, world.a), strip)).toEqual([]);
    }
  });

  test('somebody who was disabled reads nothing, with a membership and settings as before', async () => {
    const person = await makePerson(world.owner, 'leaver');
    await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'owner')`, [
      world.a,
      person.id
    ]);
    expect((await enter(person, world.a, (db) => readAll(db, world.a))).places).toHaveLength(3);
    await world.owner.query('update users set disabled_at = now() where id = $1', [person.id]);
    expect((await enter(person, world.a, (db) => readAll(db, world.a))).places).toEqual([]);
  });
});

describe('what a role may do', () => {
  const members = new Map<MemberRole, TestPerson>();
  beforeAll(async () => {
    for (const role of MEMBER_ROLES) {
      const person = await makePerson(world.owner, role);
      await world.owner.query('insert into memberships (workspace_id, user_id, role) values ($1, $2, $3)', [
        world.a,
        person.id,
        role
      ]);
      members.set(role, person);
    }
  });
  const request = (role: MemberRole, operationId = made.a1, workspaceId = world.a) => ({
    personId: members.get(role)!.id,
    workspaceId,
    operationId
  });
  const audited = async (): Promise<number> => (await world.owner.query('select from audit_events')).rowCount ?? 0;

  test('what the database guards is what the table of capabilities says', async () => {
    const guarded: Capability[] = ['operations.review', 'diagnostics.read', 'rejected_reports.read'];
    for (const role of MEMBER_ROLES)
      for (const capability of [...guarded, 'members.manage', 'no such thing']) {
        const { rows } = await enter(members.get(role)!, world.a, (db) =>
          db.query<{ may: boolean }>('select watchfloor.may($1) as may', [capability])
        );
        const expected = guarded.includes(capability as Capability) && can(role, capability as Capability);
        expect(rows[0]!.may, `${role} ${capability}`).toBe(expected);
      }
    const { rows } = await enter(members.get('owner')!, world.b, (db) =>
      db.query<{ may: boolean | null }>(`select watchfloor.may('operations.review') as may`)
    );
    expect(rows[0]!.may).not.toBe(true);
  });

  test('without the check of the page, diagnostics open for nobody else, and nothing is recorded as opened', async () => {
    for (const role of MEMBER_ROLES) {
      const before = await audited();
      const opened = await openDiagnostics(people, request(role));
      expect(opened === null, role).toBe(!can(role, 'diagnostics.read'));
      expect(await audited()).toBe(before + (can(role, 'diagnostics.read') ? 1 : 0));
    }
    expect(await openDiagnostics(people, request('support', made.b1, world.b))).toBeNull();
    expect(await openDiagnostics(people, request('support', made.b1))).toBeNull();
  });

  test('without the check of the page, nobody else reviews, and nothing changes', async () => {
    for (const role of MEMBER_ROLES) {
      const before = await audited();
      const answer = await reviewOperation(people, { ...request(role), isReviewed: true });
      expect(answer, role).toBe(can(role, 'operations.review') ? 'done' : 'absent');
      if (answer !== 'done') expect(await audited()).toBe(before);
      else await reviewOperation(people, { ...request(role), isReviewed: false });
    }
    expect(await reviewOperation(people, { ...request('owner', made.b1), isReviewed: true })).toBe('absent');
  });

  test('without the check of the page, refused reports are read by owners alone', async () => {
    for (const role of MEMBER_ROLES) {
      const { rows } = await enter(members.get(role)!, world.a, async (db) =>
        readRejected(db, await everything(world.a), { after: null, before: null })
      );
      expect(rows.length > 0, role).toBe(can(role, 'rejected_reports.read'));
    }
  });
});

describe('the roles of the database', () => {
  const REFUSED = /permission denied|must be owner|not permitted|cannot/;
  const attempts: Record<Role, string[]> = {
    people: [
      'select password_hash from users',
      'select id from sessions',
      'select value from watchfloor.secrets',
      'select key from watchfloor.sign_in_limits',
      'select context from operation_runs',
      'select id from audit_events',
      'select xid from watchfloor.changes',
      `insert into operation_runs (workspace_id, type) values (1, 'x')`,
      `update operation_runs set reviewed_at = now()`,
      `insert into memberships (workspace_id, user_id, role) values (1, 1, 'owner')`,
      'delete from rejected_reports',
      'create function public.mine() returns integer language sql return 1'
    ],
    writer: [
      'select password_hash from users',
      'select id from sessions',
      'select value from watchfloor.secrets',
      'select xid from watchfloor.changes',
      'delete from operation_runs',
      'truncate operation_runs',
      `insert into operation_runs (id, workspace_id, type) overriding system value values (1, 1, 'x')`,
      `insert into memberships (workspace_id, user_id, role) values (1, 1, 'owner')`,
      'alter table operation_runs disable trigger all',
      'create table public.mine ()'
    ],
    feed: [
      'select password_hash from users',
      'select email from users',
      'select context from operation_runs',
      'select failure_summary from operation_runs',
      'update operation_runs set type = type',
      'delete from sessions',
      `insert into memberships (workspace_id, user_id, role) values (1, 1, 'owner')`
    ],
    access: [
      'select id from operation_runs',
      'select id from rejected_reports',
      'select xid from watchfloor.changes',
      `update users set email = 'x'`,
      'update users set disabled_at = null',
      `insert into users (email, name, password_hash) values ('a@b', 'a', 'x')`,
      `insert into memberships (workspace_id, user_id, role) values (1, 1, 'owner')`
    ],
    reconciler: [
      'select password_hash from users',
      'select context from operation_runs',
      `update operation_runs set status = 'completed'`,
      'delete from operation_runs'
    ],
    owner: []
  };

  test.each(Object.entries(attempts).filter(([, refused]) => refused.length > 0))(
    '%s may not do what belongs to others',
    async (role, refused) => {
      const pool = openPool({ url: database.url, role: role as Role, max: 1, applicationName: 'test rights' });
      try {
        for (const sql of refused) await expect(pool.query(sql), sql).rejects.toThrow(REFUSED);
      } finally {
        await pool.end();
      }
    }
  );
});
