/** The command line as a process, beside no server at first: it starts the embedded Postgres for each command. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findRunningEmbedded, openEmbedded } from '../src/lib/server/database/embedded.ts';
import { runProgram, type Ended } from './harness/program.ts';

let directory: string;
/** the workspace that the third test makes; number 1 is the one of Watchfloor's own reports */
let workspaceId: number;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'watchfloor-cli-'));
  await chmod(directory, 0o755);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

function run(args: string[], input = ''): Promise<Ended> {
  return runProgram('cli', args, { WATCHFLOOR_DATA_DIR: directory, HOME: directory }, input);
}

const PASSWORD = 'four calm operators\n';

test('help names every command and shows examples', async () => {
  const { code, stdout } = await run(['--help']);
  expect(code).toBe(0);
  for (const command of (
    'user workspace environment member entitle type rejected reconcile retention backup verify restore upgrade ' +
    'migrate status sql'
  ).split(' ')) {
    expect(stdout).toContain(command);
  }
  expect((await run(['sql', '--help'])).stdout).toContain('insert into operation_runs');
});

test('what is not understood ends with 2, says why, and starts nothing', async () => {
  const unknown = await run(['user', 'delete', 'ada@example.com']);
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
  const missing = await run(['user', 'add', 'ada@example.com']);
  expect(missing.code).toBe(2);
  expect(missing.stderr).toContain("required option '--name <name>' not specified");
  const neither = await run(['entitle', 'ada@example.com', '--workspace', '1']);
  expect(neither.code).toBe(2);
  expect(neither.stderr).toContain('--all');
  expect(await findRunningEmbedded(directory)).toBeNull();
});

test('people, workspaces, environments and memberships are made without a server, and nothing is left running', async () => {
  const added = await run(['--json', 'user', 'add', 'ada@example.com', '--name', 'Ada'], PASSWORD);
  expect(JSON.parse(added.stdout)).toEqual({ id: 1, email: 'ada@example.com' });
  expect(await findRunningEmbedded(directory)).toBeNull();
  const workspace = await run(['--json', 'workspace', 'add', 'Northwind', '--owner', 'ada@example.com']);
  workspaceId = (JSON.parse(workspace.stdout) as { id: number }).id;
  const environment = await run(['--json', 'environment', 'add', 'Production', '--workspace', String(workspaceId)]);
  const environmentId = (JSON.parse(environment.stdout) as { id: number }).id;
  const reported = await run([
    '--json',
    'sql',
    `insert into operation_runs (workspace_id, managed_environment_id, type)
     values (${workspaceId}, ${environmentId}, 'inventory.sync') returning status, outcome`
  ]);
  expect(JSON.parse(reported.stdout)).toMatchObject({ rows: [{ status: 'queued', outcome: 'pending' }] });
});

test('beside a running database it uses that one', async () => {
  const running = await openEmbedded(directory, pino({ level: 'silent' }));
  try {
    const status = await run(['status']);
    expect(status.stdout).toContain('the embedded Postgres of the running Watchfloor');
    expect(status.stdout).toContain('(up to date)');
    const narrowed = await run([
      'entitle',
      'ada@example.com',
      '--workspace',
      String(workspaceId),
      '--environment',
      '999'
    ]);
    expect(narrowed).toMatchObject({ code: 1, stdout: '' });
    expect(narrowed.stderr).toContain('has no environment 999');
    expect(narrowed.stderr).not.toContain('    at ');

    const again = await run(['--json', 'user', 'add', 'ada@example.com', '--name', 'Ada'], PASSWORD);
    expect(again.code).toBe(1);
    expect(JSON.parse(again.stderr)).toEqual({ error: expect.stringContaining('ada@example.com already') as string });

    const disabled = await run(['user', 'disable', 'ada@example.com']);
    expect(disabled).toMatchObject({ code: 0, stderr: '' });

    await run([
      'sql',
      '--as',
      'owner',
      `insert into watchfloor.authenticators (user_id, sealed, last_step) values (1, '\\x01', 0)`
    ]);
    const removed = await run(['--json', 'user', 'remove-second-factor', 'ada@example.com']);
    expect(JSON.parse(removed.stdout)).toEqual({ email: 'ada@example.com', authenticators: 1, passkeys: 0, ended: 0 });
    expect(JSON.parse(removed.stderr)).toMatchObject({ msg: 'second factor removed', person: 1, authenticators: 1 });
    const none = await run(['user', 'remove-second-factor', 'ada@example.com']);
    expect(none.stdout).toContain('has no authenticator app and no passkey');
  } finally {
    await running.close();
  }
});

// What each answers is held by tests/administration-lookups.pg.test.ts; a process takes its time.
test('what is there can be looked up and kept, as text and as JSON', async () => {
  const running = await openEmbedded(directory, pino({ level: 'silent' }));
  try {
    expect((await run(['user', 'list'])).stdout).toMatch(/ada@example\.com +Ada +disabled/);
    expect((await run(['user', 'enable', 'ada@example.com'])).stdout).toContain('can sign in again');
    const members = await run(['--json', 'member', 'list', '--workspace', String(workspaceId)]);
    expect(JSON.parse(members.stdout)).toMatchObject([{ email: 'ada@example.com', role: 'owner' }]);
    expect((await run(['type', 'set', 'x', '--running', 'soon'])).code).toBe(2);
    await run(['sql', `insert into operation_runs (workspace_id, type, status) values (${workspaceId}, 'x', 'odd')`]);
    expect((await run(['rejected'])).stdout).toContain('status "odd" is unknown');
    expect((await run(['status'])).stdout).toContain('Rejected     1 reports');
    expect((await run(['reconcile'])).stdout).toContain('nothing was changed');
    expect((await run(['retention', '--days', '30'])).stdout).toContain('Removed 0 operations');
  } finally {
    await running.close();
  }
});

test('a backup is made, looked at and put back by commands; refusals change nothing', async () => {
  const made = await run(['--json', 'backup']);
  const { file } = JSON.parse(made.stdout) as { file: string };
  expect(file).toContain(join(directory, 'backups'));
  const kept = await run(['restore', '--from', file]);
  expect(kept).toMatchObject({ code: 1, stdout: '' });
  expect(kept.stderr).toContain('--replace');
  const foreign = await run(['restore', '--from', join(directory, 'pgpass'), '--replace']);
  expect(foreign.stderr).toContain('is not a backup of Watchfloor');
  const restored = await run(['restore', '--from', file, '--replace']);
  expect(restored.stdout).toContain('compared with the backup: equal');
});

test('the reporting role is what sql runs as, and it may not read people', async () => {
  const { code, stderr } = await run(['sql', 'select email from users']);
  expect(code).toBe(1);
  expect(stderr).toContain('Permission denied');
  const owner = await run(['sql', '--as', 'owner'], 'select email from users;');
  expect(owner.stdout).toContain('ada@example.com');
});

test('without a password on standard input nothing is made', async () => {
  const { code, stderr } = await run(['user', 'add', 'eve@example.com', '--name', 'Eve']);
  expect(code).toBe(1);
  expect(stderr).toContain('No password was given');
});
