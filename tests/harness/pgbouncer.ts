/**
 * A real PgBouncer in front of a test's Postgres, on a port of its own: every client is let in and acts as the superuser,
 * and every database is passed on by its name. As root it runs as the user that Postgres runs as: it refuses root.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { findRunAs } from '../../src/lib/server/database/embedded-place.ts';
import { freePort, type TestPostgres } from './postgres.ts';

export type PoolMode = 'transaction' | 'session';

export interface PgBouncer {
  url: string;
  urlOf(database: string): string;
  /** Ends it and starts it on the same port in another mode. */
  restart(mode: PoolMode): Promise<void>;
  close(): Promise<void>;
}

export async function startPgBouncer(program: string, postgres: TestPostgres, mode: PoolMode): Promise<PgBouncer> {
  const directory = await mkdtemp(join(tmpdir(), 'watchfloor-pgbouncer-'));
  await chmod(directory, 0o755);
  const file = join(directory, 'pgbouncer.ini');
  const port = await freePort();
  const runAs = await findRunAs();
  let child: ChildProcess;
  let output = '';

  const start = async (poolMode: PoolMode): Promise<void> => {
    // Nothing that Watchfloor would need is set: as Debian ships it, but for where and who.
    const lines = [
      '[databases]',
      `* = host=127.0.0.1 port=${postgres.port} user=postgres password=test`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = any',
      `pool_mode = ${poolMode}`,
      // In session mode each of a node's connections has one of these.
      'default_pool_size = 60'
    ];
    await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o644 });
    child = spawn(program, [file], {
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(runAs && { uid: runAs.uid, gid: runAs.gid })
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (output += text));
    await vi.waitFor(
      () =>
        new Promise<void>((resolve, reject) => {
          const socket = connect(port, '127.0.0.1', () => {
            socket.destroy();
            resolve();
          });
          socket.once('error', () => reject(new Error(`PgBouncer does not listen: ${output}`)));
        }),
      { timeout: 20_000, interval: 50 }
    );
  };
  const stop = async (): Promise<void> => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    // At once: in order it would wait for its clients.
    if (child.exitCode === null && child.kill('SIGTERM')) await ended;
  };
  await start(mode);
  const urlOf = (database: string): string => `postgres://postgres:test@127.0.0.1:${port}/${database}`;
  return {
    url: urlOf('postgres'),
    urlOf,
    async restart(next) {
      await stop();
      await start(next);
    },
    async close() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    }
  };
}
