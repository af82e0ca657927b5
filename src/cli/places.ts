/** Commands for places: workspaces and their environments. */
import type { Command } from 'commander';
import * as administration from '../lib/server/access/administration.ts';
import { readEnvironments, readWorkspaces } from '../lib/server/access/listings.ts';
import { toId } from './arguments.ts';
import { withAdministration } from './connection.ts';
import { print, toTable, type OutputFormat } from './output.ts';

export function addPlaceCommands(program: Command, format: () => OutputFormat): void {
  const workspace = program.command('workspace').description('workspaces: what a customer or a team is');
  workspace
    .command('add')
    .description('adds a workspace')
    .argument('<name>')
    .option('--owner <email>', 'makes this person its owner')
    .action(async (name: string, { owner }: { owner?: string }) => {
      const { id } = await withAdministration(async (db) => {
        const added = await administration.addWorkspace(db, { name });
        if (owner) await administration.addMember(db, { workspaceId: added.id, email: owner, role: 'owner' });
        return added;
      });
      print(format(), { id, name }, `Added the workspace "${name}" with the number ${id}.`);
    });

  const environment = program.command('environment').description('environments of a workspace: where operations run');
  environment
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

  workspace
    .command('list')
    .description('all of them, with their numbers')
    .action(async () => {
      const workspaces = await withAdministration(readWorkspaces);
      const rows = workspaces.map((one) => [one.id, one.name, one.environments, one.members, one.isDemo ? 'demo' : '']);
      print(format(), workspaces, toTable(['number', 'name', 'environments', 'members', ''], rows));
    });
  workspace
    .command('rename')
    .description('gives a workspace another name; open pages show it at once')
    .argument('<number>', 'the workspace', toId)
    .argument('<name>')
    .action(async (workspaceId: number, name: string) => {
      await withAdministration((db) => administration.renameWorkspace(db, { workspaceId, name }));
      print(format(), { id: workspaceId, name }, `Workspace ${workspaceId} is "${name}" now.`);
    });
  environment
    .command('list')
    .description('all of them, or those of a workspace, with their numbers')
    .option('--workspace <number>', 'only of this workspace', toId)
    .action(async ({ workspace: workspaceId = null }: { workspace?: number | null }) => {
      const environments = await withAdministration((db) => readEnvironments(db, workspaceId));
      const rows = environments.map((one) => [one.id, one.workspaceId, one.name, one.lastReportedAt]);
      print(format(), environments, toTable(['number', 'workspace', 'name', 'newest operation reported'], rows));
    });
  environment
    .command('rename')
    .description('gives an environment another name; open pages show it at once')
    .argument('<number>', 'the environment', toId)
    .argument('<name>')
    .action(async (environmentId: number, name: string) => {
      await withAdministration((db) => administration.renameEnvironment(db, { environmentId, name }));
      print(format(), { id: environmentId, name }, `Environment ${environmentId} is "${name}" now.`);
    });
}
