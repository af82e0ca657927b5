/**
 * The product's own wall, paired to a server of its own, while operations are reported into its workspace as fast as a
 * quiet machine allows: each runs, reports progress and ends, and what failed is resolved by what comes next, so that the
 * page is in the same state whenever it is looked at. A day of a display is 20,000 operations of five changes each.
 */
import type { Browser, Page } from '@playwright/test';
import { setTimeout as delay } from 'node:timers/promises';
import { makePerson, makeWorld, type World } from '../../tests/harness/world.ts';
import { openScreen, pair, readCode, untilWallLive } from '../harness/displays.ts';
import { startInstance } from '../harness/instance.ts';
import { toCookie } from '../harness/test.ts';
import { openSampler, printSample, takeSample, type Soaked } from './samples.ts';

const DAY_OPERATIONS = 20_000;
const CHANGES = 5;
const LANES = 6;
const PARTS = 10;
/** A tenth of a day before the first sample: lists are full, code is compiled, the stamp's minute is over. */
const WARM_UP = 2_000;

/** One operation from its beginning to its end; every fifth fails, and the next of its type resolves it. */
async function report({ writer, a, a1, a2, a3 }: World, lane: number, n: number): Promise<void> {
  const environment = [a1, a2, a3][lane % 3]!;
  const type = `soak.lane_${lane}`;
  const { rows } = await writer.query<{ id: number }>(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status, progress_processed, progress_total)
     values ($1, $2, $3, 'running', 0, 300) returning id`,
    [a, environment, type]
  );
  const id = rows[0]!.id;
  for (const processed of [90, 180, 270]) {
    await writer.query(`update operation_runs set progress_processed = $2 where id = $1`, [id, processed]);
  }
  const hasFailed = n % 5 === 0;
  await writer.query(
    `update operation_runs set status = 'completed', outcome = $2, failure_summary = $3 where id = $1`,
    [id, hasFailed ? 'failed' : 'succeeded', hasFailed ? '[{"code": "LIMIT", "message": "Provider limited"}]' : '[]']
  );
}

/** Reports until so many were, or time is over; in lanes, each of which ends with a success. */
async function reportMany(world: World, count: number, deadline: number): Promise<number> {
  let done = 0;
  await Promise.all(
    Array.from({ length: LANES }, async (_, lane) => {
      for (let n = 0; n < count / LANES && performance.now() < deadline; n += 1) {
        await report(world, lane, n);
        done += 1;
      }
      await report(world, lane, 1);
      done += 1;
    })
  );
  return done;
}

/** Everything that was reported is on the screen: nothing runs and nothing is open. */
async function settled(page: Page): Promise<void> {
  await untilWallLive(page);
  await page.waitForFunction(() => document.querySelectorAll('.cell, .row').length === 0, undefined, {
    timeout: 60_000
  });
  await delay(2_000);
}

export async function soakServer(browser: Browser, minutes: number): Promise<Soaked> {
  const instance = await startInstance();
  const world = await makeWorld(await instance.databaseUrl());
  try {
    await world.owner.query(
      `insert into operation_types (code, label, follow_up_policy, queued_limit_seconds, running_limit_seconds)
       select 'soak.lane_' || n, 'Soak ' || n, 'repeatable', 900, 900 from generate_series(0, $1) n`,
      [LANES]
    );
    const { page, context } = await openScreen(browser, instance.baseURL);
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    const person = await browser.newContext({ baseURL: instance.baseURL });
    const manager = await makePerson(world.owner, 'manager');
    await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'manager')`, [
      world.a,
      manager.id
    ]);
    await person.addCookies([toCookie(manager, instance.baseURL)]);
    await pair(await person.newPage(), world.a, await readCode(page), { name: 'Soak' });
    await person.close();
    await untilWallLive(page);
    const cdp = await openSampler(page);

    const started = performance.now();
    const deadline = started + minutes * 60_000;
    await reportMany(world, WARM_UP, Infinity);
    await settled(page);
    const samples = [await takeSample(cdp)];
    printSample('0 operations', samples[0]!);
    let done = 0;
    while (done < DAY_OPERATIONS && performance.now() < deadline) {
      done += await reportMany(world, DAY_OPERATIONS / PARTS, deadline);
      await settled(page);
      samples.push(await takeSample(cdp));
      printSample(`${done} operations`, samples.at(-1)!);
    }
    await context.close();
    const taken = ((performance.now() - started) / 60_000).toFixed(1);
    const share = Math.round((done / DAY_OPERATIONS) * 100);
    return {
      name: 'paired to a server',
      played: `${done * CHANGES} changes of ${done} operations (${share} % of a day) in ${taken} min`,
      samples,
      errors
    };
  } finally {
    await world.close();
    await instance.remove();
  }
}
