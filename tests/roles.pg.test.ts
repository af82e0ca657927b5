import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { migrate } from '../src/lib/server/database/migrations.ts';
import { MissingRightsError } from '../src/lib/server/database/roles.ts';
import { openReader, startHub, TestClient } from './harness/live.ts';
import { insertOperation, makeWorld } from './harness/world.ts';

/** A database of somebody who is no superuser, as a hosted Postgres gives it. */
const name = `hosted_${Math.random().toString(36).slice(2)}`;
let admin: pg.Client;
let url: string;

beforeAll(async () => {
  const server = inject('postgres');
  admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  await admin.query(`create role ${name} login password 'x'`);
  await admin.query(`create database ${name} owner ${name}`);
  const address = new URL(server.url);
  address.pathname = `/${name}`;
  address.username = name;
  address.password = 'x';
  url = address.href;
});
afterAll(async () => {
  await admin.query(`drop database if exists ${name} with (force)`);
  await admin.query(`drop role ${name}`);
  await admin.end();
});

test('missing rights are named with the SQL that gives them, and that SQL is enough for everything', async () => {
  const refusal = await migrate(url).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(MissingRightsError);
  const inDatabase = new pg.Client({ connectionString: inject('postgres').url.replace(/\/[^/]*$/, `/${name}`) });
  await inDatabase.connect();
  for (const line of (refusal as Error).message.split('\n').slice(1))
    // The roles belong to the whole server: here they exist.
    await inDatabase.query(line).catch((error: pg.DatabaseError) => expect(error.code).toBe('42710'));
  await inDatabase.end();

  expect((await migrate(url)).applied.length).toBeGreaterThan(0);
  expect((await migrate(url)).applied).toEqual([]);
  const world = await makeWorld(url);
  const hub = await startHub(url);
  const reader = openReader(url);
  const client = new TestClient(hub.port, world.everyone.cookie);
  await client.connected();
  const scope = { workspaceId: world.a, environmentId: null };
  expect(await client.follow(scope, (await reader.read(world.everyone, scope))!)).toMatchObject({
    result: 'caught_up'
  });
  const arrived = new Promise((resolve) => client.socket.once('rows:changed', resolve));
  await insertOperation(world.writer, world.a, world.a1);
  expect(await arrived).toMatchObject({ rows: [{ type: 'inventory.sync' }] });
  client.close();
  await hub.close();
  await Promise.all([reader.close(), world.close()]);
});

test('a database from which a newer version took something, or whose migration was changed, is refused with a sentence', async () => {
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  await owner.query('set role watchfloor_owner');
  await owner.query(
    `insert into watchfloor.migrations (version, name, hash, needs_release) values (9999, '9999_later', 'x', 9998)`
  );
  await expect(migrate(url)).rejects.toThrow('9999_later says that releases before 9998 cannot run on it');
  await owner.query('delete from watchfloor.migrations where version = 9999');
  await owner.query(`update watchfloor.migrations set hash = 'other' where version = 1`);
  await expect(migrate(url)).rejects.toThrow('was changed after it ran');
  await owner.end();
});
