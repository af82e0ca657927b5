/**
 * What the delivery bench measures: the production server, and raw `pg` LISTEN with the row in the payload and raw `ws`;
 * each with one client in this process, or with many in another one.
 */
import { fork } from 'node:child_process';
import pg from 'pg';
import WebSocket from 'ws';
import { openReader } from '../tests/harness/live.ts';
import type { TestPostgres } from '../tests/harness/postgres.ts';
import { makePerson, makeWorld, type World } from '../tests/harness/world.ts';
import { clock } from './delivery-load.ts';
import type { Heard, ListenOrder } from './listeners.ts';
import { openLiveClient, type Seat } from './live-client.ts';
import { answerOf, makeDatabase, startProduction, startRaw } from './servers.ts';
import { NOTIFY_EACH_ROW } from './writers.ts';

/** Below what one session may have and ask for at once (live/admission.ts). */
const CLIENTS_OF_A_PERSON = 25;
/** of many clients, those that look inside what they get */
export const WATCHING = 10;

export interface Listeners {
  /** clients that tell what they hear */
  watching: number;
  /** what was heard since it was asked last */
  heard(): Promise<Heard[]>;
  close(): void;
}

export interface Subject {
  world: World;
  url: string;
  /** one client in this process, as an application's is */
  openOne(): Promise<Listeners>;
  openMany(clients: number): Promise<Listeners>;
  /** changes that nobody woke for, and that the feed found when it looked by itself; raw has no such thing */
  foundLate(): Promise<number>;
  close(): Promise<void>;
}

export async function openRaw(postgres: TestPostgres): Promise<Subject> {
  const url = await makeDatabase(postgres, 'bench_raw');
  const world = await makeWorld(url);
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  await owner.query(NOTIFY_EACH_ROW);
  await owner.end();
  const server = await startRaw(url);
  const seat: Seat = { port: server.port, cookie: '', workspaceId: world.a, token: '' };
  return {
    world,
    url,
    async openOne() {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}`);
      await new Promise((open) => socket.once('open', open));
      const { note, listeners } = openHearing(() => socket.close());
      socket.on('message', (data: Buffer) => {
        const row = JSON.parse(data.toString()) as { id: number; progress_processed: number };
        note(row.id, row.progress_processed);
      });
      return listeners;
    },
    openMany: (clients) =>
      openProcess(
        'raw',
        Array.from({ length: clients }, () => seat)
      ),
    foundLate: async () => 0,
    close: async () => void (await Promise.all([server.stop(), world.close()]))
  };
}

export async function openHub(postgres: TestPostgres): Promise<Subject> {
  const url = await makeDatabase(postgres, 'bench_hub');
  const world = await makeWorld(url);
  const server = await startProduction(url);
  const reader = openReader(url);
  const seatOf = async (person: World['everyone']): Promise<Seat> => {
    const { token } = (await reader.read(person, { workspaceId: world.a, environmentId: null }))!;
    return { port: server.port, cookie: person.cookie, workspaceId: world.a, token };
  };
  return {
    world,
    url,
    async openOne() {
      const socket = await openLiveClient(await seatOf(world.everyone));
      const { note, listeners } = openHearing(() => socket.disconnect());
      socket.on('rows:changed', ({ rows }) => {
        for (const row of rows) note(row.id, row.progress.processed ?? 0);
      });
      return listeners;
    },
    async openMany(clients) {
      const seats: Seat[] = [];
      while (seats.length < clients) {
        const person = await makePerson(world.owner, `person ${seats.length}`);
        await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator')`, [
          world.a,
          person.id
        ]);
        const seat = await seatOf(person);
        for (let n = 0; n < CLIENTS_OF_A_PERSON && seats.length < clients; n++) seats.push(seat);
      }
      return openProcess('hub', seats);
    },
    foundLate: () => server.metric('watchfloor_feed_backstop_hits_total'),
    close: async () => void (await Promise.all([server.stop(), reader.close(), world.close()]))
  };
}

function openHearing(close: () => void): { note: (id: number, value: number) => void; listeners: Listeners } {
  let heard: Heard[] = [];
  return {
    note: (id, value) => void heard.push([0, id, value, clock()]),
    listeners: {
      watching: 1,
      heard: async () => {
        const told = heard;
        heard = [];
        return told;
      },
      close
    }
  };
}

async function openProcess(kind: ListenOrder['kind'], seats: Seat[]): Promise<Listeners> {
  const child = fork(new URL('./listeners.ts', import.meta.url), { execArgv: ['--import', 'tsx'] });
  const watching = Math.min(WATCHING, seats.length);
  child.send({ kind, seats, watching } satisfies ListenOrder);
  await answerOf(child);
  return {
    watching,
    async heard() {
      child.send('tell');
      return (await answerOf(child)) as Heard[];
    },
    close: () => child.disconnect()
  };
}
