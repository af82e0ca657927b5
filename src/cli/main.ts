/**
 * `npm run watchfloor -- …`: what an administrator does from a shell. It declares commands, options and help; the rules
 * are in access/administration.ts, and how the database is reached is in connection.ts.
 * Invariant: a password is never an argument (arguments are in shell histories and process lists).
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import * as administration from '../lib/server/access/administration.ts';
import { MEMBER_ROLES } from '../lib/server/access/capabilities.ts';
import { migrateOrExplain } from '../lib/server/database/open.ts';
import { ROLES, type Role } from '../lib/server/database/pool.ts';
import { withAdministration, withDatabase } from './connection.ts';
import { explainFailure } from './failure.ts';
import { print, printFailure, type OutputFormat } from './output.ts';
import { readPassword } from './password.ts';
import { runSql } from './sql.ts';
import { readStatus } from './status.ts';

const EXIT = { failed: 1, usage: 2 } as const;

const program = new Command('npm run watchfloor --')
  .description('Administers the Watchfloor of this folder: the embedded Postgres, or the one in DATABASE_URL.')
  .option('--json', 'answer as JSON (with "npm run --silent", so that npm prints nothing of its own)')
  .showHelpAfterError('(add --help for how it is used)')
  .exitOverride()
  .addHelpText(
    'after',
    `
It works while Watchfloor runs and while it does not. Start with:
  npm run watchfloor -- user add ada@example.com --name "Ada Lovelace"
  npm run watchfloor -- workspace add "Northwind" --owner ada@example.com
  npm run watchfloor -- environment add "Production" --workspace 2      (the number that "workspace add" printed)
  npm run watchfloor -- sql "insert into operation_runs (workspace_id, managed_environment_id, type) values (2, 1, 'inventory.sync')"

Exit codes: 0 done, 1 not done (the reason is printed), 2 not understood.`
  );

const format = (): OutputFormat => (program.opts<{ json?: boolean }>().json ? 'json' : 'text');

const user = program.command('user').description('people who can sign in');
user
  .command('add')
  .description('adds somebody who can sign in, and sees nothing until made a member; asks for the password')
  .argument('<email>')
  .requiredOption('--name <name>', 'the name that others see')
  .addHelpText('after', '\nWithout a terminal the password is the first line of standard input.')
  .action(async (email: string, { name }: { name: string }) => {
    const password = await readPassword(`Password for ${email}: `);
    const { id } = await withAdministration((db) => administration.addUser(db, { email, name, password }));
    print(format(), { id, email }, `Added ${email} (user ${id}).`);
  });
user
  .command('disable')
  .description('ends every session of somebody and lets them sign in no more')
  .argument('<email>')
  .action(async (email: string) => {
    await withAdministration((db) => administration.disableUser(db, { email }));
    print(format(), { email, disabled: true }, `${email} is signed out and cannot sign in any more.`);
  });
user
  .command('reset-password')
  .description('replaces a password and ends every session; asks for the new one')
  .argument('<email>')
  .addHelpText('after', '\nWithout a terminal the password is the first line of standard input.')
  .action(async (email: string) => {
    const password = await readPassword(`New password for ${email}: `);
    await withAdministration((db) => administration.resetPassword(db, { email, password }));
    print(format(), { email }, `The password of ${email} is changed, and every session of theirs is ended.`);
  });

program
  .command('workspace')
  .description('workspaces: what a customer or a team is')
  .command('add')
  .description('adds a workspace')
  .argument('<name>')
  .option('--owner <email>', 'makes this person its owner')
  .action(async (name: string, { owner }: { owner?: string }) => {
    const { id } = await withAdministration(async (db) => {
      const workspace = await administration.addWorkspace(db, { name });
      if (owner) await administration.addMember(db, { workspaceId: workspace.id, email: owner, role: 'owner' });
      return workspace;
    });
    print(format(), { id, name }, `Added the workspace "${name}" with the number ${id}.`);
  });

program
  .command('environment')
  .description('environments of a workspace: where operations run')
  .command('add')
  .description('adds an environment')
  .argument('<name>')
  .requiredOption('--workspace <number>', 'the workspace it belongs to', toId)
  .action(async (name: string, { workspace }: { workspace: number }) => {
    const { id } = await withAdministration((db) =>
      administration.addEnvironment(db, { workspaceId: workspace, name })
    );
    print(format(), { id, name, workspaceId: workspace }, `Added the environment "${name}" with the number ${id}.`);
  });

const member = program.command('member').description('who belongs to a workspace, and as what');
member
  .command('add')
  .description('makes somebody a member, or changes the role of one who is')
  .argument('<email>')
  .requiredOption('--workspace <number>', 'the workspace', toId)
  .addOption(new Option('--role <role>', 'what they may do').choices([...MEMBER_ROLES]).makeOptionMandatory())
  .action(async (email: string, { workspace, role }: { workspace: number; role: string }) => {
    await withAdministration((db) => administration.addMember(db, { workspaceId: workspace, email, role }));
    print(format(), { email, workspaceId: workspace, role }, `${email} is ${role} in workspace ${workspace}.`);
  });
member
  .command('remove')
  .description('ends a membership; open pages of theirs lose the workspace within a second')
  .argument('<email>')
  .requiredOption('--workspace <number>', 'the workspace', toId)
  .action(async (email: string, { workspace }: { workspace: number }) => {
    await withAdministration((db) => administration.removeMember(db, { workspaceId: workspace, email }));
    print(format(), { email, workspaceId: workspace }, `${email} is no longer a member of workspace ${workspace}.`);
  });

program
  .command('entitle')
  .description('narrows a member to some environments of a workspace, or lifts that')
  .argument('<email>')
  .requiredOption('--workspace <number>', 'the workspace', toId)
  .option('--environment <number...>', 'the environments they see, besides what belongs to the workspace itself', toIds)
  .option('--all', 'they see every environment again')
  .addHelpText(
    'after',
    '\nExamples:\n  npm run watchfloor -- entitle ada@example.com --workspace 1 --environment 2 3' +
      '\n  npm run watchfloor -- entitle ada@example.com --workspace 1 --all'
  )
  .action(async (email: string, options: { workspace: number; environment?: number[]; all?: boolean }) => {
    const environmentIds = options.environment ?? [];
    if (environmentIds.length > 0 === (options.all === true)) {
      throw new InvalidArgumentError('Name the environments with --environment, or write --all.');
    }
    const workspaceId = options.workspace;
    await withAdministration((db) => administration.entitle(db, { workspaceId, email, environmentIds }));
    const sees = options.all ? 'every environment' : `of the environments only ${environmentIds.join(', ')}`;
    print(format(), { email, workspaceId, environmentIds }, `${email} sees ${sees} in workspace ${workspaceId}.`);
  });

program
  .command('migrate')
  .description('brings the schema of the database up to date (npm start does so by itself)')
  .action(async () => {
    const { applied, version } = await withDatabase(async (database) => {
      const now = await migrateOrExplain(database.url);
      return { ...now, applied: [...database.applied, ...now.applied] };
    });
    const done = applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'Nothing to do.';
    print(format(), { applied, version }, `${done} The schema has version ${version}.`);
  });

program
  .command('status')
  .description('what is there: database, schema version, people, workspaces, operations')
  .action(async () => {
    const { facts, lines } = await withDatabase(readStatus);
    print(format(), facts, lines.join('\n'));
  });

program
  .command('sql')
  .description('runs SQL, as the role that reports operations unless told otherwise')
  .argument('[statement]', 'one or several statements; without it they are read from standard input')
  .addOption(new Option('--as <role>', 'the database role').choices([...ROLES]).default('writer'))
  .addHelpText(
    'after',
    `
Examples:
  npm run watchfloor -- sql "insert into operation_runs (workspace_id, type) values (1, 'inventory.sync') returning id"
  npm run watchfloor -- sql "update operation_runs set status = 'completed', outcome = 'succeeded' where id = 7"
  npm run watchfloor -- sql --as owner "select * from watchfloor.migrations"`
  )
  .action(async (statement: string | undefined, { as }: { as: Role }) => {
    await withDatabase((database) => runSql(database.url, as, statement, format()));
  });

function toId(text: string): number {
  const id = Number(text);
  if (!Number.isSafeInteger(id) || id < 1) throw new InvalidArgumentError('Write a number from 1.');
  return id;
}

/** Commander hands over one value at a time, with what it has so far. */
function toIds(text: string, before: number[] = []): number[] {
  return [...before, ...text.split(',').map(toId)];
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its sentence; help that was asked for is no failure.
    if (error instanceof InvalidArgumentError) printFailure(format(), error.message);
    process.exitCode = error.exitCode === 0 ? 0 : EXIT.usage;
  } else {
    printFailure(format(), explainFailure(error));
    process.exitCode = EXIT.failed;
  }
}
