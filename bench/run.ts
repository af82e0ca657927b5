/**
 * `npm run bench [-- writers delivery pages]`: measures on an embedded Postgres of its own, with fsync as in production,
 * and prints Markdown with ratios against a baseline of the same run.
 */
import { cpus } from 'node:os';
import { startPostgres } from '../tests/harness/postgres.ts';
import { benchDelivery } from './delivery.ts';
import { benchFirstPage } from './first-page.ts';
import { benchWriters } from './writers.ts';

const benches = { pages: benchFirstPage, writers: benchWriters, delivery: benchDelivery };
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in benches));
if (unknown.length > 0) {
  process.stderr.write(`There is no bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}.\n`);
  process.exit(1);
}
const postgres = await startPostgres({ settings: { fsync: 'on' } });
process.stdout.write(`Postgres ${postgres.major}, Node ${process.versions.node}, ${cpus().length} cores\n`);
try {
  for (const [name, bench] of Object.entries(benches))
    if (wanted.length === 0 || wanted.includes(name)) await bench(postgres);
} finally {
  await postgres.remove();
}
