/**
 * What somebody wants to do with one operation, asked in the order that tells nothing: first whether it exists for this
 * person, then whether their role may. Invariant: 'forbidden' is said only about what they can see; everything else is
 * 'absent', whatever they may do.
 */
import type pg from 'pg';
import { can, type Capability } from '../access/capabilities.ts';
import { readWorkspace, type VisibleWorkspace } from '../access/scope.ts';
import type { Queryable } from '../database/pool.ts';

export interface DoorRequest {
  personId: number;
  workspaceId: number;
  operationId: number;
}

export async function askAtDoor(
  people: pg.Pool,
  { personId, workspaceId, operationId }: DoorRequest,
  capability: Capability
): Promise<'open' | 'forbidden' | 'absent'> {
  const role = await readWorkspace(people, personId, workspaceId, async (client, visible) => {
    return (await isThere(client, visible, operationId)) ? visible.role : null;
  });
  if (role === null) return 'absent';
  return can(role, capability) ? 'open' : 'forbidden';
}

/**
 * Does this operation exist for this person? Row-level security would say the same, but only once it met the row: it then
 * asks for the person's environments, 60 µs that a clock finds. Their places are named here, which is asked of the row
 * first, so that what is narrowed away costs what does not exist (tests/nothing-tells-cost).
 */
export async function isThere(
  db: Queryable,
  { workspace, environments }: Pick<VisibleWorkspace, 'workspace' | 'environments'>,
  operationId: number
): Promise<boolean> {
  const { rowCount } = await db.query(
    'select from public.operation_runs r where r.workspace_id = $1 and r.id = $2 and r.place_id = any ($3)',
    [workspace.id, operationId, [0, ...environments.map(({ id }) => id)]]
  );
  return rowCount === 1;
}
