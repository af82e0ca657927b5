/** Migrations, reported: the same function as `migrate`, for who wants administrators to see what was applied and when. */
import type { ApplyOptions } from '../database/apply-migration.ts';
import { migrate } from '../database/migrations.ts';
import { withReport } from './report.ts';

/** As migrate(); writes a report when something was applied, or when it failed on a database that has our schema. */
export function migrateAndReport(url: string, options: ApplyOptions = {}): ReturnType<typeof migrate> {
  return withReport(
    url,
    {
      type: 'watchfloor.migrate',
      isWorthReporting: ({ applied }) => applied.length > 0,
      toCounts: ({ applied }) => ({ total: applied.length, processed: applied.length })
    },
    () => migrate(url, options)
  );
}
