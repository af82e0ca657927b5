import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPool, withTransaction } from '../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(async () => {
  await database?.drop();
});

test('a connection lost between two statements of a transaction fails that transaction and nothing else', async () => {
  const pool = openPool({ url: database.url, role: 'people', max: 2, applicationName: 'test pool' });
  const admin = openPool({ url: database.url, role: null, max: 1, applicationName: 'test admin' });
  // An 'error' event without a listener would be an uncaught exception, which ends a server.
  await expect(
    withTransaction(pool, '', async (client) => {
      const { rows } = await client.query('select pg_backend_pid() as pid');
      const lost = new Promise((resolve) => client.once('end', resolve));
      await admin.query('select pg_terminate_backend($1)', [rows[0].pid]);
      await lost;
      await client.query('select 1');
    })
  ).rejects.toThrow();
  expect((await pool.query('select current_user as me')).rows).toEqual([{ me: 'watchfloor_people' }]);
  await Promise.all([pool.end(), admin.end()]);
});

test('a role that may not be taken makes connecting fail instead of lending too many rights', async () => {
  const admin = openPool({ url: database.url, role: null, max: 1, applicationName: 'test admin' });
  await admin.query(`create role pool_guest_${database.name} login password 'x'`);
  const url = new URL(database.url);
  url.username = `pool_guest_${database.name}`;
  url.password = 'x';
  const pool = openPool({ url: url.href, role: 'owner', max: 1, applicationName: 'test guest' });
  await expect(pool.query('select 1')).rejects.toThrow('permission denied to set role');
  await pool.end();
  await admin.query(`drop role pool_guest_${database.name}`);
  await admin.end();
});

test('bigints arrive as numbers, and one that a number cannot hold is an error instead of a wrong id', async () => {
  const pool = openPool({ url: database.url, role: 'people', max: 1, applicationName: 'test types' });
  expect((await pool.query('select 9007199254740991::bigint as n')).rows[0].n).toBe(9007199254740991);
  await expect(pool.query('select 9007199254740993::bigint as n')).rejects.toThrow('cannot hold');
  await pool.end();
});
