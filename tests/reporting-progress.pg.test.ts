/**
 * A report of progress alone takes a short way through the triggers (migration 0015). It must not be told by what it
 * leaves: the same row as the long way, which every other report takes.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { environment, insert, owner, report, writer, type Row } from './harness/reporting.ts';

/** What a statement may name and still be one of progress alone. */
const PROGRESS = ['progress_processed', 'progress_total', 'progress_phase'];

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
        shown = [await say(short!.id, values), await say(long!.id, values, ['status = status'])];
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

/** Of times only what does not depend on when it was: how long until silence is told. */
function comparable({ id, ...row }: Row): Record<string, unknown> {
  const at = (name: string): number | null => (row[name] as Date | null)?.getTime() ?? null;
  const since = (name: string): number | null =>
    row[name] === null ? null : Math.round((at(name)! - at('last_reported_at')!) / 60_000);
  return {
    ...row,
    search_text: String(row['search_text']).replace(String(id), 'id'),
    created_at: null,
    last_reported_at: null,
    started_at: row['started_at'] === null,
    completed_at: row['completed_at'] === null,
    stale_at: row['stale_at'] === null ? null : at('stale_at')! - at('last_reported_at')!,
    silence_check_at: since('silence_check_at')
  };
}

test('every column but those of progress takes a report the long way, also one that is added later', async () => {
  const { rows } = await owner.query<{ name: string; columns: string[] }>(
    `select t.tgname as name, array(select a.attname::text from pg_attribute a
       where a.attrelid = t.tgrelid and a.attnum > 0 and not a.attisdropped and a.attnum <> all (t.tgattr) order by 1) as columns
     from pg_trigger t where t.tgrelid = 'public.operation_runs'::regclass
       and t.tgname in ('operation_runs_100_touch', 'operation_runs_810_note_success') order by 1`
  );
  expect(rows).toEqual(
    ['operation_runs_100_touch', 'operation_runs_810_note_success'].map((name) => ({
      name,
      columns: PROGRESS.toSorted()
    }))
  );
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
