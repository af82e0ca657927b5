/** `sql`: one or several statements as one of the database roles, shown as a table or as JSON. */
import pg from 'pg';
import { types, type Role } from '../lib/server/database/pool.ts';
import { print, toTable, type OutputFormat } from './output.ts';

/** Several statements run as one transaction, as Postgres does with a script sent at once. */
export async function runSql(
  url: string,
  role: Role,
  statement: string | undefined,
  format: OutputFormat
): Promise<void> {
  const text = statement ?? (await readAll());
  const client = new pg.Client({ connectionString: url, types, application_name: 'watchfloor sql' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(`set role watchfloor_${role}`);
    const answers = (await client.query({ text, rowMode: 'array' })) as pg.QueryArrayResult | pg.QueryArrayResult[];
    for (const answer of [answers].flat()) {
      const columns = answer.fields.map(({ name }) => name);
      const facts = {
        command: answer.command,
        count: answer.rowCount,
        rows: answer.rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]])))
      };
      const count = answer.rowCount === null ? '' : ` ${answer.rowCount}`;
      const table = columns.length > 0 ? `${toTable(columns, answer.rows)}\n` : '';
      print(format, facts, `${table}${answer.command ?? 'OK'}${count}`);
    }
  } finally {
    await client.end();
  }
}

async function readAll(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) text += chunk as string;
  return text;
}
