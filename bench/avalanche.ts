/**
 * Reconnect avalanche: the hub is restarted under load and everybody comes back within a second, to a process that
 * remembers nothing. Counted is every statement that it asks of the database meanwhile (handshakes, access, the log), and
 * how long each waits until it is live again, with exactly what there is.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { makeWorld } from '../tests/harness/world.ts';
import {
  affordable,
  makePeople,
  makeRows,
  revisionsOf,
  seatsOf,
  startCrowd,
  startWriting,
  waitForAll,
  waitsOf
} from './crowd.ts';
import { count, round, Runs } from './figures.ts';
import { tell, type Part, type Size } from './part.ts';
import { makeDatabase, startProduction } from './servers.ts';
import { openStatements, STATEMENT_SETTINGS } from './statements.ts';

const LEVELS: Record<Size, number[]> = { quick: [40], normal: [1_000, 5_000], full: [1_000, 5_000, 10_000] };
const RUNS: Record<Size, number> = { quick: 1, normal: 3, full: 3 };
const PROCESSES: Record<Size, number> = { quick: 1, normal: 2, full: 2 };
/** While it is away, and while they return. */
const RATE = 50;
const ROWS = 50;
const LIVE_MS: Record<Size, number> = { quick: 300, normal: 12_000, full: 12_000 };
const RETURN_WITHIN_MS = 1_000;
const PATIENCE_MS = 30_000;
/** Of a hub that shares nothing: who it is, what they may see, what they missed. */
const EACH = 3;

export const avalanche: Part = {
  settings: STATEMENT_SETTINGS,
  async run(postgres, size) {
    const levels = affordable(LEVELS[size], 'avalanche');
    const url = await makeDatabase(postgres, 'bench_avalanche');
    const world = await makeWorld(url);
    const people = await makePeople(world, levels.at(-1) ?? 0);
    const ids = await makeRows(world, ROWS);
    const statements = await openStatements(url);
    const runs = new Runs();
    for (let run = 0; run < RUNS[size]; run++)
      for (const level of levels) {
        tell(`avalanche: run ${run + 1}, ${level} clients`);
        const first = await startProduction(url);
        const crowd = startCrowd(PROCESSES[size]);
        const epoch = Date.now();
        await crowd.track(ids, epoch);
        await crowd.open(await seatsOf(url, world, people, level, first.port));
        const writing = await startWriting(url, ids, { rate: RATE, changes: Infinity, epoch });
        // So long that they hold places of several ticks.
        await delay(LIVE_MS[size]);
        await first.stop();
        await crowd.drop();
        const second = await startProduction(url, first.port);
        await statements.reset();
        await crowd.begin();
        const before = await second.usage();
        const answers = await crowd.back(RETURN_WITHIN_MS);
        const after = await second.usage();
        const asked = await statements.read(['watchfloor_feed', 'watchfloor_access']);
        writing.stop();
        await writing.done;
        const wanted = await revisionsOf(world, ids);
        await waitForAll(crowd, level, wanted, PATIENCE_MS);
        const add = (figure: string, value: number): void => runs.add(`${level} ${figure}`, value);
        add('right', await crowd.compare(wanted));
        add('statements', asked.calls);
        add('database ms', asked.ms);
        add('otherwise', level - (answers.results['caught_up'] ?? 0));
        add('cpu', after.cpuMs - before.cpuMs);
        for (const [at, wait] of waitsOf(answers).entries()) add(`wait ${at}`, Number(wait));
        add('busy', (await crowd.report()).busy * 100);
        crowd.stop();
        await second.stop();
      }
    await Promise.all([statements.close(), world.close()]);
    const of = (level: number, figure: string): number => runs.median(`${level} ${figure}`);
    const table = {
      title: `All return within ${RETURN_WITHIN_MS / 1_000} s of a restart, ${RATE} changes a second all the while`,
      head: [
        'clients',
        'statements if each asked for itself',
        'statements, hub',
        'ratio, %',
        "database's time, ms",
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
        count(level * EACH),
        round(of(level, 'statements')),
        round((of(level, 'statements') / level / EACH) * 100),
        round(of(level, 'database ms')),
        ...[0, 1, 2].map((at) => round(of(level, `wait ${at}`))),
        `${of(level, 'right')} of ${level}`,
        String(runs.sum(`${level} otherwise`)),
        round(of(level, 'cpu') / 1_000),
        round(of(level, 'busy'))
      ])
    };
    return { tables: [table], raw: runs };
  }
};
