/**
 * Was everything that a wire brought for the eyes of whom it reached? A row of revision r that reaches a seat is right if
 * the seat could see its place after some commit that is not before the one of r, not before the last moment in which all
 * had been told, and was asked for by the time it came. After access changed under a seat nothing may come at all until it
 * asks to be let in again.
 */
import type pg from 'pg';
import type { RowsChanged, SubscribeAnswer, WindowRead } from '../../src/lib/live/protocol.ts';
import type { OperationRow } from '../../src/lib/operations/operation.ts';
import type { Summary } from '../../src/lib/operations/summary.ts';
import type { AccessState } from './access-steps.ts';
import type { Heard, Seat, SeatPlan } from './access-seat.ts';

interface Change {
  number: number;
  revision: number;
  /** where it was before, of moves and deletions; undefined for others */
  left: number | null | undefined;
}

/** May come to a socket to which nothing may be told: its own access moved, its session ended, the server is in trouble. */
const SAYS_NOTHING = new Set(['access:changed', 'session:ended', 'feed:halted', 'server:closing']);

/** What may cross with a question that is not answered yet: what rooms are told. The rest needs an answer first. */
const CROSSES = new Set([...SAYS_NOTHING, 'rows:changed', 'summary:changed', 'reference:changed']);

/** May this seat see a place of its workspace in that state? 'workspace' = all of it. */
export function sees({ person, scope }: SeatPlan, state: AccessState, place: number | null | 'workspace'): boolean {
  if (!state.sessions.has(person.sessionId)) return false;
  const narrowedTo = state.members.get(`${person.id} ${scope.workspaceId}`);
  if (narrowedTo === undefined) return false;
  if (scope.environmentId !== null && place !== scope.environmentId) return false;
  if (narrowedTo.size === 0) return true;
  return place === null || (place !== 'workspace' && narrowedTo.has(place));
}

/** Throws for the first thing that came where it must not. */
export async function judge(
  seats: Seat[],
  states: readonly AccessState[],
  numberOf: (xid: string) => number,
  db: pg.Pool
): Promise<void> {
  const { rows } = await db.query<{
    id: number;
    revision: number;
    kind: string;
    environment_id: number | null;
    old_environment_id: number | null;
    xid: string;
  }>(
    `select id, revision, kind, environment_id, old_environment_id, xid::text as xid from watchfloor.changes
     where kind in ('o', 'm', 'd')`
  );
  const changes = new Map<number, Change[]>();
  for (const { id, revision, kind, environment_id, old_environment_id, xid } of rows) {
    const left = kind === 'd' ? environment_id : kind === 'm' ? old_environment_id : undefined;
    const list = changes.get(id) ?? [];
    list.push({ number: numberOf(xid), revision, left });
    changes.set(id, list);
  }
  const numberOfRevision = (id: number, revision: number): number =>
    Math.max(0, ...(changes.get(id) ?? []).filter((one) => one.revision === revision).map(({ number }) => number));

  for (const seat of seats) {
    const couldSee = ({ commits, settled }: Heard, place: number | null | 'workspace', since: number): boolean =>
      states.slice(Math.max(since, settled), commits + 1).some((state) => sees(seat.plan, state, place));
    let isTold = false;
    let isAsking = false;
    let hasCrossed = false;
    let generation = 0;
    for (const [at, heard] of seat.heard.entries()) {
      const refuse = (what: string): never => {
        throw new Error(
          `Message ${at} (${heard.name ?? 'answer'}) to person ${seat.plan.person.id}, scope ` +
            `${JSON.stringify(seat.plan.scope)}, after ${heard.commits} commits, ${heard.settled} settled: ${what}`
        );
      };
      const told = toldOf(heard);
      // Rooms are joined before the answer is made.
      if (heard.name === 'subscribe') {
        [isTold, isAsking, hasCrossed] = [true, true, false];
      } else if (heard.name === null) {
        [isTold, isAsking, hasCrossed] = [told !== null, false, false];
        const answer = heard.body as SubscribeAnswer;
        if (answer.result === 'caught_up' && answer.generation <= generation) refuse('answers with what access was');
      } else if (!isTold && !SAYS_NOTHING.has(heard.name)) refuse('came to whom nothing may be told');
      else if (hasCrossed && !CROSSES.has(heard.name)) refuse('came to whom nothing was answered');
      if (heard.name === 'session:ended') isTold = isAsking = false;
      if (heard.name === 'access:changed' || heard.name === 'resync:required') isTold = hasCrossed = isAsking;
      if (heard.name === 'access:changed') generation = (heard.body as { generation: number }).generation;
      for (const row of told?.rows ?? [])
        if (!couldSee(heard, row.environmentId, numberOfRevision(row.id, row.revision)))
          refuse(`row ${row.id}, revision ${row.revision}, of environment ${row.environmentId}`);
      for (const [id, revision] of told?.removed ?? []) {
        const since = numberOfRevision(id, revision);
        const left = (changes.get(id) ?? []).filter((one) => one.left !== undefined && one.revision <= revision);
        if (!left.some((one) => couldSee(heard, one.left!, since))) refuse(`removal ${id}, revision ${revision}`);
      }
      for (const { place, groups } of told?.summaries ?? []) {
        if (!couldSee(heard, place === 'itself' ? null : place, 0)) refuse(`numbers of ${place}`);
        for (const { row } of groups)
          if (!couldSee(heard, row.environmentId, numberOfRevision(row.id, row.revision)))
            refuse(`row ${row.id} among the numbers of ${place}`);
      }
    }
  }
}

/** What of rows and numbers a message carries; null where it is an answer that carries none. */
function toldOf({
  name,
  body
}: Heard): { rows: OperationRow[]; removed: [number, number][]; summaries: Summary[] } | null {
  if (name === 'rows:changed') return { ...(body as RowsChanged), summaries: [] };
  if (name === 'summary:changed') return { rows: [], removed: [], summaries: [(body as { summary: Summary }).summary] };
  if (name === 'window:read') {
    const { rows, changes } = body as WindowRead;
    return { rows: [...rows, ...changes.rows], removed: changes.removed, summaries: [] };
  }
  if (name !== null) return null;
  const answer = body as SubscribeAnswer;
  return answer.result === 'caught_up' ? answer : null;
}
