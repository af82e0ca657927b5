/**
 * docs/REPORTING.md cannot rot: its table of columns is compared with the database, and every example in it is run, with
 * the tools that this machine has. The document's workspace 3 and environment 4 are made here.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPool } from '../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';

const DOCUMENT = readFileSync('docs/REPORTING.md', 'utf8');
const LOGIN = 'billing_jobs';

interface Example {
  language: string;
  /** the word after the language: with which tool it is run, or '' */
  tool: string;
  text: string;
}

const EXAMPLES: Example[] = [...DOCUMENT.matchAll(/^```(\w+) ?(\w*)\n([\s\S]*?)^```$/gm)].map(
  ([, language = '', tool = '', text = '']) => ({ language, tool, text })
);
/** The lines of the table of columns. */
const ROWS = DOCUMENT.split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
  .filter(([, name = '', type = '']) => /^[a-z_]+$/.test(name) && /^[a-z]/.test(type))
  .map(([, name = '', type = '', standard = '', setBy = '']) => ({ name, type, standard, setBy }));
const only = (tool: string): Example[] => EXAMPLES.filter((example) => example.tool === tool);

let database: TestDatabase;
let superuser: pg.Pool;
let writer: pg.Pool;
/** of the login that was made as the document says */
let url: string;

beforeAll(async () => {
  database = await createDatabase();
  superuser = openPool({ url: database.url, role: null, max: 2, applicationName: 'tests' });
  await superuser.query(`insert into workspaces (id, name) overriding system value values (3, 'North');
    insert into managed_environments (id, workspace_id, name) overriding system value values (4, 3, 'Brightwater Clinics');
    drop role if exists ${LOGIN}; create role ${LOGIN} login password 'test'`);
  for (const { text } of only('administrator')) await superuser.query(text);
  const address = new URL(database.url);
  address.username = LOGIN;
  url = address.href;
  writer = openPool({ url, role: null, max: 2, applicationName: 'tests' });
});

afterAll(async () => {
  await writer?.end();
  await superuser?.query(`drop role if exists ${LOGIN}`);
  await superuser?.end();
  await database?.drop();
});

describe('the table of columns', () => {
  it('names every column of operation_runs in order, with its type and default', async () => {
    const { rows } = await superuser.query<{ name: string; type: string; default: string }>(
      `select attname as name, case attidentity when 'a' then 'identity'
         else coalesce(regexp_replace(pg_get_expr(adbin, adrelid), '::\\w+$', ''), '') end as default,
         replace(format_type(atttypid, atttypmod), 'timestamp(3) with time zone', 'timestamptz(3)') as type
       from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
       where attrelid = 'public.operation_runs'::regclass and attnum > 0 and not attisdropped order by attnum`
    );
    const documented = ROWS.map(({ name, type, standard }) => ({ name, default: standard, type }));
    expect(documented).toEqual(rows);
  });

  it('says “database” of exactly those that no report can set', async () => {
    const said = ROWS.filter(({ setBy }) => setBy === 'database' || setBy === 'reconciliation').map(({ name }) => name);
    const { rows } = await writer.query<Record<string, unknown>>(
      `insert into operation_runs (workspace_id, type, status) values (3, 'columns', 'running') returning *`
    );
    const before = rows[0]!;
    // One update for each column, so that a refusal of one does not hide another.
    const ignored: string[] = [];
    for (const name of Object.keys(before)) {
      if (['workspace_id', 'managed_environment_id', 'user_id', 'status', 'outcome', 'completed_at'].includes(name))
        continue;
      const value = typeof before[name] === 'boolean' ? 'true' : name.endsWith('_at') ? `'2020-02-02'` : valueFor(name);
      if (name === 'id') {
        ignored.push(name);
        continue;
      }
      const after = await writer.query<Record<string, unknown>>(
        `update operation_runs set ${name} = ${value} where id = $1 returning ${name} = ${value} as taken`,
        [before['id']]
      );
      if (after.rows[0]!['taken'] !== true) ignored.push(name);
    }
    expect(ignored).toEqual(said);
  });

  function valueFor(name: string): string {
    if (name === 'failure_summary') return `'[{"code": "x", "message": "y"}]'`;
    if (name === 'summary_counts' || name === 'context') return `'{"total": 7}'`;
    return /^(progress_(processed|total)|count_|retry_of|revision|resolved_by|reviewed_by|place_id)/.test(name)
      ? '77'
      : `'odd'`;
  }
});

describe('the examples', () => {
  it('are there for psql, node, python and PHP', () => {
    for (const tool of ['administrator', 'psql', 'node', 'psycopg', 'pdo'])
      expect(only(tool), tool).not.toHaveLength(0);
    expect(EXAMPLES.filter(({ language, tool }) => language === 'sql' && tool === '').length).toBeGreaterThan(5);
  });

  it('in SQL run as they stand, in the order of the document, and none is refused', async () => {
    const client = await writer.connect();
    try {
      for (const { language, tool, text } of EXAMPLES) {
        if (language !== 'sql' || tool !== '') continue;
        // One by one, as a person types them: commit prepared refuses to be part of a longer message.
        for (const statement of text.split(/;\s*$/m).filter((part) => part.trim() !== '')) {
          const { command, rowCount } = await client.query(statement);
          if (['INSERT', 'UPDATE'].includes(command)) expect(rowCount, statement).toBe(1);
        }
      }
    } finally {
      client.release(true);
    }
    expect((await superuser.query('select reason from rejected_reports')).rows).toEqual([]);
  });

  it('for follow-ups close the failure by the success, and nothing else', async () => {
    await superuser.query('select watchfloor.sweep_follow_ups()');
    const { rows } = await superuser.query(
      `select f.outcome, f.resolved_by = s.id as by_the_success, f.resolved_at = s.completed_at as at_its_end,
         s.retry_of = f.id as is_retry
       from operation_runs f join operation_runs s on s.type = f.type and s.outcome = 'succeeded'
       where f.type = 'billing.invoices.send' and f.outcome = 'failed'`
    );
    expect(rows).toEqual([{ outcome: 'failed', by_the_success: true, at_its_end: true, is_retry: true }]);
    const others = await superuser.query(
      `select type, outcome from operation_runs where resolved_at is not null and type <> 'billing.invoices.send'`
    );
    expect(others.rows).toEqual([]);
  });

  it('of search name what is searched', async () => {
    const { rows } = await superuser.query<{ search_text: string }>(
      `select search_text from operation_runs where type = 'billing.invoices.send' and outcome = 'failed'`
    );
    for (const part of ['invoice run', 'billing.invoices.send', 'system', 'mail_refused', 'mail server refused'])
      expect(rows[0]!.search_text).toContain(part);
  });

  it('for one at a time tell the second comer that it is not the first', async () => {
    const texts = EXAMPLES.filter(({ text }) => text.includes('is_new'));
    expect(texts).toHaveLength(2);
    for (const { text } of texts) {
      const { rows } = await writer.query<{ is_new: boolean }>(text);
      expect(rows).toMatchObject([{ is_new: false }]);
    }
  });

  it('for psql report, where psql is installed', async ({ skip }) => {
    if (!has('psql', ['--version'])) return skip('psql is not installed here');
    for (const { text } of only('psql'))
      execFileSync('sh', ['-e', '-c', text], { env: { ...process.env, DATABASE_URL: url } });
    await expectReport('psql');
    const { rows } = await superuser.query(
      `select type, managed_environment_id as environment, status from operation_runs
       where type in ('backup.schedule.execute', 'alerts.evaluate') and run_identity_hash is null order by type`
    );
    expect(rows).toEqual([
      { type: 'alerts.evaluate', environment: null, status: 'queued' },
      { type: 'backup.schedule.execute', environment: 4, status: 'completed' }
    ]);
  });

  it('for node report', async () => {
    run(process.execPath, ['--input-type=module', '--eval', only('node')[0]!.text]);
    await expectReport('node');
  });

  it('for python report, where psycopg or psycopg2 is installed', async ({ skip }) => {
    const python = process.env['WATCHFLOOR_TEST_PYTHON'] ?? 'python3';
    if (!['psycopg', 'psycopg2'].some((module) => has(python, ['-c', `import ${module}`])))
      return skip('neither psycopg nor psycopg2 is installed here');
    run(python, ['-c', only('psycopg')[0]!.text]);
    await expectReport('python');
  });

  it('for PHP report, where php has pdo_pgsql', async ({ skip }) => {
    const php = process.env['WATCHFLOOR_TEST_PHP'] ?? 'php';
    if (!has(php, ['-r', 'exit(extension_loaded("pdo_pgsql") ? 0 : 1);']))
      return skip('php with pdo_pgsql is not installed here');
    run(php, ['-r', only('pdo')[0]!.text.replace('<?php', '')]);
    await expectReport('php');
  });
});

function has(command: string, args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function run(command: string, args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { env: { ...process.env, DATABASE_URL: url }, encoding: 'utf8' });
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
}

/** What every whole program of the document ends with. */
async function expectReport(source: string): Promise<void> {
  const { rows } = await superuser.query(
    `select status, outcome, initiator_name as initiator, progress_processed as processed, count_succeeded as succeeded,
       failure_message as failure, revision from operation_runs where source = $1`,
    [source]
  );
  expect(rows).toEqual([
    {
      status: 'completed',
      outcome: 'partially_succeeded',
      initiator: 'Nightly export',
      processed: 40,
      succeeded: 117,
      failure: 'Device did not answer',
      revision: 3
    }
  ]);
}
