/**
 * One write each, as writers of every kind make them: plain, COPY, ON CONFLICT, MERGE, CTEs, many at once, a statement for
 * each row, history of its own times, moves, deletions, reviews. Plans name places and operations by small numbers.
 */
import fc from 'fast-check';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { removeHistory } from '../../src/lib/server/reports/retention.ts';
import { findTrimmable, raiseFloor, readMark, trim, withMark } from '../../src/lib/server/reports/log-trim.ts';
import type { OracleWorld } from './oracle-world.ts';

/** workspace, environment (null: the workspace itself), both taken around */
interface Place {
  workspace: number;
  environment: number | null;
}

export type Write =
  | { do: 'insert' | 'copy' | 'each' | 'fall silent'; place: Place; count: number }
  | { do: 'upsert' | 'merge'; place: Place; hash: string }
  | { do: 'chain'; place: Place; pick: number }
  | { do: 'progress'; pick: number; share: number }
  | { do: 'complete'; pick: number; outcome: string }
  | { do: 'end at once'; place: Place; outcome: string }
  | { do: 'old'; place: Place; outcome: string }
  | { do: 'move'; pick: number; environment: number | null }
  | { do: 'delete'; pick: number }
  | { do: 'progress many' | 'delete many' | 'rename'; place: Place }
  | { do: 'review'; pick: number; person: number; isReviewed: boolean }
  | { do: 'sweep' | 'retention' | 'trim' | 'nothing' | 'empty' };

const small = fc.nat({ max: 7 });
const environment = fc.option(small, { nil: null, freq: 5 });
const place: fc.Arbitrary<Place> = fc.record({
  workspace: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: small }),
  environment
});
const pick = fc.nat({ max: 10_000 });
const outcome = fc.constantFrom('succeeded', 'failed', 'blocked', 'cancelled', 'partially_succeeded');
const one = <T extends string>(...names: T[]): fc.Arbitrary<T> => fc.constantFrom(...names);

export const write: fc.Arbitrary<Write> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: one('insert', 'insert', 'copy'), place, count: one_of(1, 1, 1, 3, 40) })
  },
  { weight: 1, arbitrary: fc.record({ do: one('insert', 'copy', 'each'), place, count: one_of(210, 260, 700) }) },
  { weight: 4, arbitrary: fc.record({ do: one('upsert', 'merge'), place, hash: one('x', 'y', 'z') }) },
  { weight: 2, arbitrary: fc.record({ do: one('chain'), place, pick }) },
  { weight: 9, arbitrary: fc.record({ do: one('progress'), pick, share: fc.nat({ max: 100 }) }) },
  { weight: 6, arbitrary: fc.record({ do: one('complete'), pick, outcome }) },
  { weight: 3, arbitrary: fc.record({ do: one('end at once'), place, outcome }) },
  { weight: 1, arbitrary: fc.record({ do: one('old'), place, outcome }) },
  { weight: 4, arbitrary: fc.record({ do: one('move'), pick, environment }) },
  { weight: 2, arbitrary: fc.record({ do: one('delete'), pick }) },
  { weight: 1, arbitrary: fc.record({ do: one('progress many', 'delete many', 'rename'), place }) },
  { weight: 2, arbitrary: fc.record({ do: one('fall silent'), place, count: fc.constant(1) }) },
  { weight: 2, arbitrary: fc.record({ do: one('review'), pick, person: small, isReviewed: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: one('sweep', 'sweep', 'retention', 'trim', 'trim', 'nothing') }) },
  { weight: 1, arbitrary: fc.record({ do: one('nothing', 'nothing', 'nothing', 'empty') }) }
);
function one_of(...values: number[]): fc.Arbitrary<number> {
  return fc.constantFrom(...values);
}

/** What is trimmed after fifteen minutes is trimmed after this: who was away for longer is below the floor. */
const TRIMMED_AFTER_MS = 1_500;

/** Writes that a reporter without any other right makes. */
const REPORTS = new Set<Write['do']>([
  ...(['insert', 'copy', 'each', 'fall silent', 'upsert', 'merge', 'chain', 'progress', 'complete'] as const),
  ...(['end at once', 'move', 'progress many', 'nothing'] as const)
]);
export function isReport({ do: what }: Write): boolean {
  return REPORTS.has(what);
}
/** Not within a transaction of others: it opens its own. */
export function isAlone({ do: what }: Write): boolean {
  return what === 'retention' || what === 'trim' || what === 'empty';
}

/** Some existing operation, the same one for the same number as far as the table is the same. */
const PICKED = `(select id from operation_runs order by id desc offset $1 % greatest(1, (select count(*) from operation_runs)) limit 1)`;

export async function runWrite(client: pg.Client, world: OracleWorld, step: Write): Promise<void> {
  const at = ({ workspace, environment: e }: Place): [number, number | null] => {
    const { id, environments } = world.pick(world.workspaces, workspace);
    return [id, e === null || environments.length === 0 ? null : world.pick(environments, e)];
  };
  switch (step.do) {
    case 'insert':
      await client.query(
        `insert into operation_runs (workspace_id, managed_environment_id, type) select $1, $2, 'policy.sync' from generate_series(1, $3)`,
        [...at(step.place), step.count]
      );
      return;
    case 'copy': {
      const [workspaceId, environmentId] = at(step.place);
      const line = `${workspaceId}\t${environmentId ?? '\\N'}\ttest.repeated\trunning\n`;
      const stream = client.query(
        copyFrom('copy operation_runs (workspace_id, managed_environment_id, type, status) from stdin')
      );
      await pipeline(Readable.from([line.repeat(step.count)]), stream);
      return;
    }
    case 'each':
      await client.query(
        `do $$ begin for i in 1..${step.count} loop
           insert into operation_runs (workspace_id, managed_environment_id, type) values (${at(step.place)
             .map((id) => id ?? 'null')
             .join(', ')}, 'inventory.sync');
         end loop; end $$`
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
    case 'merge':
      await client.query(
        `merge into operation_runs r using (select $1::bigint as workspace, $2::bigint as environment, $3::text as hash) s
           on r.workspace_id = s.workspace and r.managed_environment_id is not distinct from s.environment
             and r.run_identity_hash = s.hash and r.status <> 'completed'
         when matched then update set status = 'running', progress_phase = 'merged'
         when not matched then insert (workspace_id, managed_environment_id, type, run_identity_hash)
           values (s.workspace, s.environment, 'policy.sync', s.hash)`,
        [...at(step.place), step.hash]
      );
      return;
    case 'chain':
      await client.query(
        `with made as (insert into operation_runs (workspace_id, managed_environment_id, type, status)
             values ($2, $3, 'restore.execute', 'running') returning id),
           touched as (update operation_runs set progress_phase = 'by a chain' where id = ${PICKED}
             and status <> 'completed' returning id)
         select (select count(*) from made), (select count(*) from touched)`,
        [step.pick, ...at(step.place)]
      );
      return;
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
    case 'end at once':
      await client.query(
        `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome) values ($1, $2, 'test.repeated', 'completed', $3)`,
        [...at(step.place), step.outcome]
      );
      return;
    case 'old':
      // History with its own times, as the owner brings it.
      await client.query(`select set_config('watchfloor.import', 'on', false)`);
      await client.query(
        `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome, created_at, completed_at, last_reported_at)
         select $1, $2, 'test.repeated', 'completed', $3, t, t, t from (select now() - interval '100 days' as t) at`,
        [...at(step.place), step.outcome]
      );
      await client.query(`select set_config('watchfloor.import', '', false)`);
      return;
    case 'move': {
      const of = step.environment;
      await client.query(
        `update operation_runs r set managed_environment_id =
           (select (array_agg(e.id order by e.id))[1 + $2::int % nullif(count(*)::int, 0)] from managed_environments e where e.workspace_id = r.workspace_id)
         where id = ${PICKED} and ($2::int is not null or r.managed_environment_id is not null)`,
        [step.pick, of]
      );
      return;
    }
    case 'delete':
      await client.query(`delete from operation_runs where id = ${PICKED}`, [step.pick]);
      return;
    case 'progress many':
      await client.query(
        `update operation_runs set status = 'running', progress_phase = 'many' where status <> 'completed' and workspace_id = $1`,
        [at(step.place)[0]]
      );
      return;
    case 'delete many':
      await client.query(
        `delete from operation_runs where id in (select id from operation_runs where workspace_id = $1 order by id desc limit 220)`,
        [at(step.place)[0]]
      );
      return;
    case 'rename':
      await client.query(`update managed_environments set name = name || '+' where id = $1 and length(name) < 40`, [
        at(step.place)[1]
      ]);
      return;
    case 'fall silent':
      await client.query(
        `insert into operation_runs (workspace_id, managed_environment_id, type, status) values ($1, $2, 'test.quick', 'running')`,
        at(step.place)
      );
      return;
    case 'review': {
      const person = world.pick(world.people, step.person);
      await client.query(
        `select watchfloor.review_operation($2, r.workspace_id, r.id, $3) from operation_runs r
         where r.id = ${PICKED} and exists (select from memberships m where m.user_id = $2 and m.workspace_id = r.workspace_id)`,
        [step.pick, person.id, step.isReviewed]
      );
      return;
    }
    case 'sweep':
      await client.query('select watchfloor.sweep_follow_ups()');
      return;
    case 'retention':
      await removeHistory(world.owner, { historyDays: 0, stepRows: 50 });
      return;
    case 'trim':
      return trimLog(world);
    case 'empty':
      await client.query('truncate operation_runs');
      return;
    case 'nothing':
      await client.query(`update operation_runs set status = 'running' where false`);
  }
}

async function trimLog(world: OracleWorld): Promise<void> {
  world.marks = withMark(world.marks, await readMark(world.feed), performance.now());
  const { xmin, rest } = findTrimmable(world.marks, performance.now() - TRIMMED_AFTER_MS);
  if (xmin !== null && (await raiseFloor(world.feed, xmin))) await trim(world.feed);
  world.marks = rest;
}
