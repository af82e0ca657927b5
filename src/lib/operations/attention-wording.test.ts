/** The decision and the queue in words: reason, impact and since when, never more certain than what was reported. */
import { describe, expect, it } from 'vitest';
import { decisionOf, impactOf, newestOf, queueLineOf, queueLinesOf } from './attention-wording.ts';
import type { OperationRow } from './operation.ts';

const AT = Date.UTC(2026, 10, 23, 8, 14, 0);
const MINUTE = 60_000;
const moment = { at: AT, isFrozen: false, timeZone: 'Europe/Berlin' };
const frozen = { ...moment, isFrozen: true };

function row(change: Partial<OperationRow> = {}): OperationRow {
  return {
    id: 7,
    revision: 1,
    workspaceId: 3,
    environmentId: 4,
    type: 'restore.execute',
    status: 'completed',
    outcome: 'blocked',
    initiator: 'Devi Raman',
    progress: { processed: null, total: null, phase: null },
    counts: {},
    failure: { code: 'approval_missing', message: 'Approval CW-2219 is missing' },
    cancelledBy: null,
    reconciledAt: null,
    createdAt: AT - 80 * MINUTE,
    startedAt: AT - 79 * MINUTE,
    completedAt: AT - 71 * MINUTE,
    lastReportedAt: AT - 71 * MINUTE,
    staleAt: null,
    search: '',
    resolved: null,
    reviewed: null,
    ...change
  };
}
const silent = (change: Partial<OperationRow> = {}) =>
  row({
    status: 'running',
    outcome: 'pending',
    failure: null,
    completedAt: null,
    lastReportedAt: AT - 47 * MINUTE,
    staleAt: AT - 37 * MINUTE,
    progress: { processed: 1_104, total: 3_200, phase: null },
    ...change
  });
const facts = (operation: OperationRow, at = moment) =>
  Object.fromEntries(
    decisionOf({ row: operation, count: 1 }, 'Brightwater Clinics', at).facts.map(({ name, value }) => [name, value])
  );

describe('the decision', () => {
  it('is headed by the reason, then says impact, where, since when and who', () => {
    const decision = decisionOf(
      { row: row({ counts: { total: 148, processed: 0 } }), count: 1 },
      'Brightwater',
      moment
    );
    expect(decision).toMatchObject({ kind: 'blocked', statement: 'Approval CW-2219 is missing.' });
    expect(facts(row({ counts: { total: 148, processed: 0 } }))).toEqual({
      Impact: '148 not processed',
      Environment: 'Brightwater Clinics',
      'Blocked since': '08:03:00, for 1 h 11 m',
      'Started by': 'Devi Raman'
    });
  });
  it('of silent work gives the last that it proved of itself', () => {
    const decision = decisionOf({ row: silent(), count: 1 }, null, moment);
    expect(decision.statement).toBe('Nothing reported for 47 min; the limit is 10 min.');
    expect(facts(silent())).toMatchObject({
      'Last proof': '1,104 of 3,200',
      'Silent since': '08:27:00, for 47 min'
    });
    expect(facts(silent({ progress: { processed: null, total: null, phase: 'Composing' } }))['Last proof']).toBe(
      'Composing'
    );
    expect(facts(silent({ progress: { processed: null, total: null, phase: null } }))['Last proof']).toBe(
      'No counts reported'
    );
    const queued = silent({
      status: 'queued',
      startedAt: null,
      progress: { processed: null, total: null, phase: null }
    });
    expect(facts(queued)).toMatchObject({ 'Last proof': 'Queued, not started', 'Queued since': expect.any(String) });
  });
  it('of a partial one has the counts as headline, so the reason is a fact', () => {
    const partial = row({ outcome: 'partially_succeeded', counts: { total: 412, succeeded: 386, failed: 26 } });
    expect(decisionOf({ row: partial, count: 1 }, null, moment).statement).toBe('386 of 412 succeeded, 26 failed.');
    expect(facts(partial)).toMatchObject({ Reason: 'Approval CW-2219 is missing', 'Open since': expect.any(String) });
  });
  it('lets no span grow without proof', () => {
    expect(facts(row(), frozen)['Blocked since']).toBe('08:03:00');
    expect(facts(silent(), frozen)['Silent since']).toBe('08:27:00');
  });
  it('says that an operation is of the workspace itself', () => {
    expect(decisionOf({ row: row(), count: 1 }, null, moment).facts[1]?.value).toBe('None, of the workspace');
  });
});

describe('impact', () => {
  it.each([
    [{ total: 412, succeeded: 386, failed: 26 }, '26 of 412 failed'],
    [{ failed: 3 }, '3 failed'],
    [{ total: 10, failed: 10 }, '10 failed'],
    [{ total: 33, succeeded: 31, failed: 1, skipped: 1 }, '1 of 33 failed, 1 skipped'],
    [{ total: 400, processed: 90 }, '310 of 400 not processed'],
    [{ total: 12 }, '12 in all'],
    [{ total: 5, succeeded: 5 }, '5 succeeded'],
    [{}, 'No counts reported']
  ])('of %j is: %s', (counts, words) => {
    expect(impactOf({ counts, outcome: 'failed', failure: null })).toBe(words);
  });
});

describe('a line of the queue', () => {
  it('gives the reason, where it is, and the age of the newest', () => {
    expect(queueLineOf({ row: row(), count: 1 }, 'Brightwater Clinics', moment)).toMatchObject({
      kind: 'blocked',
      where: 'Brightwater Clinics',
      reason: 'Approval CW-2219 is missing',
      age: '1 h'
    });
  });
  it('of several of one cause names no environment: they may be of several', () => {
    expect(queueLineOf({ row: row(), count: 6 }, 'Brightwater Clinics', moment).where).toBeNull();
  });
  it('of a stale one is as old as it is stale', () => {
    expect(queueLineOf({ row: silent(), count: 1 }, null, moment).age).toBe('37 min');
  });
  it('has a time in place of an age without proof', () => {
    expect(queueLineOf({ row: row(), count: 1 }, null, frozen).age).toBe('since 08:03');
  });
  it('stays the same line when its newest operation changes, and is another for another cause', () => {
    const key = (operation: OperationRow) => queueLineOf({ row: operation, count: 2 }, null, moment).key;
    expect(key(row({ id: 9 }))).toBe(key(row({ id: 8 })));
    expect(key(row({ failure: { code: 'locked', message: null } }))).not.toBe(key(row()));
    expect(key(row({ type: 'policy.sync' }))).not.toBe(key(row()));
  });
});

describe('the lines of the queue', () => {
  it('never share a key, also where what told two groups apart has passed', () => {
    const groups = [silent({ id: 9 }), silent({ id: 8 }), row()].map((one) => ({ row: one, count: 1 }));
    const keys = queueLinesOf(groups, () => null, moment).map(({ key }) => key);
    expect(new Set(keys).size).toBe(3);
  });
});

describe('the note of a number', () => {
  const groups = [
    { row: row(), count: 1 },
    { row: row({ outcome: 'failed', completedAt: AT - 3 * MINUTE }), count: 6 },
    { row: row({ outcome: 'failed', completedAt: AT - 9 * MINUTE }), count: 1 }
  ];
  it('is the age of the newest of its kind', () => {
    expect(newestOf(groups, 'failed', moment)).toBe('newest 3 min');
  });
  it('is left out where the groups do not reach, and without proof', () => {
    expect(newestOf(groups, 'partial', moment)).toBeNull();
    expect(newestOf(groups, 'failed', frozen)).toBeNull();
  });
});
