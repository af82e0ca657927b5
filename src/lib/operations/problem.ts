/**
 * What an operation asks of a person: problem class, open follow-up, attention. The one definition in TypeScript; its
 * twin in SQL is server/operations/filter-sql.ts, and a property test proves them equal (tests/truths.pg.test.ts). Pure:
 * the instant is an argument, in milliseconds by the database's clock.
 */
import { freshnessOf } from './freshness.ts';
import { FOLLOW_UP_OUTCOMES, type OperationRow } from './operation.ts';

export const PROBLEM_CLASSES = ['active_stale_attention', 'terminal_follow_up', 'none'] as const;
export type ProblemClass = (typeof PROBLEM_CLASSES)[number];

type Judged = Pick<
  OperationRow,
  'status' | 'outcome' | 'staleAt' | 'reconciledAt' | 'resolved' | 'reviewed' | 'createdAt' | 'completedAt' | 'id'
>;

export function problemClassOf(
  row: Pick<OperationRow, 'status' | 'outcome' | 'staleAt' | 'reconciledAt'>,
  at: number
): ProblemClass {
  if (freshnessOf(row, at) === 'likely_stale') return 'active_stale_attention';
  return isFollowUp(row) ? 'terminal_follow_up' : 'none';
}

/** Completed blocked, failed, partially succeeded or by reconciliation: it has a follow-up, open or not. */
export function isFollowUp(row: Pick<OperationRow, 'status' | 'outcome' | 'reconciledAt'>): boolean {
  if (row.status !== 'completed') return false;
  return (FOLLOW_UP_OUTCOMES as readonly string[]).includes(row.outcome);
}

/** Open while no later success resolved it and nobody marked it reviewed. Time alone changes nothing here. */
export function isFollowUpOpen(
  row: Pick<OperationRow, 'status' | 'outcome' | 'reconciledAt' | 'resolved' | 'reviewed'>
): boolean {
  return isFollowUp(row) && row.resolved === null && row.reviewed === null;
}

/** What needs a person now, in words of the strip; null = nothing. */
export type AttentionKind = 'blocked' | 'failed' | 'stale' | 'partial';

export const ATTENTION_WEIGHTS = { blocked: 50, failed: 40, stale: 35, partial: 30 } as const satisfies Record<
  AttentionKind,
  number
>;
const ACTIVE_WEIGHT = 20;
const COMPLETED_WEIGHT = 10;

const KIND_OF_OUTCOME: Partial<Record<OperationRow['outcome'], AttentionKind>> = {
  blocked: 'blocked',
  failed: 'failed',
  partially_succeeded: 'partial'
};

export function attentionKindOf(row: Judged, at: number): AttentionKind | null {
  if (freshnessOf(row, at) === 'likely_stale') return 'stale';
  return isFollowUpOpen(row) ? (KIND_OF_OUTCOME[row.outcome] ?? null) : null;
}

export function attentionWeightOf(row: Judged, at: number): number {
  const kind = attentionKindOf(row, at);
  if (kind !== null) return ATTENTION_WEIGHTS[kind];
  return row.status === 'completed' ? COMPLETED_WEIGHT : ACTIVE_WEIGHT;
}

/** Since when it is so: its end, the moment it became stale, or when it was made. */
export function attentionSince(row: Judged, at: number): number {
  if (row.status === 'completed') return row.completedAt ?? row.createdAt;
  return freshnessOf(row, at) === 'likely_stale' ? row.staleAt! : row.createdAt;
}

/** The attention order: weight, then the newest first, then id. */
export function compareAttention(a: Judged, b: Judged, at: number): number {
  return (
    attentionWeightOf(b, at) - attentionWeightOf(a, at) || attentionSince(b, at) - attentionSince(a, at) || b.id - a.id
  );
}
