import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { Score } from '../bench/drops-score.ts';

/** The bench itself: that it still runs, and has something to say. What it says depends on the machine. */
const PROJECT = fileURLToPath(new URL('..', import.meta.url));

test('every part of the bench still runs, and finds its place in docs/PERFORMANCE.md', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'bench/run.ts', '--quick'], {
    cwd: PROJECT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, WATCHFLOOR_E2E_BUILD: process.env['WATCHFLOOR_E2E_BUILD'] || `${PROJECT}build` }
  });
  // Where it hangs, what it started ends with it.
  onTestFinished(() => void child.kill());
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  expect(code, stderr).toBe(0);
  const told = stdout.split('\n').filter((line) => line.startsWith('## '));
  expect(told).toEqual([
    '## first-page',
    '## delivery',
    '## drops',
    '## writers',
    '## fan-out',
    '## catch-up',
    '## avalanche',
    '## storm',
    '## memory',
    '## browser'
  ]);
  // Also where nothing is worth keeping, nothing is missing: a dash stands for what could not be measured.
  const rows = stdout.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'));
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.join('\n')).not.toMatch(/NaN|undefined/);
}, 400_000);

test('a change that a newer one of the same row overtook counts as delivered, and a row that is behind as not', () => {
  const score = new Score();
  score.tell(1, 1, 'running', 0);
  score.tell(1, 4, 'completed', 1);
  score.tell(2, 1, 'running', 1);
  const rows: Parameters<Score['countRight']>[0] = [
    [1, 4, 'completed'],
    [2, 3, 'completed'],
    [3, 1, 'running']
  ];
  expect(score.count(new Map(), rows)).toEqual({ made: 8, itself: 3, delivered: 5 });
  expect(score.count(new Map([[1, 2]]), rows.slice(0, 1))).toEqual({ made: 2, itself: 1, delivered: 2 });
  expect(score.countRight(rows)).toBe(1);
});

test('a client is complete when it knows every row at least as it was awaited, however late each came', () => {
  const score = new Score();
  score.tell(1, 5, 'running', 0);
  score.await(
    [
      [1, 3, 'running'],
      [2, 2, 'completed']
    ],
    100
  );
  expect(score.completeAfter()).toBeNull();
  score.tell(2, 1, 'running', 110);
  expect(score.completeAfter()).toBeNull();
  score.tell(2, 3, 'completed', 150);
  score.tell(2, 4, 'completed', 190);
  expect(score.completeAfter()).toBe(50);
  score.await([], 200);
  expect(score.completeAfter()).toBe(0);
});
