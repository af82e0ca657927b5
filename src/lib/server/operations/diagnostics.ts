/**
 * The raw context of one operation, for those who may open it; every opening is recorded by the same function of the
 * database that gives it, so there is no way to the one without the other. Whether the person may open diagnostics at
 * all is asked by the caller, who knows their role.
 */
import type pg from 'pg';
import type { DoorRequest } from './door.ts';

export interface Diagnostics {
  /** JSON as the database writes it: numbers keep every digit */
  text: string;
  /** when this opening was recorded, in ms by the database's clock */
  openedAt: number;
}

/** null where the operation does not exist or is not this person's to see; then nothing is recorded either. */
export async function openDiagnostics(people: pg.Pool, request: DoorRequest): Promise<Diagnostics | null> {
  const { rows } = await people.query<{ text: string | null; opened_at: Date }>(
    'select jsonb_pretty(watchfloor.open_diagnostics($1, $2, $3)) as text, clock_timestamp() as opened_at',
    [request.personId, request.workspaceId, request.operationId]
  );
  const { text, opened_at } = rows[0]!;
  return text === null ? null : { text, openedAt: opened_at.getTime() };
}
