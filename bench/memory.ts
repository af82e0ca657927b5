/**
 * What a connected client costs the server: memory of the production process with none, with many and with very many
 * clients, each subscribed to a workspace, after garbage collection; against a raw `ws` server with as many. And with none
 * again, which shows what is kept of those who left. Each run has a server of its own.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { openReader } from '../tests/harness/live.ts';
import { makePerson, makeWorld, type TestPerson } from '../tests/harness/world.ts';
import type { Order } from './clients.ts';
import { count, kilobytes, megabytes, Runs } from './figures.ts';
import type { Seat } from './live-client.ts';
import { runsOf, tell, type Part, type Size } from './part.ts';
import { answerOf, makeDatabase, startProduction, startRaw } from './servers.ts';

const CLIENTS: Record<Size, number[]> = { quick: [20, 60], normal: [1_000, 5_000], full: [1_000, 5_000] };
/** Below what one session may have and ask for at once, also when it comes a second time (live/admission.ts). */
const CLIENTS_OF_A_PERSON = 25;
const PROCESSES: Record<Size, number> = { quick: 1, normal: 2, full: 2 };
/** Until those who connected have all had a tick, and those who left are gone. */
const SETTLE_MS: Record<Size, number> = { quick: 300, normal: 5_000, full: 12_000 };
/** Before the first figure: what is compiled and cached once is no client's. */
const WARM_UP = 50;
/** What a process needs beside its clients. */
const OTHER_FILES = 200;

export const memory: Part = {
  async run(postgres, size) {
    const levels = affordable(CLIENTS[size]);
    const url = await makeDatabase(postgres, 'bench_memory');
    const world = await makeWorld(url);
    const reader = openReader(url);
    const scope = { workspaceId: world.a, environmentId: null };
    const people: TestPerson[] = [];
    for (let i = 0; i < Math.ceil((levels.at(-1) ?? 0) / CLIENTS_OF_A_PERSON); i++) {
      const person = await makePerson(world.owner, `person ${i}`);
      await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator')`, [
        world.a,
        person.id
      ]);
      people.push(person);
    }
    const runs = new Runs();
    for (let run = 0; run < runsOf(size); run++)
      for (const kind of ['raw', 'hub'] as const) {
        tell(`memory: run ${run + 1}, ${kind}`);
        const server = kind === 'raw' ? await startRaw(url) : await startProduction(url);
        // Read when the server is there: before the first one no place in the stream counts.
        const tokens = await Promise.all(people.map((person) => reader.read(person, scope)));
        const seatOf = (n: number): Seat => {
          const nth = Math.floor(n / CLIENTS_OF_A_PERSON);
          return {
            port: server.port,
            cookie: people[nth]!.cookie,
            workspaceId: world.a,
            token: tokens[nth]!.token
          };
        };
        const clients = startClients(PROCESSES[size], kind, seatOf);
        const look = async (level: string): Promise<void> => {
          await delay(SETTLE_MS[size]);
          const { rss, heapUsed, external } = await server.memory();
          runs.add(`${kind} ${level} rss`, rss);
          runs.add(`${kind} ${level} heap`, heapUsed + external);
        };
        await clients.grow(Math.min(WARM_UP, levels[0] ?? 0));
        await clients.close();
        await look('0');
        for (const level of levels) {
          await clients.grow(level);
          await look(String(level));
        }
        await clients.close();
        await look('0 again');
        clients.stop();
        await server.stop();
      }
    await Promise.all([reader.close(), world.close()]);
    const cells = (kind: string, level: string): string[] => {
      const of = (figure: string): number => runs.median(`${kind} ${level} ${figure}`);
      const each = (figure: string): string =>
        Number(level) > 0 ? kilobytes((of(figure) - runs.median(`${kind} 0 ${figure}`)) / Number(level)) : '–';
      return [megabytes(of('rss')), each('rss'), megabytes(of('heap')), each('heap')];
    };
    const table = {
      title: 'Memory after collection: RSS and heap (with buffers) in MB, and KB for each client',
      head: ['clients', 'raw RSS', 'each', 'raw heap', 'each', 'Watchfloor RSS', 'each', 'Watchfloor heap', 'each'],
      rows: ['0', ...levels.map(String), '0 again'].map((level) => [
        Number(level) > 0 ? count(Number(level)) : level,
        ...cells('raw', level),
        ...cells('hub', level)
      ])
    };
    return { tables: [table], raw: runs };
  }
};

/** As many as this machine lets one process have sockets. */
function affordable(levels: number[]): number[] {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft: number | string } } };
  const limit = Number(report.userLimits?.open_files?.soft ?? Infinity);
  const fitting = levels.filter((level) => !(level + OTHER_FILES > limit));
  if (fitting.length < levels.length)
    tell(`memory: a process may have ${limit} open files here, so there are at most ${fitting.at(-1) ?? 0} clients`);
  return fitting;
}

function startClients(
  processes: number,
  kind: Order['kind'],
  seatOf: (n: number) => Seat
): { grow(level: number): Promise<void>; close(): Promise<void>; stop(): void } {
  const children = Array.from({ length: processes }, () =>
    fork(new URL('./clients.ts', import.meta.url), { execArgv: ['--import', 'tsx'] })
  );
  let open = 0;
  const order = async (child: ChildProcess, seats: Seat[]): Promise<void> => {
    const answer = answerOf(child);
    child.send({ kind, seats } satisfies Order);
    await answer;
  };
  return {
    async grow(level) {
      const seats: Seat[][] = children.map(() => []);
      for (; open < level; open++) seats[open % processes]!.push(seatOf(open));
      await Promise.all(children.map((child, n) => (seats[n]!.length > 0 ? order(child, seats[n]!) : null)));
    },
    async close() {
      await Promise.all(children.map((child) => order(child, [])));
      open = 0;
    },
    stop: () => children.forEach((child) => child.disconnect())
  };
}
