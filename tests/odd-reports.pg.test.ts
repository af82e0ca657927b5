/**
 * The law of reporting: no sequence of reports, however odd, raises an error, blocks or deadlocks a writer, breaks what an
 * operation is, or makes the hub wrong; and what was refused is kept, each with a reason. Two programs hold a transaction
 * open all the while, so that whoever waits for another's report at all runs into the time-out. WATCHFLOOR_SEED replays.
 */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { openReader, startHub, TestClient, type TestHub } from './harness/live.ts';
import { OddLane } from './harness/odd-lane.ts';
import { oddSteps, oddTransaction } from './harness/odd-reports.ts';
import { makeWorld, openWriter, type World } from './harness/world.ts';

const RUNS = Number(process.env['WATCHFLOOR_ODD_RUNS'] ?? 12);
/** No new case begins later than this, unless a number of them was asked for. */
const MOST_MS = process.env['WATCHFLOOR_ODD_RUNS'] ? 900_000 : 12_000;
const seed = Number(process.env['WATCHFLOOR_SEED'] ?? Date.now() % 2_147_483_647);

let database: TestDatabase;
let world: World;
let hub: TestHub;
let reader: ReturnType<typeof openReader>;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  // What every update was, also of those that nobody reads in between.
  await world.owner.query(`
    create table watchfloor.steps (old public.operation_runs, new public.operation_runs);
    create function watchfloor.note_step() returns trigger language plpgsql security definer
      set search_path = pg_catalog, pg_temp
      as $$ begin insert into watchfloor.steps values (old, new); return null; end $$;
    create trigger operation_runs_999_step after update on operation_runs
      for each row execute function watchfloor.note_step();`);
  hub = await startHub(database.url);
  reader = openReader(database.url);
});
afterAll(async () => {
  await hub?.close();
  await reader?.close();
  await world?.close();
  await database?.drop();
});

let lanes = 0;
async function openLane(isAlone = false): Promise<{ lane: OddLane; client: pg.Client }> {
  const client = await openWriter(database.url);
  // Nothing waits for a transaction that stays open; statements of one instant may wait for each other for an instant.
  await client.query(`set lock_timeout = '8s'; set statement_timeout = '30s'`);
  return { client, lane: new OddLane(client, world, `lane ${++lanes}`, isAlone) };
}

async function expectSound(): Promise<void> {
  const { rows: wrong } = await world.owner.query(`
    select 'step' as what, to_jsonb(s) as found from watchfloor.steps s
    where (new).revision not between (old).revision + 1 and (old).revision + 2
      or (new).workspace_id <> (old).workspace_id or (new).created_at <> (old).created_at or (new).id <> (old).id
      or array_position('{queued,running,completed}'::text[], (new).status)
        < array_position('{queued,running,completed}'::text[], (old).status)
      or (old).status = 'completed' and (new).outcome <> (old).outcome
      or (new).last_reported_at < (old).last_reported_at
    union all
    select 'row', to_jsonb(r) - 'context' from operation_runs r
    where r.revision < 1 or r.place_id <> coalesce(r.managed_environment_id, 0)
      or (r.status = 'completed') <> (r.outcome <> 'pending') or (r.status = 'completed') <> (r.completed_at is not null)
      or (r.status = 'completed') <> (r.stale_at is null)
      or exists (select from unnest(array[r.started_at, r.completed_at, r.created_at, r.last_reported_at, r.resolved_at]) t
        where t not between '2000-01-01' and clock_timestamp() + interval '1 second')
      or r.completed_at < r.started_at or r.reconciled_at is not null or r.reviewed_at is not null
      or r.stale_at not between r.last_reported_at and r.last_reported_at + interval '2 hours'
      or exists (select from unnest(array[r.count_total, r.count_processed, r.count_succeeded, r.count_failed,
        r.count_skipped, r.progress_processed, r.progress_total]) n where n not between 0 and 9007199254740991)
      or exists (select from unnest(array[r.type, r.initiator_name, r.progress_phase, r.source, r.external_id,
        r.cancelled_by, r.failure_code, r.failure_message]) t
        where char_length(t) > 300 or t ~ '[\\u0001-\\u001f\\u202a-\\u202e\\u2066-\\u2069]')
      or jsonb_typeof(r.summary_counts) <> 'object' or jsonb_typeof(r.failure_summary) <> 'array'
      or jsonb_array_length(r.failure_summary) > 20 or octet_length(r.context::text) > 65536
    union all
    select 'refused', to_jsonb(r) from rejected_reports r
    where r.reason = '' or r.kind in ('other', 'too_many') or octet_length(r.report::text) > 65536 or r.report ? 'context'
    union all
    select 'twice active', to_jsonb(min(id)) from operation_runs
    where status <> 'completed' and run_identity_hash is not null
    group by workspace_id, place_id, run_identity_hash having count(*) > 1
    limit 3`);
  expect(wrong).toEqual([]);
}

test(
  `no sequence of reports, however odd, raises an error, blocks or deadlocks a writer, or makes the hub wrong (seed ${seed})`,
  async () => {
    const begunAt = performance.now();
    let cases = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(oddSteps, oddSteps, oddSteps, oddSteps),
        fc.tuple(oddTransaction, oddTransaction),
        fc.constantFrom('commit', 'rollback'),
        async (programs, open, end) => {
          if (performance.now() - begunAt > MOST_MS && cases > 1) return;
          cases++;
          await world.owner.query('delete from rejected_reports');
          const people = [world.everyone, world.narrowed];
          const clients = await Promise.all(
            people.map(async (person) => {
              const client = new TestClient(hub.port, person.cookie);
              await client.connected();
              const scope = { workspaceId: world.a, environmentId: null };
              const answer = await client.follow(scope, (await reader.read(person, scope))!);
              expect(answer.result).toBe('caught_up');
              return client;
            })
          );
          const held = await Promise.all([openLane(true), openLane(true)]);
          const free = await Promise.all(programs.map(() => openLane()));
          try {
            await Promise.all(held.map(({ client }) => client.query('begin')));
            for (const [at, { lane }] of held.entries()) for (const step of open[at]!) await lane.runPlain(step, true);
            await Promise.all(free.map(({ lane }, at) => lane.run(programs[at]!)));
            // The others are done, and it goes on where it was.
            for (const [at, { lane }] of held.entries())
              for (const step of open[at]!.slice(0, 2)) await lane.runPlain(step, true);
            await held[0]!.client.query('commit');
            await held[1]!.client.query(end);
            held[0]!.lane.settle(true);
            held[1]!.lane.settle(end === 'commit');
          } finally {
            await Promise.all([...held, ...free].map(({ client }) => client.end()));
          }

          await expectSound();
          const { rows } = await world.owner.query<{ source: string; n: number }>(
            'select source, count(*) as n from rejected_reports group by source'
          );
          const kept = new Map(rows.map(({ source, n }) => [source, n]));
          for (const { lane } of [...held, ...free])
            for (const [tag, count] of lane.refused) expect(kept.get(tag) ?? 0, `refused by ${tag}`).toBe(count);

          for (const [at, person] of people.entries())
            await expect
              .poll(
                async () => {
                  const fresh = (await reader.read(person, { workspaceId: world.a, environmentId: null }))!.rows;
                  const shown = [...clients[at]!.rows.values()];
                  return (
                    JSON.stringify(shown.sort((x, y) => x.id - y.id)) ===
                    JSON.stringify(fresh.sort((x, y) => x.id - y.id))
                  );
                },
                { timeout: 10_000, message: `what ${person.email} sees is what a fresh query gives` }
              )
              .toBe(true);
          for (const client of clients) client.close();
        }
      ),
      { seed, numRuns: RUNS, endOnFailure: true }
    );
  },
  MOST_MS + 60_000
);
