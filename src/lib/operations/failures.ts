/**
 * Reported failures, gathered by code: how often in all, and what was said first. Pure. Invariants: what has no code is
 * gathered by what it says; a count that nobody reported is unknown and never becomes one.
 */
import type { Failure } from './pages.ts';
import { toNumber } from './wording.ts';

export interface FailureGroups {
  groups: Failure[];
  /** "37 in 3 codes"; without the number where a count is missing */
  aside: string;
}

export function groupFailures(failures: readonly Failure[]): FailureGroups {
  const byCause = new Map<string, Failure>();
  for (const failure of failures) {
    const cause = failure.code === null ? ` ${failure.message}` : failure.code;
    const group = byCause.get(cause);
    if (!group) byCause.set(cause, { ...failure });
    else {
      group.count = group.count === null || failure.count === null ? null : group.count + failure.count;
      group.message ||= failure.message;
    }
  }
  // Most often first; unknown counts last, as they were reported.
  const groups = [...byCause.values()].sort((a, b) => (b.count ?? -1) - (a.count ?? -1));
  const sum = groups.reduce<number | null>(
    (total, { count }) => (total === null || count === null ? null : total + count),
    0
  );
  const kinds = groups.some(({ code }) => code === null)
    ? `${groups.length} ${groups.length === 1 ? 'kind' : 'kinds'}`
    : `${groups.length} ${groups.length === 1 ? 'code' : 'codes'}`;
  return { groups, aside: sum === null ? kinds : `${toNumber(sum)} in ${kinds}` };
}
