/**
 * A page of somebody whose access moves: reads its scope, subscribes, follows, and does after a change of access what the
 * browser's client does (purge, read again, subscribe again). Everything that its wire brings is kept as it came, with the
 * number of commits that had been asked for by then, so that a test can judge afterwards what was told to whom
 * (access-judge.ts).
 */
import { io, type Socket } from 'socket.io-client';
import {
  LIVE_PATH,
  PROTOCOL_VERSION,
  type ClientEvents,
  type RowsChanged,
  type Scope,
  type ServerEvents,
  type Subscribe,
  type SubscribeAnswer,
  type WatchedWindow
} from '../../src/lib/live/protocol.ts';
import type { OperationRow } from '../../src/lib/operations/operation.ts';
import type { Summary, SummaryPlace } from '../../src/lib/operations/summary.ts';
import { openPool } from '../../src/lib/server/database/pool.ts';
import { readWorkspace } from '../../src/lib/server/access/scope.ts';
import {
  judgedColumns,
  resolution,
  toOperationRow,
  type ListColumns
} from '../../src/lib/server/operations/columns.ts';
import { readSummaries, summaryPlaces } from '../../src/lib/server/operations/summary.ts';
import { sealPage } from '../../src/lib/server/stream/token.ts';
import type { TestPerson } from './world.ts';

/** Everything of a scope, without a page's limits, in one snapshot. */
export interface WholeScope {
  rows: OperationRow[];
  summaries: Summary[];
  token: string;
}

export interface ScopeReader {
  /** null = 404 */
  read(person: Pick<TestPerson, 'id'>, scope: Scope, numbers: Subscribe['summaries']): Promise<WholeScope | null>;
  close(): Promise<void>;
}

/** Reads as the routes do: as the person, under row-level security. */
export function openScopeReader(url: string): ScopeReader {
  const people = openPool({ url, role: 'people', max: 6, applicationName: 'test pages' });
  const access = openPool({ url, role: 'access', max: 2, applicationName: 'test pages sign-in' });
  return {
    read: (person, { workspaceId, environmentId }, numbers) =>
      readWorkspace(people, person.id, workspaceId, async (client, visible) => {
        if (environmentId !== null && !visible.environments.some(({ id }) => id === environmentId)) return null;
        const { rows } = await client.query<ListColumns>(
          `select ${judgedColumns('r')} from operation_runs r ${resolution('r')}
           where r.workspace_id = $1 and ($2::bigint is null or r.managed_environment_id = $2)`,
          [workspaceId, environmentId]
        );
        const places: SummaryPlace[] =
          numbers === 'environments'
            ? ['itself', ...visible.environments.map(({ id }) => id)]
            : summaryPlaces(visible, environmentId);
        return {
          rows: rows.map(toOperationRow),
          summaries: await readSummaries(client, workspaceId, places, visible.readAt),
          token: await sealPage(access, visible, { userId: person.id, workspaceId })
        };
      }),
    close: async () => void (await Promise.all([people.end(), access.end()]))
  };
}

/** One message of the wire: an event, `subscribe` itself, or the answer to it (which has no name). */
export interface Heard {
  name: string | null;
  body: unknown;
  /** commits asked for when it came */
  commits: number;
  /** commits that everybody had been told of by then */
  settled: number;
}
export type Clock = () => Pick<Heard, 'commits' | 'settled'>;

export interface SeatPlan {
  person: TestPerson;
  scope: Scope;
  window: WatchedWindow;
  numbers: Subscribe['summaries'];
  port: number;
}

export class Seat {
  readonly rows = new Map<number, OperationRow>();
  readonly summaries = new Map<SummaryPlace, Summary>();
  readonly heard: Heard[] = [];
  /** what this seat did wrong by itself, or was told that no client could read: must stay empty */
  readonly faults: string[] = [];
  state: 'opening' | 'live' | 'absent' | 'ended' = 'opening';
  token = '';
  readonly #removed = new Map<number, number>();
  /** numbers that came since it asked: put on top of the answer, as the browser's client does */
  #early: Summary[] = [];
  readonly #socket: Socket<ServerEvents, ClientEvents>;
  #reading = false;
  #again = false;
  #closed = false;

  readonly plan: SeatPlan;
  readonly reader: ScopeReader;
  readonly clock: Clock;

  constructor(plan: SeatPlan, reader: ScopeReader, clock: Clock) {
    this.plan = plan;
    this.reader = reader;
    this.clock = clock;
    this.#socket = io(`http://127.0.0.1:${plan.port}`, {
      path: LIVE_PATH,
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      extraHeaders: { cookie: plan.person.cookie }
    });
    // Below Socket.IO: whatever crosses, also what nobody listens to.
    this.#socket.io.engine.on('packet', (packet: { type: string; data?: unknown }) => {
      if (packet.type === 'message') this.#hear(String(packet.data), this.clock());
    });
    this.#socket.on('connect', () => this.read());
    this.#socket.on('connect_error', () => this.#end());
    this.#socket.on('disconnect', () => this.#end());
    this.#socket.on('rows:changed', (delta) => this.#apply(delta));
    this.#socket.on('summary:changed', ({ summary }) => {
      this.#early.push(summary);
      this.#take(summary);
    });
    this.#socket.on('access:changed', () => {
      this.#purge();
      this.read();
    });
    this.#socket.on('resync:required', () => this.read());
    this.#socket.on('window:read', () => this.read());
  }

  /** Reads the page and subscribes; asked meanwhile, once more. */
  read(): void {
    this.#again = true;
    if (this.#reading) return;
    this.#reading = true;
    void this.#run()
      .catch((error: Error) => this.#closed || this.state === 'ended' || this.faults.push(error.message))
      .finally(() => {
        this.#reading = false;
        if (this.#again && this.state !== 'ended' && !this.#closed) this.read();
      });
  }

  async #run(): Promise<void> {
    this.#again = false;
    const { person, scope, window, numbers } = this.plan;
    const page = await this.reader.read(person, scope, numbers);
    if (this.#again || this.state === 'ended') return;
    this.#purge();
    if (page === null) {
      this.state = 'absent';
      return;
    }
    for (const row of page.rows) this.#upsert(row);
    const question: Subscribe = { protocol: PROTOCOL_VERSION, scope, window, summaries: numbers, token: page.token };
    this.heard.push({ name: 'subscribe', body: null, ...this.clock() });
    this.#early = [];
    const answer: SubscribeAnswer = await this.#socket.timeout(10_000).emitWithAck('subscribe', question);
    // The end may have come in one go with the answer.
    if (this.#again || this.#hasEnded()) return;
    if (answer.result === 'caught_up') {
      this.#apply(answer);
      this.summaries.clear();
      // What came in one go with the answer was heard before this line is reached.
      for (const summary of [...answer.summaries, ...this.#early]) this.#take(summary);
      this.token = answer.token;
      this.state = 'live';
    } else if (answer.result === 'absent') {
      this.#purge();
      this.state = 'absent';
    } else {
      await new Promise((done) => setTimeout(done, 50));
      this.#again = true;
    }
  }

  /** Asked anew after each wait: what TypeScript knows of `state` is of before. */
  #hasEnded(): boolean {
    return this.state === 'ended';
  }

  #hear(data: string, time: ReturnType<Clock>): void {
    const at = data.indexOf('[');
    if (data.startsWith('2')) {
      const [name, body] = JSON.parse(data.slice(at)) as [string, unknown];
      this.heard.push({ name, body, ...time });
    } else if (data.startsWith('3')) {
      const [body] = JSON.parse(data.slice(at)) as [unknown];
      this.heard.push({ name: null, body, ...time });
    } else if (!data.startsWith('0') && !data.startsWith('1') && !data.startsWith('4'))
      this.faults.push(`unknown packet ${data.slice(0, 40)}`);
  }

  #apply({ rows, removed }: RowsChanged): void {
    for (const row of rows) this.#upsert(row);
    for (const [id, revision] of removed) {
      if ((this.rows.get(id)?.revision ?? 0) < revision) this.rows.delete(id);
      this.#removed.set(id, Math.max(revision, this.#removed.get(id) ?? 0));
    }
  }

  #upsert(row: OperationRow): void {
    const known = this.rows.get(row.id);
    // A resolved follow-up comes with its old revision: of equal ones the later counts.
    if (row.revision < (this.#removed.get(row.id) ?? 0) || row.revision < (known?.revision ?? 0)) return;
    this.rows.set(row.id, row);
  }

  #take(summary: Summary): void {
    if ((this.summaries.get(summary.place)?.at ?? -Infinity) <= summary.at) this.summaries.set(summary.place, summary);
  }

  #purge(): void {
    this.rows.clear();
    this.#removed.clear();
    this.summaries.clear();
    if (this.state !== 'ended') this.state = 'opening';
  }

  #end(): void {
    if (this.state !== 'ended') this.#purge();
    this.state = 'ended';
  }

  close(): void {
    this.#closed = true;
    this.#socket.disconnect();
  }
}

/** What of a summary must be the same whenever it was read. */
export function numbersOf(summaries: Iterable<Summary>): unknown {
  return [...summaries]
    .map(({ place, counts, groups }) => [
      String(place),
      counts,
      groups.map(({ row, count }) => [row.id, row.revision, count])
    ])
    .sort(([one], [other]) => String(one).localeCompare(String(other)));
}
