/**
 * What a display may see: its scope and nothing else, by the same paths as a person, and by row-level security behind them;
 * what changes about it reaches its open socket at once, and nobody else's.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type pg from 'pg';
import { changeWorkspace, readWorkspace } from '../src/lib/server/access/scope.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import {
  approveDisplay,
  changeDisplay,
  readDisplays,
  revokeDisplay,
  identifyDisplay
} from '../src/lib/server/displays/management.ts';
import { readWallPage } from '../src/lib/server/displays/wall-page.ts';
import { CATCH_UP_PATH, PROTOCOL_VERSION, type Scope, type SubscribeAnswer } from '../src/lib/live/protocol.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { addSecret, makeDisplay, openWallClient, type TestDisplay } from './harness/displays.ts';
import { openReader, startHub, TestClient, type TestHub } from './harness/live.ts';
import { insertOperation, makePerson, makeWorld, entitle, type TestPerson, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
let hub: TestHub;
let people: pg.Pool;
let reader: ReturnType<typeof openReader>;
const clients: TestClient[] = [];

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  hub = await startHub(database.url);
  reader = openReader(database.url);
  people = openPool({ url: database.url, role: 'people', max: 4, applicationName: 'test displays pages' });
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => {
  await hub?.close();
  await reader?.close();
  await people?.end();
  await world?.close();
  await database?.drop();
});

const whole = (): Scope => ({ workspaceId: world.a, environmentId: null });
/** As the reader of pages takes whoever reads. */
const asReader = ({ userId }: TestDisplay) => ({ id: userId }) as TestPerson;

async function connect(display: Pick<TestDisplay, 'cookie'>): Promise<TestClient> {
  const client = openWallClient(hub.port, display.cookie);
  clients.push(client);
  await client.connected();
  return client;
}
async function open(display: TestDisplay, scope = whole()): Promise<TestClient> {
  const client = await connect(display);
  const window = (await reader.read(asReader(display), scope))!;
  expect(await client.follow(scope, window)).toMatchObject({ result: 'caught_up' });
  return client;
}
const heard = (client: TestClient, name: string): number => client.events.filter((event) => event.name === name).length;
const until = (assert: () => void): Promise<void> => vi.waitFor(assert, { timeout: 2_000, interval: 10 });
/** The feed has told everything that was committed before. */
async function passed(): Promise<void> {
  const witness = await connect(await makeDisplay(world.owner, world.b));
  const scope = { workspaceId: world.b, environmentId: null };
  await witness.follow(scope, { rows: [], token: '' });
  expect(await hub.hub.feed.passSoon()).toBe(true);
}

describe('what a display reads', () => {
  test('is its workspace, its environments and the workspace’s own, and nothing of another one', async () => {
    const ids = {
      a1: await insertOperation(world.writer, world.a, world.a1),
      a2: await insertOperation(world.writer, world.a, world.a2),
      own: await insertOperation(world.writer, world.a, null),
      b1: await insertOperation(world.writer, world.b, world.b1)
    };
    const read = async (display: TestDisplay, workspaceId: number): Promise<number[] | null> => {
      const window = await reader.read(asReader(display), { workspaceId, environmentId: null });
      return (
        window &&
        window.rows
          .map(({ id }) => id)
          .filter((id) => Object.values(ids).includes(id))
          .sort((a, b) => a - b)
      );
    };
    const all = await makeDisplay(world.owner, world.a);
    const narrow = await makeDisplay(world.owner, world.a, [world.a1]);
    expect(await read(all, world.a)).toEqual([ids.a1, ids.a2, ids.own]);
    expect(await read(narrow, world.a)).toEqual([ids.a1, ids.own]);
    expect(await read(all, world.b)).toBeNull();
    await world.owner.query('update displays set revoked_at = now() where id = any ($1)', [[all.id, narrow.id]]);
    expect(await read(all, world.a)).toBeNull();
    expect(await read(narrow, world.a)).toBeNull();
  });

  test('an environment that was removed, or that is of another workspace, opens nothing', async () => {
    const odd = await makeDisplay(world.owner, world.a, [world.b1, 987_654_321]);
    const found = await readWorkspace(people, odd.userId, world.a, async (client, visible) => ({
      environments: visible.environments,
      all: visible.seesAllEnvironments,
      rows: (
        await client.query('select managed_environment_id from operation_runs where managed_environment_id is not null')
      ).rows
    }));
    expect(found).toEqual({ environments: [], all: false, rows: [] });
  });

  test('its first snapshot is of its scope alone: environments, numbers, lists, day', async () => {
    const failed = await insertOperation(world.writer, world.a, world.a2, 'inventory.sync');
    await world.writer.query(
      `update operation_runs set status = 'completed', outcome = 'failed', failure_summary = '[{"code":"x","message":"secret of a2"}]' where id = $1`,
      [failed]
    );
    const narrow = await makeDisplay(world.owner, world.a, [world.a1], 'Narrow');
    const page = await readWorkspace(people, narrow.userId, world.a, (client, visible) =>
      readWallPage(client, visible, narrow.id)
    );
    expect(page).toMatchObject({ display: { name: 'Narrow' }, seesAllEnvironments: false });
    expect(page!.environments.map(({ name }) => name)).toEqual(['a1']);
    expect(page!.summaries.map(({ place }) => place)).toEqual(['itself', world.a1]);
    expect(JSON.stringify(page)).not.toMatch(/secret of a2|"a2"|"a3"/);
    expect(page!.lists.failed).toEqual([]);
    const all = await makeDisplay(world.owner, world.a);
    const other = await readWorkspace(people, all.userId, world.a, (client, visible) =>
      readWallPage(client, visible, all.id)
    );
    expect(other!.lists.failed.map(({ id }) => id)).toContain(failed);
    expect(other!.hours.at(-1)).toMatchObject({ bad: 1, open: 1 });
  });

  test('it can write nothing, and reads no person, no other display and no secret', async () => {
    const display = await makeDisplay(world.owner, world.a);
    const other = await makeDisplay(world.owner, world.a);
    await changeWorkspace(people, display.userId, world.a, async (client, visible) => {
      const settings = {
        name: 'Mine',
        environmentIds: [],
        layout: 'whole',
        theme: 'dark',
        distanceM: 5,
        diagonalIn: 55,
        rotateSeconds: null,
        zone: 'UTC'
      } as const;
      const of = { workspaceId: world.a, id: other.id };
      expect(await changeDisplay(client, of, { ...settings, environmentIds: [] })).toBe('absent');
      expect(await revokeDisplay(client, of, 'x')).toBe('absent');
      expect(await changeDisplay(client, { ...of, id: display.id }, { ...settings, environmentIds: [] })).toBe(
        'absent'
      );
      expect((await readDisplays(client, visible)).map(({ id }) => id)).toEqual([display.id]);
    });
    for (const sql of [
      'select * from users',
      'select * from sessions',
      'select * from display_secrets',
      'select * from watchfloor.pairing_requests',
      `insert into displays (workspace_id, name, paired_by) values (${world.a}, 'x', 'x')`,
      `update operation_runs set status = 'completed', outcome = 'failed'`,
      'delete from displays'
    ])
      await expect(changeWorkspace(people, display.userId, world.a, (client) => client.query(sql))).rejects.toThrow(
        /permission denied|row-level security/
      );
    const failed = await insertOperation(world.writer, world.a, world.a1);
    await world.writer.query(`update operation_runs set status = 'completed', outcome = 'failed' where id = $1`, [
      failed
    ]);
    for (const [sql, nothing] of [
      ['select watchfloor.review_operation($1, $2, $3, true) as told', 'absent'],
      ['select watchfloor.open_diagnostics($1, $2, $3) as told', null]
    ] as const)
      expect((await people.query(sql, [display.userId, world.a, failed])).rows).toEqual([{ told: nothing }]);
    const { rows } = await world.owner.query('select reviewed_at from operation_runs where id = $1', [failed]);
    expect(rows).toEqual([{ reviewed_at: null }]);
    // Nor could a defect of ours write one down as who did something.
    await expect(
      world.owner.query(
        `insert into audit_events (workspace_id, user_id, kind, operation_id) values ($1, $2, 'reviewed', $3)`,
        [world.a, display.userId, failed]
      )
    ).rejects.toThrow('audit_events_by_person');
  });
});

describe('who looks after displays', () => {
  test('who is narrowed sees and gives only what they see: by row-level security, whatever the code asks', async () => {
    const manager = await makePerson(world.owner, 'narrowed-manager');
    await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'manager')`, [
      world.a,
      manager.id
    ]);
    await entitle(world.owner, world.a, manager.id, [world.a1]);
    const own = await makeDisplay(world.owner, world.a, [world.a1], 'own');
    const others = [
      await makeDisplay(world.owner, world.a, [], 'whole'),
      await makeDisplay(world.owner, world.a, [world.a1, world.a2], 'wider'),
      await makeDisplay(world.owner, world.a, [world.a2], 'other'),
      await makeDisplay(world.owner, world.b, [], 'foreign')
    ];
    const settings = {
      name: 'x',
      layout: 'whole',
      theme: 'dark',
      distanceM: 5,
      diagonalIn: 55,
      rotateSeconds: null,
      zone: 'UTC'
    } as const;
    await changeWorkspace(people, manager.id, world.a, async (client, visible) => {
      const seen = (await readDisplays(client, visible)).map(({ id }) => id);
      expect(seen).toContain(own.id);
      expect(seen.filter((id) => others.some((other) => other.id === id))).toEqual([]);
      for (const { id } of others) {
        expect(await revokeDisplay(client, { workspaceId: world.a, id }, 'x')).toBe('absent');
        expect(await revokeDisplay(client, { workspaceId: world.b, id }, 'x')).toBe('absent');
      }
    });
    for (const environmentIds of [[], [world.a2], [world.a1, world.a2]]) {
      const as = { ...settings, environmentIds };
      await expect(
        changeWorkspace(people, manager.id, world.a, (client) =>
          changeDisplay(client, { workspaceId: world.a, id: own.id }, as)
        )
      ).rejects.toThrow(/row-level security/);
      await expect(
        changeWorkspace(people, manager.id, world.a, (client) => approveDisplay(client, world.a, 'BCDFGHJK', as, 'x'))
      ).rejects.toThrow(/row-level security/);
    }
  });
});

describe('the socket of a display', () => {
  test('is told its scope and nothing else, live and when it comes back', async () => {
    const display = await makeDisplay(world.owner, world.a, [world.a1]);
    const client = await open(display);
    const seen = await insertOperation(world.writer, world.a, world.a1);
    const own = await insertOperation(world.writer, world.a, null);
    const hidden = await insertOperation(world.writer, world.a, world.a2);
    const foreign = await insertOperation(world.writer, world.b, world.b1);
    await until(() => expect([...client.rows.keys()]).toEqual(expect.arrayContaining([seen, own])));
    await passed();
    expect(client.rows.has(hidden) || client.rows.has(foreign)).toBe(false);
    const again = await connect(display);
    const missed = await insertOperation(world.writer, world.a, world.a1);
    const missedHidden = await insertOperation(world.writer, world.a, world.a2);
    expect(await again.resume(whole(), client.token)).toMatchObject({ result: 'caught_up' });
    expect([again.rows.has(missed), again.rows.has(missedHidden)]).toEqual([true, false]);
    expect(JSON.stringify(client.events)).not.toContain(`"id":${hidden},`);
  });

  test.each(['revoked', 'deleted'])('one that is %s is told so within a second, and nothing after it', async (how) => {
    const display = await makeDisplay(world.owner, world.a);
    const client = await open(display);
    const other = await open(await makeDisplay(world.owner, world.a));
    const at = performance.now();
    await world.owner.query(
      how === 'revoked' ? 'update displays set revoked_at = now() where id = $1' : 'delete from displays where id = $1',
      [display.id]
    );
    await until(() => expect(heard(client, 'session:ended')).toBe(1));
    expect(performance.now() - at).toBeLessThan(1_000);
    const later = await insertOperation(world.writer, world.a, world.a1);
    await until(() => expect(other.rows.has(later)).toBe(true));
    expect(client.rows.has(later)).toBe(false);
    expect(heard(other, 'access:changed')).toBe(0);
    const refused = openWallClient(hub.port, display.cookie);
    clients.push(refused);
    await expect(refused.connected()).rejects.toThrow('signed out');
  });

  test('a change of its scope purges what it shows, and it sees the new one alone', async () => {
    const display = await makeDisplay(world.owner, world.a, [world.a1]);
    const client = await open(display);
    const before = await insertOperation(world.writer, world.a, world.a1);
    await until(() => expect(client.rows.has(before)).toBe(true));
    const { token } = client;
    await world.owner.query('update displays set environment_ids = $2 where id = $1', [display.id, [world.a2]]);
    await until(() => expect(heard(client, 'access:changed')).toBe(1));
    expect(client.rows.size).toBe(0);
    // Catching up from before is no way around: what came into sight or left it no row tells.
    expect(await client.resume(whole(), token)).toEqual({ result: 'resync', reason: 'access' });
    await client.follow(whole(), (await reader.read(asReader(display), whole()))!);
    const [hidden, seen] = [
      await insertOperation(world.writer, world.a, world.a1),
      await insertOperation(world.writer, world.a, world.a2)
    ];
    await until(() => expect(client.rows.has(seen)).toBe(true));
    expect(client.rows.has(hidden)).toBe(false);
  });

  test('a change of its settings is told to it alone, now and to who was away, and is no change of access', async () => {
    const display = await makeDisplay(world.owner, world.a);
    const twin = await makeDisplay(world.owner, world.a);
    const [client, other] = [await open(display), await open(twin)];
    const person = new TestClient(hub.port, world.everyone.cookie);
    clients.push(person);
    await person.connected();
    await person.follow(whole(), (await reader.read(world.everyone, whole()))!);
    const [token, otherToken] = [client.token, other.token];
    await changeWorkspace(people, world.everyone.id, world.a, (db) =>
      identifyDisplay(db, { workspaceId: world.a, id: display.id })
    );
    await until(() => expect(heard(client, 'reference:changed')).toBe(1));
    await passed();
    expect([heard(other, 'reference:changed'), heard(person, 'reference:changed')]).toEqual([0, 0]);
    expect([client, other].map((one) => heard(one, 'access:changed'))).toEqual([0, 0]);
    const [back, otherBack] = [await connect(display), await connect(twin)];
    await back.resume(whole(), token);
    await otherBack.resume(whole(), otherToken);
    await until(() => expect(heard(back, 'reference:changed')).toBe(1));
    expect(heard(otherBack, 'reference:changed')).toBe(0);
  });

  test('its presence wakes nobody', async () => {
    const display = await makeDisplay(world.owner, world.a);
    const { rows: before } = await world.owner.query('select count(*)::int as n from watchfloor.changes');
    await world.owner.query(
      `insert into watchfloor.display_presence (display_id, state, version, width, height, pixel_ratio) values ($1, 'live', '1', 1, 1, 1)`,
      [display.id]
    );
    await addSecret(world.owner, display.id);
    const { rows: after } = await world.owner.query('select count(*)::int as n from watchfloor.changes');
    expect(after).toEqual(before);
  });

  test('absent, foreign and narrowed away are one answer, and a place of somebody else opens nothing', async () => {
    const display = await makeDisplay(world.owner, world.a, [world.a1]);
    const client = await open(display);
    const { token } = client;
    const ask = (workspaceId: number, environmentId: number | null): Promise<SubscribeAnswer> =>
      client.resume({ workspaceId, environmentId }, token);
    for (const scope of [
      [world.b, null],
      [987_654_321, null],
      [world.a, world.a2],
      [world.a, 987_654_321],
      [world.a, world.b1]
    ] as const)
      expect(await ask(scope[0], scope[1])).toEqual({ result: 'absent' });
    expect(await ask(world.a, world.a1)).toMatchObject({ result: 'caught_up' });
    const other = await connect(await makeDisplay(world.owner, world.a));
    expect(await other.resume(whole(), token)).toEqual({ result: 'resync', reason: 'token' });
  });

  test('a person’s cookie is no display’s and a display’s no person’s, on sockets and over HTTP', async () => {
    const display = await makeDisplay(world.owner, world.a);
    const asWall = openWallClient(hub.port, world.everyone.cookie);
    const asPerson = new TestClient(hub.port, display.cookie);
    clients.push(asWall, asPerson);
    await expect(asWall.connected()).rejects.toThrow('signed out');
    await expect(asPerson.connected()).rejects.toThrow('signed out');
    const { token } = (await reader.read(asReader(display), whole()))!;
    const question = {
      protocol: PROTOCOL_VERSION,
      scope: whole(),
      window: { kind: 'numbers' },
      summaries: 'environments',
      token
    };
    const post = (cookie: string, query: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${hub.port}${CATCH_UP_PATH}${query}`, {
        method: 'POST',
        headers: { cookie, 'content-type': 'application/json' },
        body: JSON.stringify(question)
      });
    const both = `${world.everyone.cookie}; ${display.cookie}`;
    expect((await post(display.cookie, '')).status).toBe(401);
    expect((await post(world.everyone.cookie, '?as=display')).status).toBe(401);
    expect(await (await post(both, '?as=display')).json()).toMatchObject({ result: 'caught_up' });
    expect(await (await post(both, '')).json()).toEqual({ result: 'resync', reason: 'token' });
    await world.owner.query('update displays set revoked_at = now() where id = $1', [display.id]);
    expect((await post(display.cookie, '?as=display')).status).toBe(401);
  });
});
