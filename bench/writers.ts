/**
 * What reporting costs the one who reports: commits a second with the whole trigger set, against the same table without
 * triggers (same columns, keys and indexes) and against a per-row `pg_notify` of the row as most would write it.
 * Interleaved runs, medians; a listener is connected throughout, as it is in use.
 */
import pg from 'pg';
import type { TestPostgres } from '../tests/harness/postgres.ts';
import { makeWorld, openWriter } from '../tests/harness/world.ts';
import { round, Runs } from './figures.ts';
import { runsOf, tell, type Part, type Size } from './part.ts';
import { makeDatabase } from './servers.ts';

const SECONDS: Record<Size, number> = { quick: 0.2, normal: 3, full: 5 };
const WRITERS = 8;
/** complete: insert, then end it as a success, counted as two statements */
const WORKS = ['insert', 'progress', 'complete'] as const;
type Work = (typeof WORKS)[number];
const KINDS = ['plain', 'watchfloor', 'per-row notify'] as const;
type Kind = (typeof KINDS)[number];

interface Subject {
  url: string;
  place: [number, number];
  close(): Promise<void>;
}

/** Sends each row to the listener with pg_notify, as most would write it. */
export const NOTIFY_EACH_ROW = `
  alter table operation_runs disable trigger user;
  create function notify_row() returns trigger language plpgsql as $$ begin
    perform pg_notify('rows', to_jsonb(new)::text); return null; end $$;
  create trigger zz after insert or update on operation_runs for each row execute function notify_row()`;

export const writers: Part = {
  async run(postgres, size) {
    const subjects = new Map<Kind, Subject>();
    for (const kind of KINDS) subjects.set(kind, await prepare(postgres, kind));
    const runs = new Runs();
    for (let run = 0; run < runsOf(size); run++) {
      tell(`writers: run ${run + 1}`);
      for (const work of WORKS)
        for (const [kind, { url, place }] of subjects)
          runs.add(`${kind} ${work}`, await load(url, place, work, SECONDS[size]));
    }
    for (const { close } of subjects.values()) await close();
    const of = (kind: Kind, work: Work): number => runs.median(`${kind} ${work}`);
    const table = {
      title: `Commits a second, ${WRITERS} connections, runs of ${SECONDS[size]} s`,
      head: ['statement', 'plain table', 'whole trigger set', 'ratio to plain', 'per-row pg_notify', 'ratio to plain'],
      rows: WORKS.map((work) => [
        work,
        round(of('plain', work)),
        round(of('watchfloor', work)),
        round(of('watchfloor', work) / of('plain', work)),
        round(of('per-row notify', work)),
        round(of('per-row notify', work) / of('plain', work))
      ])
    };
    return { tables: [table], raw: runs };
  }
};

async function prepare(postgres: TestPostgres, kind: Kind): Promise<Subject> {
  const url = await makeDatabase(postgres, `bench_${kind.replaceAll(/\W/g, '_')}`);
  const world = await makeWorld(url);
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  if (kind === 'plain') await owner.query('alter table operation_runs disable trigger user');
  if (kind === 'per-row notify') await owner.query(NOTIFY_EACH_ROW);
  const listener = new pg.Client({ connectionString: url });
  await listener.connect();
  await listener.query(kind === 'per-row notify' ? 'listen rows' : 'listen watchfloor_wake');
  return {
    url,
    place: [world.a, world.a1],
    close: async () => void (await Promise.all([owner.end(), listener.end(), world.close()]))
  };
}

/** Commits a second of single-row statements over WRITERS connections. */
async function load(url: string, place: [number, number], work: Work, seconds: number): Promise<number> {
  const begin = {
    name: 'begin',
    text: `insert into operation_runs (workspace_id, managed_environment_id, type, status) values ($1, $2, 'policy.sync', 'running') returning id`,
    values: place
  };
  const clients = await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      const client = await openWriter(url);
      return { client, id: (await client.query(begin)).rows[0].id as number };
    })
  );
  let commits = 0;
  const from = performance.now();
  const until = from + seconds * 1_000;
  await Promise.all(
    clients.map(async ({ client, id }) => {
      for (let i = 0; performance.now() < until; i++, commits++)
        if (work === 'insert')
          await client.query({
            name: 'insert',
            text: `insert into operation_runs (workspace_id, managed_environment_id, type) values ($1, $2, 'policy.sync')`,
            values: place
          });
        else if (work === 'complete') {
          const { rows } = await client.query(begin);
          await client.query({
            name: 'complete',
            text: `update operation_runs set status = 'completed', outcome = 'succeeded', completed_at = clock_timestamp() where id = $1`,
            values: [rows[0].id]
          });
          commits++;
        } else
          await client.query({
            name: 'progress',
            text: 'update operation_runs set progress_processed = $2 where id = $1',
            values: [id, i]
          });
    })
  );
  const rate = (commits * 1_000) / (performance.now() - from);
  await Promise.all(clients.map(({ client }) => client.end()));
  return rate;
}
