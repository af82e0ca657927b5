/**
 * The promise of the live path, seen in browsers: whatever way of writing SQL knows, what commits reaches everybody who
 * may see it, and nobody else; what is rolled back reaches nobody. "Nobody else" is read off the sockets, not the screen:
 * a marker that is written afterwards arrives, and nothing before it told of the foreign row.
 */
import pg from 'pg';
import copyStreams from 'pg-copy-streams';
import { expectEqualsFreshPage, rowOf, shownIds, untilLive } from './harness/hub-page.ts';
import { expect, hubPath, sharedDatabaseUrl, test, type Seat } from './harness/test.ts';
import { DEMO_PASSWORD } from './harness/instance.ts';
import { insertOperation, openWriter, type World } from '../tests/harness/world.ts';

/** Who looks on, and where; a2 is the environment that `narrowed` may not see. */
interface Audience {
  everyone: Seat;
  onlyA2: Seat;
  narrowed: Seat;
  stranger: Seat;
}

let audience: Audience;

test.beforeEach(async ({ world, open }) => {
  const [everyone, onlyA2, narrowed, stranger] = await Promise.all([
    open(world.everyone, hubPath(world.a)),
    open(world.everyone, hubPath(world.a, `?environment_id=${world.a2}`)),
    open(world.narrowed, hubPath(world.a)),
    open(world.stranger, hubPath(world.b))
  ]);
  audience = { everyone, onlyA2, narrowed, stranger };
  await Promise.all(Object.values(audience).map(({ page }: Seat) => untilLive(page)));
});

/** All of a unit's entitled browsers show these operations, and the sockets of the others have told nothing of them. */
async function expectOnlyEntitledGot(world: World, ids: number[], marks: string[]): Promise<void> {
  const { everyone, onlyA2, narrowed, stranger } = audience;
  for (const { page } of [everyone, onlyA2]) for (const id of ids) await expect(rowOf(page, id)).toBeVisible();
  // The feed sends in the order of commits: when these have arrived, so has everything before.
  const inA1 = await insertOperation(world.writer, world.a, world.a1, 'marker');
  const inB = await insertOperation(world.writer, world.b, world.b1, 'marker');
  await expect(rowOf(narrowed.page, inA1)).toBeVisible();
  await expect(rowOf(stranger.page, inB)).toBeVisible();
  for (const { received } of [narrowed, stranger]) {
    expect(received.length).toBeGreaterThan(0);
    for (const mark of marks) expect(received.join('\n')).not.toContain(mark);
  }
  // Positive control: the mark is what the sockets of the entitled did carry.
  for (const mark of marks) expect(everyone.received.join('\n')).toContain(mark);
  await expectAllEqualFreshPages();
}

async function expectAllEqualFreshPages(): Promise<void> {
  await Promise.all(Object.values(audience).map(({ page }: Seat) => expectEqualsFreshPage(page)));
}

async function insertIn(world: World, place: 'a1' | 'a2', type: string): Promise<number> {
  return insertOperation(world.writer, world.a, world[place], type);
}

test('a single insert and its progress reports change the row in every entitled browser and no other', async ({
  world
}) => {
  const id = await insertIn(world, 'a2', 'secret.single');
  const seats = [audience.everyone, audience.onlyA2];
  const expectText = async (text: string): Promise<void> => {
    for (const { page } of seats) await expect(rowOf(page, id)).toContainText(text);
  };
  await expectText('Queued');
  await world.writer.query(
    `update operation_runs set status = 'running', progress_processed = 3, progress_total = 40 where id = $1`,
    [id]
  );
  await expectText('3 of 40');
  await world.writer.query('update operation_runs set progress_processed = 17 where id = $1', [id]);
  await expectText('17 of 40');
  await world.writer.query(
    `update operation_runs set status = 'completed', outcome = 'failed',
       failure_summary = '[{"code":"QUOTA","message":"The quota of the provider is used up."}]' where id = $1`,
    [id]
  );
  await expectText('The quota of the provider is used up.');
  await expectOnlyEntitledGot(world, [id], ['secret.single', 'QUOTA']);
});

test('a bulk insert of 1,000 rows in one statement reaches every entitled browser and no other, and so does their update', async ({
  world
}) => {
  const { rows } = await world.writer.query<{ id: number }>(
    `insert into operation_runs (workspace_id, managed_environment_id, type)
     select $1, $2, 'secret.bulk' from generate_series(1, 1000) returning id`,
    [world.a, world.a2]
  );
  const newest = rows.slice(-25).map(({ id }) => id);
  for (const { page } of [audience.everyone, audience.onlyA2])
    await expect.poll(() => shownIds(page)).toEqual(newest.toReversed());
  await world.writer.query(
    `update operation_runs set status = 'running', progress_phase = 'second pass' where id = any ($1)`,
    [rows.map(({ id }) => id)]
  );
  for (const { page } of [audience.everyone, audience.onlyA2])
    await expect(page.locator('tbody tr', { hasText: 'second pass' })).toHaveCount(25);
  await expectOnlyEntitledGot(world, newest.slice(-5), ['secret.bulk', 'second pass']);
});

test('INSERT … ON CONFLICT DO UPDATE reaches every entitled browser and no other', async ({ world }) => {
  const report = (processed: number) =>
    world.writer.query<{ id: number }>(
      `insert into operation_runs
         (workspace_id, managed_environment_id, type, status, run_identity_hash, progress_processed, progress_total)
       values ($1, $2, 'secret.upsert', 'running', 'nightly', $3, 90)
       on conflict (managed_environment_id, run_identity_hash)
         where status <> 'completed' and managed_environment_id is not null and run_identity_hash is not null
       do update set progress_processed = excluded.progress_processed returning id`,
      [world.a, world.a2, processed]
    );
  const id = (await report(10)).rows[0]!.id;
  await expect(rowOf(audience.everyone.page, id)).toContainText('10 of 90');
  expect((await report(55)).rows[0]!.id).toBe(id);
  for (const { page } of [audience.everyone, audience.onlyA2]) await expect(rowOf(page, id)).toContainText('55 of 90');
  await expectOnlyEntitledGot(world, [id], ['secret.upsert']);
});

test('MERGE that inserts one row and updates another reaches every entitled browser and no other', async ({
  world
}) => {
  const known = await insertIn(world, 'a2', 'secret.merge');
  await world.writer.query(
    `merge into operation_runs r
     using (values ($2::bigint, 'running'), (null, 'queued')) as said (id, status) on r.id = said.id
     when matched then update set status = said.status, progress_phase = 'merged phase'
     when not matched then insert (workspace_id, managed_environment_id, type, initiator_name)
       values ($1, $3, 'secret.merge', 'Merged in')`,
    [world.a, known, world.a2]
  );
  for (const { page } of [audience.everyone, audience.onlyA2]) {
    await expect(rowOf(page, known)).toContainText('merged phase');
    await expect(page.locator('tbody tr', { hasText: 'Merged in' })).toHaveCount(1);
  }
  await expectOnlyEntitledGot(world, [known], ['secret.merge', 'merged phase', 'Merged in']);
});

test('COPY reaches every entitled browser and no other', async ({ world }) => {
  const writer = await openWriter(sharedDatabaseUrl());
  const copy = writer.query(
    copyStreams.from('copy operation_runs (workspace_id, managed_environment_id, type) from stdin')
  );
  for (let line = 0; line < 300; line += 1) copy.write(`${world.a}\t${world.a2}\tsecret.copied\n`);
  copy.end();
  await new Promise((resolve, reject) => copy.on('finish', resolve).on('error', reject));
  await writer.end();
  const { rows } = await world.owner.query<{ id: number }>(
    'select id from operation_runs where workspace_id = $1 order by created_at desc, id desc limit 25',
    [world.a]
  );
  const newest = rows.map(({ id }) => id);
  for (const { page } of [audience.everyone, audience.onlyA2]) await expect.poll(() => shownIds(page)).toEqual(newest);
  await expectOnlyEntitledGot(world, newest.slice(0, 5), ['secret.copied']);
});

test('of a transaction with savepoints what was kept reaches every entitled browser, and what was rolled back none', async ({
  world
}) => {
  const writer = await openWriter(sharedDatabaseUrl());
  await writer.query('begin; savepoint one');
  const kept = await insertOperation(writer, world.a, world.a2, 'secret.kept');
  await writer.query('release one; savepoint two');
  const dropped = await insertOperation(writer, world.a, world.a2, 'secret.dropped');
  await writer.query(`update operation_runs set initiator_name = 'Nobody at all' where id = ${kept}`);
  await writer.query('rollback to two; savepoint three');
  const keptToo = await insertOperation(writer, world.a, world.a2, 'secret.kept');
  await writer.query('commit');
  await writer.end();
  await expectOnlyEntitledGot(world, [kept, keptToo], ['secret.kept']);
  for (const { page, received } of Object.values(audience) as Seat[]) {
    await expect(rowOf(page, dropped)).toHaveCount(0);
    expect(received.join('\n')).not.toMatch(/secret\.dropped|Nobody at all/);
  }
});

test('a long transaction appears only after its commit, at its sorted place, although others committed in between', async ({
  world
}) => {
  const long = await openWriter(sharedDatabaseUrl());
  await long.query('begin');
  const first = await insertOperation(long, world.a, world.a2, 'secret.long');
  const between = await insertIn(world, 'a2', 'secret.between');
  const second = await insertOperation(long, world.a, world.a2, 'secret.long');
  const later = await insertIn(world, 'a2', 'secret.between');
  for (const { page } of [audience.everyone, audience.onlyA2]) {
    await expect.poll(() => shownIds(page)).toEqual([later, between]);
  }
  // Several passes of the feed go by while it is open; each would have to leave it out.
  const ticks = () => audience.everyone.received.filter((frame) => frame.includes('feed:ticked')).length;
  const before = ticks();
  await expect.poll(ticks).toBeGreaterThan(before + 1);
  for (const { page, received } of Object.values(audience) as Seat[]) {
    expect(await shownIds(page)).not.toContain(first);
    expect(received.join('\n')).not.toContain('secret.long');
  }
  await long.query('commit');
  await long.end();
  for (const { page } of [audience.everyone, audience.onlyA2]) {
    await expect.poll(() => shownIds(page)).toEqual([later, second, between, first]);
  }
  await expectOnlyEntitledGot(world, [first, second], ['secret.long', 'secret.between']);
});

test('a transaction that is rolled back reaches no browser', async ({ world }) => {
  const stays = await insertIn(world, 'a2', 'secret.stays');
  const writer = await openWriter(sharedDatabaseUrl());
  await writer.query('begin');
  const gone = await insertOperation(writer, world.a, world.a2, 'secret.undone');
  await writer.query(`update operation_runs set initiator_name = 'Undone by rollback' where id = ${stays}`);
  await writer.query('rollback');
  await writer.end();
  await expectOnlyEntitledGot(world, [stays], ['secret.stays']);
  for (const { page, received } of Object.values(audience) as Seat[]) {
    await expect(rowOf(page, gone)).toHaveCount(0);
    expect(received.join('\n')).not.toMatch(/secret\.undone|Undone by rollback/);
  }
});

test('an operation that moves to another environment leaves the browsers that may not see its new place', async ({
  world
}) => {
  const id = await insertIn(world, 'a1', 'moves.away');
  for (const { page } of [audience.everyone, audience.narrowed]) await expect(rowOf(page, id)).toBeVisible();
  await world.writer.query('update operation_runs set managed_environment_id = $2, initiator_name = $3 where id = $1', [
    id,
    world.a2,
    'After the move'
  ]);
  await expect(rowOf(audience.narrowed.page, id)).toHaveCount(0);
  await expectOnlyEntitledGot(world, [id], ['After the move']);
});

test('people of the demo who sign in with their password see what plain SQL writes, each as far as they may', async ({
  browser,
  baseURL,
  world
}) => {
  const people = ['maren.holt@haldenroy', 'devi.raman@haldenroy', 'tomas.okafor@northgate'];
  const places = await world.owner.query<{ id: number; workspace_id: number; name: string }>(
    `select id, workspace_id, name from managed_environments
     where name in ('Isenberg Pharma Deutschland', 'Harbourline Insurance', 'Kestrel Aviation Services')`
  );
  const place = (name: string) => places.rows.find((row) => row.name.startsWith(name))!;
  const [isenberg, harbourline, kestrel] = [place('Isenberg'), place('Harbourline'), place('Kestrel')];
  const hubs = [isenberg.workspace_id, isenberg.workspace_id, kestrel.workspace_id];
  const contexts = await Promise.all(people.map(() => browser.newContext({ baseURL: baseURL! })));
  const [owner, operator, stranger] = await Promise.all(
    contexts.map(async (context, index) => {
      const page = await context.newPage();
      await page.goto(`/login?next=${encodeURIComponent(hubPath(hubs[index]!))}`);
      await page.getByLabel('Email').fill(`${people[index]}.example`);
      await page.getByLabel('Password').fill(DEMO_PASSWORD);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.waitForURL(`**${hubPath(hubs[index]!)}`);
      await untilLive(page);
      return page;
    })
  );
  const client = new pg.Client({ connectionString: sharedDatabaseUrl() });
  await client.connect();
  await client.query('set role watchfloor_writer');
  const write = async ({ id, workspace_id }: { id: number; workspace_id: number }): Promise<number> => {
    const { rows } = await client.query(
      `insert into operation_runs (workspace_id, managed_environment_id, type) values ($1, $2, 'policy.sync') returning id`,
      [workspace_id, id]
    );
    return Number(rows[0].id);
  };
  const hidden = await write(harbourline);
  const both = await write(isenberg);
  const elsewhere = await write(kestrel);
  await client.end();
  await expect(rowOf(owner!, hidden)).toBeVisible();
  for (const page of [owner!, operator!]) await expect(rowOf(page, both)).toBeVisible();
  await expect(rowOf(stranger!, elsewhere)).toBeVisible();
  await expect(rowOf(operator!, hidden)).toHaveCount(0);
  for (const id of [hidden, both]) await expect(rowOf(stranger!, id)).toHaveCount(0);
  await Promise.all([owner!, operator!, stranger!].map((page) => expectEqualsFreshPage(page)));
  await Promise.all(contexts.map((context) => context.close()));
});
