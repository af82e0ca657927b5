/**
 * Reports as no sane program writes them, generated from a seed: every column with values that its type takes and nobody
 * expects, in every kind of statement. Lanes are programs of their own; a transaction touches only what its lane made, since
 * two transactions that update one operation wait for each other by their own will.
 */
import fc from 'fast-check';

/** What a report may name, and more: the type that each literal is cast to. */
export const TYPES = {
  workspace_id: 'bigint',
  managed_environment_id: 'bigint',
  user_id: 'bigint',
  initiator_name: 'text',
  type: 'text',
  status: 'text',
  outcome: 'text',
  run_identity_hash: 'text',
  progress_processed: 'bigint',
  progress_total: 'bigint',
  progress_phase: 'text',
  summary_counts: 'jsonb',
  failure_summary: 'jsonb',
  context: 'jsonb',
  external_id: 'text',
  cancelled_by: 'text',
  reconciled_at: 'timestamptz',
  reconciliation_reason: 'text',
  retry_of: 'bigint',
  started_at: 'timestamptz',
  completed_at: 'timestamptz',
  created_at: 'timestamptz',
  last_reported_at: 'timestamptz',
  stale_at: 'timestamptz',
  silence_check_at: 'timestamptz',
  revision: 'bigint',
  clock_adjusted: 'boolean',
  count_failed: 'bigint',
  failure_message: 'text',
  resolved_at: 'timestamptz',
  reviewed_at: 'timestamptz',
  reviewer_name: 'text',
  search_text: 'text',
  place_id: 'bigint',
  has_open_follow_up: 'boolean'
} as const;
export type Column = keyof typeof TYPES;
/** `place` names one of the world's; a value is the text of a literal. */
export type Odd = Partial<Record<Column, string | null>>;

export type Plain =
  | { do: 'insert'; rows: Odd[]; tail: '' | 'do nothing' | 'do update' }
  | { do: 'update'; pick: number; sets: Odd }
  | { do: 'merge'; pick: number; row: Odd }
  | { do: 'with'; pick: number; row: Odd; sets: Odd }
  | { do: 'copy'; rows: Odd[] }
  | { do: 'prepared by name'; row: Odd };
export type OddStep =
  | Plain
  | { do: 'transaction'; steps: Plain[]; savepointAt: number; keeps: boolean; ends: 'commit' | 'rollback' | 'prepare' };

/** Values of such a size that a counterexample names them instead. */
export const LARGE: Readonly<Record<string, string>> = {
  '@a megabyte': 'm'.repeat(1_000_000),
  '@astral': '\u{1f4a5}'.repeat(3_000),
  '@what grows eighteenfold': '\ufdfa'.repeat(2_000),
  '@combining': 'e\u0301'.repeat(900),
  '@identity': 'h'.repeat(5_000),
  '@a megabyte of failure': JSON.stringify([{ message: 'm'.repeat(1_000_000) }]),
  '@deep': '['.repeat(800) + ']'.repeat(800),
  '@many failures': JSON.stringify(Array.from({ length: 3_000 }, (_, n) => ({ code: `c${n}`, message: 'x' }))),
  '@digits': `{"total": ${'9'.repeat(200)}.5}`
};
// What Postgres takes as text: no NUL, no half of a surrogate pair.
const anyText = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('\0', ''));
const oddText = fc.oneof(
  { weight: 4, arbitrary: anyText },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      null,
      '',
      ' ',
      '\t\n\u0001',
      '\u202eevil\u2066',
      '\u200b',
      'constructor',
      `'; drop table x; --`,
      '@astral',
      '@what grows eighteenfold',
      '@combining',
      'on conflict',
      '\\N'
    )
  },
  { weight: 1, arbitrary: fc.constant('@a megabyte') }
);
const oddNumber = fc.constantFrom(
  null,
  '-1',
  '0',
  '1',
  '7',
  '9007199254740992',
  '9223372036854775807',
  '-9223372036854775808'
);
const oddTime = fc.constantFrom(
  null,
  'infinity',
  '-infinity',
  '0044-03-15 00:00:00+00 BC',
  '4713-01-01 00:00:00+00 BC',
  '294276-12-31 23:59:59.999+00',
  '1969-12-31 23:59:59+00',
  '2999-01-01 00:00:00+00',
  '2024-02-29 12:00:00.1239+05:30'
);
const oddJson = fc.oneof(
  { weight: 3, arbitrary: fc.json({ stringUnit: 'grapheme', maxDepth: 3 }).filter((text) => !/\\u/i.test(text)) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      null,
      'null',
      '[]',
      '{}',
      '"text"',
      '7',
      '{"a": 1, "a": 2}',
      '{"total": -1, "failed": 1e300, "succeeded": "5", "skipped": null, "processed": [1], "odd key": 3}',
      '@digits',
      '[null, 3, "x", {"message": {"deep": [1]}, "code": [], "count": -4}, {"message": "\\u202e", "count": 1e99}]',
      '@deep',
      '@many failures'
    )
  },
  { weight: 1, arbitrary: fc.constant('@a megabyte of failure') }
);
const status = fc.constantFrom(
  'queued',
  'running',
  'running',
  'completed',
  'completed',
  null,
  'paused',
  '',
  'COMPLETED'
);
const outcome = fc.constantFrom(
  'pending',
  'succeeded',
  'failed',
  'blocked',
  'partially_succeeded',
  'cancelled',
  null,
  'great'
);

const VALUES: Record<Column, fc.Arbitrary<string | null>> = Object.fromEntries(
  Object.entries(TYPES).map(([column, type]) => [
    column,
    type === 'text'
      ? oddText
      : type === 'bigint'
        ? oddNumber
        : type === 'jsonb'
          ? oddJson
          : type === 'boolean'
            ? fc.constantFrom('true', 'false', null)
            : oddTime
  ])
) as never;
VALUES.status = status;
VALUES.outcome = outcome;
VALUES.type = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('policy.sync', 'inventory.sync', 'a.b') },
  { weight: 1, arbitrary: oddText }
);
VALUES.workspace_id = fc.constantFrom('a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'b', '987654', '-3', null);
VALUES.managed_environment_id = fc.constantFrom('a1', 'a1', 'a2', 'a3', null, null, 'b1', '0', '-7', '424242');
VALUES.user_id = fc.constantFrom('person', 'person', '31337', '-1', null);
VALUES.run_identity_hash = fc.constantFrom(null, '', 'x', 'x', 'y', 'z', '@identity');

/** Some of the columns, by chance. */
const some = (columns: Column[], share: number): fc.Arbitrary<Odd> =>
  fc.record(
    Object.fromEntries(
      columns.map((column) => [column, fc.option(VALUES[column], { nil: undefined, freq: share })])
    ) as never
  ) as fc.Arbitrary<Odd>;
const REST = (Object.keys(TYPES) as Column[]).filter(
  (column) => !['workspace_id', 'managed_environment_id', 'type', 'status', 'outcome'].includes(column)
);
const rest = fc.integer({ min: 0, max: 9 }).chain((start) =>
  some(
    REST.filter((_, at) => at % 10 === start),
    2
  )
);
const row: fc.Arbitrary<Odd> = fc
  .tuple(
    fc.record({
      workspace_id: VALUES.workspace_id,
      managed_environment_id: VALUES.managed_environment_id,
      type: VALUES.type
    }),
    some(['status', 'outcome', 'run_identity_hash'], 1),
    rest
  )
  .map(([base, life, more]) => drop({ ...more, ...life, ...base }));
const sets: fc.Arbitrary<Odd> = fc
  .tuple(rest, status, outcome, fc.nat({ max: 3 }))
  .map(([more, nextStatus, nextOutcome, kind]) =>
    drop({ ...more, ...(kind > 0 && { status: nextStatus }), ...(kind > 1 && { outcome: nextOutcome }) })
  );
const moves: fc.Arbitrary<Odd> = fc.oneof(
  VALUES.managed_environment_id.map((managed_environment_id) => ({ managed_environment_id })),
  VALUES.run_identity_hash.map((run_identity_hash) => ({ run_identity_hash })),
  VALUES.workspace_id.map((workspace_id) => ({ workspace_id })),
  VALUES.type.map((type) => ({ type }))
);
const pick = fc.nat({ max: 1_000 });
const anySets = fc.oneof({ weight: 3, arbitrary: sets }, { weight: 1, arbitrary: moves });
const plain: fc.Arbitrary<Plain> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('insert' as const),
      rows: fc.array(row, { minLength: 1, maxLength: 3 }),
      tail: fc.constant('' as const)
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('insert' as const),
      rows: fc.tuple(row),
      tail: fc.constantFrom('do nothing' as const, 'do update' as const)
    })
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('update' as const), pick, sets: anySets }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('merge' as const), pick, row }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('with' as const), pick, row, sets: anySets }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('copy' as const), rows: fc.array(row, { minLength: 1, maxLength: 2 }) })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('prepared by name' as const), row }) }
);
const transaction = fc.record({
  do: fc.constant('transaction' as const),
  steps: fc.array(plain, { minLength: 1, maxLength: 4 }),
  savepointAt: fc.nat({ max: 4 }),
  keeps: fc.boolean(),
  ends: fc.constantFrom('commit' as const, 'commit' as const, 'rollback' as const, 'prepare' as const)
});
export const oddSteps: fc.Arbitrary<OddStep[]> = fc.array(
  fc.oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: transaction }),
  { minLength: 3, maxLength: 8 }
);
export const oddTransaction: fc.Arbitrary<Plain[]> = fc.array(plain, { minLength: 2, maxLength: 6 });

function drop(odd: Odd): Odd {
  return Object.fromEntries(Object.entries(odd).filter(([, value]) => value !== undefined));
}
