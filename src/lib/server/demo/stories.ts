/**
 * The ended operations of the demo that are told, not drawn: a handful of open follow-ups of every kind (among them six
 * of one cause, one that reconciliation ended, and texts of every length), and a few ends worth looking at. The list is
 * the demo's first impression; history.ts sees to it that nothing drawn closes what stands open here. Pure.
 */
import { DEMO_PEOPLE, DEMO_SOURCE, environmentOf } from './cast.ts';
import { composeContext, drawExternalId, NOTHING_MORE, type DemoOperation } from './ended.ts';
import type { Ending } from './endings.ts';
import { kindOf } from './kinds.ts';
import type { Random } from './random.ts';

interface Story {
  workspace: string;
  /** null = the workspace itself */
  environment: string | null;
  type: string;
  /** full name of the person who started it; null = System */
  by: string | null;
  /** minutes since it ended, the first of them; and how long it took, in seconds */
  endedAgo: number;
  seconds: number;
  outcome: Ending['outcome'];
  counts: Ending['counts'];
  failures: Ending['failures'];
  /** ended so often, so many minutes apart */
  repeated?: { times: number; everyMinutes: number };
  reconciliation?: string;
  cancelledBy?: string;
}

const HALDEN = 'Halden & Roy';
const NORTHGATE = 'Northgate Services';
const BRIGHTWATER = { workspace: HALDEN, environment: 'Brightwater Clinics' };
const KESTREL = { workspace: NORTHGATE, environment: 'Kestrel Aviation Services' };
const GROUPS_TYPE = 'directory.groups.sync';

/**
 * Left alone by the demo's writer, so that the six of one cause stay together as long as the demo lives. Other stories
 * are closed by what the writer reports, or wait for a person.
 */
export const KEPT_STORY = { ...BRIGHTWATER, type: GROUPS_TYPE };

const STORIES: readonly Story[] = [
  {
    ...BRIGHTWATER,
    type: 'restore.execute',
    by: 'Devi Raman',
    endedAgo: 71,
    seconds: 2,
    outcome: 'blocked',
    counts: { total: 148, processed: 0 },
    failures: [{ code: 'approval_missing', message: 'Approval CW-2219 for the change window is missing' }]
  },
  {
    ...BRIGHTWATER,
    type: 'promotion.execute',
    by: 'Devi Raman',
    endedAgo: 121,
    seconds: 1,
    outcome: 'blocked',
    counts: { total: 42, processed: 0 },
    failures: [{ code: 'target_locked', message: 'Target baseline is locked by a capture' }]
  },
  {
    ...KEPT_STORY,
    by: null,
    endedAgo: 4,
    seconds: 6,
    outcome: 'failed',
    counts: { total: 640, processed: 0 },
    failures: [{ code: 'sign_in_refused', message: 'Directory refused the sign-in' }],
    repeated: { times: 6, everyMinutes: 15 }
  },
  {
    ...BRIGHTWATER,
    type: 'policy.export',
    by: null,
    endedAgo: 15,
    seconds: 1_024,
    outcome: 'failed',
    counts: { total: 412, processed: 408, succeeded: 0, failed: 408 },
    failures: [{ code: 'permission_denied', message: 'Permission to read device configuration is missing', count: 408 }]
  },
  {
    ...BRIGHTWATER,
    type: 'policy.sync',
    by: null,
    endedAgo: 18,
    seconds: 94,
    outcome: 'partially_succeeded',
    counts: { total: 412, processed: 412, succeeded: 386, failed: 26 },
    failures: [
      { code: 'provider_throttled', message: 'Provider limited the requests', count: 19 },
      { code: 'provider_timeout', message: 'Provider did not answer within 30 s', count: 5 },
      { code: 'changed_meanwhile', message: 'Policy was changed by someone else meanwhile', count: 2 }
    ]
  },
  {
    ...BRIGHTWATER,
    type: 'policy.restore',
    by: 'Maren Holt',
    endedAgo: 800,
    seconds: 402,
    outcome: 'partially_succeeded',
    counts: { total: 33, processed: 33, succeeded: 31, failed: 0, skipped: 2 },
    failures: [{ code: 'changed_meanwhile', message: 'Policy was changed by someone else meanwhile', count: 2 }]
  },
  {
    ...BRIGHTWATER,
    type: 'backup_set.update',
    by: 'Maren Holt',
    endedAgo: 22,
    seconds: 47,
    outcome: 'cancelled',
    counts: { total: 60, processed: 18, succeeded: 18, failed: 0 },
    failures: [],
    cancelledBy: 'Maren Holt'
  },
  {
    ...BRIGHTWATER,
    type: 'backup.schedule.execute',
    by: null,
    endedAgo: 480,
    seconds: 15_120,
    outcome: 'succeeded',
    counts: { total: 1_000_000, processed: 1_000_000, succeeded: 1_000_000, failed: 0, updated: 812_406 },
    failures: []
  },
  {
    workspace: HALDEN,
    environment: 'Isenberg Pharma Deutschland',
    type: 'promotion.execute',
    by: 'Ingrid Vass',
    endedAgo: 6,
    seconds: 1,
    outcome: 'blocked',
    counts: { total: 42, processed: 0 },
    failures: [{ code: 'approval_missing', message: 'Approval CW-2224 for the change window is missing' }]
  },
  {
    workspace: HALDEN,
    environment: 'Isenberg Pharma Deutschland',
    type: 'assignments.restore',
    by: 'Ingrid Vass',
    endedAgo: 190,
    seconds: 7_290,
    outcome: 'failed',
    counts: { total: 96, processed: 41 },
    failures: [{ code: 'no_report', message: 'Nothing was reported for 2 h; the worker that ran it is gone' }],
    reconciliation: 'Silent for 2 h 0 m, four times the limit of its type (30 m)'
  },
  {
    workspace: HALDEN,
    environment: 'Harbourline Insurance',
    type: 'backup.schedule.execute',
    by: null,
    endedAgo: 312,
    seconds: 1_411,
    outcome: 'failed',
    counts: { total: 144_210, processed: 96_004, succeeded: 0, failed: 96_004 },
    failures: [{ code: 'quota_exceeded', message: 'Quota of the backup storage is used up', count: 96_004 }]
  },
  {
    workspace: HALDEN,
    environment: 'Larkhill Housing Association',
    type: 'ext.pacs.image_archive.nightly_rollup',
    by: null,
    endedAgo: 540,
    seconds: 860,
    outcome: 'failed',
    counts: { total: 18_870, processed: 18_869, succeeded: 0, failed: 18_869 },
    failures: [
      {
        code: 'archive_volume_is_mounted_read_only_after_a_failed_check_of_its_file_system',
        message:
          'The archive volume was mounted read-only after the nightly check of its file system found 14 damaged blocks on the second mirror; nothing was moved, every image is still where it was, and the next rollup will fail in the same way until somebody replaces the disk in bay 7 of the storage gateway, runs the check again and mounts the volume for writing (runbook “Archive”, section 4.2: “Wenn das Archivlaufwerk schreibgeschützt eingehängt wurde”)',
        count: 18_869
      }
    ]
  },
  {
    workspace: HALDEN,
    environment: null,
    type: 'alerts.evaluate',
    by: null,
    endedAgo: 9,
    seconds: 34,
    outcome: 'failed',
    counts: { total: 212, processed: 212, succeeded: 0, failed: 212 },
    failures: [{ code: 'provider_timeout', message: 'Provider did not answer within 30 s', count: 212 }]
  },
  {
    ...KESTREL,
    type: 'inventory.sync',
    by: null,
    endedAgo: 34,
    seconds: 611,
    outcome: 'partially_succeeded',
    counts: {
      total: 1_176_402,
      processed: 1_176_402,
      succeeded: 1_168_911,
      failed: 7_488,
      skipped: 3,
      updated: 40_218
    },
    failures: [
      { code: 'provider_timeout', message: 'Provider did not answer within 30 s', count: 7_412 },
      { code: 'token_expired', message: 'Token of the provider connection has expired', count: 76 }
    ]
  },
  {
    ...KESTREL,
    type: 'restore.execute',
    by: 'Maren Holt',
    endedAgo: 560,
    seconds: 233,
    outcome: 'failed',
    counts: { total: 20_720, processed: 4_004, succeeded: 0, failed: 4_004 },
    failures: [{ code: 'group_not_found', message: 'Group of the assignment no longer exists', count: 4_004 }]
  },
  {
    workspace: NORTHGATE,
    environment: 'Juniper Retail',
    type: 'policy.delete',
    by: 'Samuel Achterberg-Weissenfels',
    endedAgo: 262,
    seconds: 1,
    outcome: 'blocked',
    counts: { total: 12, processed: 0 },
    failures: [{ code: 'legal_hold', message: 'Policy is under a legal hold until 31 March' }]
  },
  {
    workspace: NORTHGATE,
    environment: 'Calder Freight',
    type: 'crm-contacts_import.v2',
    by: null,
    endedAgo: 95,
    seconds: 41,
    outcome: 'partially_succeeded',
    counts: { total: 3_450, processed: 3_450, succeeded: 3_401, failed: 49, created: 12 },
    failures: [{ code: 'connection_refused', message: 'Connection refused by the storage gateway', count: 49 }]
  }
];

export function composeStories(random: Random, now: number): DemoOperation[] {
  return STORIES.flatMap((story) =>
    Array.from({ length: story.repeated?.times ?? 1 }, (_, time) =>
      composeStory(random, story, now - (story.endedAgo + time * (story.repeated?.everyMinutes ?? 0)) * 60_000)
    )
  );
}

function composeStory(random: Random, story: Story, completedAt: number): DemoOperation {
  const kind = kindOf(story.type);
  if (!kind) throw new Error(`The demo has no kind ${story.type}.`);
  if (story.environment !== null && environmentOf(story.workspace, story.environment) === null)
    throw new Error(`The demo has no environment ${story.environment}.`);
  const person = DEMO_PEOPLE.find(({ name }) => name === story.by);
  const startedAt = completedAt - story.seconds * 1_000;
  return {
    ...NOTHING_MORE,
    workspace: story.workspace,
    environment: story.environment,
    person: person?.email ?? null,
    initiator: person?.name ?? 'System',
    type: story.type,
    status: 'completed',
    outcome: story.outcome,
    hash: story.type,
    processed: story.counts['processed'] ?? null,
    total: story.counts['total'] ?? null,
    phase: null,
    counts: story.counts,
    failures: story.failures,
    context: composeContext(random, kind, story.outcome),
    source: kind.reporter?.source ?? DEMO_SOURCE,
    externalId: drawExternalId(random, kind),
    cancelledBy: story.cancelledBy ?? null,
    reconciliation: story.reconciliation ?? null,
    createdAt: startedAt - 2_400,
    startedAt: story.outcome === 'blocked' ? null : startedAt,
    completedAt,
    lastReportedAt: story.reconciliation === undefined ? completedAt : startedAt + 90_000
  };
}
