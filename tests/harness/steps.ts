/**
 * What writers do in the oracle: steps generated from a seed and carried out as any reporter would, over a connection
 * that may be lost at any time. A step that fails because of a fault is simply what happens to a writer: the oracle
 * compares with what the database kept, not with what was tried. But it is told which errors came that no fault explains:
 * our triggers must never block, deadlock or abort a writer.
 */
import fc from 'fast-check';
import pg from 'pg';
import { types } from '../../src/lib/server/database/pool.ts';
import { narrow, type OracleWorld } from './oracle-world.ts';
import { isAlone, isReport, runWrite, write, type Write } from './oracle-writes.ts';

export type Step =
  | { do: 'write'; write: Write }
  | {
      do: 'transaction';
      writes: Write[];
      savepointAt: number;
      keepsSavepoint: boolean;
      commits: boolean;
      waitMs: number;
      /** nobody is notified of it */
      isSilent: boolean;
      /** as what a restore or another copy of the database replays */
      isReplica: boolean;
      /** prepared, and ended from outside later */
      isTwoPhase: boolean;
    }
  | { do: 'access'; person: number; change: AccessChange; write: Write };

type AccessChange = { to: 'narrow'; environments: number[] } | { to: 'remove' | 'add' };

const small = fc.nat({ max: 7 });
const rarely = fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });

/** `longestMs`: how long a transaction may stay open */
export function stepsOf(longestMs: number, { minLength, maxLength }: { minLength: number; maxLength: number }) {
  return fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), write }) },
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('transaction' as const),
          writes: fc.array(write, { minLength: 1, maxLength: 5 }),
          savepointAt: fc.nat({ max: 5 }),
          keepsSavepoint: fc.boolean(),
          commits: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
          waitMs: fc.oneof(
            { weight: 8, arbitrary: fc.constantFrom(0, 5, 30, 120, 400) },
            { weight: 1, arbitrary: fc.constant(longestMs) }
          ),
          isSilent: rarely,
          isReplica: rarely,
          isTwoPhase: rarely
        })
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant('access' as const),
          person: small,
          change: fc.oneof(
            {
              weight: 4,
              arbitrary: fc.record({
                to: fc.constant('narrow' as const),
                environments: fc.uniqueArray(small, { maxLength: 3 })
              })
            },
            {
              weight: 1,
              arbitrary: fc.record({ to: fc.constantFrom('remove' as const, 'add' as const, 'add' as const) })
            }
          ),
          write
        })
      }
    ),
    { minLength, maxLength }
  ) as fc.Arbitrary<Step[]>;
}

/** What became of what writers tried. */
export interface LaneCounts {
  commits: number;
  /** ended by a fault, by themselves (savepoints, rollbacks) or by each other */
  aborts: number;
  deadlocks: number;
  /** errors that nothing of the oracle explains */
  refused: string[];
}

/**
 * A lost server or session, and what writers do to each other: an identity that is there already, row locks crosswise, a
 * prepared transaction that somebody else ended.
 */
const EXPLAINED = /^(08...|57P..|40P01|23505|25P02|42704)$/;

/** Carries out steps on one connection at a time, opening a new one whenever a fault took the last. */
export async function runSteps(world: OracleWorld, list: readonly Step[], counts: LaneCounts): Promise<void> {
  let client: pg.Client | null = null;
  for (const step of list) {
    try {
      client ??= await connect(world.url);
      // In two statements: other lanes count meanwhile.
      const commits = await runStep(client, world, step);
      counts.commits += commits;
    } catch (error) {
      counts.aborts++;
      const { code, severity, message } = error as pg.DatabaseError;
      if (code === '40P01') counts.deadlocks++;
      // Without a severity it is no answer of Postgres: the connection is gone.
      if (severity !== undefined && !EXPLAINED.test(code ?? ''))
        counts.refused.push(`${code}: ${message}, in ${JSON.stringify(step)}`);
      await client?.query('rollback').catch(() => {});
      if (severity !== 'ERROR' || code === '25P02') {
        await client?.end().catch(() => {});
        client = null;
      } else await client?.query(AS_OWNER).catch(() => {});
    }
  }
  await client?.end().catch(() => {});
}

/** Deletions and changes of access are the owner's; and what was set for one step ends with it. */
const AS_OWNER = 'reset all; set role watchfloor_owner';

async function connect(url: string): Promise<pg.Client> {
  for (let attempt = 0; ; attempt++) {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'oracle writer',
      types,
      connectionTimeoutMillis: 2_000,
      statement_timeout: 60_000
    });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query(AS_OWNER);
      return client;
    } catch (error) {
      await client.end().catch(() => {});
      if (attempt > 400) throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

/** Returns how many transactions were committed. */
async function runStep(client: pg.Client, world: OracleWorld, step: Step): Promise<number> {
  switch (step.do) {
    case 'write':
      if (isReport(step.write)) await client.query('set role watchfloor_writer');
      await runWrite(client, world, step.write);
      await client.query(AS_OWNER);
      return 1;
    case 'transaction':
      return runTransaction(client, world, step);
    case 'access':
      // Access and a row in one transaction: access must be handled first.
      await client.query('begin');
      await changeAccess(client, world, step.person, step.change);
      if (!isAlone(step.write)) await runWrite(client, world, step.write);
      await client.query('commit');
      return 1;
  }
}

async function runTransaction(
  client: pg.Client,
  world: OracleWorld,
  step: Extract<Step, { do: 'transaction' }>
): Promise<number> {
  const writes = step.writes.filter((one) => !isAlone(one));
  const id = `oracle ${Math.random()}`;
  await client.query('begin');
  // Postgres prepares no transaction that notifies.
  if (step.isSilent || step.isTwoPhase) await client.query('set local watchfloor.wake = off');
  if (step.isReplica) await client.query('reset role; set local session_replication_role = replica');
  else if (writes.every(isReport)) await client.query('set local role watchfloor_writer');
  if (step.isReplica) await client.query('set local role watchfloor_owner');
  for (const [at, inner] of writes.entries()) {
    if (at === step.savepointAt) await client.query('savepoint here');
    await runWrite(client, world, inner);
  }
  if (step.savepointAt < writes.length && !step.keepsSavepoint) await client.query('rollback to here');
  if (!step.isTwoPhase) {
    if (step.waitMs > 0) await client.query('select pg_sleep($1)', [step.waitMs / 1_000]);
    await client.query(step.commits ? 'commit' : 'rollback');
    await client.query(AS_OWNER);
  } else {
    await client.query(`prepare transaction '${id}'`);
    await client.query('reset role');
    if (step.waitMs > 0) await client.query('select pg_sleep($1)', [step.waitMs / 1_000]);
    await client.query(`${step.commits ? 'commit' : 'rollback'} prepared '${id}'`);
    await client.query(AS_OWNER);
  }
  return step.commits ? 1 : 0;
}

async function changeAccess(client: pg.Client, world: OracleWorld, at: number, change: AccessChange): Promise<void> {
  const person = world.pick(world.people, at);
  const workspace = person.workspaces[0]!;
  // First, so that changes of one person follow each other.
  await client.query('update oracle_access set version = version + 1 where user_id = $1', [person.id]);
  if (change.to === 'remove')
    await client.query('delete from memberships where user_id = $1 and workspace_id = $2', [person.id, workspace.id]);
  else {
    await client.query(
      `insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator') on conflict do nothing`,
      [workspace.id, person.id]
    );
    if (change.to === 'narrow') await narrow(client, person.id, workspace, change.environments);
  }
}

/** What was prepared when its writer was lost would hold its locks for ever: somebody ends what is older than that. */
export async function endPrepared(db: pg.Pool, olderMs: number): Promise<void> {
  const client = await db.connect();
  try {
    await client.query('reset role');
    const { rows } = await client.query<{ gid: string }>(
      `select gid from pg_prepared_xacts where database = current_database() and prepared < now() - $1 * interval '1 ms'`,
      [olderMs]
    );
    for (const { gid } of rows) await client.query(`commit prepared '${gid}'`);
    await client.query('set role watchfloor_owner');
    client.release();
  } catch {
    // The server is away; the connection is not to be used again as somebody else.
    client.release(true);
  }
}
