/** The next step of a detail page by policy and state, what was harmed, and the word on the follow-up. */
import { describe, expect, it } from 'vitest';
import { followUpWord, impactOf, nextStepOf, reviewOf, type Around, type Piece } from './decision.ts';
import type { OperationRow } from './operation.ts';

const AT = Date.UTC(2026, 10, 23, 8, 14, 0);
const MINUTE = 60_000;
const moment = { at: AT, isFrozen: false, timeZone: 'UTC' };
const failed: OperationRow = {
  id: 4_700,
  revision: 3,
  workspaceId: 3,
  environmentId: 4,
  type: 'policy.export',
  status: 'completed',
  outcome: 'failed',
  initiator: 'System',
  progress: { processed: null, total: null, phase: null },
  counts: {},
  failure: { code: 'denied', message: 'Permission is missing' },
  cancelledBy: null,
  reconciledAt: null,
  createdAt: AT - 20 * MINUTE,
  startedAt: AT - 20 * MINUTE,
  completedAt: AT - 10 * MINUTE,
  lastReportedAt: AT - 10 * MINUTE,
  staleAt: null,
  search: '',
  resolved: null,
  reviewed: null
};
const running: OperationRow = {
  ...failed,
  status: 'running',
  outcome: 'pending',
  failure: null,
  completedAt: null,
  staleAt: AT + MINUTE
};
const resolved = { at: AT - 7 * MINUTE, by: 4_711 };
const reviewed = { at: AT - 8 * MINUTE, by: 'Maren Holt' };
const around: Around = {
  workspace: { id: 3, name: 'Halden & Roy', isDemo: false },
  environment: { id: 4, name: 'Brightwater Clinics' },
  typeLabel: 'Policy export',
  followUpPolicy: 'repeatable',
  later: null,
  source: null
};
const text = (pieces: Piece[]) => pieces.map((piece) => (typeof piece === 'string' ? piece : piece.words)).join('');
const next = (row: OperationRow, more: Partial<Around> = {}) => text(nextStepOf(row, { ...around, ...more }, moment));
const later = (change: Partial<OperationRow>): OperationRow => ({ ...failed, id: 4_720, ...change });

describe('the next step', () => {
  it('of an open follow-up is the next success here, by policy also of what makes an artifact', () => {
    const words = 'The next success of Policy export in Brightwater Clinics resolves this follow-up.';
    expect(next(failed)).toBe(words);
    expect(next(failed, { followUpPolicy: 'artifact' })).toBe(words);
    expect(next({ ...failed, outcome: 'blocked', reconciledAt: AT })).toBe(words);
    expect(next({ ...failed, environmentId: null }, { environment: null })).toBe(
      'The next success of Policy export in Halden & Roy itself resolves this follow-up.'
    );
  });
  it('is a person where no success can tell that it is mended', () => {
    expect(next(failed, { followUpPolicy: 'manual_review' })).toBe('A person has to look at it and mark it reviewed.');
  });
  it('of a closed follow-up says by what or whom, how much later, and leads there', () => {
    expect(next({ ...failed, resolved })).toBe('Resolved by operation 4711, 3 m 00 s later.');
    expect(nextStepOf({ ...failed, resolved }, around, moment)).toContainEqual({
      words: 'operation 4711',
      href: '/admin/workspaces/3/operations/4711'
    });
    expect(next({ ...failed, reviewed })).toBe('Reviewed by Maren Holt at 08:06:00.');
    expect(next({ ...failed, resolved, reviewed })).toBe(
      'Reviewed by Maren Holt at 08:06:00. Resolved by operation 4711, 3 m 00 s later.'
    );
  });
  it('of work under way is nothing, and of silent work is to look where it is reported', () => {
    expect(next(running)).toBe('Nothing to do while it runs.');
    expect(next({ ...running, status: 'queued', startedAt: null })).toBe('Nothing to do while it waits.');
    const silent = { ...running, staleAt: AT - MINUTE };
    expect(next(silent)).toBe('Check in the reporting system whether it still runs, before it is started again.');
    expect(next(silent, { source: 'jobqueue-eu-2' })).toContain('Check in jobqueue-eu-2');
    expect(next({ ...running, staleAt: null })).toBe('Check in the reporting system whether it still runs.');
  });
  it('of a success or a cancellation is nothing', () => {
    expect(next({ ...failed, outcome: 'succeeded' })).toBe('Nothing to do.');
    expect(next({ ...failed, outcome: 'cancelled' })).toContain('leaves no follow-up');
  });
  it('names a later failure also beside a success, and anything later while somebody waits', () => {
    const worse = later({ completedAt: AT - MINUTE });
    expect(next({ ...failed, outcome: 'succeeded' }, { later: worse })).toBe(
      'Nothing to do. A later one, operation 4720, failed at 08:13:00.'
    );
    expect(next({ ...failed, resolved }, { later: worse })).toContain('A later one, operation 4720, failed');
    const started = later({ status: 'running', outcome: 'pending', completedAt: null, startedAt: AT - 2 * MINUTE });
    expect(next(failed, { later: started })).toContain('A later one, operation 4720, was started at 08:12:00.');
    expect(next({ ...running, staleAt: AT - 1 }, { later: started })).toContain('operation 4720, was started');
    expect(next({ ...failed, outcome: 'succeeded' }, { later: started })).toBe('Nothing to do.');
    expect(next({ ...failed, resolved }, { later: later({ id: 4_711 }) })).toBe(
      'Resolved by operation 4711, 3 m 00 s later.'
    );
  });
});

describe('the word on the follow-up', () => {
  it('is there only where something had to be followed up', () => {
    expect(followUpWord(running)).toBeNull();
    expect(followUpWord({ ...failed, outcome: 'succeeded' })).toBeNull();
    expect(followUpWord({ ...failed, outcome: 'cancelled' })).toBeNull();
    expect(followUpWord(failed)).toBe('Follow-up open');
    expect(followUpWord({ ...failed, reviewed })).toBe('Reviewed');
    expect(followUpWord({ ...failed, resolved, reviewed })).toBe('Follow-up resolved');
  });
});

describe('the impact', () => {
  const of = (counts: OperationRow['counts'], change: Partial<OperationRow> = {}) =>
    impactOf({ ...failed, ...change, counts }, moment);
  it('says what was lost before what was done', () => {
    expect(of({ total: 412, processed: 37, succeeded: 0, failed: 37, skipped: 375 })).toBe(
      'None of 412 succeeded: 37 failed, 375 skipped.'
    );
    expect(of({ total: 412, processed: 412, succeeded: 386, failed: 26 })).toBe('Of 412, 26 failed; 386 succeeded.');
    expect(of({ total: 412, processed: 100 })).toBe('Of 412, 312 not processed.');
  });
  it('of what was not counted is not known, never none', () => {
    expect(of({})).toBe('Not known: no counts were reported.');
    expect(of({}, { reconciledAt: AT })).toBe('Not known: it stopped reporting before it ended.');
    expect(impactOf({ ...running, staleAt: AT - 1 }, moment)).toBe('Not known while it is silent.');
  });
  it('of a success or of work under way is what was reported', () => {
    expect(of({ succeeded: 64 }, { outcome: 'succeeded' })).toBe('None reported: 64 succeeded.');
    expect(impactOf({ ...running, counts: { failed: 2 } }, moment)).toBe('2 failed so far.');
  });
});

describe('the review', () => {
  const of = (row: OperationRow, mayReview = true, followUpPolicy: Around['followUpPolicy'] = 'repeatable') =>
    reviewOf(row, { mayReview, followUpPolicy }, moment);
  it('is offered to who may, while the follow-up is open', () => {
    expect(of(failed)).toEqual({
      text: 'Not reviewed. Mark it reviewed to close the follow-up before a success does; status and outcome stay as they are.',
      action: 'review'
    });
    expect(of(failed, true, 'manual_review')!.text).not.toContain('before a success');
  });
  it('says who can, to who may not', () => {
    expect(of(failed, false)).toEqual({
      text: 'Not reviewed. Owners, managers and operators of this workspace can mark it reviewed.',
      action: null
    });
  });
  it('shows who and when, and can be undone by who may', () => {
    expect(of({ ...failed, reviewed })).toEqual({
      text: 'Reviewed by Maren Holt at 08:06:00. Status and outcome stayed as they were.',
      action: 'undo'
    });
    expect(of({ ...failed, reviewed }, false)!.action).toBeNull();
  });
  it('is not asked for where a success resolved it, or where nothing has to be followed up', () => {
    expect(of({ ...failed, resolved })).toMatchObject({ action: null });
    expect(of(running)).toBeNull();
    expect(of({ ...failed, outcome: 'cancelled' })).toBeNull();
  });
});
