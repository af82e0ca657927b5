/**
 * What people may see now, read for all who ask at the same time in one statement: who opens a page asks alone, and of a
 * crowd that comes back each asks, too. The rule itself stands in scope-access.ts (ACCESS) and is the same text.
 * Invariant: an answer is of a read that began after the question.
 */
import type { Scope } from '../../live/protocol.ts';
import { gatherReads } from '../database/gather-reads.ts';
import type { Queryable } from '../database/pool.ts';
import { ACCESS, type Subscriber } from './scope-access.ts';
import type { WorkspaceAccess } from './rooms.ts';

/** null where the person may not see the scope, or it does not exist. */
export type ReadAccess = (scope: Scope, subscriber: Subscriber) => Promise<WorkspaceAccess | null>;

interface Question extends Scope, Subscriber {
  /** the same for who asks the same: the tabs of one sign-in do */
  key: string;
}

/** By the columns of a question where a single question has parameters. */
const COLUMNS: Record<string, string> = { $2: 'workspace_id', $3: 'environment_id', $4: 'user_id', $5: 'session_id' };
const OF_EACH = `select q.n, a.role, a.narrowed_to
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])
    with ordinality as q (workspace_id, environment_id, user_id, session_id, n)
  cross join lateral (${ACCESS.replaceAll(/\$\d/g, (parameter) => `q.${COLUMNS[parameter]!}`)} offset 0) a`;

export function openAccessReads(db: Queryable): ReadAccess {
  const read = gatherReads<Question, WorkspaceAccess | null>(async (questions) => {
    const distinct = [...new Map(questions.map((question) => [question.key, question])).values()];
    const { rows } = await db.query<{ n: number; role: string; narrowed_to: number[] }>(OF_EACH, [
      distinct.map(({ workspaceId }) => workspaceId),
      distinct.map(({ environmentId }) => environmentId),
      distinct.map(({ userId }) => userId),
      distinct.map(({ sessionId }) => sessionId)
    ]);
    const found = new Map(
      rows.map(({ n, role, narrowed_to }) => [distinct[n - 1]!.key, { role, narrowedTo: narrowed_to }])
    );
    return questions.map(({ key }) => found.get(key) ?? null);
  });
  return ({ workspaceId, environmentId }, { userId, sessionId }) =>
    read({
      workspaceId,
      environmentId,
      userId,
      sessionId,
      key: JSON.stringify([workspaceId, environmentId, userId, sessionId])
    });
}
