import { fork } from 'node:child_process';
import { expect, test } from 'vitest';

const ENTRY = new URL('../src/lib/server/demo/writer.ts', import.meta.url).pathname;

/** Starts the writer against a database that is not there, and tells when it has ended. */
function start(): { child: ReturnType<typeof fork>; ended: Promise<number | null> } {
  const child = fork(ENTRY, [], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' }
  });
  return { child, ended: new Promise((resolve) => child.once('exit', resolve)) };
}

test('the demo writer ends with its parent, also when that dies before the writer has begun', async () => {
  const { child, ended } = start();
  // The channel closes while Node is still loading: nobody listens for it yet.
  child.disconnect();
  expect(await ended).toBe(0);
});

test('the demo writer ends on SIGTERM, also while the database is away', async () => {
  const { child, ended } = start();
  const asked = setInterval(() => child.kill('SIGTERM'), 200);
  const code = await ended;
  clearInterval(asked);
  // By its own hand once it listens, or by the signal while Node was still loading.
  expect([0, null]).toContain(code);
});
