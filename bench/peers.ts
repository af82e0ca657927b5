/**
 * From the writer's statement to the client's callback, and memory, against what people take from npm for this:
 * PostGraphile's subscriptions (bench/peers). In the same run the raw yardstick (raw-server.ts). One table, the writers of
 * the delivery bench; each server is a process of its own, writers and clients share this one, so one clock times both
 * ends. Runs only when it is named, since it installs what it compares with.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import WebSocket from 'ws';
import { openReader } from '../tests/harness/live.ts';
import type { TestPostgres } from '../tests/harness/postgres.ts';
import { makePerson, makeWorld, type World } from '../tests/harness/world.ts';
import { clock, drive, isComplete, score } from './delivery-load.ts';
import { megabytes, median, percentile, round, Runs } from './figures.ts';
import type { Heard } from './listeners.ts';
import { openLiveClient } from './live-client.ts';
import { inTurn, runsOf, tell, type Part, type Size } from './part.ts';
import { followPostgraphile } from './peers-postgraphile.ts';
import { findNodeOfPeers, installPeer } from './peers-install.ts';
import { makeDatabase, startOwn, startProduction, startRaw, type BenchServer } from './servers.ts';

interface Load {
  clients: number;
  /** commits a second */
  rate: number;
  seconds: number;
}
const MANY = 200;
const NORMAL: Load[] = [
  { clients: 1, rate: 1, seconds: 10 },
  { clients: 1, rate: 100, seconds: 4 },
  { clients: 1, rate: 500, seconds: 4 },
  { clients: MANY, rate: 10, seconds: 5 }
];
const LOADS: Record<Size, Load[]> = {
  quick: [
    { clients: 1, rate: 50, seconds: 1 },
    { clients: 20, rate: 10, seconds: 1 }
  ],
  normal: NORMAL,
  full: NORMAL.map((load) => ({ ...load, seconds: load.seconds * 2 }))
};
/** What has not arrived by then is lost. */
const PATIENCE_MS = 3_000;
/** Compiles plans and code before anything is measured. */
const WARM_UP: Load = { clients: 1, rate: 100, seconds: 3 };
/** Below what one session may have open (live/admission.ts). */
const CLIENTS_OF_A_PERSON = 25;

type Arrived = (id: number, value: number) => void;
interface Subject {
  url: string;
  world: World;
  server: BenchServer;
  /** Connects one client, number `n`; resolves with how to close it. */
  follow(n: number, arrived: Arrived): Promise<() => void>;
  close(): Promise<void>;
}

/** The row as text to whoever listens to its workspace; each server's channel or topic. */
const tellRows = (channel: string, payload: string): string => `
  alter table operation_runs disable trigger user;
  create function tell_row() returns trigger language plpgsql as $$ begin
    perform pg_notify(${channel}, ${payload}); return null; end $$;
  create trigger zz_tell_row after insert or update on operation_runs for each row execute function tell_row()`;
const TOPIC = `'workspace:' || new.workspace_id || ':operations'`;

const SUBJECTS: Record<string, (postgres: TestPostgres) => Promise<Subject>> = {
  raw: async (postgres) => {
    const place = await prepare(postgres, 'raw', tellRows(`'rows'`, 'to_jsonb(new)::text'));
    const server = await startRaw(place.url);
    return {
      ...place,
      server,
      follow: async (_, arrived) => {
        const socket = new WebSocket(`ws://127.0.0.1:${server.port}`);
        await new Promise((open) => socket.once('open', open));
        socket.on('message', (data) => {
          const row = JSON.parse(String(data)) as { id: number; progress_processed: number };
          arrived(row.id, row.progress_processed);
        });
        return () => socket.terminate();
      },
      close: async () => void (await Promise.all([server.stop(), place.close()]))
    };
  },
  Watchfloor: openHub,
  PostGraphile: (postgres) => openPostgraphile(postgres, 'row', `json_build_object('id', new.id)::text`),
  'PostGraphile, event alone': (postgres) => openPostgraphile(postgres, 'event', 'to_jsonb(new)::text')
};

export const peers: Part = {
  async run(postgres, size) {
    const version = await installPeer('postgraphile');
    const subjects = new Map<string, Subject>();
    for (const [name, open] of Object.entries(SUBJECTS)) subjects.set(name, await open(postgres));
    const runs = new Runs();
    for (const [name, subject] of subjects) {
      tell(`peers: warming ${name} up`);
      await measure(subject, WARM_UP);
      await addMemory(runs, `${name} 0 rss`, subject);
    }
    for (let run = 0; run < runsOf(size); run++)
      for (const load of LOADS[size])
        for (const [name, subject] of inTurn(subjects, run)) {
          tell(`peers: run ${run + 1}, ${toKey(load)}, ${name}`);
          const { times, lost, reached, rss } = await measure(subject, load);
          const key = `${name} ${toKey(load)}`;
          runs.add(`${key} p50`, median(times));
          runs.add(`${key} p99`, percentile(times, 0.99));
          runs.add(`${key} lost`, lost);
          runs.add(`${key} reached`, reached);
          if (load.clients > 1) runs.add(`${key} rss`, rss);
        }
    for (const subject of subjects.values()) await subject.close();
    const names = [...subjects.keys()];
    const ours = (load: Load, figure: string): number => runs.median(`Watchfloor ${toKey(load)} ${figure}`);
    const times = {
      title: `Statement → client's callback in ms; ratios to Watchfloor; PostGraphile ${version}`,
      head: ['clients', 'commits/s', 'server', 'p50', 'ratio', 'p99', 'ratio', 'reached', 'lost'],
      rows: LOADS[size].flatMap((load) =>
        names.map((name) => {
          const of = (figure: string): number => runs.median(`${name} ${toKey(load)} ${figure}`);
          return [
            String(load.clients),
            String(load.rate),
            name,
            ...['p50', 'p99'].flatMap((figure) => [round(of(figure)), round(of(figure) / ours(load, figure))]),
            of('reached').toFixed(0),
            String(runs.sum(`${name} ${toKey(load)} lost`))
          ];
        })
      )
    };
    const many = LOADS[size].find(({ clients }) => clients > 1)!;
    const memory = {
      title: 'Resident memory of the server process after collection, MB',
      head: ['server', 'no client, warmed up', `${many.clients} clients, after the changes`],
      rows: names.map((name) => [
        name,
        megabytes(runs.median(`${name} 0 rss`)),
        megabytes(runs.median(`${name} ${toKey(many)} rss`))
      ])
    };
    return { tables: [times, memory], raw: runs };
  }
};

const toKey = ({ clients, rate }: Load): string => `${clients} clients ${rate}/s`;

async function addMemory(runs: Runs, key: string, { server }: Subject): Promise<void> {
  runs.add(key, (await server.memory()).rss);
}

async function measure(
  subject: Subject,
  { clients, rate, seconds }: Load
): Promise<{ times: number[]; lost: number; reached: number; rss: number }> {
  const heard: Heard[] = [];
  const listening = new Set<number>();
  const close = await Promise.all(
    Array.from({ length: clients }, (_, n) =>
      subject.follow(n, (id, value) => {
        listening.add(n);
        heard.push([n, id, value, clock()]);
      })
    )
  );
  await untilAllListen(subject.world, listening, clients);
  heard.length = 0;
  const sent = await drive(subject.url, subject.world, rate, seconds);
  for (const until = performance.now() + PATIENCE_MS; performance.now() < until;) {
    if (isComplete(sent, heard, clients)) break;
    await delay(50);
  }
  const { rss } = clients > 1 ? await subject.server.memory() : { rss: NaN };
  for (const leave of close) leave();
  return { ...score(sent, heard, clients), reached: sent.reached, rss };
}

/** Not every server says when it listens: changes of a row that is not measured, until each client has had one. */
async function untilAllListen(world: World, listening: Set<number>, clients: number): Promise<void> {
  const { rows } = await world.writer.query(
    `insert into operation_runs (workspace_id, type, status, progress_processed)
     values ($1, 'policy.sync', 'running', 0) returning id`,
    [world.a]
  );
  while (listening.size < clients) {
    await world.writer.query('update operation_runs set progress_processed = progress_processed + 1 where id = $1', [
      rows[0].id
    ]);
    await delay(100);
  }
  // Whatever of it is still under way.
  await delay(300);
}

async function prepare(postgres: TestPostgres, name: string, sql: string | null) {
  const url = await makeDatabase(postgres, `bench_peers_${name}`);
  const world = await makeWorld(url);
  if (sql) {
    const owner = new pg.Client({ connectionString: url });
    await owner.connect();
    await owner.query(sql);
    await owner.end();
  }
  return { url, world, close: () => world.close() };
}

async function openPostgraphile(postgres: TestPostgres, what: 'row' | 'event', payload: string): Promise<Subject> {
  const place = await prepare(postgres, `postgraphile_${what}`, tellRows(TOPIC, payload));
  const server = await startOwn(new URL('./peers/postgraphile-server.mjs', import.meta.url), [place.url], {
    env: { NODE_ENV: 'production', GRAPHILE_ENV: 'production' },
    node: await findNodeOfPeers()
  });
  return {
    ...place,
    server,
    follow: (_, arrived) => followPostgraphile(server.port, what, place.world.a, arrived),
    close: async () => void (await Promise.all([server.stop(), place.close()]))
  };
}

async function openHub(postgres: TestPostgres): Promise<Subject> {
  const place = await prepare(postgres, 'hub', null);
  const { url, world } = place;
  const server = await startProduction(url);
  const reader = openReader(url);
  const scope = { workspaceId: world.a, environmentId: null };
  const people = [world.everyone];
  while (people.length < MANY / CLIENTS_OF_A_PERSON) {
    const person = await makePerson(world.owner, `person ${people.length}`);
    await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator')`, [
      world.a,
      person.id
    ]);
    people.push(person);
  }
  return {
    ...place,
    server,
    async follow(n, arrived) {
      const person = people[Math.floor(n / CLIENTS_OF_A_PERSON)]!;
      const { token } = (await reader.read(person, scope))!;
      const socket = await openLiveClient({ port: server.port, cookie: person.cookie, workspaceId: world.a, token });
      socket.on('rows:changed', ({ rows }) => {
        for (const row of rows) arrived(row.id, row.progress.processed ?? 0);
      });
      return () => void socket.disconnect();
    },
    close: async () => void (await Promise.all([server.stop(), reader.close(), place.close()]))
  };
}
