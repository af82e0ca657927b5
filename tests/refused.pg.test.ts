/** Refused reports: who reads which, how they are paged, that they are bounded in number, and what is called unsupported. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { readWorkspace } from '../src/lib/server/access/scope.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { parseCursor } from '../src/lib/server/operations/keyset.ts';
import { readRejected, type RefusedPage } from '../src/lib/server/operations/rejected.ts';
import { openRejectedTrim } from '../src/lib/server/reports/rejected-trim.ts';
import { openUnsupportedWatch, readUnsupported } from '../src/lib/server/reports/unsupported.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { insertOperation, makeWorld, type TestPerson, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
let people: pg.Pool;
const log = { info: vi.fn(), warn: vi.fn() };

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  // Others read none (tests/second-fence).
  await world.owner.query(`update memberships set role = 'owner'`);
  people = openPool({ url: database.url, role: 'people', max: 2, applicationName: 'tests' });
});
afterAll(async () => {
  await people?.end();
  await world?.close();
  await database?.drop();
});
beforeEach(async () => {
  vi.clearAllMocks();
  await world.owner.query('delete from rejected_reports');
});

async function refuse(workspace: number, environment: number | null, type: string): Promise<void> {
  await world.writer.query(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status) values ($1, $2, $3, 'nonsense')`,
    [workspace, environment, type]
  );
}

function read(person: TestPerson, workspace: number, at: { after?: string; before?: string } = {}) {
  const place = (text: string | undefined) => (text === undefined ? null : parseCursor(text));
  return readWorkspace(people, person.id, workspace, (client, visible) =>
    readRejected(client, visible, { after: place(at.after), before: place(at.before) })
  );
}

const typesOf = (page: RefusedPage | null) => page?.rows.map(({ type }) => type);

describe('reading refused reports', () => {
  test('gives a workspace’s own, newest first, and who is narrowed only what is certainly theirs', async () => {
    await refuse(world.a, world.a1, 'in.a1');
    await refuse(world.a, world.a2, 'in.a2');
    await refuse(world.a, null, 'of.itself');
    await refuse(world.b, world.b1, 'in.b1');
    // Of no place that is certain: an environment of another workspace, and a move.
    await world.writer.query(
      `insert into operation_runs (workspace_id, managed_environment_id, type) values ($1, $2, 'foreign')`,
      [world.a, world.b1]
    );
    const moved = await insertOperation(world.writer, world.a, world.a1, 'moved');
    await world.writer.query(
      `update operation_runs set managed_environment_id = $2, status = 'nonsense' where id = $1`,
      [moved, world.a2]
    );
    await world.writer.query(`insert into operation_runs (workspace_id, type) values (987654, 'of.nobody')`);

    const all = await read(world.everyone, world.a);
    expect(typesOf(all)).toEqual(['moved', 'foreign', 'of.itself', 'in.a2', 'in.a1']);
    expect(all).toMatchObject({ isFirst: true, newer: null, older: null });
    expect(all!.rows[0]).toMatchObject({ operationId: moved, environment: null, kind: 'status_unknown' });
    expect(all!.rows[4]).toMatchObject({ operationId: null, environment: 'a1', source: null });
    expect(typesOf(await read(world.narrowed, world.a))).toEqual(['of.itself', 'in.a1']);
    expect(typesOf(await read(world.stranger, world.b))).toEqual(['in.b1']);
    expect(await read(world.stranger, world.a)).toBeNull();
    expect(await read(world.everyone, world.b)).toBeNull();
    // The table itself gives a person no more than that.
    expect((await people.query('select from rejected_reports')).rowCount).toBe(0);
  });

  test('pages by keyset, there and back', async () => {
    for (let n = 0; n < 60; n++) await refuse(world.a, world.a1, `n.${n}`);
    const first = (await read(world.everyone, world.a))!;
    const second = (await read(world.everyone, world.a, { after: first.older! }))!;
    await refuse(world.a, world.a1, 'n.60');
    const third = (await read(world.everyone, world.a, { after: second.older! }))!;
    expect([first, second, third].flatMap((page) => typesOf(page)!)).toEqual(
      Array.from({ length: 60 }, (_, n) => `n.${59 - n}`)
    );
    expect(third).toMatchObject({ isFirst: false, older: null });
    expect(typesOf(await read(world.everyone, world.a, { before: third.newer! }))).toEqual(typesOf(second));
    // Less than a page is newer: that is the newest page, as it is now.
    const newest = (await read(world.everyone, world.a, { before: first.older! }))!;
    expect(newest).toMatchObject({ isFirst: true, newer: null });
    expect(newest.rows[0]!.type).toBe('n.60');
    expect(typesOf(await read(world.everyone, world.a, { after: Buffer.from('1.1').toString('base64url') }))).toEqual(
      []
    );
  });
});

test('refused reports are trimmed to the newest of each workspace and of all, while others are written', async () => {
  for (let n = 0; n < 30; n++) await refuse(world.a, world.a1, `a.${n}`);
  for (let n = 0; n < 5; n++) await refuse(world.b, world.b1, `b.${n}`);
  for (let n = 0; n < 30; n++) await refuse(987_654, null, `nobody.${n}`);
  const open = await world.writer.connect();
  await open.query('begin');
  await open.query(`insert into operation_runs (workspace_id, type, status) values ($1, 'open', 'nonsense')`, [
    world.a
  ]);
  const left = async (): Promise<unknown> =>
    (
      await world.owner.query(
        `select workspace_id as of, count(*) as n, max(type) as newest from rejected_reports group by 1 order by 1`
      )
    ).rows;
  const trimming = openRejectedTrim({
    url: database.url,
    log,
    firstAfterMs: 1,
    everyMs: 20,
    mostEach: 10,
    mostAll: 1_000
  });
  await expect.poll(left).toEqual([
    { of: world.a, n: 10, newest: 'a.29' },
    { of: world.b, n: 5, newest: 'b.4' },
    { of: null, n: 10, newest: 'nobody.29' }
  ]);
  await trimming.close();
  await open.query('commit');
  open.release();
  const all = openRejectedTrim({ url: database.url, log, firstAfterMs: 1, everyMs: 20, mostEach: 10, mostAll: 12 });
  await expect
    .poll(async () => (await world.owner.query('select count(*) as n from rejected_reports')).rows[0].n)
    .toBe(12);
  await all.close();
  expect(log.warn).not.toHaveBeenCalled();
});

test('a trigger of ours that was switched off is called unsupported, once, until it is on again', async () => {
  const watch = openUnsupportedWatch({ url: database.url, log, everyMs: 20 });
  try {
    expect(await readUnsupported(world.owner)).toEqual([]);
    await world.owner.query('alter table operation_runs disable trigger operation_runs_920_notify_updated');
    await vi.waitFor(() => expect(watch.found()).toHaveLength(1));
    await world.owner.query('alter table operation_runs enable trigger operation_runs_920_notify_updated');
    // As restores leave it: it fires, but not for who replays.
    const sentence =
      'The trigger operation_runs_920_notify_updated of public.operation_runs does not always fire, so changes are missed ' +
      'or wrong. Switch it on: alter table public.operation_runs enable always trigger operation_runs_920_notify_updated.';
    expect(await readUnsupported(people)).toEqual([sentence]);
    expect(log.warn.mock.calls).toEqual([[sentence]]);
    await world.owner.query('alter table operation_runs enable always trigger operation_runs_920_notify_updated');
    await vi.waitFor(() => expect(watch.found()).toEqual([]));
    expect(log.info).toHaveBeenCalledWith('Nothing unsupported is found in the database any more.');
  } finally {
    await watch.close();
  }
});
