/** What many runs of the oracle came to, and the lines that say it. */
import type { Played } from './oracle-play.ts';

export interface Totals {
  scenarios: number;
  sum: Played | null;
  failures: string[];
  add(played: Played): void;
}

export function openTotals(): Totals {
  const totals: Totals = {
    scenarios: 0,
    sum: null,
    failures: [],
    add(played) {
      totals.scenarios++;
      const { sum } = totals;
      if (sum === null) return void (totals.sum = { ...played });
      for (const key of [
        'acts',
        'commits',
        'aborts',
        'deadlocks',
        'barriers',
        'looks',
        'judged',
        'lostWakeUps',
        'leaked'
      ] as const)
        sum[key] += played[key];
      for (const [fault, count] of played.faults) sum.faults.set(fault, (sum.faults.get(fault) ?? 0) + count);
      for (const [reason, count] of Object.entries(played.resyncs))
        sum.resyncs[reason] = (sum.resyncs[reason] ?? 0) + count;
      sum.worstConvergenceMs = Math.max(sum.worstConvergenceMs, played.worstConvergenceMs);
      sum.memory = [...sum.memory, ...played.memory];
    }
  };
  return totals;
}

export function summarise({ scenarios, sum, failures }: Totals): string[] {
  const lines = [`${scenarios} scenarios held, ${failures.length} broken`];
  if (sum) {
    const faults = [...sum.faults].sort(([, a], [, b]) => b - a);
    lines.push(
      `acts: ${sum.acts}; commits: ${sum.commits}; aborts: ${sum.aborts}, of which deadlocks of writers among themselves: ${sum.deadlocks}`,
      `faults: ${faults.reduce((all, [, count]) => all + count, 0)}: ${faults.map(([name, count]) => `${name} ${count}`).join(', ')}`,
      `checks: ${sum.barriers} clients equal at barriers, ${sum.looks} looks at clients that said Live, ${sum.judged} rows judged for who was told`,
      `wake-ups lost on purpose: ${sum.lostWakeUps}; changes found by the backstop: ${sum.leaked}; windows read anew: ${
        Object.entries(sum.resyncs)
          .filter(([, count]) => count > 0)
          .map(([reason, count]) => `${reason} ${count}`)
          .join(', ') || 'none'
      }`,
      `worst time until all clients were equal after an act: ${Math.round(sum.worstConvergenceMs)} ms`,
      ...memoryOverTime(sum)
    );
  }
  return [...lines, ...failures.map((failure) => `broken: ${failure.split('\n')[0]}`)];
}

/** By the age of the hub's process: what grows with age would show. */
function memoryOverTime({ memory }: Played): string[] {
  const edges = [0, 15, 30, 60, 120, 300, Infinity];
  return edges.slice(1).flatMap((to, at) => {
    const from = edges[at]!;
    const seen = memory
      .filter(({ ageMs }) => ageMs >= from * 1_000 && ageMs < to * 1_000)
      .map(({ rssBytes }) => rssBytes);
    if (seen.length === 0) return [];
    const sorted = seen.sort((a, b) => a - b);
    const mib = (bytes: number): number => Math.round(bytes / 2 ** 20);
    const label = to === Infinity ? `over ${from} s` : `${from} to ${to} s`;
    return [
      `memory of hubs ${label} old: median ${mib(sorted[sorted.length >> 1]!)} MiB, most ${mib(sorted.at(-1)!)} MiB (${seen.length})`
    ];
  });
}
