/** A busy day of one wall, by its step: some environments worse, some better, now and then a flood. Always the same. */
import type { WallData } from '#lib/operations/wall-data.ts';
import { ended, running } from './rows.ts';
import { dataOf } from './states.ts';

const ENVIRONMENTS = 12;
const MESSAGES = ['Token expired', 'Quota exceeded', 'Connection refused', 'Consent missing'] as const;

export function dayUpdate(step: number): WallData {
  const of = (n: number): number => ((step * 7 + n * 5) % ENVIRONMENTS) + 1;
  const bad = Array.from({ length: step % 400 < 40 ? 14 : step % 6 }, (_, n) =>
    ended(of(n), n % 3 === 0 ? 'blocked' : 'failed', n * 40_000, 'inventory.sync', MESSAGES[(step + n) % 4]!)
  );
  const active = Array.from({ length: 3 + (step % 5) }, (_, n) =>
    running(of(n + 3), n * 30_000, 'policy.sync', (step * 13) % 1_000, 1_000)
  );
  const changed = new Set([...bad, ...active].slice(0, 2).map(({ id }) => id));
  return dataOf({ bad, active, environments: ENVIRONMENTS, fresh: bad.length > 10 ? bad : [], change: { changed } });
}
