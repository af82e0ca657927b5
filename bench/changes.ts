/**
 * Steady work as systems report it: of ten changes one begins an operation, one ends the oldest, and eight are progress.
 * So rows come, move and go, and as many are active at the end as at the beginning.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { openWriter, type World } from '../tests/harness/world.ts';

const CONNECTIONS = 4;
const ACTIVE = 40;
/** One ending in so many is a failure. */
const FAILURES = 20;

export interface Changes {
  /** changes that were committed so far */
  made(): number;
  stop(): Promise<void>;
}

/** Starts making `rate` changes a second in workspace A; 0 makes none. */
export async function startChanges(url: string, { a, a1, a2, a3 }: World, rate: number): Promise<Changes> {
  const writers = await Promise.all(Array.from({ length: CONNECTIONS }, () => openWriter(url)));
  const active: number[] = [];
  let made = 0;
  let n = 0;
  let stopping = false;
  const begin = async (writer: (typeof writers)[number]): Promise<void> => {
    const { rows } = await writer.query(
      `insert into operation_runs (workspace_id, managed_environment_id, type, status, initiator_name, progress_total)
       values ($1, $2, $3, 'running', 'System', 1000) returning id`,
      [a, [a1, a2, a3, null][n % 4], ['policy.sync', 'inventory.sync', 'restore.execute'][n % 3]]
    );
    active.push(Number(rows[0].id));
  };
  const end = async (writer: (typeof writers)[number]): Promise<void> => {
    const id = active.shift();
    if (id === undefined) return;
    const failed = id % FAILURES === 0;
    await writer.query(
      `update operation_runs set status = 'completed', outcome = $2, failure_summary = $3 where id = $1`,
      [id, failed ? 'failed' : 'succeeded', JSON.stringify(failed ? [{ code: 'LIMIT', message: 'Refused' }] : [])]
    );
  };
  const one = async (writer: (typeof writers)[number]): Promise<void> => {
    const turn = n++ % 10;
    if (turn === 0) await begin(writer);
    else if (turn === 5) await end(writer);
    else
      await writer.query('update operation_runs set progress_processed = progress_processed + 1 where id = $1', [
        active[n % active.length]
      ]);
    made++;
  };
  while (active.length < ACTIVE) await begin(writers[0]!);
  const start = performance.now();
  const working = writers.map(async (writer, nth) => {
    for (let i = nth; rate > 0 && !stopping; i += CONNECTIONS) {
      const due = start + (i * 1_000) / rate;
      while (performance.now() < due && !stopping) await delay(Math.min(50, Math.max(1, due - performance.now())));
      if (!stopping) await one(writer);
    }
  });
  return {
    made: () => made,
    async stop() {
      stopping = true;
      await Promise.all(working);
      await Promise.all(writers.map((writer) => writer.end()));
    }
  };
}
