/**
 * What reporting costs the one who reports: inserts and progress updates a second with the whole trigger set, against
 * the same table without triggers and against a per-row `pg_notify` of the row as most would write it. Interleaved runs,
 * medians; a listener is connected throughout, as it is in use.
 */
import pg from 'pg';
import { migrate } from '../src/lib/server/database/migrations.ts';
import type { TestPostgres } from '../tests/harness/postgres.ts';
import { makeWorld } from '../tests/harness/world.ts';
import { median, printTable, round } from './figures.ts';

const RUNS = 5;
const SECONDS = 2;
const WRITERS = 8;
/** complete: insert, then end it as a success, counted as two statements */
const WORKS = ['insert', 'progress', 'complete'] as const;
type Work = (typeof WORKS)[number];

type Kind = 'plain' | 'watchfloor' | 'per-row notify';

export async function benchWriters(postgres: TestPostgres): Promise<void> {
  const databases = new Map<Kind, { url: string; ids: () => [number, number]; close: () => Promise<void> }>();
  for (const kind of ['plain', 'watchfloor', 'per-row notify'] as const)
    databases.set(kind, await prepare(postgres, kind));
  const rates = new Map<string, number[]>();
  for (let run = 0; run < RUNS; run++)
    for (const [kind, { url, ids }] of databases)
      for (const work of WORKS) {
        const key = `${kind} ${work}`;
        rates.set(key, [...(rates.get(key) ?? []), await load(url, ids(), work)]);
      }
  const of = (kind: Kind, work: string): number => median(rates.get(`${kind} ${work}`)!);
  printTable(
    `Writers: commits a second, ${WRITERS} connections, median of ${RUNS} runs of ${SECONDS} s`,
    ['statement', 'plain table', 'whole trigger set', 'ratio to plain', 'per-row pg_notify', 'ratio to plain'],
    WORKS.map((work) => [
      work,
      round(of('plain', work)),
      round(of('watchfloor', work)),
      round(of('watchfloor', work) / of('plain', work)),
      round(of('per-row notify', work)),
      round(of('per-row notify', work) / of('plain', work))
    ])
  );
  for (const { close } of databases.values()) await close();
}

async function prepare(
  postgres: TestPostgres,
  kind: Kind
): Promise<{ url: string; ids: () => [number, number]; close: () => Promise<void> }> {
  const name = `bench_${kind.replaceAll(/\W/g, '_')}`;
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  const url = postgres.urlOf(name);
  await migrate(url);
  const world = await makeWorld(url);
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  if (kind !== 'watchfloor') await owner.query('alter table operation_runs disable trigger user');
  if (kind === 'per-row notify')
    await owner.query(`create function notify_row() returns trigger language plpgsql as $$ begin
        perform pg_notify('rows', to_jsonb(new)::text); return null; end $$;
      create trigger zz after insert or update on operation_runs for each row execute function notify_row()`);
  const listener = new pg.Client({ connectionString: url });
  await listener.connect();
  await listener.query(kind === 'per-row notify' ? 'listen rows' : 'listen watchfloor_wake');
  return {
    url,
    ids: () => [world.a, world.a1],
    close: async () => {
      await Promise.all([owner.end(), listener.end(), world.close()]);
    }
  };
}

/** Commits a second of single-row statements over WRITERS connections. */
async function load(url: string, [workspace, environment]: [number, number], work: Work): Promise<number> {
  const clients = await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      const { rows } = await client.query(
        `insert into operation_runs (workspace_id, managed_environment_id, type, status) values ($1, $2, 'policy.sync', 'running') returning id`,
        [workspace, environment]
      );
      return { client, id: rows[0].id as string };
    })
  );
  let commits = 0;
  const until = performance.now() + SECONDS * 1_000;
  await Promise.all(
    clients.map(async ({ client, id }) => {
      for (let i = 0; performance.now() < until; i++, commits++)
        if (work === 'insert')
          await client.query({
            name: 'i',
            text: `insert into operation_runs (workspace_id, managed_environment_id, type) values ($1, $2, 'policy.sync')`,
            values: [workspace, environment]
          });
        else if (work === 'complete') {
          const { rows } = await client.query({
            name: 'r',
            text: `insert into operation_runs (workspace_id, managed_environment_id, type, status) values ($1, $2, 'policy.sync', 'running') returning id`,
            values: [workspace, environment]
          });
          await client.query({
            name: 'c',
            text: `update operation_runs set status = 'completed', outcome = 'succeeded', completed_at = clock_timestamp() where id = $1`,
            values: [rows[0].id]
          });
          commits++;
        } else
          await client.query({
            name: 'u',
            text: 'update operation_runs set progress_processed = $2 where id = $1',
            values: [id, i]
          });
    })
  );
  await Promise.all(clients.map(({ client }) => client.end()));
  return commits / SECONDS;
}
