/** Commands for what is reported: types, reports that could not be applied, reconciliation, retention. */
import { Option, type Command } from 'commander';
import {
  FOLLOW_UP_POLICIES,
  readTypes,
  removeType,
  setType,
  type FollowUpPolicy
} from '../lib/server/operations/catalogue.ts';
import { removeHistory } from '../lib/server/reports/retention.ts';
import { withReport } from '../lib/server/reports/report.ts';
import { openPool } from '../lib/server/database/pool.ts';
import { toId, toSeconds } from './arguments.ts';
import { withAdministration, withDatabase } from './connection.ts';
import { print, toTable, type OutputFormat } from './output.ts';
import { addReconcileCommand } from './reconcile.ts';
import { readRejected } from './rejected.ts';

export function addReportCommands(program: Command, format: () => OutputFormat): void {
  const type = program.command('type').description('types of operations: label, follow-up policy, silence limits');
  type
    .command('list')
    .description('the catalogue; other types may be reported, too, and need a person for their follow-ups')
    .action(async () => {
      const types = await withAdministration(readTypes);
      const rows = types.map((one) => [
        one.code,
        one.label,
        one.policy,
        toLimit(one.queuedLimitSeconds),
        toLimit(one.runningLimitSeconds),
        one.isBuiltIn ? 'built in' : ''
      ]);
      print(format(), types, toTable(['code', 'label', 'follow-up policy', 'queued', 'running', ''], rows));
    });
  type
    .command('set')
    .description('adds a type, or changes what is given of one that is there')
    .argument('<code>', 'such as inventory.sync')
    .option('--label <text>', 'what pages call it, in sentence case')
    .addOption(new Option('--policy <policy>', 'what resolves a follow-up').choices([...FOLLOW_UP_POLICIES]))
    .option('--queued <time>', 'silence that is normal while queued, such as 15m', toSeconds)
    .option('--running <time>', 'silence that is normal while running, such as 30m', toSeconds)
    .addHelpText('after', '\nA limit counts from the next report of an operation on; a policy counts at once.')
    .action(
      async (
        code: string,
        {
          label,
          policy,
          queued,
          running
        }: { label?: string; policy?: FollowUpPolicy; queued?: number; running?: number }
      ) => {
        const set = await withAdministration((db) =>
          setType(db, code, {
            ...(label !== undefined && { label }),
            ...(policy !== undefined && { policy }),
            ...(queued !== undefined && { queuedLimitSeconds: queued }),
            ...(running !== undefined && { runningLimitSeconds: running })
          })
        );
        const limits = `queued ${toLimit(set.queuedLimitSeconds)}, running ${toLimit(set.runningLimitSeconds)}`;
        print(format(), set, `${set.code} is "${set.label}", ${set.policy}, silent at most: ${limits}.`);
      }
    );
  type
    .command('remove')
    .description('removes a type that was added; its operations stay')
    .argument('<code>')
    .action(async (code: string) => {
      await withAdministration((db) => removeType(db, code));
      print(format(), { code, removed: true }, `The type ${code} is removed.`);
    });

  program
    .command('rejected')
    .description('reports that could not be applied, newest first, with the reason; --json shows what they said')
    .option('--workspace <number>', 'only of this workspace', toId)
    .option('--last <number>', 'how many', toId, 20)
    .action(async ({ workspace: workspaceId = null, last }: { workspace?: number | null; last: number }) => {
      const rejected = await withAdministration((db) => readRejected(db, { workspaceId, last }));
      const rows = rejected.map((one) => [
        one.receivedAt,
        one.workspaceId,
        one.operationId,
        one.type,
        one.source,
        one.reason
      ]);
      const table = toTable(['received', 'workspace', 'operation', 'type', 'source', 'reason'], rows);
      print(format(), rejected, rejected.length > 0 ? table : 'No report was rejected.');
    });

  addReconcileCommand(program, format);

  program
    .command('retention')
    .description('removes history now; the server does so by itself every hour, after 90 days')
    .option('--days <number>', 'how many days after its end an operation is kept', toId, 90)
    .addHelpText('after', '\nWhat is active, open or under review stays, however old it is.')
    .action(async ({ days }: { days: number }) => {
      const removed = await withDatabase(({ url }) =>
        withReport(
          url,
          {
            type: 'watchfloor.retention',
            isWorthReporting: (done) => done !== null,
            toCounts: (done) => ({ deleted: done?.operations ?? 0 })
          },
          async () => {
            const pool = openPool({
              url,
              role: 'owner',
              max: 1,
              applicationName: 'watchfloor retention',
              statementTimeoutMs: 60_000
            });
            return removeHistory(pool, { historyDays: days }).finally(() => pool.end());
          }
        )
      );
      const said =
        removed === null
          ? 'A server is removing history at this moment: nothing was done here.'
          : `Removed ${removed.operations} operations and ${removed.rejectedReports} rejected reports older than ${days} days.`;
      print(format(), removed, said);
    });
}

function toLimit(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}
