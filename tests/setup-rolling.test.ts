/**
 * Two releases on one database (decision 0008): the release before goes on while this one migrates, starts on this one's
 * schema, and both tell everything beside each other. Both are the real, built servers, asked over HTTP and sockets.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { LIVE_PATH, PROTOCOL_VERSION, type SubscribeAnswer } from '../src/lib/live/protocol.ts';
import { hashPassword } from '../src/lib/server/access/passwords.ts';
import { readMigrations } from '../src/lib/server/database/migrations.ts';
import { buildEarlierRelease, findEarlierRelease, type EarlierRelease } from './harness/earlier-release.ts';
import { freePort, startPostgres, type TestPostgres } from './harness/postgres.ts';
import { builtProgram, programEnvironment } from './harness/program.ts';
import { insertOperation, makeWorld, openWriter, type World } from './harness/world.ts';

const PASSWORD = 'correct horse battery';
const NO_HISTORY =
  'the history of this clone does not reach back to the release before: it cannot be run beside this one';
let postgres: TestPostgres;
let world: World;
let earlier: EarlierRelease | null = null;
const nodes: Node[] = [];

beforeAll(async () => {
  const commit = await findEarlierRelease();
  if (commit === null) return void process.stderr.write(`skipped: ${NO_HISTORY}\n`);
  [postgres, earlier] = await Promise.all([startPostgres(), buildEarlierRelease(commit)]);
}, 400_000);
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await world?.close();
  await postgres?.remove();
  await earlier?.remove();
});

interface Node {
  url: string;
  output(): string;
  stop(): Promise<void>;
}

async function startNode(entry: string): Promise<Node> {
  const port = await freePort();
  const environment = { PORT: String(port), DATABASE_URL: postgres.url };
  const child: ChildProcess = spawn(process.execPath, [entry], { env: programEnvironment(environment) });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const node: Node = {
    url: `http://127.0.0.1:${port}`,
    output: () => output,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    }
  };
  nodes.push(node);
  await vi.waitFor(
    async () => {
      const answer = await fetch(`${node.url}/readyz`).catch(() => null);
      expect(answer?.status, output).toBe(200);
    },
    { timeout: 60_000, interval: 100 }
  );
  return node;
}

/** A person's page on a node: signed in by the form, the list, and a socket from the list's place on. */
class Page {
  readonly revisions = new Map<number, number>();
  readonly surprises: string[] = [];
  socket: Socket | null = null;
  private readonly node: Node;
  constructor(node: Node) {
    this.node = node;
  }

  async open(protocol: number): Promise<string> {
    const { url } = this.node;
    const signedIn = await fetch(`${url}/login`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: url, accept: 'text/html' },
      body: new URLSearchParams({ email: world.everyone.email, password: PASSWORD })
    });
    expect(signedIn.status).toBe(303);
    const cookie = signedIn.headers
      .getSetCookie()
      .map((one) => one.split(';')[0])
      .join('; ');
    const list = await fetch(`${url}/admin/workspaces/${world.a}/operations`, { headers: { cookie } });
    expect(list.status, this.node.output()).toBe(200);
    const html = await list.text();
    const token = /\btoken:\s*"([\w-]+)"/.exec(html)?.[1] ?? '';

    const socket = io(url, {
      path: LIVE_PATH,
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      extraHeaders: { cookie, origin: url }
    });
    this.socket = socket;
    for (const event of ['disconnect', 'connect_error', 'resync:required', 'access:changed', 'session:ended'])
      socket.on(event, (why: unknown) => this.surprises.push(`${event} ${JSON.stringify(why)}`));
    socket.on('rows:changed', (delta: { rows: { id: number; revision: number }[] }) => this.apply(delta.rows));
    await vi.waitFor(() => expect(socket.connected, this.surprises.join()).toBe(true), { timeout: 20_000 });
    const answer = (await socket.timeout(20_000).emitWithAck('subscribe', {
      protocol,
      scope: { workspaceId: world.a, environmentId: null },
      window: { kind: 'list', query: '' },
      summaries: 'scope',
      token
    })) as SubscribeAnswer;
    expect(answer).toMatchObject({ result: 'caught_up' });
    if (answer.result === 'caught_up') this.apply(answer.rows);
    return html;
  }

  private apply(rows: { id: number; revision: number }[]): void {
    for (const { id, revision } of rows) this.revisions.set(id, Math.max(revision, this.revisions.get(id) ?? 0));
  }

  /** Waits until everything that was made is known here as it is in the database. */
  async hasAll(ids: number[]): Promise<void> {
    await vi.waitFor(
      async () => {
        const { rows } = await world.owner.query<{ id: number; revision: number }>(
          'select id, revision from operation_runs where id = any ($1) order by id',
          [ids]
        );
        expect(rows).toHaveLength(ids.length);
        expect(rows.filter(({ id, revision }) => this.revisions.get(id) !== revision)).toEqual([]);
      },
      { timeout: 30_000, interval: 200 }
    );
    expect(this.surprises).toEqual([]);
  }

  close(): void {
    this.socket?.removeAllListeners().disconnect();
  }
}

/** Writers that report operations from beginning to end without a pause; a report that fails makes `stop` fail. */
function startLoad(): { ids: number[]; stop(): Promise<void> } {
  const ids: number[] = [];
  let isOver = false;
  const writers = Array.from({ length: 3 }, async () => {
    const writer = await openWriter(postgres.url);
    try {
      while (!isOver) {
        const id = await insertOperation(writer, world.a, world.a1);
        await writer.query(`update operation_runs set status = 'running', progress_total = 9 where id = $1`, [id]);
        // What cannot be applied writes elsewhere than what can.
        await writer.query(`update operation_runs set status = 'queued' where id = $1`, [id]);
        await writer.query(`update operation_runs set status = 'completed', outcome = 'succeeded' where id = $1`, [id]);
        ids.push(id);
        // Only a pace, so that the load stays bounded: nothing is concluded from it.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } finally {
      await writer.end();
    }
  });
  const ended = Promise.all(writers);
  ended.catch(() => undefined);
  return {
    ids,
    async stop() {
      isOver = true;
      await ended;
    }
  };
}

test('the release before goes on while this one migrates under load: no report fails, and its pages miss nothing', async ({
  skip
}) => {
  skip(earlier === null, NO_HISTORY);
  const { server, version, protocol } = earlier!;
  const node = await startNode(server);
  world = await makeWorld(postgres.url);
  await world.owner.query('update users set password_hash = $2 where id = $1', [
    world.everyone.id,
    await hashPassword(PASSWORD)
  ]);
  const page = new Page(node);
  await page.open(protocol);

  const load = startLoad();
  const hasReported = (count: number): Promise<void> =>
    vi.waitFor(() => expect(load.ids.length).toBeGreaterThan(count), { timeout: 30_000, interval: 50 });
  await hasReported(20);
  const readApplied = async (): Promise<string[]> =>
    (
      await world.owner.query<{ name: string }>(
        'select name from watchfloor.migrations where version > $1 order by version',
        [version]
      )
    ).rows.map(({ name }) => name);
  expect(await readApplied()).toEqual([]);
  // As a node does it when it starts.
  const now = await startNode(builtProgram('server'));
  const newer = readMigrations().filter((migration) => migration.version > version);
  expect(newer.length).toBeGreaterThan(0);
  expect(await readApplied()).toEqual(newer.map(({ name }) => name));
  await hasReported(load.ids.length + 20);
  await load.stop();
  await page.hasAll(load.ids);
  // A new page of the old release, on the new schema.
  const second = new Page(node);
  expect(await second.open(protocol)).toContain(`/operations/${load.ids.at(-1)}`);
  second.close();
  page.close();
  await Promise.all([node.stop(), now.stop()]);
});

test('the release before starts on the schema of this one, and both tell everything beside each other', async ({
  skip
}) => {
  skip(earlier === null, NO_HISTORY);
  skip(!earlier!.runsOnNewer, 'the release before is older than decision 0008: it refuses every newer schema');
  const [old, now] = await Promise.all([startNode(earlier!.server), startNode(builtProgram('server'))]);
  expect(old.output()).toContain(readMigrations().at(-1)!.name);
  const pages = [new Page(old), new Page(now)];
  await pages[0]!.open(earlier!.protocol);
  await pages[1]!.open(PROTOCOL_VERSION);
  const load = startLoad();
  await vi.waitFor(() => expect(load.ids.length).toBeGreaterThan(30), { timeout: 30_000, interval: 50 });
  await load.stop();
  for (const page of pages) {
    await page.hasAll(load.ids);
    page.close();
  }
});
