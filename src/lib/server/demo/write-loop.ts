/**
 * Carries the demo's steps into the database, about two a second, with the rights and the plain SQL of any other writer.
 * It owns pace, connection and recovery; what happens is decided in steps.ts. Invariant: after any error it reads again
 * what is there instead of trusting what it remembers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openPool, type Queryable } from '../database/pool.ts';
import { readWriterState } from './adoption.ts';
import type { Random } from './random.ts';
import { nextStep, withoutOperation, withStep, type Step, type WriterState } from './steps.ts';

export interface DemoWriterOptions {
  url: string;
  random: Random;
  /** mean time between two changes, in milliseconds */
  paceMs?: number;
  /** milliseconds since 1970; a test lets it run faster */
  clock?: () => number;
  log: { info(message: string): void; warn(message: string): void };
}

export interface DemoWriter {
  /** Ends after the change under way; never throws. */
  close(): Promise<void>;
}

const PACE_MS = 500;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 30_000;
/** Without a demo workspace there is nothing to do: look again now and then. */
const IDLE_MS = 30_000;

/** Starts writing in the background; returns at once. Lost connections are retried for ever, with back-off and jitter. */
export function openDemoWriter({
  url,
  random,
  paceMs = PACE_MS,
  clock = Date.now,
  log
}: DemoWriterOptions): DemoWriter {
  const pool = openPool({ url, role: 'writer', max: 1, applicationName: 'watchfloor demo' });
  const ending = new AbortController();
  const rest = (ms: number): Promise<void> => sleep(ms, undefined, { signal: ending.signal }).catch(() => {});
  let condition: 'writing' | 'idle' | 'lost' | null = null;
  const enter = (next: 'writing' | 'idle' | 'lost', line: string): void => {
    if (condition !== next) log[next === 'lost' ? 'warn' : 'info'](line);
    condition = next;
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!ending.signal.aborted) {
      try {
        let state = await readWriterState(pool, random, clock());
        if (state.places.length === 0) {
          enter('idle', 'The demo writes nothing: there is no demo workspace.');
          await rest(IDLE_MS);
          continue;
        }
        enter(
          'writing',
          `The demo writes into ${new Set(state.places.map((place) => place.workspace)).size} workspaces.`
        );
        while (!ending.signal.aborted) {
          state = await takeStep(pool, state, random, clock());
          failures = 0;
          // Exponential, as independent reporters are.
          await rest(Math.min(-Math.log(1 - random()) * paceMs, paceMs * 5));
        }
      } catch (error) {
        failures += 1;
        enter('lost', `The demo cannot write (${(error as Error).message}); it tries again until it can.`);
        await rest(Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS) * (0.5 + random()));
      }
    }
  };
  const running = run();

  return {
    async close() {
      ending.abort();
      await running;
      await pool.end().catch(() => {});
    }
  };
}

/** One change at most, committed by itself. Returns the state after it. */
async function takeStep(client: Queryable, state: WriterState, random: Random, now: number): Promise<WriterState> {
  const step = nextStep(state, random, now);
  if (step.does === 'rest') return state;
  const id = await writeStep(client, step);
  // Nobody was asked to start, report or end: it is gone, or somebody else ended it.
  if (step.does !== 'create' && id === null) return withoutOperation(state, step.id);
  return withStep(state, step, { id, random, now });
}

/** The statement that any writer in any language would use; returns the operation's id, null when nothing was changed. */
export async function writeStep(client: Queryable, step: Exclude<Step, { does: 'rest' }>): Promise<number | null> {
  const { rows } = await client.query<{ id: number }>(...toStatement(step));
  return rows[0]?.id ?? null;
}

function toStatement(step: Exclude<Step, { does: 'rest' }>): [text: string, values: unknown[]] {
  switch (step.does) {
    case 'create':
      return [
        // No conflict target: it is the one identity or the other that may be active already.
        `insert into public.operation_runs
           (workspace_id, managed_environment_id, type, initiator_name, run_identity_hash, source, user_id, external_id,
             retry_of, context)
         values ($1, $2, $3, $4, $3, $5, $6, $7, $8, $9)
         on conflict do nothing returning id`,
        [
          step.place.workspaceId,
          step.place.environmentId,
          step.kind.type,
          step.initiator,
          step.source,
          step.userId,
          step.externalId,
          step.retryOf,
          JSON.stringify(step.context)
        ]
      ];
    case 'start':
      return [
        `update public.operation_runs set status = 'running', progress_total = $2, progress_phase = $3,
           progress_processed = case when $2::bigint is not null then 0 end
         where id = $1 and status = 'queued' returning id`,
        [step.id, step.total, step.phase]
      ];
    case 'report':
      return [
        `update public.operation_runs set progress_processed = $2, progress_total = $3, progress_phase = $4
         where id = $1 and status = 'running' returning id`,
        [step.id, step.processed, step.total, step.phase]
      ];
    case 'end':
      return [
        `update public.operation_runs set status = 'completed', outcome = $2, summary_counts = $3, failure_summary = $4,
           cancelled_by = $5, progress_processed = coalesce(($3::jsonb ->> 'processed')::bigint, progress_processed)
         where id = $1 and status <> 'completed' returning id`,
        [
          step.id,
          step.ending.outcome,
          JSON.stringify(step.ending.counts),
          JSON.stringify(step.ending.failures),
          step.ending.cancelledBy
        ]
      ];
  }
}
