/**
 * The writers of the delivery bench and its score: what was sent when, and when who heard of it. Pure but for the writers.
 * A change that a newer one of the same row overtook counts with the arrival of the newer one.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { openWriter, type World } from '../tests/harness/world.ts';
import type { Heard } from './listeners.ts';

/** Each with a row of its own, from 100 commits a second on: one connection alone cannot commit that often everywhere. */
const CONNECTIONS = 8;

export interface Sent {
  /** by row, oldest first */
  changes: Map<number, { value: number; at: number }[]>;
  /** commits a second that the writers managed */
  reached: number;
}

/** ms of the machine's monotonic clock, the same in all processes */
export const clock = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Makes `rate` commits a second for so long; resolves when the last one has returned. */
export async function drive(url: string, { a, a1 }: World, rate: number, seconds: number): Promise<Sent> {
  const changes: Sent['changes'] = new Map();
  const free = await Promise.all(
    Array.from({ length: rate >= 100 ? CONNECTIONS : 1 }, async () => {
      const writer = await openWriter(url);
      const { rows } = await writer.query<{ id: number }>(
        `insert into operation_runs (workspace_id, managed_environment_id, type, status, progress_processed)
         values ($1, $2, 'policy.sync', 'running', 0) returning id`,
        [a, a1]
      );
      const { id } = rows[0]!;
      changes.set(id, []);
      return { writer, id, value: 0 };
    })
  );
  const all = [...free];
  const total = Math.max(2, Math.round(rate * seconds));
  const writing = new Set<Promise<void>>();
  const start = performance.now();
  for (let made = 0; made < total;) {
    while (made < total && free.length > 0 && performance.now() >= start + (made * 1_000) / rate) {
      const one = free.shift()!;
      made++;
      one.value++;
      changes.get(one.id)!.push({ value: one.value, at: clock() });
      const wrote = one.writer
        .query({
          name: 'progress',
          text: 'update operation_runs set progress_processed = $2 where id = $1',
          values: [one.id, one.value]
        })
        .then(() => {
          writing.delete(wrote);
          free.push(one);
        });
      writing.add(wrote);
    }
    await delay(1);
  }
  await Promise.all(writing);
  const reached = (total * 1_000) / (performance.now() - start);
  await Promise.all(all.map(({ writer }) => writer.end()));
  return { changes, reached };
}

/** Has every one of so many clients heard the last of each row? */
export function isComplete({ changes }: Sent, heard: readonly Heard[], clients: number): boolean {
  const last = new Set<string>();
  for (const [client, id, value] of heard) if (value === changes.get(id)?.at(-1)?.value) last.add(`${client} ${id}`);
  return last.size === clients * changes.size;
}

/** ms of every change at every client, and how many never came. */
export function score({ changes }: Sent, heard: readonly Heard[], clients: number): { times: number[]; lost: number } {
  const byClient = new Map<string, [value: number, at: number][]>();
  for (const [client, id, value, at] of heard) {
    const key = `${client} ${id}`;
    const known = byClient.get(key);
    if (known) known.push([value, at]);
    else byClient.set(key, [[value, at]]);
  }
  const times: number[] = [];
  for (const [key, arrivals] of byClient) {
    const sent = changes.get(Number(key.split(' ')[1])) ?? [];
    let next = 0;
    for (const [value, at] of arrivals)
      while (next < sent.length && sent[next]!.value <= value) times.push(at - sent[next++]!.at);
  }
  const made = [...changes.values()].reduce((sum, { length }) => sum + length, 0);
  return { times, lost: made * clients - times.length };
}
