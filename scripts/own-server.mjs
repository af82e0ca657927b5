/** A built server of a script's own: a free port of this machine, data in a temporary directory, ended with the script. */
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { project } from './sources.mjs';

/** Resolves once it answers. `directory` must be one that everybody may pass through (Postgres is another user). */
export async function startOwnServer(directory, more = {}) {
  const port = await freePort();
  const data = join(directory, `data-${port}`);
  await mkdir(data);
  const child = spawn(process.execPath, [join(project, 'build', 'watchfloor', 'server.js')], {
    cwd: directory,
    env: {
      PATH: process.env.PATH,
      HOME: directory,
      NODE_ENV: 'production',
      PORT: String(port),
      WATCHFLOOR_DATA_DIR: data,
      WATCHFLOOR_DEMO: '0',
      WATCHFLOOR_DRAIN_SECONDS: '0',
      ...more
    },
    stdio: ['ignore', 'pipe', 'pipe']
  });
  let said = '';
  await new Promise((done, fail) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        said += text;
        if (said.includes('Stop with Ctrl-C')) done();
      });
    child.once('exit', () => fail(new Error(`the server did not start (npm run build first): ${said.slice(-300)}`)));
  });
  return {
    port,
    output: () => said,
    async stop() {
      if (child.exitCode !== null) return;
      const ended = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      await ended;
    }
  };
}

export async function freePort() {
  const probe = createServer();
  await new Promise((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}
