/**
 * `npm run watchfloor -- …`: what an administrator does from a shell. It puts the commands together, which stand by topic in
 * the files beside it, and owns exit codes; the rules are in server/access, server/database and server/reports.
 * Invariant: a password is never an argument (arguments are in shell histories and process lists).
 */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { addBackupCommands } from './backup.ts';
import { addDisplayCommands } from './displays.ts';
import { explainFailure } from './failure.ts';
import { printFailure, type OutputFormat } from './output.ts';
import { addPeopleCommands } from './people.ts';
import { addPlaceCommands } from './places.ts';
import { addReportCommands } from './reports.ts';
import { addUpkeepCommands } from './upkeep.ts';

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
addPeopleCommands(program, format);
addPlaceCommands(program, format);
addDisplayCommands(program, format);
addReportCommands(program, format);
addBackupCommands(program, format);
addUpkeepCommands(program, format);

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
