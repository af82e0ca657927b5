/**
 * Marking a follow-up reviewed, and taking that back: who and when, live for everyone through the row. The database's own
 * function asks what the person may see and records what they did; whether they may review at all is asked by the caller,
 * who knows their role. Invariant: it waits for no writer and none waits for it (it is one statement that commits by
 * itself, and a row that is being reported is answered with 'busy').
 */
import type pg from 'pg';
import type { DoorRequest } from './door.ts';

export type ReviewAnswer = 'done' | 'absent' | 'no follow-up' | 'already' | 'busy';

/** Takes the pool, not a connection: inside a transaction the row's lock would outlive the statement. */
export async function reviewOperation(
  people: pg.Pool,
  request: DoorRequest & { isReviewed: boolean }
): Promise<ReviewAnswer> {
  const { rows } = await people.query<{ answer: ReviewAnswer }>(
    'select watchfloor.review_operation($1, $2, $3, $4) as answer',
    [request.personId, request.workspaceId, request.operationId, request.isReviewed]
  );
  return rows[0]!.answer;
}
