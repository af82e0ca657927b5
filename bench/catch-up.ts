/**
 * Catch-up: everybody was away for ten seconds of changes and comes back. Counted is every statement that the hub asks of
 * the database for it, handshakes and access included, against one query for each client: those are run, too, so that the
 * database's time can be compared and not only their number.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { openPool } from '../src/lib/server/database/pool.ts';
import { readScopeDifference } from '../src/lib/server/live/differences.ts';
import { parseSnapshot } from '../src/lib/server/stream/place.ts';
import { makeWorld } from '../tests/harness/world.ts';
import { affordable, makePeople, makeRows, revisionsOf, seatsOf, startCrowd, startWriting, waitsOf } from './crowd.ts';
import { count, round, Runs } from './figures.ts';
import { tell, type Part, type Size } from './part.ts';
import { makeDatabase, startProduction } from './servers.ts';
import { openStatements, STATEMENT_SETTINGS } from './statements.ts';

const LEVELS: Record<Size, number[]> = { quick: [40], normal: [5_000], full: [5_000, 10_000] };
const AWAY_SECONDS: Record<Size, number> = { quick: 0.5, normal: 10, full: 10 };
const RATE = 50;
const ROWS = 100;
const RETURN_WITHIN_MS = 2_000;
const RUNS: Record<Size, number> = { quick: 1, normal: 3, full: 3 };
const PROCESSES: Record<Size, number> = { quick: 1, normal: 2, full: 2 };

export const catchUp: Part = {
  settings: STATEMENT_SETTINGS,
  async run(postgres, size) {
    const levels = affordable(LEVELS[size], 'catch-up');
    const url = await makeDatabase(postgres, 'bench_catch_up');
    const world = await makeWorld(url);
    const people = await makePeople(world, levels.at(-1) ?? 0);
    const ids = await makeRows(world, ROWS);
    const statements = await openStatements(url);
    const runs = new Runs();
    for (let run = 0; run < RUNS[size]; run++)
      for (const level of levels) {
        tell(`catch-up: run ${run + 1}, ${level} clients`);
        const server = await startProduction(url);
        const crowd = startCrowd(PROCESSES[size]);
        const epoch = Date.now();
        await crowd.track(ids, epoch);
        await crowd.open(await seatsOf(url, world, people, level, server.port));
        await delay(size === 'quick' ? 300 : 3_000);
        await crowd.drop();
        const since = await placeNow(url);
        const seconds = AWAY_SECONDS[size];
        await (
          await startWriting(url, ids, { rate: RATE, changes: RATE * seconds, epoch })
        ).done;
        await statements.reset();
        await crowd.begin();
        const before = await server.usage();
        const answers = await crowd.back(RETURN_WITHIN_MS);
        const after = await server.usage();
        const hub = await statements.read(['watchfloor_feed', 'watchfloor_access']);
        const right = await crowd.compare(await revisionsOf(world, ids));
        const add = (figure: string, value: number): void => runs.add(`${level} ${figure}`, value);
        add('statements', hub.calls);
        add('database ms', hub.ms);
        add('right', right);
        add('not caught up', level - (answers.results['caught_up'] ?? 0));
        add('cpu', after.cpuMs - before.cpuMs);
        for (const [at, wait] of waitsOf(answers).entries()) add(`wait ${at}`, Number(wait));
        add('busy', (await crowd.report()).busy * 100);
        crowd.stop();
        await server.stop();
        const single = await oneQueryEach(url, { level, since, subscriber: people[0]!, workspaceId: world.a });
        add('single ms', single);
      }
    await Promise.all([statements.close(), world.close()]);
    const of = (level: number, figure: string): number => runs.median(`${level} ${figure}`);
    const table = {
      title: `${count(AWAY_SECONDS[size] * RATE)} changes of ${ROWS} operations missed, all return within ${RETURN_WITHIN_MS / 1_000} s`,
      head: [
        'clients',
        'statements, one query each',
        'statements, hub',
        'ratio, %',
        "database's time, one query each, ms",
        'hub, ms',
        'live again: p50, ms',
        'p99',
        'last',
        'have exactly what there is',
        'answered otherwise',
        'server, s on the processor',
        'load generator: busiest, % of a core'
      ],
      rows: levels.map((level) => [
        count(level),
        count(level),
        round(of(level, 'statements')),
        round((of(level, 'statements') / level) * 100),
        round(of(level, 'single ms')),
        round(of(level, 'database ms')),
        ...[0, 1, 2].map((at) => round(of(level, `wait ${at}`))),
        `${of(level, 'right')} of ${level}`,
        String(runs.sum(`${level} not caught up`)),
        round(of(level, 'cpu') / 1_000),
        round(of(level, 'busy'))
      ])
    };
    return { tables: [table], raw: runs };
  }
};

interface Epoch {
  epoch: string;
  snapshot: string;
}

async function placeNow(url: string): Promise<Epoch> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<Epoch>(
    'select watchfloor.read_epoch() as epoch, pg_current_snapshot()::text as snapshot'
  );
  await client.end();
  return rows[0]!;
}

/** The database's time, in ms, for as many reads of the log as there are clients, four at a time as the hub has connections. */
async function oneQueryEach(
  url: string,
  one: { level: number; since: Epoch; subscriber: { id: number; sessionId: string }; workspaceId: number }
): Promise<number> {
  const { level, since, subscriber, workspaceId } = one;
  const pool = openPool({ url, role: 'feed', max: 4, applicationName: 'bench one query each' });
  const statements = await openStatements(url);
  await statements.reset();
  const place = { epoch: since.epoch, snapshot: parseSnapshot(since.snapshot) };
  const scope = { workspaceId, environmentId: null };
  let left = level;
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      while (left-- > 0)
        await readScopeDifference(
          pool,
          place,
          scope,
          { userId: subscriber.id, sessionId: subscriber.sessionId },
          2_000
        );
    })
  );
  const { ms } = await statements.read(['watchfloor_feed']);
  await Promise.all([pool.end(), statements.close()]);
  return ms;
}
