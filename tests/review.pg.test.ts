/** Marking reviewed and opening diagnostics on a real Postgres: who may, what is recorded, and that it is live. */
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { openPool } from '../src/lib/server/database/pool.ts';
import { askAtDoor } from '../src/lib/server/operations/door.ts';
import { openDiagnostics } from '../src/lib/server/operations/diagnostics.ts';
import { reviewOperation } from '../src/lib/server/operations/review.ts';
import type { OperationRow } from '../src/lib/operations/operation.ts';
import { isFollowUpOpen } from '../src/lib/operations/problem.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { openReader, startHub, TestClient, type TestHub } from './harness/live.ts';
import { makePerson, makeWorld, openWriter, type TestPerson, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
let people: pg.Pool;
let hub: TestHub;
let reader: ReturnType<typeof openReader>;
const clients: TestClient[] = [];

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  people = openPool({ url: database.url, role: 'people', max: 4, applicationName: 'test pages' });
  hub = await startHub(database.url);
  reader = openReader(database.url);
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => {
  await hub?.close();
  await reader?.close();
  await people?.end();
  await world?.close();
  await database?.drop();
});

/** A policy.delete that failed in a1, unless said otherwise: of manual review, so no success of a test resolves it. */
async function insertEnded(
  change: { environmentId?: number; outcome?: string; context?: string } = {}
): Promise<number> {
  const { rows } = await world.writer.query<{ id: number }>(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome, context)
     values ($1, $2, 'policy.delete', 'completed', $3, $4) returning id`,
    [world.a, change.environmentId ?? world.a1, change.outcome ?? 'failed', change.context ?? '{}']
  );
  return rows[0]!.id;
}
const review = (person: TestPerson, operationId: number, isReviewed = true, workspaceId = world.a) =>
  reviewOperation(people, { personId: person.id, workspaceId, operationId, isReviewed });
async function readRow(id: number): Promise<OperationRow> {
  const window = await reader.read(world.everyone, { workspaceId: world.a, environmentId: null });
  return window!.rows.find((row) => row.id === id)!;
}
async function auditOf(operationId: number): Promise<[string, number][]> {
  const { rows } = await world.owner.query<{ kind: string; user_id: number }>(
    'select kind, user_id from audit_events where operation_id = $1 order by id',
    [operationId]
  );
  return rows.map(({ kind, user_id }) => [kind, user_id]);
}
async function makeMember(role: string): Promise<TestPerson> {
  const person = await makePerson(world.owner, role);
  await world.owner.query('insert into memberships (workspace_id, user_id, role) values ($1, $2, $3)', [
    world.a,
    person.id,
    role
  ]);
  return person;
}

test('a review closes the follow-up, names who and when, and changes neither status nor outcome', async () => {
  const id = await insertEnded({ outcome: 'blocked' });
  const before = await readRow(id);
  expect(isFollowUpOpen(before)).toBe(true);
  expect(await review(world.everyone, id)).toBe('done');
  const after = await readRow(id);
  expect(after.reviewed).toEqual({ at: expect.any(Number), by: 'everyone' });
  expect(after).toMatchObject({ status: 'completed', outcome: 'blocked', completedAt: before.completedAt });
  expect(isFollowUpOpen(after)).toBe(false);
  expect(await review(world.everyone, id)).toBe('already');
  expect(await auditOf(id)).toEqual([['reviewed', world.everyone.id]]);
});

test('a review can be taken back, by another person too, and both are recorded', async () => {
  const id = await insertEnded();
  await review(world.everyone, id);
  expect(await review(world.narrowed, id, false)).toBe('done');
  expect(await review(world.narrowed, id, false)).toBe('already');
  expect((await readRow(id)).reviewed).toBeNull();
  expect(await auditOf(id)).toEqual([
    ['reviewed', world.everyone.id],
    ['review_undone', world.narrowed.id]
  ]);
});

test('for strangers, people narrowed elsewhere and made-up ids there is nothing to review, and nothing is recorded', async () => {
  const id = await insertEnded({ environmentId: world.a2 });
  for (const [person, operation, workspace] of [
    [world.stranger, id, world.a],
    [world.stranger, id, world.b],
    [world.narrowed, id, world.a],
    [world.everyone, id, world.b],
    [world.everyone, 987_654, world.a]
  ] as const) {
    expect(await review(person, operation, true, workspace)).toBe('absent');
    const request = { personId: person.id, workspaceId: workspace, operationId: operation };
    expect(await askAtDoor(people, request, 'operations.review')).toBe('absent');
    expect(await askAtDoor(people, request, 'diagnostics.read')).toBe('absent');
    expect(await openDiagnostics(people, request)).toBeNull();
  }
  expect((await readRow(id)).reviewed).toBeNull();
  expect(await auditOf(id)).toEqual([]);
});

test('inside the scope the role decides: readonly and support may not review, only support opens diagnostics', async () => {
  const operationId = await insertEnded();
  for (const [role, mayReview, mayDiagnose] of [
    ['owner', 'open', 'forbidden'],
    ['manager', 'open', 'forbidden'],
    ['operator', 'open', 'forbidden'],
    ['readonly', 'forbidden', 'forbidden'],
    ['support', 'forbidden', 'open']
  ] as const) {
    const request = { personId: (await makeMember(role)).id, workspaceId: world.a, operationId };
    expect(await askAtDoor(people, request, 'operations.review'), role).toBe(mayReview);
    expect(await askAtDoor(people, request, 'diagnostics.read'), role).toBe(mayDiagnose);
  }
});

test('there is nothing to review in what succeeded, was cancelled or still runs', async () => {
  for (const outcome of ['succeeded', 'cancelled'])
    expect(await review(world.everyone, await insertEnded({ outcome }))).toBe('no follow-up');
  const { rows } = await world.writer.query<{ id: number }>(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status)
     values ($1, $2, 'policy.delete', 'running') returning id`,
    [world.a, world.a1]
  );
  expect(await review(world.everyone, rows[0]!.id)).toBe('no follow-up');
});

test('everyone who watches sees a review and its undoing without a reload', async () => {
  const id = await insertEnded();
  const scope = { workspaceId: world.a, environmentId: world.a1 };
  const client = new TestClient(hub.port, world.narrowed.cookie);
  clients.push(client);
  await client.connected();
  const answer = await client.follow(scope, (await reader.read(world.narrowed, scope))!);
  expect(answer).toMatchObject({ result: 'caught_up' });
  expect(client.rows.get(id)!.reviewed).toBeNull();
  await review(world.everyone, id);
  await vi.waitFor(() => expect(client.rows.get(id)!.reviewed).toMatchObject({ by: 'everyone' }), { timeout: 5_000 });
  await review(world.everyone, id, false);
  await vi.waitFor(() => expect(client.rows.get(id)!.reviewed).toBeNull(), { timeout: 5_000 });
});

test('a row that is being reported is answered with busy at once, and no lock outlives the answer', async () => {
  const id = await insertEnded();
  const writer = await openWriter(database.url);
  try {
    await writer.query('begin');
    await writer.query(`update operation_runs set summary_counts = '{"failed": 3}' where id = $1`, [id]);
    const asked = performance.now();
    expect(await review(world.everyone, id)).toBe('busy');
    expect(performance.now() - asked).toBeLessThan(1_000);
    await writer.query('commit');
    expect(await review(world.everyone, id)).toBe('done');
    await writer.query(`set lock_timeout = '1s'`);
    await writer.query(`update operation_runs set summary_counts = '{"failed": 4}' where id = $1`, [id]);
  } finally {
    await writer.end();
  }
  // A report of the same end leaves the review as it is.
  expect(await readRow(id)).toMatchObject({ counts: { failed: 4 }, reviewed: { by: 'everyone' } });
});

test('a later end of its own opens the follow-up anew, and so does the next operation that fails', async () => {
  const { rows } = await world.owner.query<{ id: number }>(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome, reconciled_at, reconciliation_reason)
     values ($1, $2, 'policy.delete', 'completed', 'failed', now(), 'silent for an hour') returning id`,
    [world.a, world.a1]
  );
  const { id } = rows[0]!;
  await review(world.everyone, id);
  expect(isFollowUpOpen(await readRow(id))).toBe(false);
  await world.writer.query(`update operation_runs set status = 'completed', outcome = 'blocked' where id = $1`, [id]);
  expect(await readRow(id)).toMatchObject({ outcome: 'blocked', reconciledAt: null, reviewed: null });
  expect(isFollowUpOpen(await readRow(id))).toBe(true);
  await review(world.everyone, id);
  expect(isFollowUpOpen(await readRow(await insertEnded()))).toBe(true);
});

test('no writer can review: what a report says of it is dropped', async () => {
  const id = await insertEnded();
  await world.writer.query(`update operation_runs set reviewed_at = now(), reviewer_name = 'Nobody' where id = $1`, [
    id
  ]);
  expect((await readRow(id)).reviewed).toBeNull();
});

test('diagnostics come with a record of who opened them, every digit kept, and no other way leads to them', async () => {
  const support = await makeMember('support');
  const operationId = await insertEnded({ context: '{"request": {"id": 12345678901234567890}, "note": "raw"}' });
  const request = { personId: support.id, workspaceId: world.a, operationId };
  const opened = (await openDiagnostics(people, request))!;
  expect(opened.text).toContain('12345678901234567890');
  expect(opened.text).toContain('\n');
  await openDiagnostics(people, request);
  const { rows } = await world.owner.query<{ kind: string; user_id: number; at: Date }>(
    'select kind, user_id, at from audit_events where operation_id = $1 order by id',
    [operationId]
  );
  expect(rows.map(({ kind, user_id }) => [kind, user_id])).toEqual([
    ['diagnostics_opened', support.id],
    ['diagnostics_opened', support.id]
  ]);
  expect(Math.abs(opened.openedAt - rows[0]!.at.getTime())).toBeLessThan(1_000);
  await expect(people.query('select context from operation_runs')).rejects.toThrow('permission denied');
  await expect(people.query('select * from audit_events')).rejects.toThrow('permission denied');
});
