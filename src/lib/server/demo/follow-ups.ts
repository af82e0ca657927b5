/**
 * What became of the bad ends in the demo's history: a later success of the same kind closed most, a person reviewed the
 * others. What nothing closed would pile up over a month, so only the stories (stories.ts) leave anything open. Pure.
 * Invariant: what is said to be closed is what the database itself would find: the first later success of its kind.
 */
import { can } from '../access/capabilities.ts';
import { readersOf } from './cast.ts';
import { composeEnding } from './endings.ts';
import type { DemoOperation } from './ended.ts';
import { kindOf } from './kinds.ts';
import { drawAround, drawOne, type Random } from './random.ts';

const MINUTE = 60_000;
/** Most reviews happen within the hour; a share of repeats says which operation it repeats. */
const REVIEWED_AFTER_MS = 45 * MINUTE;
const SHARE_OF_RETRIES = 0.4;

/** Operations of one type in one place follow each other. */
export function sequenceOf(operation: Pick<DemoOperation, 'workspace' | 'environment' | 'type'>): string {
  return `${operation.workspace} | ${operation.environment ?? ''} | ${operation.type}`;
}

export function isBad({ outcome }: Pick<DemoOperation, 'outcome'>): boolean {
  return outcome === 'failed' || outcome === 'blocked' || outcome === 'partially_succeeded';
}

/**
 * Closes the follow-ups of `history` (in the order of ids, which is that of creation), in place. `stories` may stay open;
 * whatever else could not be closed by now becomes a success.
 */
export function closeFollowUps(
  random: Random,
  history: readonly DemoOperation[],
  { stories, now }: { stories: ReadonlySet<DemoOperation>; now: number }
): void {
  /** of each sequence, the success that comes next after the one looked at */
  const next = new Map<string, DemoOperation>();
  const ended = history
    .map((operation, id) => ({ operation, id }))
    .filter(({ operation }) => operation.status === 'completed')
    .sort((a, b) => b.operation.completedAt! - a.operation.completedAt! || b.id - a.id);
  for (const { operation } of ended) {
    if (isBad(operation)) close(random, operation, next.get(sequenceOf(operation)), stories.has(operation), now);
    if (operation.outcome === 'succeeded') next.set(sequenceOf(operation), operation);
  }
}

function close(
  random: Random,
  operation: DemoOperation,
  success: DemoOperation | undefined,
  isStory: boolean,
  now: number
): void {
  if (kindOf(operation.type)?.closedBy === 'success') {
    if (success) {
      operation.resolvedBy = success;
      if (success.retryOf === null && success.createdAt > operation.completedAt! && random() < SHARE_OF_RETRIES)
        success.retryOf = operation;
      return;
    }
  } else if (!isStory) {
    const at = operation.completedAt! + drawAround(random, REVIEWED_AFTER_MS, 0.8);
    const people = readersOf(operation.workspace, operation.environment).filter(({ role }) =>
      can(role, 'operations.review')
    );
    if (at < now) {
      operation.reviewed = { at: Math.round(at), email: drawOne(random, people).email };
      return;
    }
  }
  if (!isStory) turnOut(random, operation);
}

/** It went well after all. */
function turnOut(random: Random, operation: DemoOperation): void {
  const kind = kindOf(operation.type);
  if (!kind) throw new Error(`The demo has no kind ${operation.type}.`);
  const total = operation.total ?? 0;
  const ending = composeEnding(random, kind, 'succeeded', { total, processed: total, cancelledBy: '' });
  Object.assign(operation, {
    outcome: 'succeeded',
    counts: ending.counts,
    failures: [],
    processed: ending.counts['processed'] ?? null,
    context: { worker: operation.context['worker'], attempt: 2 },
    startedAt: operation.startedAt ?? operation.createdAt
  });
}
