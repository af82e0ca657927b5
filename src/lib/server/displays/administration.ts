/**
 * Displays from the command line, as the owner: every one there is, and ending the trust of one. Pages use management.ts,
 * under row-level security.
 */
import { AdministrationError } from '../access/administration.ts';
import type { Queryable } from '../database/pool.ts';

export interface AnyDisplay {
  id: number;
  name: string;
  workspace: string;
  /** 0 = the whole workspace */
  environments: number;
  pairedBy: string;
  pairedAt: Date;
  /** null = not since the database was last recovered */
  seenAt: Date | null;
}

export async function listAllDisplays(db: Queryable): Promise<AnyDisplay[]> {
  const { rows } = await db.query<AnyDisplay>(
    `select d.id, d.name, w.name as workspace, cardinality(d.environment_ids) as environments, d.paired_by as "pairedBy",
       d.paired_at as "pairedAt", p.seen_at as "seenAt"
     from public.displays d join public.workspaces w on w.id = d.workspace_id
     left join watchfloor.display_presence p on p.display_id = d.id
     where d.revoked_at is null order by d.id`
  );
  return rows;
}

/** Takes effect on its open socket within a second. */
export async function revokeAnyDisplay(db: Queryable, id: number): Promise<{ name: string }> {
  const { rows } = await db.query<{ name: string }>(
    `update public.displays set revoked_at = clock_timestamp(), revoked_by = 'an administrator'
     where id = $1 and revoked_at is null returning name`,
    [id]
  );
  if (!rows[0]) throw new AdministrationError(`There is no display ${id}: "display list" shows their numbers.`);
  return rows[0];
}
