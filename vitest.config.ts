/**
 * Three suites: `unit` (pure files, beside them), `pg` (tests/, on a real Postgres that the run starts itself) and
 * `setup` (starting, stopping and recovering of what we start; slow and in sequence). No SvelteKit is loaded: the code
 * under test is plain Node or plain browser code by construction.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// tsconfig.json extends a file that SvelteKit generates; a fresh clone has none yet.
if (!existsSync('.svelte-kit/tsconfig.json')) execFileSync('npx', ['svelte-kit', 'sync'], { stdio: 'inherit' });

const environment = { TZ: 'UTC' };
/** 0 but in CI, whose machine is not ours: what passes only when run again is printed at the end, as a defect to find. */
const retry = Number(process.env['WATCHFLOOR_TEST_RETRIES'] ?? 0);

export default defineConfig({
  plugins: [svelte()],
  test: {
    // Two cores are what CI has; more workers than that only make real-time tests flaky.
    maxWorkers: 2,
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts'],
          setupFiles: ['tests/harness/property-seed.ts'],
          env: environment,
          environment: 'node'
        }
      },
      {
        extends: true,
        test: {
          name: 'pg',
          include: ['tests/**/*.pg.test.ts'],
          setupFiles: ['tests/harness/property-seed.ts'],
          env: environment,
          environment: 'node',
          globalSetup: ['tests/harness/global-setup.ts'],
          testTimeout: 30_000,
          retry,
          hookTimeout: 60_000
        }
      },
      {
        extends: true,
        test: {
          name: 'setup',
          include: ['tests/setup-*.test.ts'],
          env: environment,
          environment: 'node',
          fileParallelism: false,
          testTimeout: 120_000,
          retry,
          hookTimeout: 180_000
        }
      }
    ]
  }
});
