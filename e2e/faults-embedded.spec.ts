/**
 * The same faults where Watchfloor runs its own Postgres, as after `npm start`: the server heals its Postgres, and a new
 * server takes over the Postgres that a killed one left behind. An open page comes back without anybody touching it.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { insertOperation, makeWorld, type World } from '../tests/harness/world.ts';
import { expectEqualsFreshPage, rowOf, untilLive } from './harness/hub-page.ts';
import { startInstance, type Instance } from './harness/instance.ts';
import { expect, hubPath, test, toCookie } from './harness/test.ts';

let instance: Instance;
let world: World;
let hub: Page;

test.describe.configure({ mode: 'serial', timeout: 90_000 });

test.beforeAll(async ({ browser }) => {
  test.setTimeout(120_000);
  instance = await startInstance();
  world = await makeWorld(await instance.databaseUrl());
  const context = await browser.newContext({ baseURL: instance.baseURL });
  await context.addCookies([toCookie(world.everyone, instance.baseURL)]);
  hub = await context.newPage();
  await hub.goto(hubPath(world.a));
  await untilLive(hub);
});

test.afterAll(async () => {
  await hub?.context().close();
  await world?.close();
  await instance?.remove();
});

async function readPostmasterPid(): Promise<number> {
  const file = join(instance.directory, 'cluster', 'data', 'postmaster.pid');
  return Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0]);
}

/** What is written now arrives, which no proof from before the fault could bring. */
async function expectRecovered(written: number): Promise<void> {
  let now = 0;
  await expect(async () => {
    now = await insertOperation(world.writer, world.a, world.a1);
  }).toPass({ timeout: 30_000 });
  for (const id of [written, now]) await expect(rowOf(hub, id)).toBeVisible({ timeout: 30_000 });
  await untilLive(hub);
  await expectEqualsFreshPage(hub);
}

for (const [name, signal] of [
  ['stopped in order', 'SIGINT'],
  ['killed with -9', 'SIGKILL']
] as const) {
  test(`the server starts its Postgres again after that was ${name}, and the open page is live and complete`, async () => {
    const written = await insertOperation(world.writer, world.a, world.a1);
    const before = await readPostmasterPid();
    process.kill(before, signal);
    await expect(async () => {
      const pid = await readPostmasterPid();
      expect(pid > 0 && pid !== before).toBe(true);
    }).toPass({ timeout: 30_000 });
    await expectRecovered(written);
  });
}

test('a server killed with -9 is started again on the data and Postgres it left, and the open page is live and complete', async () => {
  const before = await readPostmasterPid();
  await instance.kill();
  const written = await insertOperation(world.writer, world.a, world.a1);
  await instance.start();
  expect(await readPostmasterPid(), 'the left Postgres was replaced').not.toBe(before);
  await expectRecovered(written);
});
