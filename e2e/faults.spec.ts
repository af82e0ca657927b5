/**
 * Real faults under connected browsers, on a server and a Postgres of these tests' own: Postgres is restarted, the server
 * is killed and started again, a backend is killed with -9. While the cause lasts no page may claim to be live; afterwards
 * every page is live again, and equal to a fresh one, without anybody touching it.
 */
import type { Page } from '@playwright/test';
import { startPostgres, type TestPostgres } from '../tests/harness/postgres.ts';
import { insertOperation, makeWorld, type World } from '../tests/harness/world.ts';
import { expectEqualsFreshPage, rowOf, stampOf, untilLive } from './harness/hub-page.ts';
import { startInstance, type Instance } from './harness/instance.ts';
import { StampRecord } from './harness/stamp-record.ts';
import { expect, hubPath, test, toCookie } from './harness/test.ts';

/** A proof counts for 5 s, and the stamp is looked at once a second; what is later than this is an old proof. */
const PROOF_IS_OLD_MS = 7_000;

let postgres: TestPostgres;
let instance: Instance;
let world: World;
let watched: number;
let hub: Page;
let detail: Page;
let overview: Page;
let records: StampRecord[];

test.describe.configure({ mode: 'serial', timeout: 120_000 });

test.beforeAll(async () => {
  test.setTimeout(120_000);
  postgres = await startPostgres();
  instance = await startInstance({ databaseUrl: postgres.url });
  world = await makeWorld(postgres.url);
  for (let count = 0; count < 30; count += 1) await insertOperation(world.writer, world.a, world.a1);
  watched = await insertOperation(world.writer, world.a, world.a1);
});

test.afterAll(async () => {
  await world?.close();
  await instance?.remove();
  await postgres?.remove();
});

test.beforeEach(async ({ browser }) => {
  const context = await browser.newContext({ baseURL: instance.baseURL });
  await context.addCookies([toCookie(world.everyone, instance.baseURL)]);
  [hub, detail, overview] = [await context.newPage(), await context.newPage(), await context.newPage()];
  records = await Promise.all([hub, detail, overview].map((page) => StampRecord.of(page)));
  await hub.goto(hubPath(world.a));
  await detail.goto(hubPath(world.a, `/${watched}`));
  await overview.goto(`/admin/workspaces/${world.a}`);
  await Promise.all([hub, detail, overview].map((page) => untilLive(page)));
  // Calm is what they say while it is proven.
  await expect(hub.locator('.calm')).toContainText('Nothing needs attention.');
  await expect(overview.locator('.tile').filter({ hasText: 'a1' })).toContainText('No open follow-up');
});

test.afterEach(() => hub.context().close());

/** Everything that can be taken for calm; never without a proof of now. */
const CALM = /Nothing needs attention|No open follow-up|nothing open|Nothing else needs attention/;

/** Waits until all pages say that they are stale, and asserts that none said Live with a proof from before `since`. */
async function expectNotLiveSince(since: number): Promise<void> {
  for (const page of [hub, detail, overview])
    await expect(stampOf(page)).toHaveText(/^Stale since /, { timeout: 15_000 });
  // Long enough for an error page, a retry or a reconnect to claim something: the cause still lasts.
  await expect.poll(() => Date.now() - since, { timeout: 20_000 }).toBeGreaterThan(12_000);
  for (const record of records) {
    const said = record.between(since + PROOF_IS_OLD_MS, Date.now());
    expect(said.at(-1)).toMatch(/^Stale since /);
    expect(said).not.toContain('Live');
  }
  for (const page of [hub, overview]) await expect(page.locator('main')).not.toContainText(CALM);
  await expect(hub.locator('.calm')).toContainText('is not known.');
  await expect(hub.getByRole('navigation', { name: /^Counts, as of / })).toBeVisible();
  await expect(overview.locator('.fleet__note')).toContainText(/^As of /);
  await expect(hub.locator('tbody tr').first(), 'what was known stays to be read').toBeVisible();
}

/** Live again by themselves, with what was written meanwhile and what is written now, and equal to fresh pages. */
async function expectRecovered(written: number[], progress: string): Promise<void> {
  for (const page of [hub, detail, overview]) await untilLive(page, 40_000);
  await expect(hub.locator('.calm')).toContainText('Nothing needs attention.');
  await expect(overview.locator('.tile').filter({ hasText: 'a1' })).toContainText('No open follow-up');
  const now = await insertOperation(world.writer, world.a, world.a2);
  for (const id of [...written, now]) await expect(rowOf(hub, id)).toBeVisible({ timeout: 20_000 });
  for (const page of [hub, detail]) {
    await untilLive(page);
    await expect(page.getByText(progress).first()).toBeVisible();
  }
  await expectEqualsFreshPage(hub);
}

async function reportProgress(processed: number): Promise<string> {
  const sql = `update operation_runs set status = 'running', progress_processed = $2, progress_total = 999 where id = $1`;
  await world.writer.query(sql, [watched, processed]);
  return `${processed} of 999`;
}

async function readEpoch(): Promise<string | null> {
  const sql = 'select watchfloor.read_epoch() as epoch';
  return (await world.owner.query<{ epoch: string | null }>(sql)).rows[0]!.epoch;
}

/** Postgres answers again; with `before`, after the crash recovery that emptied the epoch's unlogged table. */
async function untilPostgresAnswers(before?: string | null): Promise<void> {
  await expect(async () => expect(await readEpoch()).not.toBe(before)).toPass({
    timeout: 30_000,
    intervals: [50, 200]
  });
}

test('Postgres is restarted in order: not live while it is away, live and complete when it is back', async () => {
  const written = [await insertOperation(world.writer, world.a, world.a1)];
  await postgres.stop('fast');
  await expectNotLiveSince(Date.now());
  await postgres.start();
  await untilPostgresAnswers();
  await expectRecovered(written, await reportProgress(11));
});

test('the server is killed and started again: not live while it is away, live and complete when it is back', async () => {
  await instance.kill();
  const since = Date.now();
  const written = [await insertOperation(world.writer, world.a, world.a1)];
  const progress = await reportProgress(22);
  await expectNotLiveSince(since);
  await instance.start();
  await expectRecovered(written, progress);
});

test('the server freezes with its connections open: only the age of the proof can tell, and it does', async () => {
  const frozen = instance.pid();
  process.kill(frozen, 'SIGSTOP');
  const since = Date.now();
  const written = [await insertOperation(world.writer, world.a, world.a1)];
  const progress = await reportProgress(27);
  try {
    await expectNotLiveSince(since);
  } finally {
    process.kill(frozen, 'SIGCONT');
  }
  await expectRecovered(written, progress);
});

test('a backend is killed under a frozen postmaster: not live while nothing answers, live and complete after recovery', async () => {
  const epoch = await readEpoch();
  const written = [await insertOperation(world.writer, world.a, world.a1)];
  const { rows } = await world.owner.query<{ pid: number }>(
    `select pid from pg_stat_activity where application_name = 'watchfloor listener'`
  );
  expect(rows.length).toBeGreaterThan(0);
  process.kill(postgres.pid, 'SIGSTOP');
  try {
    for (const { pid } of rows) process.kill(pid, 'SIGKILL');
    await expectNotLiveSince(Date.now());
  } finally {
    process.kill(postgres.pid, 'SIGCONT');
  }
  await untilPostgresAnswers(epoch);
  await expectRecovered(written, await reportProgress(33));
});

test('a backend is killed with -9 in the middle of writing: after the crash recovery every page is live and complete', async () => {
  const epoch = await readEpoch();
  const written = [await insertOperation(world.writer, world.a, world.a1)];
  const client = await world.writer.connect();
  client.on('error', () => undefined);
  await client.query('begin');
  const lost = await insertOperation(client, world.a, world.a1, 'lost.in.the.crash');
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  process.kill(rows[0]!.pid, 'SIGKILL');
  await expect(client.query('select 1')).rejects.toThrow();
  client.release(true);
  // Unlogged tables were emptied: it really was a crash.
  await untilPostgresAnswers(epoch);
  await expectRecovered(written, await reportProgress(44));
  await expect(rowOf(hub, lost).filter({ hasText: 'Lost in the crash' })).toHaveCount(0);
});
