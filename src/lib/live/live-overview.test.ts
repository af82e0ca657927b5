/** A live overview: the newest numbers of each environment, and what it asks for. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { OverviewPage } from '../operations/pages.ts';
import type { Summary, SummaryPlace } from '../operations/summary.ts';
import { LiveOverview, REREAD_MS, type OverviewView } from './live-overview.ts';
import type { Ports } from './ports.ts';
import type { Subscribe, SubscribeAnswer } from './protocol.ts';
import { someRow, someSummary, WORKSPACE } from './simulation/oracle-server.ts';
import type { SocketListener } from './socket.ts';

let mono = 0;
let view!: OverviewView;
let listener!: SocketListener;
let question!: Subscribe;
let answer!: (answer: SubscribeAnswer) => void;
let eachSecond = (): void => {};
let refreshes = 0;
let isVisible = true;
let overview: LiveOverview;

const ports: Ports = {
  moment: () => ({ mono, wall: mono }),
  random: () => 0,
  after: (ms, run) => {
    if (ms === 0) run();
    return () => {};
  },
  everySecond: (run) => {
    eachSecond = run;
    return () => {};
  },
  onFrame: () => () => {},
  onReturn: () => () => {},
  isVisible: () => isVisible,
  openSocket: (to) => {
    listener = to;
    return {
      subscribe: (message, answered) => ([question, answer] = [message, answered]),
      clock: () => {},
      close: () => {}
    };
  },
  warn: () => {}
};
const counted = (place: SummaryPlace, at: number, failed: number): Summary => {
  const summary = someSummary({ place, at });
  return { ...summary, counts: { ...summary.counts, failed } };
};
const somePage = (token: string, readAt: number, summaries: Summary[], workspaceId = WORKSPACE): OverviewPage => ({
  workspace: { id: workspaceId, name: 'W', isDemo: false },
  environments: [{ id: 1, name: 'E', addedAt: 0, hours: [] }],
  ownHours: [],
  summaries,
  typeLabels: {},
  token,
  readAt
});
const failed = (place: SummaryPlace): number | undefined => view.summaries.get(place)?.counts.failed;
const catchUp = (summaries: Summary[], at: number): void =>
  answer({ result: 'caught_up', generation: 1, rows: [], removed: [], summaries, token: 't', proofAt: at, now: at });
const tell = (summary: Summary): void => listener.message({ event: 'summary:changed', body: { summary } });

beforeEach(() => {
  [mono, refreshes, isVisible] = [1_000_000, 0, true];
  overview = new LiveOverview(somePage('page', mono, [counted('itself', 1, 0), counted(1, 1, 3)]), {
    options: { refresh: () => Promise.resolve(void (refreshes += 1)), leave: () => {}, reload: () => {} },
    ports,
    draw: (next) => (view = next),
    tick: () => {}
  });
  overview.start();
  listener.connected();
});

describe('a live overview', () => {
  it('watches the whole workspace, with the numbers of each environment', () => {
    expect([question.scope, question.summaries]).toEqual([
      { workspaceId: WORKSPACE, environmentId: null },
      'environments'
    ]);
  });

  it('shows the newest numbers of each environment, also those that came before the answer', () => {
    expect(failed(1)).toBe(3);
    tell(counted(1, 20, 7));
    expect(failed(1)).toBe(3);
    catchUp([counted('itself', 10, 1), counted(1, 10, 4)], mono);
    expect([failed('itself'), failed(1)]).toEqual([1, 7]);
    tell(counted(1, 15, 5));
    expect(failed(1)).toBe(7);
    tell(counted(2, 30, 9));
    expect(failed(2)).toBe(9);
  });

  it('keeps of rows only that something was reported', () => {
    catchUp([counted(1, 10, 4)], mono);
    const rows = [someRow({ id: 1, environmentId: 1, lastReportedAt: mono })];
    listener.message({ event: 'rows:changed', body: { rows, removed: [] } });
    expect([view.summaries.get(1)?.lastReportAt, failed(1)]).toEqual([mono, 4]);
  });

  it('withholds everything when access changes, until a page read with the new access comes', () => {
    catchUp([counted(1, 10, 4)], mono);
    listener.message({ event: 'access:changed', body: { generation: 2 } });
    expect([view.withheld, view.summaries.size]).toEqual([true, 0]);
    overview.adopt(somePage('new', mono, [counted(1, 5, 2)]));
    expect([view.withheld, failed(1)]).toEqual([false, 2]);
  });

  it('does not go back to older numbers with a page that raced, and compares nothing with another workspace', () => {
    catchUp([counted(1, 10, 4)], mono);
    overview.adopt(somePage('raced', mono, [counted('itself', 5, 0), counted(1, 5, 2)]));
    expect(failed(1)).toBe(4);
    overview.adopt(somePage('other', mono, [counted(1, 5, 2)], 2));
    expect(failed(1)).toBe(2);
    // It has a socket of its own: what is under way on the old one is of the other workspace.
    listener.connected();
    expect(question.scope.workspaceId).toBe(2);
  });

  it('reads its page again every minute, for the hours, while somebody looks', () => {
    catchUp([counted(1, 10, 4)], mono);
    const tick = (): void => {
      mono += 1_000;
      listener.message({ event: 'feed:ticked', body: { proofAt: mono } });
      eachSecond();
    };
    isVisible = false;
    for (let n = 0; n * 1_000 <= REREAD_MS; n++) tick();
    expect(refreshes).toBe(0);
    isVisible = true;
    tick();
    expect(refreshes).toBe(1);
  });
});
