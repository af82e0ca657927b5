import { mkdtemp, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeWhole } from './write-whole.ts';

test('who is reading when a file is written anew reads on in the former one; nothing else is left', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'watchfloor-whole-'));
  try {
    const file = join(directory, 'state.json');
    await writeWhole(file, 'the former', 0o600);
    const reading = await open(file);
    await writeWhole(file, 'another, which is longer', 0o600);
    expect(await reading.readFile('utf8')).toBe('the former');
    await reading.close();
    expect(await readFile(file, 'utf8')).toBe('another, which is longer');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(['state.json']);
  } finally {
    await rm(directory, { recursive: true });
  }
});
