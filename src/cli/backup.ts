/** Commands that keep data safe: backup, verify, restore, and upgrade of the embedded data. */
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import pino from 'pino';
import { restoreEmbedded } from '../lib/server/database/backup/embedded-restore.ts';
import { checkBackup, type BackupHeader, type BackupTotals } from '../lib/server/database/backup/file.ts';
import { loadBackup, migrationsOf } from '../lib/server/database/backup/load.ts';
import { LEFT_TO_THE_PLACE } from '../lib/server/database/backup/tables.ts';
import { upgradeEmbedded } from '../lib/server/database/backup/upgrade.ts';
import { writeBackup } from '../lib/server/database/backup/write.ts';
import { readConfig } from '../lib/server/config.ts';
import { makeDataDirectory, findRunAs } from '../lib/server/database/embedded-place.ts';
import { embeddedDirectory, explainDatabaseError } from '../lib/server/database/open.ts';
import { withReport } from '../lib/server/reports/report.ts';
import { StartupError } from '../lib/server/startup-error.ts';
import { toPath } from './arguments.ts';
import { withDatabase } from './connection.ts';
import { refuseTransactionPooler } from '../lib/server/database/pooler.ts';
import { print, type OutputFormat } from './output.ts';

const silent = pino({ level: 'silent' });

export function addBackupCommands(program: Command, format: () => OutputFormat): void {
  program
    .command('backup')
    .description('writes everything into one file, while Watchfloor runs or not')
    .option(
      '--to <path>',
      'a file that is not there yet, or a folder (else the folder "backups" beside the embedded data)',
      toPath
    )
    .addHelpText(
      'after',
      `
The file is readable by you alone. It holds everything that was reported, and the hashes of passwords; no session, and no
key: whoever is signed in signs in again after a restore. It is read back before it gets its name.`
    )
    .action(async ({ to }: { to?: string }) => {
      const file = await choosePlace(to);
      const backup = await withDatabase(({ url }) =>
        withReport(
          url,
          // At its end only: else each backup would hold one of itself that runs.
          {
            type: 'watchfloor.backup',
            isWorthReporting: () => true,
            toCounts: ({ totals }) => ({ total: countRows(totals), processed: countRows(totals) })
          },
          () => writeBackup(url, file, { leaveOut: LEFT_TO_THE_PLACE })
        )
      );
      const { header, totals, bytes } = backup;
      print(
        format(),
        { file, bytes, ...toFacts(header, totals) },
        `${file}\n${describe(header, totals)}\n${megabytes(bytes)}, read back and found whole. Only you may read it; it holds the hashes of passwords.`
      );
    });

  program
    .command('verify')
    .description('reads a backup to its end and compares every count and sum in it; touches no data')
    .requiredOption('--from <file>', 'the backup', toPath)
    .action(async ({ from }: { from: string }) => {
      const { header, totals } = await checkBackup(from);
      migrationsOf(header);
      print(format(), { file: from, ...toFacts(header, totals) }, `${from} is whole.\n${describe(header, totals)}`);
    });

  program
    .command('restore')
    .description('puts a backup in the place of the embedded data, or into the empty database of DATABASE_URL')
    .requiredOption('--from <file>', 'the backup', toPath)
    .option('--replace', 'there are embedded data already: put them aside (they are kept)')
    .addHelpText(
      'after',
      `
Stop Watchfloor first. The file is read whole before anything is touched; the present data stay beside the restored ones.
With DATABASE_URL nothing is ever replaced: make an empty database, and restore into that one.`
    )
    .action(async ({ from, replace = false }: { from: string; replace?: boolean }) => {
      const config = readConfig(process.env);
      const backup = await checkBackup(from);
      migrationsOf(backup.header);
      let aside: string | null = null;
      if (config.databaseUrl !== null) {
        await refuseTransactionPooler(config.databaseUrl);
        await loadBackup(config.databaseUrl, from, backup, { leapIds: true }).catch((cause: unknown) => {
          throw explainDatabaseError(cause, config.databaseUrl!);
        });
      } else {
        const directory = embeddedDirectory(config);
        ({ aside } = await untilInterrupted((signal) =>
          restoreEmbedded(directory, from, backup, { replace, reason: 'restore', leapIds: true, signal, log: silent })
        ));
      }
      print(
        format(),
        { restored: from, aside, ...toFacts(backup.header, backup.totals) },
        `Restored, and compared with the backup: equal.\n${describe(backup.header, backup.totals)}` +
          (aside === null ? '' : `\nThe former data are kept in ${aside}: remove them when you are sure.`) +
          '\nEverybody signs in again, and every open page reads anew. What was changed since the backup is as it was then: ' +
          'look at who may sign in ("user list").'
      );
    });

  program
    .command('upgrade')
    .description('brings embedded data of an older Postgres to the one of this version')
    .option(
      '--old-binaries <folder>',
      'the folder bin of the older Postgres (else what is beside the data, or npm)',
      toPath
    )
    .addHelpText('after', '\nStop Watchfloor first. A backup is written, and the old data stay beside the new ones.')
    .action(async ({ oldBinaries }: { oldBinaries?: string }) => {
      const config = readConfig(process.env);
      if (config.databaseUrl !== null)
        throw new StartupError(
          'DATABASE_URL names a Postgres of your own: upgrade it as its makers say. Nothing was changed here.'
        );
      const directory = embeddedDirectory(config);
      const done = await untilInterrupted((signal) =>
        upgradeEmbedded(directory, {
          oldBinaries: oldBinaries ?? null,
          backupFile: join(directory, 'backups', `before-upgrade-${stamp()}.backup`),
          signal,
          log: silent,
          tell: (line) => void process.stderr.write(`${line}\n`)
        })
      );
      if (done === null) {
        print(format(), { upgraded: false }, 'Nothing to do: the data are of the Postgres that this version brings.');
        return;
      }
      const { from, to, backup, aside } = done;
      print(
        format(),
        { upgraded: true, from, to, backup: backup.file, aside, ...toFacts(backup.header, backup.totals) },
        `Upgraded from Postgres ${from} to ${to}, and compared: equal.\n${describe(backup.header, backup.totals)}\n` +
          `The old data are kept in ${aside}, a backup of them is ${backup.file}: remove them when you are sure.\n` +
          'Start Watchfloor now: npm start'
      );
    });
}

/** A file in a folder that is there; the default folder is made. */
async function choosePlace(to: string | undefined): Promise<string> {
  const name = `watchfloor-${stamp()}.backup`;
  if (to !== undefined) return (await stat(to).catch(() => null))?.isDirectory() ? join(to, name) : to;
  const directory = embeddedDirectory(readConfig(process.env));
  await makeDataDirectory(directory, await findRunAs());
  const folder = join(directory, 'backups');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return join(folder, name);
}

/** Ctrl-C is an answer of the work's own, which then puts everything back. */
async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interruption = new AbortController();
  const stop = (): void => interruption.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    return await work(interruption.signal);
  } finally {
    process.removeListener('SIGINT', stop);
    process.removeListener('SIGTERM', stop);
  }
}

function stamp(): string {
  return new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

function countRows({ tables }: BackupTotals): number {
  return tables.reduce((sum, { rows }) => sum + rows, 0);
}

function toFacts(header: BackupHeader, { tables }: BackupTotals): Record<string, unknown> {
  return {
    madeAt: header.madeAt,
    postgres: header.postgres,
    schema: header.migrations.at(-1)?.version,
    rows: Object.fromEntries(tables.map(({ name, rows }) => [name, rows]))
  };
}

function describe(header: BackupHeader, { tables }: BackupTotals): string {
  const count = (name: string): number => tables.find((table) => table.name === name)?.rows ?? 0;
  return (
    `As of ${header.madeAt}, Postgres ${header.postgres}, schema ${header.migrations.at(-1)?.version}: ` +
    `${count('public.operation_runs')} operations, ${count('public.workspaces')} workspaces, ${count('public.users')} people.`
  );
}

function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
