import { chmod, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { startProxy } from './proxy.ts';

test('whoever reads the file while it is written anew finds the whole of the former one', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'watchfloor-fake-nginx-'));
  const program = join(directory, 'nginx');
  // Says where its file is, and waits.
  await writeFile(program, `#!/bin/sh\ntrap '' HUP\necho "$2" >&2\nwhile :; do sleep 0.05; done\n`);
  await chmod(program, 0o755);
  const shipped = await readFile(new URL('../../../../deploy/nginx.conf', import.meta.url), 'utf8');
  const said: string[] = [];
  const proxy = await startProxy(
    { name: 'nginx', program },
    { shipped, places: { port: 4000, nodes: [4001, 4002] }, tell: (line) => said.push(line) }
  );
  try {
    await vi.waitFor(() => expect(said).toHaveLength(1), { timeout: 10_000, interval: 20 });
    const former = await readFile(said[0]!, 'utf8');
    const reading = await open(said[0]!);
    await proxy.avoid(4002);
    expect(await reading.readFile('utf8')).toBe(former);
    await reading.close();
    expect(await readFile(said[0]!, 'utf8')).toMatch(/4002 [^;]* down;/);
  } finally {
    await proxy.close();
    await rm(directory, { recursive: true });
  }
});
