/**
 * What an operation is, as lists, deltas and the detail header see it: the typed list columns of one `operation_runs`
 * row, never its JSON. Shared by the server (which fills it), the wire (which carries it) and the browser (which draws
 * it). It owns no wording, no clock and no access rule. Invariant: one `id` has one `revision` order, and a row with a
 * higher revision is the newer truth.
 */
import * as z from 'zod/mini';

export const STATUSES = ['queued', 'running', 'completed'] as const;
export const OUTCOMES = ['pending', 'succeeded', 'partially_succeeded', 'blocked', 'failed', 'cancelled'] as const;
/** The known keys of `summary_counts`; anything else stays in the JSON and is never shown in a list. */
export const SUMMARY_KEYS = [
  'total',
  'processed',
  'succeeded',
  'failed',
  'skipped',
  'created',
  'updated',
  'deleted'
] as const;

export type Status = (typeof STATUSES)[number];
export type Outcome = (typeof OUTCOMES)[number];
export type SummaryKey = (typeof SUMMARY_KEYS)[number];

const count = z.nullable(z.number());
/** Milliseconds since 1970 by the database's clock; the columns are `timestamptz(3)`, so nothing is rounded away. */
const instant = z.number();

export const operationRowSchema = z.object({
  id: z.number(),
  revision: z.number(),
  workspaceId: z.number(),
  /** null = an operation of the workspace itself */
  environmentId: z.nullable(z.number()),
  type: z.string(),
  status: z.enum(STATUSES),
  outcome: z.enum(OUTCOMES),
  /** "System" where no person started it */
  initiator: z.string(),
  progress: z.object({ processed: count, total: count, phase: z.nullable(z.string()) }),
  /** Only the keys that were reported; absent is unknown, never zero. */
  counts: z.partialRecord(z.enum(SUMMARY_KEYS), z.number()),
  /** First sanitised failure, cut to 300 characters; null when none was reported. */
  failure: z.nullable(z.object({ code: z.nullable(z.string()), message: z.nullable(z.string()) })),
  cancelledBy: z.nullable(z.string()),
  reconciledAt: z.nullable(instant),
  createdAt: instant,
  startedAt: z.nullable(instant),
  completedAt: z.nullable(instant),
  lastReportedAt: instant,
  /** When it becomes likely stale unless something is reported before; null when completed. */
  staleAt: z.nullable(instant),
  /** What search looks in, normalised by the database alone, so that its lists and our deltas agree to the letter. */
  search: z.string(),
  /** The later success that resolved its follow-up; `by` is that operation (maybe removed since). */
  resolved: z.nullable(z.object({ at: instant, by: z.number() })),
  /** The person who marked its follow-up reviewed. */
  reviewed: z.nullable(z.object({ at: instant, by: z.string() }))
});

/** The list columns of one operation. */
export type OperationRow = z.infer<typeof operationRowSchema>;

/** Outcomes that leave something to do for somebody. */
export const FOLLOW_UP_OUTCOMES = ['blocked', 'failed', 'partially_succeeded'] as const satisfies readonly Outcome[];
export type FollowUpOutcome = (typeof FOLLOW_UP_OUTCOMES)[number];

/**
 * The two orders of lists, newest first, id breaks ties: by when an operation was made, or, where all of them are
 * completed, by when it completed (docs/decisions/0005).
 */
export type ListOrder = 'created' | 'completed';

/** The instant that an order sorts and a window cuts by. A row that is not completed has none in the second order. */
export function orderInstant(order: ListOrder, row: Pick<OperationRow, 'createdAt' | 'completedAt'>): number {
  return order === 'created' ? row.createdAt : (row.completedAt ?? row.createdAt);
}

/** A row's place in a list. */
export interface ListPlace {
  at: number;
  id: number;
}

export function placeOf(order: ListOrder, row: Pick<OperationRow, 'createdAt' | 'completedAt' | 'id'>): ListPlace {
  return { at: orderInstant(order, row), id: row.id };
}

/** Newest first. */
export function comparePlaces(a: ListPlace, b: ListPlace): number {
  return b.at - a.at || b.id - a.id;
}
