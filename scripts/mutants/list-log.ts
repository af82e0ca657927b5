/** Faults of what writes the record of changes: triggers, wake-up, revisions, epoch. */
import type { Mutant } from './mutant.ts';

const MIGRATIONS = 'src/lib/server/database/migrations';
const LOG = `${MIGRATIONS}/0003_change_log.sql`;
const small = 'tests/mutants-feed.pg.test.ts';
const writers = 'tests/writers.pg.test.ts';
const isolation = 'tests/isolation.pg.test.ts';

export const log: readonly Mutant[] = [
  {
    name: 'epoch-without-nonce',
    promise: 'complete',
    fault: 'The epoch names server, timeline, database and start, but no nonce',
    edits: [
      {
        file: `${MIGRATIONS}/0010_prepared_over_a_crash.sql`,
        old: '* 1000000)::bigint, nonce,',
        new: '* 1000000)::bigint,'
      }
    ],
    killers: [{ file: 'tests/mutants-epoch.pg.test.ts', title: 'after kill -9 of a single backend' }]
  },
  {
    name: 'revision-left-to-the-writer',
    promise: 'monotonic',
    fault: 'A report keeps the revision that it says itself',
    edits: [
      {
        file: `${MIGRATIONS}/0007_refused_reports.sql`,
        old: `    new.revision := old.revision + case when old.status = 'completed' then 2 else 1 end;\n`,
        new: ''
      }
    ],
    killers: [{ file: small, title: 'a report is a higher revision whatever it says itself' }]
  },
  {
    name: 'tombstone-without-a-higher-revision',
    promise: 'complete',
    fault: 'A deletion is logged with the revision that is on screen already',
    edits: [
      {
        file: `${MIGRATIONS}/0005_follow_ups.sql`,
        old: 'id, revision + 2 from deleted',
        new: 'id, revision from deleted'
      }
    ],
    killers: [{ file: small, title: 'a report is a higher revision whatever it says itself' }]
  },
  {
    name: 'move-logged-without-the-old-place',
    promise: 'isolated',
    fault: 'A move is logged at the new place only',
    edits: [
      {
        file: LOG,
        old: 'new.managed_environment_id, old.managed_environment_id, new.id',
        new: 'new.managed_environment_id, new.managed_environment_id, new.id'
      }
    ],
    killers: [{ file: isolation, title: 'a row that moves out of sight leaves with its id' }]
  },
  {
    name: 'truncation-not-logged',
    promise: 'complete',
    fault: 'A table that is emptied leaves no entry in the log',
    edits: [
      {
        file: LOG,
        old: `  insert into watchfloor.changes (kind) values ('t');\n`,
        new: ''
      }
    ],
    killers: [{ file: isolation, title: 'after TRUNCATE nobody catches up past it' }]
  },
  {
    name: 'triggers-off-for-replicas',
    promise: 'complete',
    fault: 'The trigger of inserts does not fire in sessions that replay as a replica',
    edits: [
      {
        file: `${MIGRATIONS}/0006_lists.sql`,
        old: 'enable always trigger operation_runs_900_notify_inserted;',
        new: 'enable trigger operation_runs_900_notify_inserted;'
      }
    ],
    killers: [{ file: writers, title: 'a session that replays as a replica' }]
  },
  {
    name: 'gate-won-in-every-bucket',
    promise: 'harmless',
    fault: 'A transaction takes another lock of the wake-up gate every 50 ms',
    edits: [
      {
        file: LOG,
        old: `    perform set_config('watchfloor.woken', 'yes', true);\n`,
        new: ''
      }
    ],
    killers: [{ file: writers, title: 'a batch of 16,000 statements in one transaction' }]
  },
  {
    name: 'membership-that-ends-untold',
    promise: 'isolated',
    fault: 'The end of a membership is not logged',
    edits: [
      {
        file: LOG,
        old: 'create trigger memberships_900_notify after insert or delete on public.memberships',
        new: 'create trigger memberships_900_notify after insert on public.memberships'
      }
    ],
    killers: [{ file: isolation, title: 'what is committed with or after the end of a membership' }]
  },
  {
    name: 'narrowing-untold',
    promise: 'isolated',
    fault: 'That a person is narrowed to an environment is not logged',
    edits: [
      {
        file: LOG,
        old: 'create trigger environment_memberships_900_notify after insert or update or delete on',
        new: 'create trigger environment_memberships_900_notify after update or delete on'
      }
    ],
    killers: [{ file: isolation, title: 'a narrowing takes rows away at once' }]
  },
  {
    name: 'row-level-security-off',
    promise: 'isolated',
    fault: 'Operations have no row-level security',
    edits: [
      {
        file: `${MIGRATIONS}/0004_rights.sql`,
        old: 'alter table public.operation_runs enable row level security;\n',
        new: ''
      }
    ],
    killers: [{ file: small, title: 'a page holds what its person may see and nothing else' }]
  },
  {
    name: 'policy-blind-to-narrowing',
    promise: 'isolated',
    fault: 'Row-level security shows the whole workspace to people who are narrowed',
    edits: [
      {
        file: `${MIGRATIONS}/0006_lists.sql`,
        old: `alter policy operation_runs_of_people on public.operation_runs
  using (workspace_id = (select watchfloor.entered_workspace())
    and (place_id = 0 or`,
        new: `alter policy operation_runs_of_people on public.operation_runs
  using (workspace_id = (select watchfloor.entered_workspace())
    and (true or place_id = 0 or`
      }
    ],
    killers: [{ file: small, title: 'a page holds what its person may see and nothing else' }]
  }
];
