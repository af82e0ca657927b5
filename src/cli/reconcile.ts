/** `reconcile`: ends operations that went silent, once or again and again; or only shows which. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { readSilent, reconcile, type Reconciliation } from '../lib/server/reports/reconcile.ts';
import { toSeconds } from './arguments.ts';
import { withDatabase } from './connection.ts';
import { explainFailure } from './failure.ts';
import { print, printFailure, toTable, type OutputFormat } from './output.ts';

export function addReconcileCommand(program: Command, format: () => OutputFormat): void {
  program
    .command('reconcile')
    .description('ends operations that were silent for four times their limit, as failed, with the reason')
    .option('--dry-run', 'show which, and change nothing')
    .option('--every <time>', 'go on until Ctrl-C, each time after this long, such as 5m', toSeconds)
    .addHelpText(
      'after',
      `
Watchfloor itself never ends an operation: this command is for who wants silent ones out of the way, once or from a timer.
Such an operation says that it was ended by reconciliation; its own late report replaces that. "type set" changes limits.`
    )
    .action(async ({ dryRun = false, every }: { dryRun?: boolean; every?: number }) => {
      if (dryRun) {
        const silent = await withDatabase(({ url }) => readSilent(url));
        const rows = silent.map((one) => [one.id, one.workspaceId, one.environmentId, one.type, one.lastReportedAt]);
        const table = toTable(['operation', 'workspace', 'environment', 'type', 'last report'], rows);
        print(
          format(),
          silent,
          silent.length > 0 ? `${table}\nNothing was changed.` : 'Nothing is silent for that long.'
        );
        return;
      }
      await withDatabase(async ({ url }) => {
        if (every === undefined) return tell(format(), await reconcile(url));
        const ending = new AbortController();
        const stop = (): void => ending.abort();
        process.once('SIGINT', stop);
        process.once('SIGTERM', stop);
        let failed = false;
        while (!ending.signal.aborted) {
          try {
            const done = await reconcile(url);
            if (done.ended > 0 || failed) tell(format(), done);
            failed = false;
          } catch (error) {
            // One line per change of state: it is tried again until it works.
            if (!failed) printFailure(format(), explainFailure(error));
            failed = true;
          }
          await sleep(every * 1_000, undefined, { signal: ending.signal }).catch(() => undefined);
        }
      });
    });
}

function tell(format: OutputFormat, { ended, shown }: Reconciliation): void {
  const rows = shown.map((one) => [one.id, one.workspaceId, one.environmentId, one.type, one.reason]);
  const table = toTable(['operation', 'workspace', 'environment', 'type', 'reason'], rows);
  print(
    format,
    { ended, operations: shown },
    ended > 0 ? `${table}\nEnded ${ended} as failed.` : 'Nothing is silent for that long: nothing was changed.'
  );
}
