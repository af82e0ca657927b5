/**
 * The production process: configuration → HTTP port → database → demo → hub → SvelteKit's handler → ready, and the same
 * backwards when it is asked to stop: by SIGTERM it leaves a load balancer first, by Ctrl-C it stops at once. It only
 * composes; each part is in src/lib/server. scripts/start.mjs runs it.
 * Invariant: it fails at the start with one sentence, and once it is ready it stays up; whatever happens, Postgres is
 * stopped last and in order.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { openDenials } from './lib/server/access/denials.ts';
import { keepOidcRoles } from './lib/server/access/oidc-people.ts';
import { readConfig, type Config } from './lib/server/config.ts';
import { openDatabase, type OpenDatabase } from './lib/server/database/open.ts';
import { openPool } from './lib/server/database/pool.ts';
import { POOLER_SENTENCE, sharesSessions } from './lib/server/database/pooler.ts';
import { openDemo } from './lib/server/demo/accounts.ts';
import { startDemoWriter, type DemoWriter } from './lib/server/demo/process.ts';
import { readFirstPlace } from './lib/server/first-place.ts';
import {
  answerPlainly,
  isOwnOrigin,
  prepareHandlerEnvironment,
  refuseForeignChange,
  refuseForeignHost,
  refuseUnknownMethod,
  setHeadersOfEveryResponse,
  tellForeignRequests
} from './lib/server/http-front.ts';
import { limitConnections, listen, REQUEST_LIMITS, stopListening } from './lib/server/http-listen.ts';
import { openLeaving } from './lib/server/leaving.ts';
import { openHub, type Hub } from './lib/server/live/hub.ts';
import { openLog } from './lib/server/log.ts';
import { openMonitoring, type Monitoring } from './lib/server/metrics/monitoring.ts';
import { openSelfProof, type SelfProofKeeper } from './lib/server/metrics/self-proof.ts';
import { newNodeName } from './lib/server/node-name.ts';
import { takeOverOutput, tellPerson, tellRefusal } from './lib/server/process-output.ts';
import { openMaintenance } from './lib/server/reports/maintenance.ts';
import type { Repeating } from './lib/server/reports/repeat.ts';
import { toBanner } from './lib/server/start-banner.ts';
import { StartupError } from './lib/server/startup-error.ts';

type Answer = (...args: [...Parameters<RequestListener>, next: () => void]) => unknown;

/** While the feed is lost, whatever seems to be lost: behind a pooler its own statement fails first. */
const POOLER_LOOK_MS = 5_000;

const log = openLog('watchfloor');
takeOverOutput(log);
const denials = openDenials({ log, db: null });
let server: Server | null = null;
let opening: Promise<OpenDatabase> | null = null;
let demoWriter: DemoWriter | null = null;
let hub: Hub | null = null;
let maintenance: Repeating | null = null;
let monitoring: Monitoring | null = null;
let selfProof: SelfProofKeeper | null = null;
let stopping: Promise<void> | null = null;
const leaving = openLeaving();
/** how long it may take to leave; 0 until there are pages that somebody could be reading */
let drainSeconds = 0;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!stopping) void stop(0, signal === 'SIGTERM' ? drainSeconds : 0);
    else if (!leaving.hurry()) tellPerson(log, 'Still stopping: Postgres is writing its last checkpoint.');
  });
}
// Not one of our sentences: a bug. The database is closed in order all the same.
process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'An error that nothing handled');
  void stop(1);
});
// The terminal may be gone before we are.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

try {
  await start(readConfig(process.env));
} catch (error) {
  // While stopping, what was being started fails; that is no news.
  if (!stopping) {
    if (error instanceof StartupError) tellRefusal(error.message);
    else log.fatal({ err: error }, 'Watchfloor could not start');
  }
  await stop(1);
}

async function start(config: Config): Promise<void> {
  let answer: Answer = (_request, response) => {
    response.setHeader('retry-after', '1');
    answerPlainly(response, 503, 'Watchfloor is starting.');
  };
  let arePagesServed = false;
  const watching = openMonitoring({ config, log, denials, figures: () => hub?.figures() ?? null });
  monitoring = watching;
  server = createServer(REQUEST_LIMITS, (request, response) => {
    watching.watch(request, response);
    if (refuseForeignHost(config, request, response) || refuseForeignChange(config, request, response)) return;
    if (refuseUnknownMethod(request, response) || watching.handle(request, response)) return;
    if (leaving.handle(request, response)) return;
    // /readyz among them: a load balancer must not send people here before there are pages.
    if (arePagesServed && hub?.handle(request, response)) return;
    Promise.resolve(answer(request, response, () => answerPlainly(response, 404, 'Not found.'))).catch(
      (error: unknown) => {
        log.error({ err: error }, 'A request failed outside SvelteKit');
        answerPlainly(response, 500, 'Something failed on our side. Try again.');
      }
    );
  });
  limitConnections(server);
  setHeadersOfEveryResponse(server, config);
  tellForeignRequests(server, config, denials);
  // The ports first: another Watchfloor on them must not cost a start of the database.
  await listen(server, config);
  await watching.listen();

  opening = openDatabase(config, log);
  const database = await opening;
  process.env['DATABASE_URL'] = database.url;
  await keepOidcRoles(database.url, config.oidc);
  watching.readFrom(database.url);
  const demo =
    config.demo && database.embedded
      ? await openDemo({
          databaseUrl: database.url,
          directory: database.embedded.directory,
          password: config.demoPassword
        })
      : null;

  const node = newNodeName();
  const opened = await openHub({
    databaseUrl: database.url,
    node,
    pooledUrl: config.pooledUrl,
    isOwnOrigin: (origin, host) => isOwnOrigin(config, origin, host),
    secureCookies: config.secureCookies,
    log
  });
  hub = opened;
  opened.attach(server);
  if (!database.embedded) {
    let isLooking = false;
    opened.feed.events.on('halted', () => {
      if (isLooking) return;
      isLooking = true;
      void endBehindPooler(database.url, opened.feed).finally(() => (isLooking = false));
    });
  }
  // Socket.IO has put itself before us for its own path; its answers need the headers, too.
  setHeadersOfEveryResponse(server, config);

  prepareHandlerEnvironment(config, process.env);
  const handler = (await import(new URL('../handler.js', import.meta.url).href)) as { handler: Answer };
  if (stopping) return;
  answer = handler.handler;
  arePagesServed = true;
  drainSeconds = config.drainSeconds;
  maintenance = openMaintenance({ url: database.url, log, feed: opened.feed });
  selfProof = openSelfProof({ node, figures: opened.figures, url: database.url, log });
  if (demo) {
    demoWriter = startDemoWriter({
      entry: new URL('./demo-writer.js', import.meta.url).pathname,
      databaseUrl: database.url,
      log
    });
  }
  const [address = `http://${config.host}:${config.port}`, ...otherAddresses] = config.origins ?? [];
  process.stdout.write(
    toBanner({
      address,
      otherAddresses,
      startedInMs: process.uptime() * 1000,
      demo,
      place: await readPlace(database.url),
      embedded: database.embedded
    })
  );
}

async function readPlace(url: string): ReturnType<typeof readFirstPlace> {
  const pool = openPool({ url, role: 'owner', max: 1, applicationName: 'watchfloor start' });
  try {
    return await readFirstPlace(pool);
  } finally {
    await pool.end();
  }
}

/**
 * Somebody put a transaction pooler in between, or made one of what was there: from now on one connection's role reaches
 * another, so serving on could show somebody what is not theirs. The next start says the same sentence.
 */
async function endBehindPooler(url: string, feed: Hub['feed']): Promise<void> {
  for (; feed.lostLink !== null && !stopping; await wait(POOLER_LOOK_MS)) {
    if (!(await sharesSessions(url).catch(() => false)) || stopping) continue;
    log.fatal(POOLER_SENTENCE);
    return stop(1);
  }
}

function stop(code: number, leaveSeconds = 0): Promise<void> {
  stopping ??= (async () => {
    if (leaveSeconds > 0 && server?.listening) {
      log.info({ seconds: leaveSeconds }, 'Leaving: /readyz says so, and everything else is answered as before');
      await leaving.begin(server, leaveSeconds);
    }
    if (code === 0) tellPerson(log, 'Stopping in order…');
    const port = server?.listening ? stopListening(server) : null;
    await step('hub', () => hub?.close());
    await step('HTTP', () => port?.finished());
    await step('demo writer', () => demoWriter?.close());
    await step('maintenance', () => maintenance?.close());
    await step('self-proof', () => selfProof?.close());
    await step('monitoring', () => monitoring?.close());
    denials.close();
    // hooks.server.ts closes its pools with it, as with adapter-node's own server.
    process.emit('sveltekit:shutdown' as 'disconnect');
    await step('Postgres', async () => (await opening?.catch(() => null))?.close());
    process.exit(code);
  })();
  return stopping;
}

/** One part that does not close must not keep the others, and Postgres above all, from closing. */
async function step(name: string, close: () => Promise<void> | undefined): Promise<void> {
  try {
    await close();
  } catch (error) {
    log.error({ err: error, part: name }, 'A part did not close in order');
  }
}
