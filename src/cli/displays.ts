/** Commands for wall displays: which there are and when they were last heard of, and ending the trust of one. */
import type { Command } from 'commander';
import { listAllDisplays, revokeAnyDisplay } from '../lib/server/displays/administration.ts';
import { toId } from './arguments.ts';
import { withAdministration } from './connection.ts';
import { print, toTable, type OutputFormat } from './output.ts';

export function addDisplayCommands(program: Command, format: () => OutputFormat): void {
  const display = program.command('display').description('wall displays: paired on the Displays page of a workspace');
  display
    .command('list')
    .description('every display that is trusted: where, what it sees, who paired it, when it was last heard of')
    .action(async () => {
      const displays = await withAdministration(listAllDisplays);
      const rows = displays.map((one) => [
        one.id,
        one.name,
        one.workspace,
        one.environments === 0 ? 'all' : one.environments,
        one.pairedBy,
        one.pairedAt,
        one.seenAt
      ]);
      const columns = ['number', 'name', 'workspace', 'environments', 'paired by', 'paired', 'last heard of'];
      print(format(), displays, toTable(columns, rows));
    });
  display
    .command('revoke')
    .description('ends the trust of a display at once; its screen says so and offers to be paired anew')
    .argument('<number>', 'as "display list" shows it', toId)
    .action(async (id: number) => {
      const { name } = await withAdministration((db) => revokeAnyDisplay(db, id));
      print(format(), { id, revoked: true }, `Display ${id} (${name}) is no display any more.`);
    });
}
