/**
 * Most reports take short ways through the triggers: progress alone (migration 0015), a new operation with little more than
 * a type, and one that goes on or ends (0020). None of them must be told by what it leaves: the same row, or the same
 * refusal, as the long way, which every other report takes.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { environment, insert, owner, report, writer, type Row } from './harness/reporting.ts';

/** What a statement may name and still be one of progress alone, or of a step. */
const PROGRESS = ['progress_processed', 'progress_total', 'progress_phase'];
const STEP = ['completed_at', 'outcome', 'started_at', 'status'];
/** What makes the same statement go the long way, and changes nothing. */
const LONG = ['context = context'];

const count = fc.oneof(
  fc.constant(null),
  fc.constantFrom(-1, 0, Number.MAX_SAFE_INTEGER, '9007199254740993', '-9223372036854775808'),
  fc.nat()
);
const phase = fc.oneof(
  fc.constantFrom(null, '', ' ', 'Copying', ' copying ', 'a\u202eb', 'x'.repeat(500), 'tab\there'),
  fc.string({ unit: 'binary', maxLength: 200 }).map((text) => text.replaceAll('\0', ''))
);
const progress = fc.record(
  { progress_processed: count, progress_total: count, progress_phase: phase },
  { requiredKeys: [] }
);
const begun = fc.constantFrom<Record<string, unknown>>(
  { status: 'queued' },
  { status: 'running', summary_counts: { total: 9 }, type: 'policy.export' },
  { status: 'running', managed_environment_id: null, source: 'ci', external_id: '7' },
  { status: 'completed', outcome: 'failed', failure_summary: '[{"code":"x","message":"no"}]' },
  { status: 'completed', outcome: 'succeeded', context: { a: 1 } }
);

test('a report of progress alone leaves what any report with the same progress leaves', async () => {
  await fc.assert(
    fc.asyncProperty(begun, fc.array(progress, { minLength: 1, maxLength: 4 }), async (columns, reports) => {
      const [short, long] = [await insert(columns), await insert(columns)];
      let shown: (Row | undefined)[] = [];
      for (const values of reports) {
        const names = Object.keys(values);
        if (names.length === 0) continue;
        shown = [await say(short!.id, values), await say(long!.id, values, LONG)];
        expect(comparable(shown[0]!)).toEqual(comparable(shown[1]!));
      }
      // Neither path may stand still.
      if (shown[0]) expect(shown[0]['revision']).toBeGreaterThan(1);
    }),
    { numRuns: 60 }
  );
});

function say(id: number, values: Record<string, unknown>, more: string[] = []): Promise<Row | undefined> {
  const names = Object.keys(values);
  const sets = [...more, ...names.map((name, index) => `${name} = $${index + 2}`)];
  return writer
    .query<Row>(`update operation_runs set ${sets.join(', ')} where id = $1 returning *`, [
      id,
      ...Object.values(values)
    ])
    .then(({ rows }) => rows[0]);
}

/** Of times only what does not depend on when it was: that it is now, the time that was given, how long until silence. */
function comparable({ id, ...row }: Row): Record<string, unknown> {
  const at = (name: string): number | null => (row[name] as Date | null)?.getTime() ?? null;
  const since = (name: string): number | null =>
    row[name] === null ? null : Math.round((at(name)! - at('last_reported_at')!) / 60_000);
  const given = (name: string): number | string | null =>
    Math.abs((at(name) ?? 0) - Date.now()) < 3_600_000 ? 'now' : at(name);
  return {
    ...row,
    search_text: String(row['search_text']).replace(String(id), 'id'),
    created_at: null,
    last_reported_at: null,
    started_at: given('started_at'),
    completed_at: given('completed_at'),
    stale_at: row['stale_at'] === null ? null : at('stale_at')! - at('last_reported_at')!,
    silence_check_at: since('silence_check_at')
  };
}

const time = fc.constantFrom(null, '1999-12-31', '2001-02-03', '2020-01-01', '2999-01-01', 'infinity', '-infinity');
const step = fc.record(
  {
    status: fc.constantFrom('queued', 'running', 'running', 'completed', 'completed', 'paused', null),
    outcome: fc.constantFrom('pending', 'succeeded', 'succeeded', 'failed', 'blocked', 'cancelled', 'lost', null),
    started_at: time,
    completed_at: time,
    progress_processed: count,
    progress_phase: phase
  },
  { requiredKeys: ['status'] }
);

test('a report that an operation goes on or ends leaves what the long way leaves, or is refused as there', async () => {
  let ended = 0;
  await fc.assert(
    fc.asyncProperty(begun, fc.array(step, { minLength: 1, maxLength: 4 }), async (columns, reports) => {
      const [short, long] = [await insert(columns), await insert(columns)];
      for (const values of reports) {
        const [shown, expected] = [await say(short!.id, values), await say(long!.id, values, LONG)];
        expect(shown === undefined).toBe(expected === undefined);
        if (shown) expect(comparable(shown)).toEqual(comparable(expected!));
        if (shown?.['status'] === 'completed') ended++;
      }
      expect(await refusals(short!.id)).toEqual(await refusals(long!.id));
      expect(await factsOf(short!.id)).toBe(await factsOf(long!.id));
    }),
    { numRuns: 150 }
  );
  expect(ended).toBeGreaterThan(20);
});

const refusals = async (id: number): Promise<unknown[]> => {
  const { rows } = await owner.query('select kind, reason from rejected_reports where operation_id = $1 order by id', [
    id
  ]);
  return rows;
};
const factsOf = async (id: number): Promise<number> => {
  const { rows } = await owner.query<{ n: number }>(
    'select count(*)::integer as n from watchfloor.successes where operation_id = $1',
    [id]
  );
  return rows[0]!.n;
};

const name = fc.oneof(
  fc.constantFrom('System', 'Ada Example', ' Ada', 'Ada  Example', 'Zoë', '', 'x'.repeat(121), 'tab\there', 'a\u202eb'),
  fc.string({ maxLength: 30 }).map((text) => text.replaceAll('\0', ''))
);
/** What is forged or odd, and may still be taken for a new operation as most are. */
const begin = {
  type: fc.constantFrom(
    'policy.sync',
    'a..b',
    'Unheard.Of',
    ' policy.sync',
    'sync now',
    '-x',
    'x'.repeat(200),
    'zoë',
    ''
  ),
  initiator_name: name,
  status: fc.constantFrom('queued', 'running'),
  managed_environment_id: fc.constantFrom('ours', 'ours', null, 987_654_321),
  revision: fc.constantFrom(1, 7, null),
  search_text: fc.constantFrom('', 'forged'),
  place_id: fc.constantFrom(0, 5),
  has_open_follow_up: fc.boolean(),
  created_at: time,
  stale_at: time
};
const fresh = fc.oneof(
  fc.record(begin, { requiredKeys: ['type'] }),
  fc.record(
    {
      ...begin,
      status: fc.constantFrom('queued', 'running', 'completed', 'paused', null),
      outcome: fc.constantFrom('pending', 'pending', 'succeeded', 'failed'),
      started_at: time,
      progress_processed: count
    },
    { requiredKeys: ['type'] }
  )
);

test('a new operation is the same, or is refused as there, whichever way it comes', async () => {
  let short = 0;
  await fc.assert(
    fc.asyncProperty(fresh, async ({ managed_environment_id: place = 'ours', ...more }) => {
      const columns = { ...more, managed_environment_id: place === 'ours' ? environment : place };
      const shown = await insert(columns);
      // Only the trigger says that a time was moved, so this is forgotten, and judged by the long way.
      const expected = await insert({ ...columns, clock_adjusted: true });
      expect(shown === undefined).toBe(expected === undefined);
      if (shown) expect(comparable(shown)).toEqual(comparable(expected!));
      if (shown?.['status'] === 'queued' || shown?.['status'] === 'running') short++;
    }),
    { numRuns: 250 }
  );
  expect(short).toBeGreaterThan(50);
});

test('whatever a new operation brings besides is judged, each column alone', async () => {
  const odd: Record<string, unknown> = {
    user_id: 987_654_321,
    run_identity_hash: '',
    source: ' ',
    external_id: ' x ',
    cancelled_by: ' x ',
    retry_of: -1,
    started_at: '1999-12-31',
    completed_at: '2020-01-01',
    reconciled_at: '2020-01-01',
    reconciliation_reason: 'forged',
    progress_processed: -1,
    progress_total: -1,
    progress_phase: ' x ',
    failure_code: 'forged',
    failure_message: 'forged',
    resolved_at: '2020-01-01',
    resolved_by: 5,
    reviewed_at: '2020-01-01',
    reviewed_by: 5,
    reviewer_name: 'forged',
    summary_counts: '{"total":-5,"failed":7}',
    failure_summary: '{"code":"x"}',
    context: null,
    ...Object.fromEntries(
      ['total', 'processed', 'succeeded', 'failed', 'skipped', 'created', 'updated', 'deleted'].map((key) => [
        `count_${key}`,
        5
      ])
    )
  };
  for (const [column, value] of Object.entries(odd)) {
    const [shown, expected] = [
      await insert({ [column]: value, status: 'running' }),
      await insert({ [column]: value, status: 'running', clock_adjusted: true })
    ];
    expect(comparable(shown!), column).toEqual(comparable(expected!));
  }
});

test('every column but those of progress takes a report the way in which it is judged, also one that is added later', async () => {
  const { rows } = await owner.query<{ name: string; columns: string[] }>(
    `select t.tgname as name, array(select a.attname::text from pg_attribute a
       where a.attrelid = t.tgrelid and a.attnum > 0 and not a.attisdropped and a.attnum <> all (t.tgattr) order by 1) as columns
     from pg_trigger t where t.tgrelid = 'public.operation_runs'::regclass
       and t.tgname in ('operation_runs_100_touch', 'operation_runs_810_note_success') order by 1`
  );
  expect(rows).toEqual([
    { name: 'operation_runs_100_touch', columns: [...STEP, ...PROGRESS].toSorted() },
    { name: 'operation_runs_810_note_success', columns: PROGRESS.toSorted() }
  ]);
  // And what the long way leaves out, each of the others is there for.
  const { rows: named } = await owner.query<{ name: string; columns: string[] }>(
    `select t.tgname as name, array(select a.attname::text from pg_attribute a
       where a.attrelid = t.tgrelid and a.attnum = any (t.tgattr) order by 1) as columns
     from pg_trigger t where t.tgrelid = 'public.operation_runs'::regclass and t.tgname ~ '_10[235]_' order by 1`
  );
  expect(named).toEqual([
    { name: 'operation_runs_102_touch_step', columns: STEP },
    { name: 'operation_runs_103_touch', columns: STEP },
    { name: 'operation_runs_105_touch_progress', columns: PROGRESS.toSorted() }
  ]);
});

test('another limit of silence holds from the first report of the next minute on', async () => {
  await owner.query(
    `insert into operation_types (code, label, queued_limit_seconds, running_limit_seconds) values ('test.limit', 'Limit', 600, 600)`
  );
  const limit = async (id: number): Promise<number> => {
    const row = (await report(id, 'progress_processed = coalesce(progress_processed, 0) + 1'))!;
    expect((row['silence_check_at'] as Date).getTime()).toBeLessThanOrEqual((row['stale_at'] as Date).getTime());
    return ((row['stale_at'] as Date).getTime() - (row['last_reported_at'] as Date).getTime()) / 1_000;
  };
  const { id } = (await insert({ type: 'test.limit', status: 'running' }))!;
  expect(await limit(id)).toBe(600);
  await owner.query(`update operation_types set running_limit_seconds = 120 where code = 'test.limit'`);
  // As if its last report had come a minute ago.
  await owner.query(`alter table operation_runs disable trigger user`);
  await owner.query(
    `update operation_runs set last_reported_at = last_reported_at - interval '1 minute', stale_at = stale_at - interval '1 minute'
     where id = $1`,
    [id]
  );
  await owner.query(`alter table operation_runs enable trigger user`);
  expect(await limit(id)).toBe(120);
  expect(await limit(id)).toBe(120);
});

test('progress of history that the owner brings keeps its times, and a writer who says the same does not', async () => {
  const { id } = (await insert({ managed_environment_id: environment, status: 'running' }))!;
  const before = (await report(id, 'progress_processed = 1'))!;
  for (const db of [owner, writer]) {
    const client = await db.connect();
    await client.query(`begin; set local watchfloor.import = 'on'; select pg_sleep(0.01)`);
    const { rows } = await client.query<Row>(
      'update operation_runs set progress_processed = 2 where id = $1 returning *',
      [id]
    );
    await client.query('rollback');
    client.release();
    expect(rows[0]!['revision']).toBe(Number(before['revision']) + 1);
    const isKept = (rows[0]!['last_reported_at'] as Date).getTime() === (before['last_reported_at'] as Date).getTime();
    expect(isKept).toBe(db === owner);
  }
});
