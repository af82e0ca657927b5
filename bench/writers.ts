/**
 * What reporting costs the one who reports: statements a second with the whole trigger set, against the same table without
 * triggers (same columns, keys and indexes) and against a per-row `pg_notify` of the row as most would write it; with few
 * and many writers, one row and a hundred a statement, on this disk and on one that flushes in 2 ms.
 * Interleaved runs, medians; a listener is connected throughout, as it is in use.
 */
import pg from 'pg';
import type { TestPostgres } from '../tests/harness/postgres.ts';
import { makeWorld, openWriter } from '../tests/harness/world.ts';
import { round, Runs, type Table } from './figures.ts';
import { runsOf, tell, type Part, type Size } from './part.ts';
import { makeDatabase } from './servers.ts';
import { startOnSlowDisk } from './shim/slow-disk.ts';

const SECONDS: Record<Size, number> = { quick: 0.2, normal: 2, full: 5 };
const WRITERS: Record<Size, number[]> = { quick: [8], normal: [8, 32], full: [8, 32] };
/** complete: insert, then end it as a success, counted as two statements */
const WORKS = ['insert', 'progress', 'complete', 'insert 100', 'progress 100'] as const;
type Work = (typeof WORKS)[number];
const KINDS = ['plain', 'watchfloor', 'per-row notify'] as const;
type Kind = (typeof KINDS)[number];
/** rows of a statement of many */
const MANY = 100;

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

/**
 * The same row as the triggers would make it, by defaults: what an index costs is not what a trigger costs. Texts differ as
 * ours do: one and the same text in each row costs the index of texts next to nothing.
 */
const SAME_VALUES = (environmentId: number): string => `
  create sequence bench_texts start 123456;
  grant usage on sequence bench_texts to watchfloor_writer;
  alter table operation_runs
    alter search_text set default 'policy sync policy.sync policy sync system ' || nextval('bench_texts'),
    alter place_id set default ${environmentId}, alter stale_at set default now() + interval '30 minutes',
    alter silence_check_at set default now() + interval '30 minutes', alter started_at set default now()`;

export const writers: Part = {
  async run(postgres, size) {
    const runs = new Runs();
    const tables = await onDisk(postgres, 'here', size, runs);
    const slow = size === 'quick' ? { why: 'only in longer runs' } : await startOnSlowDisk({ fsync: 'on' });
    if ('why' in slow) tell(`writers: nothing on a slow disk, ${slow.why}`);
    else {
      try {
        tables.push(...(await onDisk(slow.postgres, 'a flush of 2 ms', size, runs)));
      } finally {
        await slow.remove();
      }
    }
    return { tables, raw: runs };
  }
};

async function onDisk(postgres: TestPostgres, disk: string, size: Size, runs: Runs): Promise<Table[]> {
  const subjects = new Map<Kind, Subject>();
  for (const kind of KINDS) subjects.set(kind, await prepare(postgres, kind));
  for (let run = 0; run < runsOf(size); run++) {
    tell(`writers on ${disk}: run ${run + 1}`);
    for (const writers of WRITERS[size])
      for (const work of WORKS)
        for (const [kind, { url, place }] of subjects)
          runs.add(`${disk} ${writers} ${kind} ${work}`, await load(url, place, work, writers, SECONDS[size]));
  }
  for (const { close } of subjects.values()) await close();
  return WRITERS[size].map((writers) => {
    const of = (kind: Kind, work: Work): number => runs.median(`${disk} ${writers} ${kind} ${work}`);
    return {
      title: `Statements a second, ${writers} connections, runs of ${SECONDS[size]} s, ${disk === 'here' ? 'this disk' : disk}`,
      head: [
        'statement',
        'plain table',
        'whole trigger set',
        'ratio to plain',
        'per-row pg_notify',
        'ours to per-row',
        'spread of ours'
      ],
      rows: WORKS.map((work) => [
        work,
        round(of('plain', work)),
        round(of('watchfloor', work)),
        round(of('watchfloor', work) / of('plain', work)),
        round(of('per-row notify', work)),
        round(of('watchfloor', work) / of('per-row notify', work)),
        runs.spread(`${disk} ${writers} watchfloor ${work}`)
      ])
    };
  });
}

async function prepare(postgres: TestPostgres, kind: Kind): Promise<Subject> {
  const url = await makeDatabase(postgres, `bench_${kind.replaceAll(/\W/g, '_')}`);
  const world = await makeWorld(url);
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  if (kind === 'plain') await owner.query('alter table operation_runs disable trigger user');
  if (kind === 'per-row notify') await owner.query(NOTIFY_EACH_ROW);
  if (kind !== 'watchfloor') await owner.query(SAME_VALUES(world.a1));
  const listener = new pg.Client({ connectionString: url });
  await listener.connect();
  await listener.query(kind === 'per-row notify' ? 'listen rows' : 'listen watchfloor_wake');
  return {
    url,
    place: [world.a, world.a1],
    close: async () => void (await Promise.all([owner.end(), listener.end(), world.close()]))
  };
}

/** Statements a second of `writers` connections, each with rows of its own. */
async function load(
  url: string,
  place: [number, number],
  work: Work,
  writers: number,
  seconds: number
): Promise<number> {
  const begin = (rows: number) => ({
    name: `begin ${rows}`,
    text: `insert into operation_runs (workspace_id, managed_environment_id, type, status)
      select $1, $2, 'policy.sync', 'running' from generate_series(1, ${rows}) returning id`,
    values: place
  });
  const clients = await Promise.all(
    Array.from({ length: writers }, async () => {
      const client = await openWriter(url);
      const { rows } = await client.query<{ id: number }>(begin(work === 'progress 100' ? MANY : 1));
      return { client, ids: rows.map(({ id }) => id) };
    })
  );
  let statements = 0;
  const from = performance.now();
  const until = from + seconds * 1_000;
  await Promise.all(
    clients.map(async ({ client, ids }) => {
      const one = insertOne(place);
      for (let i = 0; performance.now() < until; i++, statements++)
        switch (work) {
          case 'insert':
            await client.query(one);
            break;
          case 'insert 100':
            await client.query(begin(MANY));
            break;
          case 'complete': {
            const { rows } = await client.query(begin(1));
            await client.query({
              name: 'complete',
              text: `update operation_runs set status = 'completed', outcome = 'succeeded', completed_at = clock_timestamp() where id = $1`,
              values: [rows[0].id]
            });
            statements++;
            break;
          }
          case 'progress':
            await client.query({
              name: 'progress',
              text: 'update operation_runs set progress_processed = $2 where id = $1',
              values: [ids[0], i]
            });
            break;
          case 'progress 100':
            await client.query({
              name: 'progress 100',
              text: 'update operation_runs set progress_processed = $2 where id = any ($1)',
              values: [ids, i]
            });
        }
    })
  );
  const rate = (statements * 1_000) / (performance.now() - from);
  await Promise.all(clients.map(({ client }) => client.end()));
  return rate;
}

const insertOne = (values: [number, number]) => ({
  name: 'insert',
  text: `insert into operation_runs (workspace_id, managed_environment_id, type) values ($1, $2, 'policy.sync')`,
  values
});
