/**
 * What somebody wants to do with one operation, asked in the order that tells nothing: first whether it exists for this
 * person, then whether their role may. Invariant: 'forbidden' is said only about what they can see; everything else is
 * 'absent', whatever they may do.
 */
import type pg from 'pg';
import { can, type Capability } from '../access/capabilities.ts';
import { readWorkspace } from '../access/scope.ts';

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
    const { rowCount } = await client.query(
      'select from public.operation_runs r where r.workspace_id = $1 and r.id = $2',
      [workspaceId, operationId]
    );
    return rowCount === 1 ? visible.role : null;
  });
  if (role === null) return 'absent';
  return can(role, capability) ? 'open' : 'forbidden';
}
