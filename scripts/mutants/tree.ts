/**
 * A copy of the sources in a temporary directory, to be spoiled: the project itself is never touched. The installed
 * packages are linked, nothing that was built comes along.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mutate, type Mutant } from './mutant.ts';

export const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/** What suites read: sources, tests, the documents that tests compare with, and configuration. */
const PARTS = ['src', 'tests', 'docs', 'deploy', 'scripts', '.svelte-kit/tsconfig.json'];
const FILES = ['package.json', 'tsconfig.json', 'svelte.config.js', 'vite.config.ts', 'vitest.config.ts'];

export interface Tree {
  root: string;
  /** Puts the mutant in, runs `work`, and puts back what was there. */
  with<T>(mutant: Mutant, work: () => Promise<T>): Promise<T>;
  remove(): void;
}

export function copyTree(): Tree {
  // tsconfig.json extends a file that SvelteKit generates; a fresh clone has none yet.
  if (!existsSync(join(PROJECT, '.svelte-kit', 'tsconfig.json')))
    execFileSync('npx', ['svelte-kit', 'sync'], { cwd: PROJECT, stdio: 'inherit' });
  const root = mkdtempSync(join(tmpdir(), 'watchfloor-mutants-'));
  for (const part of [...PARTS, ...FILES])
    if (existsSync(join(PROJECT, part))) cpSync(join(PROJECT, part), join(root, part), { recursive: true });
  symlinkSync(join(PROJECT, 'node_modules'), join(root, 'node_modules'));
  return {
    root,
    async with(mutant, work) {
      const files = mutate(root, mutant);
      try {
        for (const [file, { is }] of files) writeFileSync(join(root, file), is);
        return await work();
      } finally {
        for (const [file, { was }] of files) writeFileSync(join(root, file), was);
      }
    },
    remove: () => rmSync(root, { recursive: true, force: true })
  };
}
