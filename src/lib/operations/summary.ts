/**
 * The numbers of the strip and what needs attention, per unit of access: a whole workspace, one environment, or the
 * workspace's own operations. Read by server/operations/summary.ts for pages and for the hub alike; people who are
 * narrowed get several and add them up here. Pure. Invariant: merging the parts of a scope gives what reading the scope
 * as a whole gives (counts exactly; groups as far as GROUPS_READ reaches).
 */
import * as z from 'zod/mini';
import { operationRowSchema, type OperationRow } from './operation.ts';
import { attentionKindOf, compareAttention, type AttentionKind } from './problem.ts';

export const COUNT_KEYS = ['active', 'stale', 'blocked', 'failed', 'partial', 'succeeded'] as const;
export type CountKey = (typeof COUNT_KEYS)[number];
export type Counts = Record<CountKey, number>;

/** Which unit: the whole workspace, an environment by its id, or what belongs to the workspace itself. */
export const summaryPlaceSchema = z.union([z.literal('workspace'), z.literal('itself'), z.number()]);
export type SummaryPlace = z.infer<typeof summaryPlaceSchema>;

export const summarySchema = z.object({
  place: summaryPlaceSchema,
  /** the database's time at which it is true */
  at: z.number(),
  counts: z.object({
    active: z.number(),
    stale: z.number(),
    /** open follow-ups of any age */
    blocked: z.number(),
    failed: z.number(),
    partial: z.number(),
    /** completed in the last 24 hours (`succeededFrom`) */
    succeeded: z.number()
  }),
  /** in attention order; `count` operations of one cause, of which `row` is the newest */
  groups: z.array(z.object({ row: operationRowSchema, count: z.number() })),
  /** when anything of the unit was last reported; null = never */
  lastReportAt: z.nullable(z.number()),
  /** silence longer than this means that its source is silent; null where too little was reported to tell */
  silentAfterMs: z.nullable(z.number())
});
export type Summary = z.infer<typeof summarySchema>;
export type AttentionGroup = Summary['groups'][number];

/** What a page shows of them: the decision card and a queue of five. */
export const GROUPS_SHOWN = 6;
/** What a summary carries, so that merging several still finds the first six. */
export const GROUPS_SENT = 8;

/** What makes operations one line of the queue: the same kind of trouble, type and reason. */
function causeOf(row: OperationRow, kind: AttentionKind): string {
  return JSON.stringify([kind, row.type, kind === 'stale' ? row.status : (row.failure?.code ?? row.failure?.message)]);
}

/** Groups what needs attention by cause, in attention order. Rows that need none at this instant are left out. */
export function groupByCause(entries: readonly { row: OperationRow; count: number }[], at: number): AttentionGroup[] {
  const groups = new Map<string, AttentionGroup>();
  for (const { row, count } of [...entries].sort((a, b) => compareAttention(a.row, b.row, at))) {
    const kind = attentionKindOf(row, at);
    if (kind === null) continue;
    const cause = causeOf(row, kind);
    const group = groups.get(cause);
    if (group) groups.set(cause, { row: group.row, count: group.count + count });
    else groups.set(cause, { row, count });
  }
  return [...groups.values()];
}

/** The scope's summary from those of its units; null without any. As of the oldest of them. */
export function mergeSummaries(parts: readonly Summary[]): Summary | null {
  const [first, ...rest] = parts;
  if (first === undefined) return null;
  if (rest.length === 0) return first;
  const at = Math.min(...parts.map((part) => part.at));
  const counts = { ...first.counts };
  for (const part of rest) for (const key of COUNT_KEYS) counts[key] += part.counts[key];
  const reports = parts.map(({ lastReportAt }) => lastReportAt).filter((instant) => instant !== null);
  const limits = parts.map(({ silentAfterMs }) => silentAfterMs).filter((limit) => limit !== null);
  return {
    place: 'workspace',
    at,
    counts,
    groups: groupByCause(
      parts.flatMap(({ groups }) => groups),
      Math.max(...parts.map((part) => part.at))
    ).slice(0, GROUPS_SENT),
    lastReportAt: reports.length > 0 ? Math.max(...reports) : null,
    // The busiest part decides: together they are at least as talkative.
    silentAfterMs: limits.length > 0 ? Math.min(...limits) : null
  };
}

/** Has the scope been silent for longer than it ever is? Null while not known. */
export function silentFor(summary: Pick<Summary, 'lastReportAt' | 'silentAfterMs'>, at: number): number | null {
  if (summary.lastReportAt === null || summary.silentAfterMs === null) return null;
  const silence = at - summary.lastReportAt;
  return silence > summary.silentAfterMs ? silence : null;
}
