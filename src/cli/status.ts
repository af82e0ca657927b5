/** `status`: what is there, in a few lines. */
import { readMigrations } from '../lib/server/database/migrations.ts';
import { openPool } from '../lib/server/database/pool.ts';
import { readUnsupported } from '../lib/server/reports/unsupported.ts';
import type { CommandDatabase } from './connection.ts';

interface Counts {
  postgres: string;
  schema: number;
  users: number;
  workspaces: number;
  active: number;
  lastReportedAt: Date | null;
  rejected: number;
}

export async function readStatus(database: CommandDatabase): Promise<{ facts: unknown; lines: string[] }> {
  const pool = openPool({ url: database.url, role: 'owner', max: 1, applicationName: 'watchfloor status' });
  try {
    // Nothing here counts history: the active ones have an index of their own, the newest report is a rough glance.
    const { rows } = await pool.query<Counts>(
      `select current_setting('server_version') as postgres,
         (select max(version) from watchfloor.migrations) as schema,
         (select count(*) from public.users where disabled_at is null) as users,
         (select count(*) from public.workspaces) as workspaces,
         (select count(*) from public.operation_runs where status <> 'completed') as active,
         (select last_reported_at from public.operation_runs order by id desc limit 1) as "lastReportedAt",
         (select count(*) from (select from public.rejected_reports where received_at > now() - interval '1 day'
            limit 1000) newest) as rejected`
    );
    const counts = rows[0];
    const wanted = readMigrations().at(-1)?.version ?? 0;
    // An older schema does not have the function: `migrate` is what it needs, and the lines above say so.
    const warnings = counts?.schema === wanted ? await readUnsupported(pool) : [];
    const facts = {
      database: database.source,
      directory: database.directory,
      ...counts,
      schemaOfThisVersion: wanted,
      warnings
    };
    const lines = [
      `Database     ${database.source}`,
      ...(database.directory === null ? [] : [`Data         ${database.directory}`]),
      `Postgres     ${counts?.postgres}`,
      `Schema       ${counts?.schema}${counts?.schema === wanted ? ' (up to date)' : `, this version brings ${wanted}`}`,
      `People       ${counts?.users}`,
      `Workspaces   ${counts?.workspaces}`,
      `Operations   ${counts?.active} active; the newest reported at ${counts?.lastReportedAt?.toISOString() ?? 'no time yet'}`,
      `Rejected     ${(counts?.rejected ?? 0) < 1000 ? counts?.rejected : '1000 or more'} reports in the last 24 hours${counts?.rejected ? ' ("rejected" lists them)' : ''}`,
      ...warnings.map((sentence) => `Warning      ${sentence}`)
    ];
    return { facts, lines };
  } finally {
    await pool.end();
  }
}
