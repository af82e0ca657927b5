/**
 * `npm run cluster`: three nodes of the production build on one Postgres (the embedded one unless DATABASE_URL is set)
 * behind HAProxy or nginx, to see that any node takes any client, and a rolling restart loses nothing. It composes; each
 * part is in src/lib/server/cluster. Invariant: whatever it started is stopped with it.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startNodes, type Nodes } from './lib/server/cluster/nodes.ts';
import { findProxy, NO_PROXY, PROXIES, startProxy, type Proxy, type ProxyName } from './lib/server/cluster/proxy.ts';
import { readConfig } from './lib/server/config.ts';
import { projectRoot } from './lib/server/database/migrations.ts';
import { embeddedDirectory, openDatabase } from './lib/server/database/open.ts';
import { openDemo } from './lib/server/demo/accounts.ts';
import { startDemoWriter, type DemoWriter } from './lib/server/demo/process.ts';
import { openLog } from './lib/server/log.ts';
import { tellRefusal } from './lib/server/process-output.ts';
import { StartupError } from './lib/server/startup-error.ts';
import { writeWhole } from './lib/server/write-whole.ts';

const NODES = 3;
/** EX_UNAVAILABLE of sysexits.h: what it needs is not installed. */
const UNAVAILABLE = 69;

const log = openLog('cluster');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  process.exitCode = process.argv.includes('--roll') ? await askToRoll() : await run();
} catch (error) {
  if (error instanceof StartupError) tellRefusal(error.message);
  else log.fatal({ err: error }, 'The cluster could not be started');
  process.exitCode = 1;
}

/** Who runs and how often it has rolled, for `--roll`. */
interface Running {
  pid: number;
  rolls: number;
}
function runningFile(): string {
  const config = readConfig(process.env);
  return join(embeddedDirectory(config), `nodes-${config.port}.json`);
}
async function readRunning(): Promise<Running | null> {
  const text = await readFile(runningFile(), 'utf8').catch(() => null);
  const running = text === null ? null : (JSON.parse(text) as Running);
  try {
    if (running !== null) process.kill(running.pid, 0);
    return running;
  } catch {
    return null; // it was killed
  }
}

async function run(): Promise<number> {
  const named = process.argv[process.argv.indexOf('--proxy') + 1];
  const chosen = process.argv.includes('--proxy') ? PROXIES.filter((name) => name === named) : PROXIES;
  const found = findProxy(chosen);
  if (found === null) {
    process.stderr.write(`${NO_PROXY}\n`);
    return UNAVAILABLE;
  }
  const config = readConfig(process.env);
  const address = `http://127.0.0.1:${config.port}`;
  let [nodes, proxy, writer]: [Nodes | null, Proxy | null, DemoWriter | null] = [null, null, null];
  const database = await openDatabase(config, log);
  const stopped = untilAsked();
  try {
    const demo =
      config.demo && database.embedded
        ? await openDemo({
            databaseUrl: database.url,
            directory: database.embedded.directory,
            password: config.demoPassword
          })
        : null;
    nodes = startNodes(await freePorts(NODES), {
      entry: new URL('./server.js', import.meta.url).pathname,
      environmentOf: (port) => ({
        ...process.env,
        NODE_ENV: 'production',
        DATABASE_URL: database.url,
        HOST: '127.0.0.1',
        PORT: String(port),
        METRICS_PORT: '',
        ORIGIN: address,
        ADDRESS_HEADER: 'X-Forwarded-For',
        XFF_DEPTH: '1'
      }),
      tell: (line) => void process.stderr.write(`${line}\n`)
    });
    proxy = await openProxy(found, { port: config.port, nodes: nodes.ports });
    const isUp = await Promise.race([nodes.ready().then(() => true), stopped.then(() => false)]);
    if (!isUp) return 0;
    if (demo)
      writer = startDemoWriter({
        entry: new URL('./demo-writer.js', import.meta.url).pathname,
        databaseUrl: database.url,
        log
      });
    await mkdir(embeddedDirectory(config), { recursive: true });
    const running: Running = { pid: process.pid, rolls: 0 };
    const keep = (): Promise<void> => writeWhole(runningFile(), JSON.stringify(running), 0o600);
    await keep();
    say(
      [
        '',
        `Three nodes are ready behind ${proxy.name === 'haproxy' ? 'HAProxy' : 'nginx'}: ${address}`,
        `  nodes: ${nodes.ports.map((port) => `127.0.0.1:${port}`).join(', ')}`,
        ...(demo
          ? [
              `Sign in as ${demo.accounts[0]?.email ?? 'one of the demo'}; password: ${demo.isNew && demo.password ? demo.password : `in ${demo.file}`}`
            ]
          : []),
        'Restart them one after another: type r and Enter, or `npm run cluster -- --roll` elsewhere.',
        'Stop with Ctrl-C.',
        ''
      ].join('\n')
    );
    let rolling: Promise<void> | null = null;
    const roll = (): void => {
      rolling ??= rollAll(nodes!, proxy!)
        .then(async () => {
          running.rolls += 1;
          await keep();
        })
        .catch((error: unknown) => log.error({ err: error }, 'The rolling restart was broken off'))
        .finally(() => (rolling = null));
    };
    process.on('SIGUSR2', roll);
    process.stdin.setEncoding('utf8').on('data', (text: string) => {
      if (text.trim() === 'r') roll();
    });
    process.stdin.on('error', () => {});
    const code = await Promise.race([
      stopped.then(() => 0),
      proxy.ended.then(() => {
        process.stderr.write('The proxy ended by itself; its lines above say why.\n');
        return 1;
      })
    ]);
    await rolling;
    return code;
  } finally {
    process.stdin.destroy();
    await rm(runningFile(), { force: true });
    await proxy?.close();
    await writer?.close();
    await nodes?.close();
    await database.close();
  }
}

async function rollAll(nodes: Nodes, proxy: Proxy): Promise<void> {
  const name = (port: number): string => `Node ${nodes.ports.indexOf(port) + 1}`;
  await nodes.roll({
    async before(port) {
      say(`${name(port)} leaves.`);
      await proxy.avoid(port);
    },
    async after(port) {
      await proxy.avoid(null);
      say(`${name(port)} is back.`);
    }
  });
  say('All nodes were restarted.');
}

async function askToRoll(): Promise<number> {
  const before = await readRunning();
  if (before === null) {
    process.stderr.write('No cluster runs here on this port. Start one with `npm run cluster`.\n');
    return 1;
  }
  process.kill(before.pid, 'SIGUSR2');
  for (;;) {
    await wait(200);
    const now = await readRunning();
    if (now === null) {
      process.stderr.write('The cluster ended meanwhile.\n');
      return 1;
    }
    if (now.rolls > before.rolls) {
      say('All nodes were restarted, one after another.');
      return 0;
    }
  }
}

async function openProxy(
  found: { name: ProxyName; program: string },
  places: { port: number; nodes: readonly number[] }
): Promise<Proxy> {
  const shipped = join(projectRoot(), 'deploy', found.name === 'haproxy' ? 'haproxy.cfg' : 'nginx.conf');
  return startProxy(found, {
    shipped: await readFile(shipped, 'utf8'),
    places,
    tell: (line) => void process.stderr.write(`proxy | ${line}\n`)
  });
}

function untilAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}

/** All at once, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const probes = Array.from({ length: count }, () => createServer());
  await Promise.all(
    probes.map((probe) => new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', () => resolve())))
  );
  const ports = probes.map((probe) => (probe.address() as AddressInfo).port);
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  return ports;
}
