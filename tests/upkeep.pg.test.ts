/** What nodes keep up to date beside serving: which follow-ups are resolved, and what filters offer. */
import { EventEmitter } from 'node:events';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openPool, withTransaction } from '../src/lib/server/database/pool.ts';
import { openFeed, type Feed, type FeedEvents } from '../src/lib/server/live/feed.ts';
import { openWakeUp, type WakeUp } from '../src/lib/server/live/wake-up.ts';
import { openFollowUpSweep } from '../src/lib/server/reports/follow-up-sweep.ts';
import { openMaintenance } from '../src/lib/server/reports/maintenance.ts';
import { openOptionsKeeper } from '../src/lib/server/reports/options-keeper.ts';
import type { Repeating } from '../src/lib/server/reports/repeat.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';

let database: TestDatabase;
let superuser: pg.Pool;
let owner: pg.Pool;
let writer: pg.Pool;
let feedPool: pg.Pool;
let wakeUp: WakeUp;
let feed: Feed;
let part: Repeating | null = null;
let place: { workspace: number; environment: number; other: number };
const log = { info: vi.fn<(line: string) => void>(), warn: vi.fn<(line: string) => void>() };

beforeAll(async () => {
  database = await createDatabase();
  superuser = openPool({ url: database.url, role: null, max: 1, applicationName: 'tests' });
  owner = openPool({ url: database.url, role: 'owner', max: 3, applicationName: 'tests' });
  writer = openPool({ url: database.url, role: 'writer', max: 3, applicationName: 'tests' });
  feedPool = openPool({ url: database.url, role: 'feed', max: 2, applicationName: 'tests' });
  wakeUp = openWakeUp({ url: database.url, pool: feedPool });
  feed = openFeed({ db: feedPool, wakeUp });
});

beforeEach(async () => {
  await owner.query('delete from public.operation_runs');
  await owner.query('truncate watchfloor.successes, watchfloor.facets');
  const [workspace] = await read<{ id: number }>(`insert into public.workspaces (name) values ('North') returning id`);
  const environments = await read<{ id: number }>(
    `insert into public.managed_environments (workspace_id, name) values ($1, 'A'), ($1, 'B') returning id`,
    [workspace!.id]
  );
  place = { workspace: workspace!.id, environment: environments[0]!.id, other: environments[1]!.id };
  log.warn.mockClear();
});

afterEach(async () => {
  await part?.close();
  part = null;
});

afterAll(async () => {
  await feed?.close();
  await wakeUp?.close();
  for (const pool of [feedPool, writer, owner, superuser]) await pool?.end();
  await database?.drop();
});

async function read<T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> {
  return (await owner.query<T>(sql, values)).rows;
}

async function report(
  outcome: string,
  { type = 'policy.sync', environment = place.environment, initiator = 'System' }: Partial<Report> = {}
): Promise<number> {
  const { rows } = await writer.query<{ id: number }>(
    `insert into public.operation_runs (workspace_id, managed_environment_id, type, status, outcome, initiator_name)
     values ($1, $2, $3, 'completed', $4, $5) returning id`,
    [place.workspace, environment, type, outcome, initiator]
  );
  return rows[0]!.id;
}

interface Report {
  type: string;
  environment: number | null;
  initiator: string;
}

/** Connections of the parts under test, maybe with what they do. */
async function readActivity(state: 'state' | '' = ''): Promise<unknown[]> {
  const { rows } = await superuser.query(
    `select application_name${state && ', state'} from pg_stat_activity
     where application_name like 'watchfloor %' and application_name <> 'watchfloor listener' and datname = current_database()`
  );
  return rows;
}

const until = (check: () => Promise<void>): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 10 });

/** A feed that says what a test wants it to say. */
function openTold(): { events: EventEmitter<FeedEvents>; overflow(): void } {
  const events = new EventEmitter<FeedEvents>();
  return {
    events,
    overflow: () =>
      void events.emit('passed', {
        operations: [],
        isOverflow: true,
        isTruncated: false
      } as unknown as FeedEvents['passed'][0])
  };
}

describe('the sweep of follow-ups', () => {
  const readResolved = async (id: number): Promise<{ by: number | null; at: boolean }> =>
    (
      await read<{ by: number | null; at: boolean }>(
        `select c.resolved_by as by, c.resolved_at = s.completed_at as at
         from public.operation_runs c left join public.operation_runs s on s.id = c.resolved_by where c.id = $1`,
        [id]
      )
    )[0]!;

  it('writes down by which later success a follow-up was resolved, and leaves the rest open', async () => {
    const failed = await report('failed');
    const blocked = await report('blocked');
    const others = [
      await report('failed', { environment: place.other }),
      await report('failed', { environment: null }),
      await report('failed', { type: 'inventory.sync' }),
      await report('failed', { type: 'restore.execute' })
    ];
    const success = await report('succeeded');
    const later = await report('failed');
    await report('succeeded', { type: 'restore.execute' });
    part = openFollowUpSweep({ url: database.url, log, feed, everyMs: 5 });
    await until(async () => expect(await readResolved(failed)).toEqual({ by: success, at: true }));
    expect(await readResolved(blocked)).toEqual({ by: success, at: true });
    for (const id of [...others, later]) expect((await readResolved(id)).by).toBeNull();
    expect(log.warn).not.toHaveBeenCalled();
  });

  it('runs soon after the feed has told of a success, and else only now and then', async () => {
    part = openFollowUpSweep({ url: database.url, log, feed, everyMs: 5, atLeastEveryMs: 3_600_000 });
    // The first run is over once its connection waits for the next.
    await until(async () =>
      expect(await readActivity('state')).toEqual([{ application_name: 'watchfloor sweep', state: 'idle' }])
    );
    const failed = await report('failed');
    const success = await report('succeeded');
    await until(async () => expect((await readResolved(failed)).by).toBe(success));
  });

  it('does without a feed', async () => {
    part = openFollowUpSweep({ url: database.url, log, everyMs: 5, atLeastEveryMs: 20 });
    const failed = await report('partially_succeeded');
    const success = await report('succeeded');
    await until(async () => expect((await readResolved(failed)).by).toBe(success));
  });

  it('passes by what somebody reports on at this moment, and comes back for it', async () => {
    const [busy, free] = [await report('failed'), await report('failed')];
    await withTransaction(owner, '', async (client) => {
      await client.query('select from public.operation_runs where id = $1 for update', [busy]);
      await report('succeeded');
      part = openFollowUpSweep({ url: database.url, log, everyMs: 5, atLeastEveryMs: 20 });
      await until(async () => expect((await readResolved(free)).by).not.toBeNull());
      expect((await readResolved(busy)).by).toBeNull();
    });
    await until(async () => expect((await readResolved(busy)).by).not.toBeNull());
    expect(log.warn).not.toHaveBeenCalled();
  });
});

describe('the keeper of options', () => {
  const readOptions = async (): Promise<Record<string, string[]>> => {
    const rows = await read<{ place: string; value: string }>(
      `select case place_id when 0 then 'itself' when $2 then 'A' when $3 then 'B' else 'elsewhere' end || ' ' || kind as place, value
       from watchfloor.facets where workspace_id = $1 order by 1, value`,
      [place.workspace, place.environment, place.other]
    );
    const options: Record<string, string[]> = {};
    for (const { place: where, value } of rows) (options[where] ??= []).push(value);
    return options;
  };

  it('finds what was reported before it started, each in its own place', async () => {
    await report('succeeded', { initiator: 'Maren Holt' });
    await report('succeeded', { type: 'inventory.sync', environment: place.other });
    await report('succeeded', { type: 'alerts.evaluate', environment: null });
    part = openOptionsKeeper({ url: database.url, log, feed, everyMs: 5 });
    await until(async () =>
      expect(await readOptions()).toEqual({
        'A type': ['policy.sync'],
        'A initiator': ['Maren Holt'],
        'B type': ['inventory.sync'],
        'B initiator': ['System'],
        'itself type': ['alerts.evaluate'],
        'itself initiator': ['System']
      })
    );
  });

  it('learns types and people from the feed as they are reported, also those of an operation that changed', async () => {
    part = openOptionsKeeper({ url: database.url, log, feed, everyMs: 5 });
    const id = await report('succeeded');
    await until(async () => expect((await readOptions())['A type']).toEqual(['policy.sync']));
    await writer.query(`update public.operation_runs set initiator_name = 'Devi Raman' where id = $1`, [id]);
    await report('failed', { type: 'never.seen', environment: place.other, initiator: 'Ünal, “Ops”' });
    await until(async () => {
      const options = await readOptions();
      expect(options['A initiator']).toContain('Devi Raman');
      expect(options['B type']).toEqual(['never.seen']);
      expect(options['B initiator']).toEqual(['Ünal, “Ops”']);
    });
    expect((await readOptions())['A type'], 'nothing of B').toEqual(['policy.sync']);
    expect(log.warn).not.toHaveBeenCalled();
  });

  it('collects again after the feed had more to tell than it tells one by one', async () => {
    const told = openTold();
    part = openOptionsKeeper({ url: database.url, log, feed: told, everyMs: 5 });
    await report('succeeded', { type: 'first.one' });
    told.overflow();
    await until(async () => expect((await readOptions())['A type']).toEqual(['first.one']));
    await report('succeeded', { type: 'second.one' });
    told.events.emit('stream changed', { operations: [] } as unknown as FeedEvents['stream changed'][0]);
    await until(async () => expect((await readOptions())['A type']).toEqual(['first.one', 'second.one']));
  });

  it('stays within its bounds, and loses nothing by them', async () => {
    part = openOptionsKeeper({ url: database.url, log, feed, everyMs: 5, mostKnown: 2, mostWaiting: 2 });
    const types = Array.from({ length: 12 }, (_, index) => `type.${String(index).padStart(2, '0')}`);
    await Promise.all(types.map((type) => report('succeeded', { type })));
    await until(async () => expect((await readOptions())['A type']).toEqual(types));
  });

  it('never throws into the feed nor waits for the database, and writes later what it could not write', async () => {
    const told = openTold();
    await owner.query('revoke execute on function watchfloor.add_facets from watchfloor_feed');
    part = openOptionsKeeper({ url: database.url, log, feed: told, everyMs: 5 });
    try {
      const row = { workspaceId: place.workspace, environmentId: place.environment, type: 'kept', initiator: 'System' };
      const told1 = { operations: [{ row }, { row: null }], isOverflow: false, isTruncated: false };
      expect(told.events.emit('passed', told1 as unknown as FeedEvents['passed'][0])).toBe(true);
      await until(async () => expect(log.warn).toHaveBeenCalledOnce());
    } finally {
      await owner.query('grant execute on function watchfloor.add_facets to watchfloor_feed');
    }
    await until(async () => expect((await readOptions())['A type']).toEqual(['kept']));
    expect(log.warn, 'one line for it').toHaveBeenCalledOnce();
  });
});

describe('maintenance', () => {
  it('does both with the hub’s feed, and leaves neither listener nor connection behind', async () => {
    const before = [feed.events.listenerCount('passed'), feed.events.listenerCount('stream changed')];
    const maintenance = openMaintenance({ url: database.url, log, feed });
    const failed = await report('failed');
    await report('succeeded');
    await until(async () => {
      expect(await read('select resolved_by from public.operation_runs where id = $1', [failed])).not.toEqual([
        { resolved_by: null }
      ]);
      expect(await read('select value from watchfloor.facets where workspace_id = $1', [place.workspace])).toHaveLength(
        2
      );
    });
    await maintenance.close();
    expect([feed.events.listenerCount('passed'), feed.events.listenerCount('stream changed')]).toEqual(before);
    // The server may still be ending what we have closed.
    await until(async () => expect(await readActivity()).toEqual([]));
  });
});
