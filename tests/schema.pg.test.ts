import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from './harness/database.ts';

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await database?.drop();
});

/** What the migrations made, read from the catalogue (no pg_dump comes with the embedded binaries), one thing a line. */
const PARTS: [string, string][] = [
  [
    'tables and columns',
    `select format('%s.%s.%s %s%s%s', c.relnamespace::regnamespace, c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
       case when a.attnotnull then ' not null' else '' end,
       coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), case a.attidentity when 'a' then ' identity always' else '' end))
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
     where c.relkind = 'r' and c.relnamespace in ('public'::regnamespace, 'watchfloor'::regnamespace)
     order by c.relnamespace::regnamespace::text, c.relname, a.attnum`
  ],
  [
    'persistence, owner and row-level security',
    `select format('%s.%s %s owner %s rls %s', relnamespace::regnamespace, relname, case relpersistence when 'u' then 'unlogged' else 'logged' end,
       relowner::regrole, relrowsecurity)
     from pg_class where relkind = 'r' and relnamespace in ('public'::regnamespace, 'watchfloor'::regnamespace) order by 1`
  ],
  [
    'constraints',
    `select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint
     where connamespace in ('public'::regnamespace, 'watchfloor'::regnamespace) and contype <> 'n' order by 1`
  ],
  [
    'indexes',
    `select pg_get_indexdef(indexrelid) from pg_index join pg_class on oid = indrelid
     where relnamespace in ('public'::regnamespace, 'watchfloor'::regnamespace) order by 1`
  ],
  [
    'triggers',
    `select format('%s (%s)', pg_get_triggerdef(oid), case tgenabled when 'A' then 'always' else tgenabled::text end)
     from pg_trigger where not tgisinternal order by 1`
  ],
  [
    'functions',
    `select format('%s%s security %s set %s body %s', oid::regprocedure, '', case when prosecdef then 'definer' else 'invoker' end,
       coalesce(array_to_string(proconfig, ' '), '-'), md5(coalesce(pg_get_function_sqlbody(oid), prosrc)))
     from pg_proc where pronamespace = 'watchfloor'::regnamespace order by 1`
  ],
  [
    'policies',
    `select format('%s %s %s to %s using %s', tablename, policyname, cmd, roles, qual) from pg_policies
     where schemaname in ('public', 'watchfloor') order by 1`
  ],
  [
    'rights on tables',
    `select format('%s: %s %s', c.oid::regclass, grantee::regrole, string_agg(privilege_type, ', ' order by privilege_type))
     from pg_class c, aclexplode(c.relacl) where c.relnamespace in ('public'::regnamespace, 'watchfloor'::regnamespace)
       and c.relkind = 'r' and grantee <> c.relowner group by c.oid, grantee order by 1`
  ],
  [
    'rights on columns',
    `select format('%s.%s: %s %s', c.oid::regclass, a.attname, grantee::regrole, privilege_type)
     from pg_class c join pg_attribute a on a.attrelid = c.oid, aclexplode(a.attacl)
     where c.relnamespace in ('public'::regnamespace, 'watchfloor'::regnamespace) order by 1`
  ],
  [
    'rights on functions',
    `select format('%s: %s', p.oid::regprocedure, string_agg(case grantee when 0 then 'public' else grantee::regrole::text end, ', ' order by grantee::regrole::text))
     from pg_proc p, aclexplode(p.proacl) where pronamespace = 'watchfloor'::regnamespace and grantee <> p.proowner group by p.oid order by 1`
  ]
];

async function dump(): Promise<string> {
  await client.query('set search_path = pg_catalog');
  const parts: string[] = [];
  for (const [title, sql] of PARTS) {
    const { rows } = await client.query<{ format: string }>({ text: sql, rowMode: 'array' } as never);
    parts.push(`-- ${title}\n${(rows as unknown as string[][]).map(([line]) => line).join('\n')}\n`);
  }
  return parts.join('\n');
}

// The body of an SQL function is printed by the server, so its hash belongs to one major version.
test('the schema that the migrations make is the committed one (vitest -u writes it anew)', async ({ skip }) => {
  const { rows } = await client.query(`select current_setting('server_version_num')::int / 10000 as major`);
  skip(rows[0].major !== 18, 'compared on Postgres 18 only: other versions print some bodies differently');
  await expect(await dump()).toMatchFileSnapshot('../src/lib/server/database/schema.txt');
});

test('every constraint and index has a name of ours, every trigger a number', async () => {
  const { rows } = await client.query(
    `select conname as name from pg_constraint where connamespace in ('public'::regnamespace, 'watchfloor'::regnamespace)
       and contype <> 'n' and conname ~ '_(check|fkey|key)\\d*$'
     union all
     select tgname from pg_trigger where not tgisinternal and tgname !~ '_\\d{3}_'`
  );
  expect(rows).toEqual([]);
});

test('every SECURITY DEFINER function fixes its search path', async () => {
  const { rows } = await client.query(
    `select oid::regprocedure::text as name from pg_proc
     where pronamespace = 'watchfloor'::regnamespace and prosecdef and not 'search_path=pg_catalog, pg_temp' = any (coalesce(proconfig, '{}'))`
  );
  expect(rows).toEqual([]);
});
