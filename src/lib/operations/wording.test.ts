/** What rows say: labels of any code, counts of any size, and one sentence for each state that a row can be in. */
import { describe, expect, it } from 'vitest';
import type { OperationRow } from './operation.ts';
import {
  cancellation,
  countsSentence,
  firstReport,
  labelOf,
  resultOf,
  shareOf,
  toInitials,
  toNumber
} from './wording.ts';

const AT = Date.UTC(2026, 10, 23, 8, 14, 0);
const MINUTE = 60_000;
const moment = { at: AT, isFrozen: false, timeZone: 'Europe/Berlin' };

function row(change: Partial<OperationRow> = {}): OperationRow {
  return {
    id: 7,
    revision: 1,
    workspaceId: 3,
    environmentId: 4,
    type: 'inventory.sync',
    status: 'running',
    outcome: 'pending',
    initiator: 'System',
    progress: { processed: null, total: null, phase: null },
    counts: {},
    failure: null,
    cancelledBy: null,
    reconciledAt: null,
    createdAt: AT - 50 * MINUTE,
    startedAt: AT - 49 * MINUTE,
    completedAt: null,
    lastReportedAt: AT - MINUTE,
    staleAt: AT + 9 * MINUTE,
    search: '',
    resolved: null,
    reviewed: null,
    ...change
  };
}
const completed = (outcome: OperationRow['outcome'], change: Partial<OperationRow> = {}) =>
  row({ status: 'completed', outcome, staleAt: null, completedAt: AT, ...change });
const says = (operation: OperationRow) => resultOf(operation, moment).text;

describe('label of a type', () => {
  it('is the catalogue’s where there is one', () => {
    expect(labelOf('inventory.sync', { 'inventory.sync': 'Inventory sync' })).toBe('Inventory sync');
  });
  it.each([
    ['ext.pacs.image_archive.nightly-rollup', 'Ext pacs image archive nightly rollup'],
    ['inventorySync', 'Inventory sync'],
    ['überprüfung.täglich', 'Überprüfung täglich'],
    ['constructor', 'Constructor'],
    ['__proto__', 'Proto'],
    ['...', 'Unnamed operation'],
    ['', 'Unnamed operation']
  ])('is readable for the unknown code %j', (code, label) => {
    expect(labelOf(code, {})).toBe(label);
  });
});

describe('counts in words', () => {
  it.each([
    [{ total: 412, succeeded: 386, failed: 26 }, '386 of 412 succeeded, 26 failed'],
    [{ total: 33, succeeded: 31, failed: 0, skipped: 2 }, '31 of 33 succeeded, 2 skipped'],
    [{ succeeded: 64 }, '64 succeeded'],
    [{ total: 64, succeeded: 64 }, '64 succeeded'],
    [{ processed: 1_310, updated: 4 }, '1,310 processed, 4 updated'],
    [{ processed: 1_000_000, updated: 812_406 }, '1,000,000 processed, 812,406 updated'],
    [{ total: 0, succeeded: 0 }, '0 succeeded'],
    [{ total: 400, processed: 90 }, '90 of 400 processed'],
    [{ total: 12 }, '12 in all'],
    [{ failed: 0 }, '0 failed'],
    [{ processed: 9, created: 1, updated: 2, deleted: 3, failed: 4 }, '9 processed, 1 created, 2 updated']
  ])('are %j: %s', (counts, words) => {
    expect(countsSentence(counts)).toBe(words);
  });
  it('are nothing where nothing was reported', () => {
    expect(countsSentence({})).toBeNull();
  });
});

describe('result of a row', () => {
  it('waits, counts or names its phase while active', () => {
    expect(says(row({ status: 'queued', startedAt: null }))).toBe('Waiting to start');
    const counted = row({ progress: { processed: 3_120, total: 8_400, phase: 'devices' } });
    expect(resultOf(counted, moment)).toEqual({
      text: '3,120 of 8,400',
      aside: 'devices',
      weight: 'plain',
      isCount: true
    });
    expect(says(row({ progress: { processed: null, total: null, phase: 'Collecting evidence' } }))).toBe(
      'Collecting evidence'
    );
    expect(says(row({ progress: { processed: 12, total: null, phase: null } }))).toBe('12 so far, total unknown');
    expect(says(row())).toBe('No counts reported');
  });
  it('says since when nothing was heard, and the limit', () => {
    const silent = row({ lastReportedAt: AT - 47 * MINUTE, staleAt: AT - 37 * MINUTE });
    expect(resultOf(silent, moment)).toMatchObject({ text: 'Silent for 47 min, limit 10 min', weight: 'stale' });
    const waiting = { status: 'queued', createdAt: AT - 86 * MINUTE, lastReportedAt: AT - 86 * MINUTE } as const;
    expect(says(row({ ...waiting, staleAt: AT - 71 * MINUTE }))).toBe('Queued for 1 h 26 m, limit 15 min');
  });
  it('counts no span on without proof', () => {
    const silent = row({ lastReportedAt: AT - 47 * MINUTE, staleAt: AT - 37 * MINUTE });
    expect(resultOf(silent, { ...moment, isFrozen: true }).text).toBe('Silent since 08:27:00, limit 10 min');
  });
  it('gives the reason of what failed or was blocked, else the counts, else says that none was given', () => {
    const failure = { code: 'denied', message: 'Permission is missing' };
    expect(resultOf(completed('failed', { failure }), moment)).toMatchObject({
      text: 'Permission is missing',
      weight: 'strong'
    });
    expect(says(completed('blocked', { failure: { code: 'approval_missing', message: null } }))).toBe(
      'Approval missing'
    );
    expect(says(completed('failed', { counts: { total: 3, succeeded: 0, failed: 3 } }))).toBe(
      '0 of 3 succeeded, 3 failed'
    );
    expect(says(completed('failed'))).toBe('No reason reported');
  });
  it('steps back and says so where a later success or a person closed the follow-up', () => {
    const failure = { code: 'denied', message: 'Permission is missing' };
    const closed = { weight: 'plain', text: 'Permission is missing' };
    const resolved = completed('failed', { failure, resolved: { at: AT, by: 8 } });
    expect(resultOf(resolved, moment)).toMatchObject({ ...closed, aside: 'Resolved' });
    const reviewed = completed('blocked', { failure, reviewed: { at: AT, by: 'Maren Holt' } });
    expect(resultOf(reviewed, moment)).toMatchObject({ ...closed, aside: 'Reviewed' });
  });
  it('counts what partly succeeded, and never claims counts that were not reported', () => {
    expect(says(completed('partially_succeeded', { counts: { total: 9, succeeded: 8, failed: 1 } }))).toBe(
      '8 of 9 succeeded, 1 failed'
    );
    expect(says(completed('partially_succeeded'))).toBe('No counts reported');
    expect(says(completed('succeeded'))).toBe('No counts reported');
  });
  it('names who cancelled, quietly', () => {
    const cancelled = completed('cancelled', {
      cancelledBy: 'Ingrid Vass',
      progress: { processed: 90, total: 400, phase: null }
    });
    expect(resultOf(cancelled, moment)).toMatchObject({
      text: 'Cancelled by Ingrid Vass after 90 of 400',
      weight: 'plain'
    });
    expect(cancellation(completed('cancelled'))).toBe('Cancelled; by whom was not reported');
  });
  it('says that reconciliation ended it', () => {
    expect(says(completed('failed', { reconciledAt: AT }))).toBe('Stopped reporting; ended by reconciliation');
  });
  it('does not invent what is missing', () => {
    expect(says(row({ staleAt: null }))).toBe('Times are missing in the report');
    expect(says(completed('pending'))).toBe('Ended without an outcome');
  });
});

describe('shares of a whole', () => {
  it('stand in order and are named with their numbers', () => {
    expect(shareOf({ total: 400, succeeded: 100, failed: 100, skipped: 0 })).toEqual({
      parts: [
        { key: 'succeeded', from: 0, length: 25 },
        { key: 'failed', from: 25, length: 25 }
      ],
      words: 'Of 400: 100 succeeded, 100 failed, none skipped'
    });
  });
  it('are not drawn without a whole, for an empty one, or where the parts exceed it', () => {
    expect(shareOf({ failed: 3 })).toBeNull();
    expect(shareOf({ total: 0, failed: 0 })).toBeNull();
    expect(shareOf({ total: 2, succeeded: 2, failed: 1 })).toBeNull();
  });
});

describe('small words', () => {
  it('group numbers', () => {
    expect([0, 999, 1_000_000].map(toNumber)).toEqual(['0', '999', '1,000,000']);
  });
  it('take initials from any name', () => {
    expect(['Maren Holt', 'Samuel B. Achterberg-Weissenfels', 'cher', '', '42'].map(toInitials)).toEqual([
      'MH',
      'SW',
      'C',
      '?',
      '4'
    ]);
  });
  it('write the line that reports a first operation', () => {
    expect(firstReport(3, null)).toBe(`insert into operation_runs (workspace_id, type) values (3, 'inventory.sync');`);
    expect(firstReport(3, 4)).toContain('values (3, 4,');
  });
});
