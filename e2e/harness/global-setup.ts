/**
 * Starts the server that browser tests share, once per run, with the demo and its writer; returns what stops it. Tests
 * learn of it through the environment, which Playwright hands to its workers. Tests that break things start their own.
 */
import { DEMO_PASSWORD, startInstance } from './instance.ts';

export default async function startShared(): Promise<() => Promise<void>> {
  const instance = await startInstance({ demo: true });
  process.env['WATCHFLOOR_DEMO_PASSWORD'] = DEMO_PASSWORD;
  process.env['WATCHFLOOR_E2E_URL'] = instance.baseURL;
  process.env['WATCHFLOOR_E2E_DATABASE_URL'] = await instance.databaseUrl();
  return () => instance.remove();
}
