/** A live wall: lists in attention order, numbers, what is adopted when, and what it asks for. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { OperationRow } from '../operations/operation.ts';
import type { Summary, SummaryPlace } from '../operations/summary.ts';
import type { WallData, WallPage } from '../operations/wall-data.ts';
import { LiveWall, REREAD_MS } from './live-wall.ts';
import type { Ports } from './ports.ts';
import type { Subscribe, SubscribeAnswer } from './protocol.ts';
import type { Stamp } from './proof.ts';
import { someRow, someSummary, WORKSPACE } from './simulation/oracle-server.ts';
import type { SocketListener } from './socket.ts';

const MINUTE = 60_000;
let mono = 0;
let data!: WallData;
let stamp!: Stamp;
let drawn = 0;
let listener!: SocketListener;
let question!: Subscribe;
let answer!: (answer: SubscribeAnswer) => void;
let eachSecond = (): void => {};
let frame = (): void => {};
let refreshes = 0;
let wall: LiveWall;

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
  onFrame: (run) => {
    frame = run;
    return () => {};
  },
  onReturn: () => () => {},
  isVisible: () => true,
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

const bad = (id: number, outcome: OperationRow['outcome'], agoMs: number, more: Partial<OperationRow> = {}) => ({
  ...someRow({ id, createdAt: mono - agoMs - MINUTE }),
  environmentId: 1,
  status: 'completed' as const,
  outcome,
  completedAt: mono - agoMs,
  staleAt: null,
  ...more
});
const running = (id: number, more: Partial<OperationRow> = {}): OperationRow => ({
  ...someRow({ id, createdAt: mono - 5 * MINUTE }),
  environmentId: 1,
  status: 'running',
  outcome: 'pending',
  completedAt: null,
  staleAt: mono + 30 * MINUTE,
  ...more
});
const counted = (place: SummaryPlace, at: number, failed: number): Summary => {
  const summary = someSummary({ place, at });
  return { ...summary, counts: { ...summary.counts, failed } };
};
const somePage = (token: string, more: Partial<WallPage> = {}): WallPage => ({
  workspace: { id: WORKSPACE, name: 'W', isDemo: false },
  display: {
    id: 7,
    name: 'NOC',
    layout: 'whole',
    theme: 'dark',
    distanceM: 5,
    diagonalIn: 55,
    rotateSeconds: null,
    zone: 'UTC',
    identifyUntil: null
  },
  seesAllEnvironments: true,
  environments: [{ id: 1, name: 'E', addedAt: 0, hours: [] }],
  hours: [],
  summaries: [counted('itself', mono, 0), counted(1, mono, 1)],
  lists: { active: [], blocked: [], failed: [], stale: [], partial: [] },
  typeLabels: {},
  handOvers: [],
  reloadAskedAt: null,
  token,
  readAt: mono,
  ...more
});
const catchUp = (rows: OperationRow[] = [], summaries = [counted('itself', mono, 0), counted(1, mono, 1)]): void =>
  answer({ result: 'caught_up', generation: 1, rows, removed: [], summaries, token: 't', proofAt: mono, now: mono });
const tell = (...rows: OperationRow[]): void => {
  listener.message({ event: 'rows:changed', body: { rows, removed: [] } });
  frame();
};
const tick = (): void => listener.message({ event: 'feed:ticked', body: { proofAt: mono } });
const second = (): void => {
  mono += 1_000;
  tick();
  eachSecond();
};
const ids = (rows: readonly OperationRow[]): number[] => rows.map(({ id }) => id);

function open(page: WallPage): void {
  [refreshes, drawn] = [0, 0];
  wall = new LiveWall(page, {
    options: { refresh: () => Promise.resolve(void (refreshes += 1)), leave: () => {}, reload: () => {} },
    ports,
    draw: (next) => ((data = next), (drawn += 1)),
    tick: (time) => (stamp = time.stamp)
  });
  wall.start();
  listener.connected();
}

beforeEach(() => {
  mono = 1_790_000_000_000;
  open(
    somePage('page', {
      lists: { active: [running(5)], blocked: [], failed: [bad(1, 'failed', MINUTE)], stale: [], partial: [] }
    })
  );
});

describe('a live wall', () => {
  it('watches the whole scope, with numbers of each environment and a list that only its own page can read', () => {
    expect([question.scope, question.summaries, question.window]).toEqual([
      { workspaceId: WORKSPACE, environmentId: null },
      'environments',
      { kind: 'list', query: 'rows=0' }
    ]);
  });

  it('shows what needs a person worst first, whatever came when', () => {
    catchUp();
    tell(bad(2, 'partially_succeeded', 0), bad(3, 'blocked', 9 * MINUTE), bad(4, 'failed', 2 * MINUTE));
    expect(ids(data.followUps.rows)).toEqual([3, 1, 4, 2]);
    tell(bad(3, 'blocked', 9 * MINUTE, { revision: 9, reviewed: { at: mono, by: 'M' } }));
    expect(ids(data.followUps.rows)).toEqual([1, 4, 2]);
  });

  it('becomes stale by time alone, and stands between failed and partial', () => {
    catchUp([running(6, { staleAt: mono + 5_000 }), bad(2, 'partially_succeeded', 0)]);
    frame();
    expect(ids(data.followUps.rows)).toEqual([1, 2]);
    for (let n = 0; n < 8; n++) second();
    expect(ids(data.followUps.rows)).toEqual([1, 6, 2]);
    expect(ids(data.active.rows)).toContain(6);
  });

  it('counts as new what began within ten minutes, and lets it go by time alone', () => {
    catchUp([bad(2, 'failed', 9.9 * MINUTE), bad(3, 'failed', 11 * MINUTE)]);
    frame();
    expect(ids(data.newProblems)).toEqual([1, 2]);
    for (let n = 0; n < 10; n++) second();
    expect(ids(data.newProblems)).toEqual([1]);
  });

  it('says how many there are in all, by the numbers of its environments', () => {
    catchUp([], [counted('itself', mono, 0), counted(1, mono, 40)]);
    frame();
    expect(data.followUps.total).toBe(
      40 + data.total!.counts.blocked + data.total!.counts.stale + data.total!.counts.partial
    );
    expect(data.environments[0]!.summary!.counts.failed).toBe(40);
  });

  it('draws nothing where nothing changed, and keeps the parts that did not', () => {
    catchUp();
    frame();
    const [before, count] = [data, drawn];
    for (let n = 0; n < 20; n++) second();
    expect(drawn).toBe(count);
    tell(running(5, { revision: 3, progress: { processed: 5, total: 10, phase: null } }));
    expect(data.followUps.rows).toBe(before.followUps.rows);
    expect(data.newProblems).toBe(before.newProblems);
    expect(data.changed.has(5)).toBe(true);
    for (let n = 0; n < 5; n++) second();
    expect(data.changed.size).toBe(0);
  });

  it('knows nothing after a change of access, until a page with the new access says it', () => {
    catchUp();
    tick();
    listener.message({ event: 'access:changed', body: { generation: 2 } });
    expect(data.withheld).toBe(true);
    expect([data.active.rows, data.followUps.rows, data.newProblems]).toEqual([[], [], []]);
    expect([data.total, data.itself, data.active.total, data.environments[0]!.summary]).toEqual([
      null,
      null,
      null,
      null
    ]);
    expect(refreshes).toBe(1);
    wall.adopt(somePage('narrowed', { environments: [] }));
    expect([data.withheld, data.environments.length, data.followUps.rows.length]).toEqual([false, 0, 0]);
  });

  it('keeps a page that was read while live aside until it has been caught up with', () => {
    catchUp();
    tick();
    tell(bad(2, 'failed', 0));
    // Read before that row was there: shown at once it would vanish under a proof that covers it.
    wall.adopt(
      somePage('again', {
        lists: { active: [], blocked: [], failed: [bad(1, 'failed', MINUTE)], stale: [], partial: [] }
      })
    );
    expect(ids(data.followUps.rows)).toEqual([2, 1]);
    expect(question.token).toBe('again');
    catchUp([bad(2, 'failed', 0)]);
    frame();
    expect(ids(data.followUps.rows)).toEqual([2, 1]);
  });

  it('takes settings and notes of a page at once, and drops a note at its end', () => {
    catchUp();
    tick();
    const note = { text: 'Until six.', by: 'M', setAt: mono, endsAt: mono + 3_000 };
    wall.adopt(somePage('again', { display: { ...data.display, name: 'New name' }, handOvers: [note] }));
    expect([data.display.name, data.handOvers]).toEqual(['New name', [note]]);
    catchUp();
    for (let n = 0; n < 4; n++) second();
    expect(data.handOvers).toEqual([]);
  });

  it('reads its page again each minute while it is connected, once for all reasons', () => {
    catchUp();
    for (let n = 0; n < 30; n++) second();
    expect(refreshes).toBe(0);
    for (let n = 30; n <= REREAD_MS / 1_000; n++) second();
    expect(refreshes).toBe(1);
  });

  it('after a burst it is told to read its page again, and does', () => {
    catchUp();
    tick();
    listener.message({ event: 'resync:required', body: { reason: 'behind' } });
    expect(refreshes).toBe(1);
  });

  it('is never live without a proof, however long nothing comes, and remembers no more than its lists hold', () => {
    catchUp();
    tick();
    expect(stamp.state).toBe('live');
    expect(wall.provenAt).toBe(mono);
    for (let n = 1; n < 400; n++) tell(bad(1_000 + n, 'failed', 0), running(10_000 + n));
    expect(data.followUps.rows.length).toBeLessThanOrEqual(25);
    expect(data.active.rows.length).toBeLessThanOrEqual(25);
    expect(data.newProblems.length).toBeLessThanOrEqual(200);
    mono += 70_000;
    eachSecond();
    expect(stamp.state).not.toBe('live');
  });
});
