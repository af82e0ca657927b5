/**
 * `npm run cluster`: three real nodes on one Postgres behind a real HAProxy or nginx, restarted one after another under
 * load. Nobody gets an error page, nothing that was reported is lost, and everybody ends at the same rows. Skipped where
 * neither proxy is installed (Debian: `apt-get install haproxy nginx-light`).
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { migrate } from '../src/lib/server/database/migrations.ts';
import { fetchAsBrowser } from './harness/browser-fetch.ts';
import { freePort, startPostgres, type TestPostgres } from './harness/postgres.ts';
import { builtProgram, programEnvironment } from './harness/program.ts';
import { findProgram } from './harness/proxy.ts';
import { HttpClient, SocketClient, type TravellingClient } from './harness/travelling-client.ts';
import { insertOperation, makeWorld, openWriter, type World } from './harness/world.ts';

const SOCKETS = 24;
const ASKERS = 4;
const LOADERS = 3;
const CLUSTER = builtProgram('server').replace(/server\.js$/, 'cluster.js');

const PROXIES = (['haproxy', 'nginx'] as const).map((name) => ({ name, program: findProgram(name) }));
let postgres: TestPostgres;
let world: World;
let directory: string;

beforeAll(async () => {
  if (PROXIES.every(({ program }) => program === null)) return;
  directory = await mkdtemp(join(tmpdir(), 'watchfloor-cluster-'));
  postgres = await startPostgres();
  await migrate(postgres.url);
  world = await makeWorld(postgres.url);
});
afterAll(async () => {
  await world?.close();
  await postgres?.remove();
  if (directory) await rm(directory, { recursive: true, force: true });
});

interface Program {
  process: ChildProcess;
  output(): string;
  ended: Promise<number | null>;
}
function runCluster(args: string[], environment: Record<string, string>): Program {
  const child = spawn(process.execPath, [CLUSTER, ...args], {
    env: programEnvironment({ HOME: tmpdir(), ...environment }),
    stdio: ['ignore', 'pipe', 'pipe']
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  return {
    process: child,
    output: () => output,
    ended: new Promise((resolve) => child.once('close', (code) => resolve(code)))
  };
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** Loads pages and files without a pause; whatever is not 200 is kept. */
function startLoading(url: string, cookie: string): { count(): number; stop(): Promise<string[]> } {
  const list = `/admin/workspaces/${world.a}/operations`;
  const paths = [list, `${list}?activeTab=active`, `/admin/workspaces/${world.a}`, '/icon.svg'];
  const failures: string[] = [];
  let count = 0;
  let isOver = false;
  const loading = Array.from({ length: LOADERS }, async () => {
    while (!isOver) {
      for (const path of paths) {
        const answer = await fetchAsBrowser(url + path, { headers: { cookie }, redirect: 'manual' }).catch(
          (error: Error) => error
        );
        count += 1;
        if (answer instanceof Error) failures.push(`${path}: ${String(answer.cause ?? answer)}`);
        else if (answer.status !== 200)
          failures.push(`${path}: ${answer.status} ${(await answer.text()).slice(0, 200)}`);
        else await answer.text();
        // Only a pace: two cores serve the nodes as well.
        await wait(20);
      }
    }
  });
  return {
    count: () => count,
    async stop() {
      isOver = true;
      await Promise.all(loading);
      return failures;
    }
  };
}

function startWriting(): { ids: number[]; stop(): Promise<void> } {
  const ids: number[] = [];
  let isOver = false;
  const writing = (async () => {
    const writer = await openWriter(postgres.url);
    try {
      while (!isOver) {
        const id = await insertOperation(writer, world.a, world.a1);
        ids.push(id);
        await writer.query(`update operation_runs set status = 'running' where id = $1`, [id]);
        await writer.query(`update operation_runs set status = 'completed', outcome = 'succeeded' where id = $1`, [id]);
        await wait(50);
      }
    } finally {
      await writer.end();
    }
  })();
  writing.catch(() => undefined);
  return {
    ids,
    async stop() {
      isOver = true;
      await writing;
    }
  };
}

describe.each(PROXIES)('three nodes behind $name', ({ name, program }) => {
  const reason = `${name} is not installed: a rolling restart behind it is not tested here`;
  let cluster: Program;
  let environment: Record<string, string>;
  let url: string;
  let nodes: number[] = [];

  beforeAll(async () => {
    if (program === null) return void process.stderr.write(`skipped: ${reason}\n`);
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    environment = {
      PORT: String(port),
      DATABASE_URL: postgres.url,
      WATCHFLOOR_DATA_DIR: directory,
      WATCHFLOOR_DRAIN_SECONDS: '1'
    };
    cluster = runCluster(['--proxy', name], environment);
    await vi.waitFor(() => expect(cluster.output()).toContain('Stop with Ctrl-C'), { timeout: 120_000, interval: 50 });
    nodes = /nodes: (.*)/
      .exec(cluster.output())![1]!
      .split(', ')
      .map((place) => Number(place.split(':')[1]));
    // The proxy may find out a little later than we do.
    await vi.waitFor(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200), { timeout: 20_000 });
  });
  afterAll(async () => {
    if (cluster?.process.exitCode === null && cluster.process.kill('SIGINT')) await cluster.ended;
  });

  test('a rolling restart under load loses nothing and shows no error page', async ({ skip }) => {
    skip(program === null, reason);
    const { cookie } = world.everyone;
    const page = await fetch(`${url}/admin/workspaces/${world.a}/operations`, { headers: { cookie } });
    const token = /\btoken:\s*"([\w-]+)"/.exec(await page.text())?.[1] ?? '';
    const travel = { url, cookie, workspaceId: world.a, token };
    const sockets = Array.from({ length: SOCKETS }, () => new SocketClient(travel));
    const askers = Array.from({ length: ASKERS }, () => new HttpClient(travel));
    const clients: TravellingClient[] = [...sockets, ...askers];
    try {
      await Promise.all(clients.map((client) => client.start()));
      const loading = startLoading(url, cookie);
      const writing = startWriting();
      await vi.waitFor(() => expect(writing.ids.length).toBeGreaterThan(5), { timeout: 30_000 });
      const before = { asked: askers.map(({ asked }) => asked), loaded: loading.count() };

      const roll = runCluster(['--roll'], environment);
      expect(await roll.ended, roll.output() + cluster.output()).toBe(0);

      const reported = writing.ids.length;
      await vi.waitFor(() => expect(writing.ids.length).toBeGreaterThan(reported + 5), { timeout: 30_000 });
      await writing.stop();
      expect(await loading.stop(), cluster.output()).toEqual([]);
      expect(loading.count()).toBeGreaterThan(before.loaded + 20);
      const { rows } = await world.owner.query<{ id: number; revision: number }>(
        'select id, revision from operation_runs where id = any ($1) order by id',
        [writing.ids]
      );
      expect(rows).toHaveLength(writing.ids.length);
      await vi.waitFor(
        () => {
          for (const { revisions } of clients)
            expect(rows.filter(({ id, revision }) => revisions.get(id) !== revision)).toEqual([]);
        },
        { timeout: 60_000, interval: 200 }
      );
      expect(clients.flatMap(({ surprises }) => surprises)).toEqual([]);
      // All nodes were restarted, so everybody lost theirs at least once, and was told so each time.
      for (const { lost, told } of sockets) {
        expect(lost).toBeGreaterThanOrEqual(1);
        expect(told).toBe(lost);
      }
      askers.forEach(({ asked }, at) => expect(asked).toBeGreaterThan(before.asked[at]! + 5));
    } finally {
      for (const client of clients) client.close();
    }
  });

  test('Ctrl-C ends the proxy and all nodes', async ({ skip }) => {
    skip(program === null, reason);
    expect(nodes).toHaveLength(3);
    for (const port of [...nodes, Number(environment['PORT'])]) expect(await isOpen(port)).toBe(true);
    cluster.process.kill('SIGINT');
    expect(await cluster.ended, cluster.output()).toBe(0);
    for (const port of [...nodes, Number(environment['PORT'])]) expect(await isOpen(port)).toBe(false);
    const roll = runCluster(['--roll'], environment);
    expect(await roll.ended).toBe(1);
    expect(roll.output()).toContain('No cluster runs here');
  });
});

test('without a proxy it says what to install, starts nothing, and its exit code says that something is missing', async () => {
  const missing = runCluster(['--proxy', 'none'], { PORT: String(await freePort()) });
  expect(await missing.ended).toBe(69);
  expect(missing.output()).toContain('apt-get install haproxy');
});

test('HAProxy takes the file as it is shipped, but for the certificate', async ({ skip }) => {
  const program = findProgram('haproxy');
  skip(program === null || findProgram('openssl') === null, 'HAProxy or openssl is not installed');
  const certificate = join(directory, 'certificate.pem');
  const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const both = execFileSync('openssl', [...make, '-subj', '/CN=localhost', '-keyout', '-'], { stdio: 'pipe' });
  await writeFile(certificate, both);
  const shipped = await readFile(new URL('../deploy/haproxy.cfg', import.meta.url), 'utf8');
  expect(shipped).toContain('/etc/haproxy/watchfloor.pem');
  const file = join(directory, 'haproxy.cfg');
  await writeFile(file, shipped.replace('/etc/haproxy/watchfloor.pem', certificate));
  // Warnings count: a misspelt line may be one.
  execFileSync(program!, ['-c', '-dW', '-f', file], { stdio: 'pipe' });
});
