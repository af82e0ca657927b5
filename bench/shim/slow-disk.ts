/**
 * A Postgres of the bench on a disk whose flush takes 2 ms: the same binaries with slow-flush.c preloaded. Linux with a
 * C compiler; elsewhere the parts that want it say that they are skipped.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findPackagedPostgres, placeBinaries } from '../../src/lib/server/database/embedded-binaries.ts';
import { startPostgres, type TestPostgres } from '../../tests/harness/postgres.ts';

const SOURCE = fileURLToPath(new URL('./slow-flush.c', import.meta.url));
/** Which binaries the harness starts; ours come between. */
const BINARIES = 'WATCHFLOOR_TEST_POSTGRES_BIN';

export interface SlowDisk {
  postgres: TestPostgres;
  remove(): Promise<void>;
}

/** null where it cannot be had; the reason is told. */
export async function startOnSlowDisk(settings: Record<string, string>): Promise<SlowDisk | { why: string }> {
  if (process.platform !== 'linux') return { why: 'the slow disk needs Linux' };
  const home = await mkdtemp(join(tmpdir(), 'watchfloor-slow-disk-'));
  await chmod(home, 0o755);
  const remove = (): Promise<void> => rm(home, { recursive: true, force: true });
  const library = join(home, 'slow-flush.so');
  try {
    await promisify(execFile)('gcc', ['-O2', '-shared', '-fPIC', '-o', library, SOURCE, '-ldl']);
  } catch {
    await remove();
    return { why: 'the slow disk needs gcc' };
  }
  const before = process.env[BINARIES];
  const real = before || (await placeBinaries(await findPackagedPostgres(), home));
  const bin = join(home, 'bin');
  await mkdir(bin);
  for (const name of await readdir(real)) if (name !== 'postgres') await symlink(join(real, name), join(bin, name));
  const wrapper = join(bin, 'postgres');
  // Its own name stays the real one: by it Postgres finds what belongs to it.
  await writeFile(wrapper, `#!/bin/sh\nLD_PRELOAD='${library}' exec '${join(real, 'postgres')}' "$@"\n`);
  await chmod(wrapper, 0o755);
  process.env[BINARIES] = bin;
  try {
    const postgres = await startPostgres({ settings });
    return {
      postgres,
      remove: async () => {
        await postgres.remove();
        await remove();
      }
    };
  } finally {
    if (before === undefined) delete process.env[BINARIES];
    else process.env[BINARIES] = before;
  }
}
