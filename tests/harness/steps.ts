/**
 * What writers do in the oracle: steps generated from a seed and carried out as any reporter would, over a connection
 * that may be lost at any time. A step that fails because of a fault is simply what happens to a writer: the oracle
 * compares with what the database kept, not with what was tried.
 */
import fc from 'fast-check';
import pg from 'pg';
import type { World } from './world.ts';

export type Place = 'a1' | 'a2' | 'a3' | 'itself' | 'b1';

export type Write =
  | { do: 'insert'; place: Place; count: number }
  | { do: 'upsert'; place: Place; hash: string }
  | { do: 'progress'; pick: number; share: number }
  | { do: 'complete'; pick: number; outcome: string }
  | { do: 'move'; pick: number; place: 'a1' | 'a2' | 'a3' }
  | { do: 'delete'; pick: number }
  /** very many at once: told as a burst */
  | { do: 'progress many' }
  | { do: 'delete many' }
  /** one that falls silent at once: its type allows a second */
  | { do: 'fall silent'; place: Place }
  | { do: 'review'; pick: number; isReviewed: boolean }
  | { do: 'sweep' }
  | { do: 'nothing' };

export type Step =
  | { do: 'write'; write: Write }
  | {
      do: 'transaction';
      writes: Write[];
      savepointAt: number;
      keepsSavepoint: boolean;
      commits: boolean;
      waitMs: number;
    }
  | { do: 'narrow'; to: ('a1' | 'a2' | 'a3')[]; write: Write };

const place = fc.constantFrom<Place>('a1', 'a1', 'a2', 'a3', 'itself', 'b1');
const pick = fc.nat({ max: 10_000 });
const write: fc.Arbitrary<Write> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('insert' as const), place, count: fc.constantFrom(1, 1, 1, 3, 40, 260) })
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('upsert' as const), place, hash: fc.constantFrom('x', 'y', 'z') })
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('progress' as const), pick, share: fc.nat({ max: 100 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('complete' as const),
      pick,
      outcome: fc.constantFrom('succeeded', 'failed', 'blocked', 'cancelled', 'partially_succeeded')
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('move' as const),
      pick,
      place: fc.constantFrom('a1' as const, 'a2' as const, 'a3' as const)
    })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), pick }) },
  { weight: 1, arbitrary: fc.constantFrom({ do: 'progress many' as const }, { do: 'delete many' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fall silent' as const), place }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('review' as const), pick, isReviewed: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ do: 'sweep' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'nothing' as const }) }
);

export const steps: fc.Arbitrary<Step[]> = fc.array(
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
        waitMs: fc.constantFrom(0, 5, 30, 120, 400)
      })
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('narrow' as const),
        to: fc.subarray(['a1' as const, 'a2' as const, 'a3' as const]),
        write
      })
    }
  ),
  { minLength: 12, maxLength: 30 }
);

/** Carries out steps on one connection at a time, opening a new one whenever a fault took the last. */
export async function runSteps(world: World, url: string, list: Step[]): Promise<void> {
  let client: pg.Client | null = null;
  for (const step of list) {
    try {
      client ??= await connect(url);
      await runStep(client, world, step);
    } catch (error) {
      // Refused reports and lost connections alike: the transaction is gone, and so may be the connection.
      await client?.query('rollback').catch(() => {});
      if ((error as pg.DatabaseError).severity !== 'ERROR') {
        await client?.end().catch(() => {});
        client = null;
      }
    }
  }
  await client?.end().catch(() => {});
}

async function connect(url: string): Promise<pg.Client> {
  for (let attempt = 0; ; attempt++) {
    // As owner: steps also delete, and change entitlements together with rows.
    const client = new pg.Client({
      connectionString: url,
      application_name: 'oracle writer',
      connectionTimeoutMillis: 2_000
    });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('set role watchfloor_owner');
      return client;
    } catch (error) {
      await client.end().catch(() => {});
      if (attempt > 100) throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

async function runStep(client: pg.Client, world: World, step: Step): Promise<void> {
  switch (step.do) {
    case 'write':
      return runWrite(client, world, step.write);
    case 'transaction':
      await client.query('begin');
      for (const [at, inner] of step.writes.entries()) {
        if (at === step.savepointAt) await client.query('savepoint here');
        await runWrite(client, world, inner);
      }
      if (step.savepointAt < step.writes.length && !step.keepsSavepoint) await client.query('rollback to here');
      if (step.waitMs > 0) await client.query('select pg_sleep($1)', [step.waitMs / 1_000]);
      await client.query(step.commits ? 'commit' : 'rollback');
      return;
    case 'narrow':
      // Access and a row in one transaction: access must be handled first.
      await client.query('begin');
      await client.query('delete from environment_memberships where user_id = $1', [world.narrowed.id]);
      await client.query(
        `insert into environment_memberships (workspace_id, user_id, managed_environment_id) select $1, $2, unnest($3::bigint[])`,
        [world.a, world.narrowed.id, step.to.map((name) => world[name])]
      );
      await runWrite(client, world, step.write);
      await client.query('commit');
  }
}

/** Some existing operation, the same one for the same number as far as the table is the same. */
const PICKED = `(select id from operation_runs order by id desc offset $1 % greatest(1, (select count(*) from operation_runs)) limit 1)`;

async function runWrite(client: pg.Client, world: World, step: Write): Promise<void> {
  const at = (name: Place): [number, number | null] =>
    name === 'itself' ? [world.a, null] : name === 'b1' ? [world.b, world.b1] : [world.a, world[name]];
  switch (step.do) {
    case 'insert':
      await client.query(
        `insert into operation_runs (workspace_id, managed_environment_id, type) select $1, $2, 'policy.sync' from generate_series(1, $3)`,
        [...at(step.place), step.count]
      );
      return;
    case 'upsert': {
      const [workspaceId, environmentId] = at(step.place);
      await client.query(
        `insert into operation_runs (workspace_id, managed_environment_id, type, run_identity_hash) values ($1, $2, 'policy.sync', $3)
         on conflict ${
           environmentId === null
             ? `(workspace_id, run_identity_hash) where status <> 'completed' and managed_environment_id is null and run_identity_hash is not null`
             : `(managed_environment_id, run_identity_hash) where status <> 'completed' and managed_environment_id is not null and run_identity_hash is not null`
         } do update set status = 'running', progress_processed = coalesce(operation_runs.progress_processed, 0) + 1`,
        [workspaceId, environmentId, step.hash]
      );
      return;
    }
    case 'progress':
      await client.query(
        `update operation_runs set status = 'running', progress_processed = $2, progress_total = 100 where id = ${PICKED} and status <> 'completed'`,
        [step.pick, step.share]
      );
      return;
    case 'complete':
      await client.query(`update operation_runs set status = 'completed', outcome = $2 where id = ${PICKED}`, [
        step.pick,
        step.outcome
      ]);
      return;
    case 'move':
      await client.query(
        `update operation_runs set managed_environment_id = $2 where id = ${PICKED} and workspace_id = $3`,
        [step.pick, world[step.place], world.a]
      );
      return;
    case 'delete':
      await client.query(`delete from operation_runs where id = ${PICKED}`, [step.pick]);
      return;
    case 'progress many':
      await client.query(
        `update operation_runs set status = 'running', progress_phase = 'many' where status <> 'completed' and workspace_id = $1`,
        [world.a]
      );
      return;
    case 'delete many':
      await client.query(
        `delete from operation_runs where id in (select id from operation_runs where workspace_id = $1 order by id desc limit 220)`,
        [world.a]
      );
      return;
    case 'fall silent':
      await client.query(
        `insert into operation_runs (workspace_id, managed_environment_id, type, status) values ($1, $2, 'test.quick', 'running')`,
        at(step.place)
      );
      return;
    case 'review':
      await client.query(
        `select watchfloor.review_operation($2, $3, id, $4) from (select ${PICKED} as id) picked where id is not null`,
        [step.pick, world.everyone.id, world.a, step.isReviewed]
      );
      return;
    case 'sweep':
      await client.query('select watchfloor.sweep_follow_ups()');
      return;
    case 'nothing':
      await client.query(`update operation_runs set status = 'running' where false`);
  }
}
