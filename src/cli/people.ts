/** Commands for people: who can sign in, who belongs where and as what, which environments they see. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import * as administration from '../lib/server/access/administration.ts';
import { MEMBER_ROLES } from '../lib/server/access/capabilities.ts';
import { readMembers, readSessions, readUsers } from '../lib/server/access/listings.ts';
import { openLog } from '../lib/server/log.ts';
import { toId, toIds } from './arguments.ts';
import { makeSmokeToken, TOKEN_MINUTES } from '../lib/server/access/smoke-sign-in.ts';
import { withAdministration } from './connection.ts';
import { print, toTable, type OutputFormat } from './output.ts';
import { readPassword } from './password.ts';

export function addPeopleCommands(program: Command, format: () => OutputFormat): void {
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
    .addHelpText(
      'after',
      '\nWithout a terminal the password is the first line of standard input. The authenticator app and passkeys stay:' +
        '\nwhere somebody else had the password, take them away, too (user remove-second-factor).'
    )
    .action(async (email: string) => {
      const password = await readPassword(`New password for ${email}: `);
      await withAdministration((db) => administration.resetPassword(db, { email, password }));
      print(format(), { email }, `The password of ${email} is changed, and every session of theirs is ended.`);
    });

  user
    .command('list')
    .description('everybody: whether they can sign in, in how many workspaces they are, how often they are signed in')
    .action(async () => {
      const users = await withAdministration(readUsers);
      const rows = users.map((one) => [
        one.id,
        one.email,
        one.name,
        one.disabledAt ? 'disabled' : 'can sign in',
        one.workspaces,
        one.sessions
      ]);
      print(format(), users, toTable(['number', 'e-mail', 'name', 'state', 'workspaces', 'sessions'], rows));
    });
  user
    .command('enable')
    .description('lets somebody who was disabled sign in again')
    .argument('<email>')
    .action(async (email: string) => {
      await withAdministration((db) => administration.enableUser(db, { email }));
      print(format(), { email, disabled: false }, `${email} can sign in again.`);
    });
  user
    .command('sessions')
    .description('when somebody signed in, and until when that holds')
    .argument('<email>')
    .action(async (email: string) => {
      const sessions = await withAdministration((db) => readSessions(db, { email }));
      const table = toTable(
        ['signed in', 'until'],
        sessions.map(({ startedAt, endsAt }) => [startedAt, endsAt])
      );
      print(format(), sessions, sessions.length > 0 ? table : `${email} is signed in nowhere.`);
    });
  user
    .command('sign-out')
    .description('ends every session of somebody; they may sign in again')
    .argument('<email>')
    .action(async (email: string) => {
      const { ended } = await withAdministration((db) => administration.endSessions(db, { email }));
      print(
        format(),
        { email, ended },
        `${email} is signed out everywhere (${ended} ${ended === 1 ? 'session' : 'sessions'}).`
      );
    });

  user
    .command('remove-second-factor')
    .description('takes the authenticator app and passkeys of somebody who lost them, and ends every session; logged')
    .argument('<email>')
    .addHelpText('after', '\nAfterwards their password alone signs them in: make sure that it is they who ask.')
    .action(async (email: string) => {
      const { personId, ...removed } = await withAdministration((db) =>
        administration.removeSecondFactor(db, { email })
      );
      openLog('command').info({ person: personId, ...removed }, 'second factor removed');
      const said =
        removed.authenticators + removed.passkeys > 0
          ? `${email} signs in with the password alone again, and every session of theirs is ended.`
          : `${email} has no authenticator app and no passkey.`;
      print(format(), { email, ...removed }, said);
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
    .command('smoke-token')
    .description('lets the smoke in once, to look at one workspace (docs/SMOKE.md)')
    .requiredOption('--workspace <number>', 'the workspace', toId)
    .addHelpText('after', '\nThe server takes it only with WATCHFLOOR_SMOKE_SIGN_IN=1.')
    .action(async ({ workspace }: { workspace: number }) => {
      const made = await withAdministration((db) => makeSmokeToken(db, { workspaceId: workspace }));
      // The token alone, so that a shell can take it; what it is about goes beside it.
      process.stderr.write(`For ${made.email}, once, within ${TOKEN_MINUTES} minutes; signed in for 15.\n`);
      print(format(), made, made.token);
    });

  program
    .command('entitle')
    .description('narrows a member to some environments of a workspace, or lifts that')
    .argument('<email>')
    .requiredOption('--workspace <number>', 'the workspace', toId)
    .option(
      '--environment <number...>',
      'the environments they see, besides what belongs to the workspace itself',
      toIds
    )
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

  member
    .command('list')
    .description('who belongs to a workspace, as what, and which environments they see')
    .requiredOption('--workspace <number>', 'the workspace', toId)
    .action(async ({ workspace }: { workspace: number }) => {
      const members = await withAdministration((db) => readMembers(db, workspace));
      const rows = members.map((one) => [
        one.email,
        one.name,
        one.role,
        one.environmentIds?.join(', ') ?? 'all',
        one.isDisabled ? 'disabled' : ''
      ]);
      print(format(), members, toTable(['e-mail', 'name', 'role', 'environments', 'state'], rows));
    });
}
