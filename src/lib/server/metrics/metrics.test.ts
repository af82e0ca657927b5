import { afterEach, expect, test, vi } from 'vitest';
import { parseExposition, valueOf } from '../../../../tests/harness/exposition.ts';
import { openCounters, type LiveFigures } from '../live/figures.ts';
import { figuresAsked, signInAnswered, workEnded } from './channels.ts';
import { openMetrics, type Metrics, type MetricsOptions } from './metrics.ts';

const pool = { total: 4, idle: 1, waiting: 2 };
const figures: LiveFigures = {
  ...openCounters(),
  sockets: 5,
  laggardsNow: 1,
  ringBatches: 3,
  ringRows: 40,
  proofAgeMs: 1_500,
  lostLink: null,
  pools: { feed: pool, hub: pool, numbers: pool, lists: pool, returns: pool, access: pool }
};

let closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing) close();
  closing = [];
});

function open(options: Partial<MetricsOptions> = {}): Metrics {
  const metrics = openMetrics({ version: '1.2.3', figures: () => figures, database: () => null, ...options });
  closing.push(() => metrics.close());
  return metrics;
}
async function read(metrics: Metrics): ReturnType<typeof parse> {
  return parse((await metrics.read()).text);
}
const parse = async (text: string): Promise<ReturnType<typeof parseExposition>> => parseExposition(text);

test('the exposition is what a scraper reads, with figures of the hub, of Node and of the build', async () => {
  const metrics = open({ withNode: true });
  const { contentType } = await metrics.read();
  expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  const told = await read(metrics);
  expect(valueOf(told, 'watchfloor_build_info', { version: '1.2.3' })).toBe(1);
  expect(valueOf(told, 'watchfloor_feed_proof_age_seconds')).toBe(1.5);
  expect(valueOf(told, 'watchfloor_sockets')).toBe(5);
  expect(valueOf(told, 'watchfloor_pool_connections', { pool: 'feed', state: 'busy' })).toBe(3);
  expect(valueOf(told, 'watchfloor_pool_waiting', { pool: 'hub' })).toBe(2);
  for (const name of ['nodejs_eventloop_lag_p99_seconds', 'nodejs_heap_size_used_bytes', 'process_cpu_seconds_total'])
    expect(valueOf(told, name), name).toBeTypeOf('number');
  expect(told.has('nodejs_gc_duration_seconds')).toBe(true);
});

test('counters of the hub are its own, however often they are read', async () => {
  let now = figures;
  const metrics = open({ figures: () => now });
  await metrics.read();
  now = {
    ...figures,
    leaked: 2,
    rePolls: 7,
    passes: 90,
    resyncs: { ...figures.resyncs, epoch: 3 },
    laggards: { left: 4, recovered: 2, cut: 1 },
    canary: { returned: 30, lost: 1, lastMs: 2 },
    catchUps: { ring: 6, database: 2, http: 1 },
    denied: 9
  };
  await metrics.read();
  const told = await read(metrics);
  expect(valueOf(told, 'watchfloor_feed_backstop_hits_total')).toBe(2);
  expect(valueOf(told, 'watchfloor_feed_re_polls_total')).toBe(7);
  expect(valueOf(told, 'watchfloor_feed_passes_total')).toBe(90);
  expect(valueOf(told, 'watchfloor_resyncs_total', { reason: 'epoch' })).toBe(3);
  expect(valueOf(told, 'watchfloor_resyncs_total', { reason: 'floor' })).toBe(0);
  expect(valueOf(told, 'watchfloor_laggards_total', { event: 'cut' })).toBe(1);
  expect(valueOf(told, 'watchfloor_canary_lost_total')).toBe(1);
  expect(valueOf(told, 'watchfloor_catch_ups_total', { source: 'ring' })).toBe(6);
  expect(valueOf(told, 'watchfloor_denials_total', { door: 'live' })).toBe(9);
});

test('what is lost is told by its link', async () => {
  for (const lostLink of [null, 'database', 'listener', 'lag'] as const) {
    const told = await read(open({ figures: () => ({ ...figures, lostLink }) }));
    expect(valueOf(told, 'watchfloor_feed_up')).toBe(lostLink === null ? 1 : 0);
    expect(valueOf(told, 'watchfloor_database_up')).toBe(lostLink === 'database' ? 0 : 1);
    for (const link of ['database', 'listener', 'lag'])
      expect(valueOf(told, 'watchfloor_feed_lost', { link })).toBe(link === lostLink ? 1 : 0);
  }
});

test('what is not known is left out, never told as zero', async () => {
  const told = await read(open({ figures: () => null }));
  for (const name of ['watchfloor_feed_proof_age_seconds', 'watchfloor_database_up', 'watchfloor_feed_passes_total'])
    expect(valueOf(told, name), name).toBeUndefined();
  expect(valueOf(told, 'watchfloor_rejected_reports_total')).toBeUndefined();
});

test('the halves of the process tell what they count without knowing each other', async () => {
  const metrics = open();
  closing.push(
    figuresAsked.hear((teller) => {
      teller.pool('pages', { totalCount: 10, idleCount: 0, waitingCount: 3 });
      teller.denials('operations', 4);
    }),
    figuresAsked.hear((teller) => teller.denials('operations', 1))
  );
  signInAnswered.tell({ answer: 'signed in' });
  signInAnswered.tell({ answer: 'refused' });
  signInAnswered.tell({ answer: 'refused' });
  workEnded.tell({ name: 'The sweep of follow-ups', isDone: true });
  workEnded.tell({ name: 'The sweep of follow-ups', isDone: false });
  const told = await read(metrics);
  expect(valueOf(told, 'watchfloor_pool_waiting', { pool: 'pages' })).toBe(3);
  expect(valueOf(told, 'watchfloor_denials_total', { door: 'operations' })).toBe(5);
  expect(valueOf(told, 'watchfloor_sign_ins_total', { answer: 'signed_in' })).toBe(1);
  expect(valueOf(told, 'watchfloor_sign_ins_total', { answer: 'refused' })).toBe(2);
  expect(valueOf(told, 'watchfloor_sign_ins_total', { answer: 'limited' })).toBe(0);
  const task = { task: 'sweep_of_follow_ups' };
  expect(valueOf(told, 'watchfloor_maintenance_total', { ...task, result: 'done' })).toBe(1);
  expect(valueOf(told, 'watchfloor_maintenance_total', { ...task, result: 'failed' })).toBe(1);
  expect(valueOf(told, 'watchfloor_maintenance_last_done_timestamp_seconds', task)).toBeGreaterThan(1e9);
});

test('two servers in one process count for themselves, and a closed one hears nothing more', async () => {
  const [one, other] = [open(), open()];
  one.requestStarted();
  one.requestEnded({ method: 'GET', route: '/login', status: '2xx', seconds: 0.01 });
  expect(valueOf(await read(one), 'watchfloor_http_request_duration_seconds_count')).toBe(1);
  expect(valueOf(await read(other), 'watchfloor_http_request_duration_seconds_count')).toBeUndefined();
  other.close();
  signInAnswered.tell({ answer: 'refused' });
  expect((await other.read()).text.trim()).toBe('');
});

test('the database is asked at most once in ten seconds, and one that does not answer keeps the rest from nobody', async () => {
  let asked = 0;
  const silent = { query: () => (asked++, new Promise(() => {})) };
  const metrics = open({ database: () => silent as never });
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  closing.push(() => void vi.useRealTimers());
  const reading = read(metrics);
  await vi.advanceTimersByTimeAsync(2_000);
  const told = await reading;
  await read(metrics);
  expect(asked).toBe(1);
  expect(valueOf(told, 'watchfloor_change_log_rows')).toBeUndefined();
  expect(valueOf(told, 'watchfloor_sockets')).toBe(5);
});

test('help says more than the name', async () => {
  for (const { name, help } of (await read(open())).values())
    if (name.startsWith('watchfloor_')) expect(help.length, name).toBeGreaterThan(15);
});
