/** What the figures were measured on, without naming it: enough to judge whether two pages may be compared. */
import { open, mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { median, round } from './figures.ts';

/** Above this, something else works here and the figures are not worth keeping. */
const QUIET_LOAD = 1;
const FLUSHES = 50;

/** Of the whole bench: what the part before this one did is no other work. */
export const LOAD_AT_START = 'WATCHFLOOR_BENCH_LOAD';
export const loadAtStart = (): string => process.env[LOAD_AT_START] ?? loadavg()[0]!.toFixed(2);

export interface Machine {
  cores: number;
  memoryGb: number;
  node: string;
  postgres: number;
  /** fsync */
  durable: boolean;
  /** how long a flush of 8 KB takes, in ms: what a commit waits for at least */
  flushMs: number;
  /** of the last minute, when the bench began */
  load: number;
}

export async function describeMachine(postgres: number, durable: boolean): Promise<Machine> {
  return {
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    node: process.versions.node,
    postgres,
    durable,
    flushMs: await measureFlush(),
    load: Number(loadAtStart())
  };
}

export function toSentence({ cores, memoryGb, node, postgres, durable, flushMs, load }: Machine): string {
  const noisy = load > QUIET_LOAD ? ' **Other work was going on: trust the ratios only.**' : '';
  return (
    `${cores} cores, ${memoryGb} GB of memory, Node ${node}, Postgres ${postgres} with fsync ${durable ? 'on' : 'off'}, ` +
    `${round(flushMs)} ms for a flush of 8 KB; load average ${load.toFixed(2)} at the start.${noisy}`
  );
}

export function warnOfLoad(): void {
  const load = Number(loadAtStart());
  if (load > QUIET_LOAD)
    process.stderr.write(
      `The load average is ${load.toFixed(2)}: something else works here, and figures will be noisy.\n`
    );
}

async function measureFlush(): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'watchfloor-bench-'));
  try {
    const file = await open(join(directory, 'flushed'), 'w');
    const times: number[] = [];
    for (let i = 0; i < FLUSHES; i++) {
      await file.write(Buffer.alloc(8_192, i));
      const from = performance.now();
      await file.datasync();
      times.push(performance.now() - from);
    }
    await file.close();
    return median(times);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
