import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** The bench itself: that it still runs, and has something to say. What it says depends on the machine. */
const PROJECT = fileURLToPath(new URL('..', import.meta.url));

test('every part of the bench still runs, and finds its place in docs/PERFORMANCE.md', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'bench/run.ts', '--quick'], {
    cwd: PROJECT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, WATCHFLOOR_E2E_BUILD: process.env['WATCHFLOOR_E2E_BUILD'] || `${PROJECT}build` }
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  expect(code, stderr).toBe(0);
  const told = stdout.split('\n').filter((line) => line.startsWith('## '));
  expect(told).toEqual(['## first-page', '## delivery', '## writers', '## memory', '## browser']);
  // Also where nothing is worth keeping, nothing is missing: a dash stands for what could not be measured.
  const rows = stdout.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'));
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.join('\n')).not.toMatch(/NaN|undefined/);
}, 400_000);
