/**
 * Displays in a test's world: made as approving makes them, each with a secret of its own, and what reads and watches as
 * one of them.
 */
import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { AS_DISPLAY } from '../../src/lib/live/protocol.ts';
import { TestClient } from './live.ts';

export interface TestDisplay {
  id: number;
  /** as it stands in settings, tokens and the log */
  userId: number;
  /** ready for a Cookie header */
  cookie: string;
}

/** A display of this workspace; without environments it sees all of it. */
export async function makeDisplay(
  owner: pg.Pool,
  workspaceId: number,
  environmentIds: number[] = [],
  name = 'A display'
): Promise<TestDisplay> {
  const { rows } = await owner.query<{ id: number }>(
    `insert into displays (workspace_id, environment_ids, name, paired_by) values ($1, $2, $3, 'somebody') returning id`,
    [workspaceId, environmentIds, name]
  );
  const { id } = rows[0]!;
  return { id, userId: -id, cookie: await addSecret(owner, id) };
}

export async function addSecret(owner: pg.Pool, displayId: number): Promise<string> {
  const secret = randomBytes(32).toString('base64url');
  await owner.query('insert into display_secrets (hash, display_id, used_at) values ($1, $2, now())', [
    createHash('sha256').update(secret).digest(),
    displayId
  ]);
  return `watchfloor-display=${secret}`;
}

/** A client that says it is a wall. */
export function openWallClient(port: number, cookie: string): TestClient {
  return new TestClient(port, cookie, Object.fromEntries([AS_DISPLAY]));
}
