/** Operations as their systems report them, by SQL: how one ends, and types whose limits a test can wait for. */
import { randomBytes } from 'node:crypto';
import { insertOperation, type World } from '../../tests/harness/world.ts';

export type Ending = 'succeeded' | 'partially_succeeded' | 'blocked' | 'failed' | 'cancelled';

/** A completed operation of A; `reason` becomes its first failure. */
export async function reportEnd(
  world: World,
  environmentId: number | null,
  outcome: Ending,
  { type = 'inventory.sync', reason = 'The provider limited the requests.', initiator = 'System' } = {}
): Promise<number> {
  const failures = outcome === 'succeeded' || outcome === 'cancelled' ? [] : [{ code: 'LIMIT', message: reason }];
  const { rows } = await world.writer.query<{ id: number }>(
    `insert into operation_runs
       (workspace_id, managed_environment_id, type, initiator_name, status, outcome, failure_summary)
     values ($1, $2, $3, $4, 'completed', $5, $6) returning id`,
    [world.a, environmentId, type, initiator, outcome, JSON.stringify(failures)]
  );
  return rows[0]!.id;
}

/** A queued operation of A that then runs. */
export async function reportRunning(world: World, environmentId: number | null, type?: string): Promise<number> {
  const id = await insertOperation(world.writer, world.a, environmentId, type);
  await world.writer.query(`update operation_runs set status = 'running' where id = $1`, [id]);
  return id;
}

/** Says of a running operation every half second that it runs. @returns falls silent; a report on its way arrives first */
export function keepReporting(world: World, id: number): { stop(): Promise<void> } {
  const report = () => world.writer.query(`update operation_runs set status = 'running' where id = $1`, [id]);
  let last: Promise<unknown> = report();
  const timer = setInterval(() => (last = last.then(report)), 500);
  return {
    async stop() {
      clearInterval(timer);
      await last;
    }
  };
}

/** A type of this test's own that may be silent for so many seconds. */
export async function addType(world: World, seconds: number, label = 'Quick check'): Promise<string> {
  const code = `test.${randomBytes(4).toString('hex')}`;
  await world.owner.query(
    `insert into operation_types (code, label, follow_up_policy, queued_limit_seconds, running_limit_seconds)
     values ($1, $2, 'repeatable', $3, $3)`,
    [code, label, seconds]
  );
  return code;
}
