/**
 * `npm run dev`: the database of `npm start` (embedded unless DATABASE_URL is set, migrated, with the demo and its writer)
 * around Vite's development server, which is a process of its own: it may restart itself at every change of its
 * configuration, and the database must not. The hub is attached by the plugin in vite.config.ts.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { keepOidcRoles } from './lib/server/access/oidc-people.ts';
import { readConfig } from './lib/server/config.ts';
import { projectRoot } from './lib/server/database/migrations.ts';
import { openDatabase } from './lib/server/database/open.ts';
import { openDemo } from './lib/server/demo/accounts.ts';
import { startDemoWriter } from './lib/server/demo/process.ts';
import { openLog } from './lib/server/log.ts';
import { openMaintenance } from './lib/server/reports/maintenance.ts';
import { StartupError } from './lib/server/startup-error.ts';

const DEVELOPMENT_PORT = '5173';

process.env['PORT'] ||= DEVELOPMENT_PORT;
process.chdir(projectRoot());
const log = openLog('dev');
// Ctrl-C reaches Vite as well; we go on until it has ended, and then end what it stood on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => vite?.kill(signal));
let vite: ReturnType<typeof spawn> | null = null;

try {
  process.exitCode = await run();
} catch (error) {
  if (error instanceof StartupError) process.stderr.write(`\n${error.message}\n\n`);
  else log.fatal({ err: error }, 'The development server could not start');
  process.exitCode = 1;
}

async function run(): Promise<number> {
  const config = readConfig(process.env);
  const database = await openDatabase(config, log);
  // The hub is in Vite's process: what its feed would tell is found by the clock.
  const writers: { close(): Promise<void> }[] = [openMaintenance({ url: database.url })];
  try {
    await keepOidcRoles(database.url, config.oidc);
    if (config.demo && database.embedded) {
      const { directory } = database.embedded;
      const demo = await openDemo({ databaseUrl: database.url, directory, password: config.demoPassword });
      if (demo) {
        const entry = join(projectRoot(), 'src', 'lib', 'server', 'demo', 'writer.ts');
        writers.push(startDemoWriter({ entry, execArgv: ['--import', 'tsx'], databaseUrl: database.url, log }));
        process.stdout.write(
          `\nSign in as ${demo.accounts[0]?.email ?? 'one of the demo'}; password: ${
            demo.isNew && demo.password ? demo.password : `in ${demo.file}`
          }\n`
        );
      }
    }
    const started = spawn(process.execPath, [join('node_modules', 'vite', 'bin', 'vite.js'), 'dev'], {
      stdio: 'inherit',
      env: { ...process.env, DATABASE_URL: database.url }
    });
    vite = started;
    return await new Promise<number>((resolve, reject) => {
      started.once('error', reject);
      // Ended by our own signal is how it should end.
      started.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 0));
    });
  } finally {
    await Promise.all(writers.map((writer) => writer.close()));
    await database.close();
  }
}
