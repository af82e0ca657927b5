/** Numbers of units: which of two counts, what purging leaves, and when something was last reported. */
import { describe, expect, it } from 'vitest';
import { someRow, someSummary } from './simulation/oracle-server.ts';
import { SummaryKeeper } from './summary-keeper.ts';

const NOW = 1_000_000;
const counted = (place: 'workspace' | 'itself' | number, at: number, active: number) => {
  const summary = someSummary({ place, at });
  return { ...summary, counts: { ...summary.counts, active } };
};
const active = (keeper: SummaryKeeper): number | undefined => keeper.merged?.counts.active;

describe('the numbers of a scope', () => {
  it('add up its units, and are the same object while nothing moves', () => {
    const keeper = new SummaryKeeper([counted('itself', 10, 1), counted(1, 10, 2)], 'scope');
    const { merged } = keeper;
    expect([merged?.counts.active, keeper.merged === merged]).toEqual([3, true]);
    keeper.take(counted(1, 20, 5), NOW);
    expect(active(keeper)).toBe(6);
  });

  it('of one unit the newer counts, told or of a page; an answer of the hub replaces them', () => {
    const keeper = new SummaryKeeper([counted('workspace', 20, 2)], 'scope');
    keeper.take(counted('workspace', 10, 1), NOW);
    keeper.adopt([counted('workspace', 15, 3)], NOW);
    expect(active(keeper)).toBe(2);
    keeper.adopt([counted('workspace', 30, 3)], NOW);
    expect(active(keeper)).toBe(3);
    keeper.replace([counted('workspace', 25, 4)]);
    expect(active(keeper)).toBe(4);
  });

  it('keep how talkative a source is when a page, which does not read it, is adopted', () => {
    const keeper = new SummaryKeeper([{ ...counted('workspace', 20, 2), silentAfterMs: 600_000 }], 'scope');
    keeper.adopt([{ ...counted('workspace', 30, 3), silentAfterMs: null }], NOW);
    expect([active(keeper), keeper.merged?.silentAfterMs]).toEqual([3, 600_000]);
  });

  it('do not stand still because the database set its clock back', () => {
    const keeper = new SummaryKeeper([counted('workspace', NOW + 3_600_000, 2)], 'scope');
    keeper.take(counted('workspace', NOW, 1), NOW);
    expect(active(keeper)).toBe(1);
  });

  it('are unknown after a change of access, whatever is told before the next page', () => {
    const keeper = new SummaryKeeper([counted('workspace', 20, 2)], 'scope');
    keeper.purge();
    keeper.take(counted('workspace', 30, 3), NOW);
    keeper.hear([someRow({ id: 1 })]);
    expect([keeper.merged, keeper.byPlace]).toEqual([null, null]);
    keeper.adopt([counted('workspace', 10, 1)], NOW);
    expect(active(keeper)).toBe(1);
  });

  it('are not compared with those of another epoch', () => {
    const keeper = new SummaryKeeper([counted('workspace', 20, 2)], 'scope');
    keeper.setApart();
    expect(active(keeper)).toBe(2);
    keeper.adopt([counted('workspace', 10, 1)], NOW);
    expect(active(keeper)).toBe(1);
  });

  it('never count a unit that was not joined into a scope, but an overview takes new environments', () => {
    const scope = new SummaryKeeper([counted('workspace', 10, 1)], 'scope');
    const overview = new SummaryKeeper([counted('itself', 10, 1)], 'environments');
    for (const keeper of [scope, overview]) keeper.take(counted(7, 20, 5), NOW);
    expect([active(scope), overview.byPlace?.get(7)?.counts.active]).toEqual([1, 5]);
  });

  it('say that something was reported as soon as any row says so, so that no source is wrongly called silent', () => {
    const keeper = new SummaryKeeper([someSummary({ place: 'itself' }), someSummary({ place: 1 })], 'scope');
    keeper.hear([someRow({ id: 1, environmentId: 1, lastReportedAt: 50_000 })]);
    expect([keeper.byPlace?.get(1)?.lastReportAt, keeper.byPlace?.get('itself')?.lastReportAt]).toEqual([50_000, null]);
    // Numbers read before that report do not take it back.
    keeper.take(someSummary({ place: 1, at: 60_000, lastReportAt: 40_000 }), NOW);
    expect(keeper.merged?.lastReportAt).toBe(50_000);
    const { merged } = keeper;
    keeper.hear([someRow({ id: 1, environmentId: 1, lastReportedAt: 50_900 })]);
    expect(keeper.merged).toBe(merged);
  });
});
