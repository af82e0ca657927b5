/**
 * Crowds: clients by the thousand over a few processes (crowd-process.ts), the people whose clients they are, and rows
 * that change steadily under their eyes. What a crowd says of itself goes into the tables beside what it measured.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { openReader } from '../tests/harness/live.ts';
import { makePerson, openWriter, type TestPerson, type World } from '../tests/harness/world.ts';
import type { CrowdAnswers, CrowdOrder, CrowdReport, CrowdSeat } from './crowd-process.ts';
import { percentile, round } from './figures.ts';
import { tell } from './part.ts';
import { answerOf } from './servers.ts';

/** Below what one session may have and ask for at once, also when it comes a second time (live/admission.ts). */
const CLIENTS_OF_A_PERSON = 25;
/** What a process needs beside its clients. */
const OTHER_FILES = 200;
/** Values of progress are tenths of a millisecond since this instant. */
export const clockOf = (epoch: number): number => performance.timeOrigin + performance.now() - epoch;

/** As many as this machine lets one process, the server, have sockets. Node raises the soft limit to the hard one. */
export function affordable(levels: number[], part: string): number[] {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft: number | string } } };
  const limit = Number(report.userLimits?.open_files?.soft ?? Infinity);
  const fitting = levels.filter((level) => !(level + OTHER_FILES > limit));
  if (fitting.length < levels.length)
    tell(`${part}: a process may have ${limit} open files here, so there are at most ${fitting.at(-1) ?? 0} clients`);
  return fitting;
}

export interface Crowd {
  /** `withinMs` 0: a few hundred at a time, as fast as they are let in */
  open(seats: CrowdSeat[], withinMs?: number): Promise<CrowdAnswers>;
  back(withinMs: number): Promise<CrowdAnswers>;
  drop(): Promise<void>;
  track(ids: number[], epoch: number): Promise<void>;
  /** of each process's clients the nth on */
  stall(what: 'stall' | 'resume', from: number, count: number): Promise<void>;
  begin(): Promise<void>;
  report(): Promise<CrowdReport>;
  /** how many have all of this, of each process's clients from the nth on */
  compare(revisions: number[], from?: number): Promise<number>;
  close(): Promise<void>;
  stop(): void;
  readonly processes: number;
}

export function startCrowd(processes: number): Crowd {
  const children = Array.from({ length: processes }, () =>
    fork(new URL('./crowd-process.ts', import.meta.url), { execArgv: ['--import', 'tsx'] })
  );
  const last = new Map<ChildProcess, Promise<unknown>>();
  // One order after the other: an answer is the next thing that a process says.
  const order = <T>(child: ChildProcess, what: CrowdOrder): Promise<T> => {
    const answer = (last.get(child) ?? Promise.resolve()).then(() => {
      const answered = answerOf(child);
      child.send(what);
      return answered;
    });
    last.set(child, answer);
    return answer as Promise<T>;
  };
  const all = <T>(what: CrowdOrder): Promise<T[]> => Promise.all(children.map((child) => order<T>(child, what)));
  const join = (answers: CrowdAnswers[]): CrowdAnswers => {
    const results: Record<string, number> = {};
    for (const one of answers)
      for (const [result, count] of Object.entries(one.results)) results[result] = (results[result] ?? 0) + count;
    return { results, waits: answers.flatMap(({ waits }) => waits) };
  };
  return {
    processes,
    async open(seats, withinMs = 0) {
      const shares: CrowdSeat[][] = children.map(() => []);
      for (const [n, seat] of seats.entries()) shares[n % processes]!.push(seat);
      const orders = children.map((child, n) =>
        order<CrowdAnswers>(child, { do: 'open', seats: shares[n]!, withinMs })
      );
      return join(await Promise.all(orders));
    },
    back: async (withinMs) => join(await all<CrowdAnswers>({ do: 'return', withinMs })),
    drop: async () => void (await all({ do: 'drop' })),
    track: async (ids, epoch) => void (await all({ do: 'track', ids, epoch })),
    stall: async (what, from, count) => void (await all({ do: what, from, count })),
    begin: async () => void (await all({ do: 'begin' })),
    async report() {
      const reports = await all<CrowdReport>({ do: 'report' });
      const sum = (of: (report: CrowdReport) => number): number => reports.reduce((total, one) => total + of(one), 0);
      const latencies = new Map<number, number>();
      for (const one of reports)
        for (const [bin, count] of one.latencies) latencies.set(bin, (latencies.get(bin) ?? 0) + count);
      return {
        connected: sum((one) => one.connected),
        messages: sum((one) => one.messages),
        rows: sum((one) => one.rows),
        bytes: sum((one) => one.bytes),
        latencies: [...latencies].sort(([a], [b]) => a - b),
        busy: Math.max(...reports.map((one) => one.busy)),
        lateMs: Math.max(...reports.map((one) => one.lateMs))
      };
    },
    compare: async (revisions, from = 0) =>
      (await all<number>({ do: 'compare', revisions, from })).reduce((total, one) => total + one, 0),
    close: async () => void (await all({ do: 'close' })),
    stop: () => children.forEach((child) => child.disconnect())
  };
}

/** ms that this share of the rows took at most */
export function latencyOf({ latencies }: CrowdReport, share: number): number {
  const total = latencies.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [bin, count] of latencies) {
    seen += count;
    if (seen >= share * total) return bin / 2;
  }
  return NaN;
}

export const waitsOf = ({ waits }: CrowdAnswers): string[] => [
  round(percentile(waits, 0.5)),
  round(percentile(waits, 0.99)),
  round(Math.max(...waits))
];

/** People who see all of workspace A, enough of them for so many clients. */
export async function makePeople(world: World, clients: number): Promise<TestPerson[]> {
  const people: TestPerson[] = [];
  for (let i = 0; i < Math.ceil(clients / CLIENTS_OF_A_PERSON); i++) {
    const person = await makePerson(world.owner, `person ${i}`);
    await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator')`, [
      world.a,
      person.id
    ]);
    people.push(person);
  }
  return people;
}

/** Seats for so many clients, each with the place of a page that was read just now. */
export async function seatsOf(
  url: string,
  world: World,
  people: TestPerson[],
  clients: number,
  port: number
): Promise<CrowdSeat[]> {
  const reader = openReader(url);
  const scope = { workspaceId: world.a, environmentId: null };
  const seats: CrowdSeat[] = [];
  for (const person of people) {
    if (seats.length >= clients) break;
    const { token } = (await reader.read(person, scope))!;
    for (let i = 0; i < CLIENTS_OF_A_PERSON && seats.length < clients; i++)
      seats.push({ port, cookie: person.cookie, workspaceId: world.a, token });
  }
  await reader.close();
  return seats;
}

/** So many running operations of one environment of workspace A, oldest first. */
export async function makeRows({ writer, a, a1 }: World, count: number): Promise<number[]> {
  const { rows } = await writer.query<{ id: number }>(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status, progress_processed)
     select $1, $2, 'policy.sync', 'running', 0 from generate_series(1, $3) returning id`,
    [a, a1, count]
  );
  return rows.map(({ id }) => id);
}

/** What a client must have been told: nothing of a row that was never changed since it was made. */
export async function revisionsOf({ owner }: World, ids: number[]): Promise<number[]> {
  const { rows } = await owner.query<{ id: number; revision: number }>(
    'select id, revision from operation_runs where id = any ($1::bigint[])',
    [ids]
  );
  const found = new Map(rows.map(({ id, revision }) => [id, revision]));
  return ids.map((id) => ((found.get(id) ?? 0) > 1 ? found.get(id)! : 0));
}

export interface Writing {
  /** ends by itself after so many changes, or when it is stopped; the changes that were made */
  done: Promise<number>;
  stop(): void;
}

/** Changes these rows in turn, so many times a second, each change with the instant at which it was sent. */
export async function startWriting(
  url: string,
  ids: number[],
  { rate, changes, epoch, connections = 8 }: { rate: number; changes: number; epoch: number; connections?: number }
): Promise<Writing> {
  const writers = await Promise.all(
    Array.from({ length: Math.min(connections, ids.length, rate) }, () => openWriter(url))
  );
  let made = 0;
  let isStopped = false;
  const from = performance.now();
  // Each has rows of its own, so that none waits for another's.
  const write = async (nth: number): Promise<void> => {
    const mine = ids.filter((_, index) => index % writers.length === nth);
    for (let turn = nth, n = 0; turn < changes && !isStopped; turn += writers.length, n++) {
      const due = from + (turn * 1_000) / rate;
      if (performance.now() < due - 1) await delay(due - performance.now());
      await writers[nth]!.query({
        name: 'progress',
        text: 'update operation_runs set progress_processed = $2 where id = $1',
        values: [mine[n % mine.length], Math.round(clockOf(epoch) * 10)]
      });
      made++;
    }
  };
  const done = Promise.all(writers.map((_, nth) => write(nth))).then(async () => {
    await Promise.all(writers.map((writer) => writer.end()));
    return made;
  });
  return { done, stop: () => void (isStopped = true) };
}

/** Waits until so many have all of this, and says how long it took; NaN when they do not within `patienceMs`. */
export async function waitForAll(
  crowd: Crowd,
  clients: number,
  revisions: number[],
  patienceMs: number,
  from = 0
): Promise<number> {
  const begun = performance.now();
  for (;;) {
    const have = await crowd.compare(revisions, from);
    if (have >= clients) return performance.now() - begun;
    if (performance.now() - begun > patienceMs) return NaN;
    await delay(20);
  }
}
