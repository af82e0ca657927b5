/** Commands for the database as a whole: its schema, what is in it, SQL. */
import { Option, type Command } from 'commander';
import { migrateOrExplain } from '../lib/server/database/open.ts';
import { ROLES, type Role } from '../lib/server/database/pool.ts';
import { withDatabase } from './connection.ts';
import { print, type OutputFormat } from './output.ts';
import { runSql } from './sql.ts';
import { readStatus } from './status.ts';

export function addUpkeepCommands(program: Command, format: () => OutputFormat): void {
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
}
