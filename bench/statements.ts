/** What the database was asked: statements and their time, by role (pg_stat_statements, planning included). */
import pg from 'pg';

/** The part's Postgres needs these. */
export const STATEMENT_SETTINGS: Record<string, string> = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track_planning': 'on'
};

export interface Statements {
  reset(): Promise<void>;
  read(roles: string[]): Promise<{ calls: number; ms: number }>;
  close(): Promise<void>;
}

export async function openStatements(url: string): Promise<Statements> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('create extension if not exists pg_stat_statements');
  return {
    reset: async () => void (await client.query('select pg_stat_statements_reset()')),
    async read(roles) {
      const { rows } = await client.query<{ calls: string | null; ms: number | null }>(
        `select sum(calls) as calls, sum(total_exec_time + total_plan_time) as ms from pg_stat_statements
         where userid in (select oid from pg_roles where rolname = any ($1))
           and dbid = (select oid from pg_database where datname = current_database())`,
        [roles]
      );
      return { calls: Number(rows[0]?.calls ?? 0), ms: rows[0]?.ms ?? 0 };
    },
    close: () => client.end()
  };
}
