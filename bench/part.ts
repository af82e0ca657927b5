/** What every part of the bench is given and gives back. */
import type { TestPostgres } from '../tests/harness/postgres.ts';
import type { Table } from './figures.ts';

/** quick: a smoke of seconds with figures that mean nothing; full: what takes an hour and 20 GB of disk */
export type Size = 'quick' | 'normal' | 'full';

export interface Part {
  /** settings of its Postgres beside fsync */
  settings?: Record<string, string>;
  run(postgres: TestPostgres, size: Size): Promise<{ tables: Table[]; raw: unknown }>;
}

/** Interleaved runs: all variants one after the other, then all of them again, so that a slow minute hits each. */
export const runsOf = (size: Size): number => (size === 'quick' ? 1 : 5);

/** Each run begins with another one, so that none always comes after the same other and pays for what that left behind. */
export function inTurn<T>(variants: Iterable<T>, run: number): T[] {
  const all = [...variants];
  return all.map((_, n) => all[(n + run) % all.length]!);
}

export function tell(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
}
