/**
 * A hub on a port of its own and clients that speak the wire for real. A test client is as simple as the protocol
 * allows (a map of rows by id, newest revision wins), so that it is an oracle for the server and not a second browser.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { io, type Socket } from 'socket.io-client';
import type { OperationRow } from '../../src/lib/operations/operation.ts';
import {
  LIVE_PATH,
  PROTOCOL_VERSION,
  type ClientEvents,
  type RowsChanged,
  type Scope,
  type ServerEvents,
  type SubscribeAnswer,
  type WatchedWindow
} from '../../src/lib/live/protocol.ts';
import { openHub, type Hub, type HubOptions } from '../../src/lib/server/live/hub.ts';
import { openPool } from '../../src/lib/server/database/pool.ts';
import { readWorkspace } from '../../src/lib/server/access/scope.ts';
import { sealPage } from '../../src/lib/server/stream/token.ts';
import {
  judgedColumns,
  resolution,
  toOperationRow,
  type ListColumns
} from '../../src/lib/server/operations/columns.ts';
import type { TestPerson } from './world.ts';

export interface TestHub {
  hub: Hub;
  port: number;
  /** open TCP connections, whatever the hub still knows of them */
  connections(): Promise<number>;
  close(): Promise<void>;
}

const quiet = { info() {}, warn() {}, error() {} };

/** Opens a hub and waits until it can vouch for its feed. */
export async function startHub(url: string, options: Partial<HubOptions> = {}): Promise<TestHub> {
  const hub = await openHub({
    databaseUrl: url,
    isOwnOrigin: () => true,
    secureCookies: false,
    log: quiet,
    ...options
  });
  const server: Server = createServer((request, response) => {
    if (!hub.handle(request, response)) response.writeHead(404).end();
  });
  hub.attach(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  if (hub.feed.lostLink !== null) await new Promise<void>((done) => hub.feed.events.once('sound', () => done()));
  return {
    hub,
    port: (server.address() as AddressInfo).port,
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
      ),
    async close() {
      await hub.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  };
}

/** What a page's load reads: the scope's rows and a sealed place, in one snapshot. null = 404. */
export interface Window {
  rows: OperationRow[];
  token: string;
}

/** Reads windows as the SvelteKit half does, on pools of its own. */
export function openReader(url: string): {
  read(person: TestPerson, scope: Scope): Promise<Window | null>;
  close(): Promise<void>;
} {
  const people = openPool({ url, role: 'people', max: 4, applicationName: 'test pages' });
  const access = openPool({ url, role: 'access', max: 2, applicationName: 'test pages sign-in' });
  return {
    read: (person, { workspaceId, environmentId }) =>
      readWorkspace(people, person.id, workspaceId, async (client, visible) => {
        if (environmentId !== null && !visible.environments.some(({ id }) => id === environmentId)) return null;
        // The oracle's query: everything in the scope, without the page's limits.
        const { rows } = await client.query<ListColumns>(
          `select ${judgedColumns('r')} from operation_runs r ${resolution('r')}
           where r.workspace_id = $1 and ($2::bigint is null or r.managed_environment_id = $2)`,
          [workspaceId, environmentId]
        );
        return {
          rows: rows.map(toOperationRow),
          token: await sealPage(access, visible, { userId: person.id, workspaceId })
        };
      }),
    close: async () => void (await Promise.all([people.end(), access.end()]))
  };
}

export class TestClient {
  readonly rows = new Map<number, OperationRow>();
  readonly removed = new Map<number, number>();
  readonly events: { name: string; message: unknown }[] = [];
  readonly socket: Socket<ServerEvents, ClientEvents>;
  /** what it says it shows */
  window: WatchedWindow = { kind: 'list', query: '' };
  token = '';
  proofAt = 0;
  /** highest revision ever shown of each row: going back is the defect that this catches */
  readonly seen = new Map<number, number>();

  /** `query`: what a wall says of itself in the address */
  constructor(port: number, cookie: string, query: Record<string, string> = {}) {
    this.socket = io(`http://127.0.0.1:${port}`, {
      path: LIVE_PATH,
      query,
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      extraHeaders: { cookie }
    });
    this.socket.onAny((name: string, message: unknown) => this.events.push({ name, message }));
    this.socket.on('rows:changed', (delta) => this.apply(delta));
    this.socket.on('feed:ticked', ({ proofAt, token }) => {
      this.proofAt = Math.max(this.proofAt, proofAt);
      if (token) this.token = token;
    });
    this.socket.on('access:changed', () => this.purge());
  }

  connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.socket.connected) return resolve();
      this.socket.once('connect', () => resolve());
      this.socket.once('connect_error', reject);
    });
  }

  /** Takes over a window and subscribes from its place. */
  async follow(scope: Scope, window: Window): Promise<SubscribeAnswer> {
    for (const row of window.rows) this.upsert(row);
    return this.resume(scope, window.token);
  }

  async resume(scope: Scope, token = this.token): Promise<SubscribeAnswer> {
    const answer = await this.socket
      .timeout(10_000)
      .emitWithAck('subscribe', { protocol: PROTOCOL_VERSION, scope, window: this.window, summaries: 'scope', token });
    if (answer.result === 'caught_up') {
      this.apply(answer);
      this.token = answer.token;
      this.proofAt = Math.max(this.proofAt, answer.proofAt);
    }
    return answer;
  }

  apply({ rows, removed }: RowsChanged): void {
    for (const row of rows) this.upsert(row);
    for (const [id, revision] of removed) {
      if ((this.rows.get(id)?.revision ?? 0) < revision) this.rows.delete(id);
      this.removed.set(id, Math.max(revision, this.removed.get(id) ?? 0));
    }
  }

  purge(): void {
    this.rows.clear();
    this.removed.clear();
  }

  private upsert(row: OperationRow): void {
    if (row.revision < (this.removed.get(row.id) ?? 0) || row.revision <= (this.rows.get(row.id)?.revision ?? 0))
      return;
    this.rows.set(row.id, row);
    this.seen.set(row.id, Math.max(row.revision, this.seen.get(row.id) ?? 0));
  }

  close(): void {
    this.socket.disconnect();
  }
}
