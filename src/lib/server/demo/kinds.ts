/**
 * What operations of the demo look like by type: how long they take, how much they process, which phases they report,
 * how they fail, and what closes their follow-ups. Figures are plausible, not measured. Most types are those of the
 * built-in catalogue; two are added to it by the seed (DEMO_TYPES), and two are known to no catalogue.
 */

export interface FailureText {
  code: string;
  message: string;
}

export interface Kind {
  type: string;
  /** how often, relative to the other kinds */
  weight: number;
  when: 'office' | 'night' | 'any';
  /** median duration in seconds */
  seconds: number;
  /** median of what it processes in an environment of size 1; 0 = it reports no counts */
  amount: number;
  phases: readonly string[];
  /** what it does to what it processes, as a key of summary_counts */
  effect: 'created' | 'updated' | 'deleted' | null;
  /** share that a person starts; the rest comes from schedules ("System") */
  byPeople: number;
  ofWorkspace?: true;
  /** the only environment that has it */
  onlyIn?: string;
  /** what closes its follow-ups: a later success, or a person (the catalogue's policy, and that of unknown types) */
  closedBy: 'success' | 'person';
  /** the outside system that reports it, and what its own ids begin with; null = the demo's own workers */
  reporter: { source: string; prefix: string } | null;
  /** never says anything between its start and its end, so that it goes stale by time alone */
  isQuiet?: true;
  failures: readonly FailureText[];
  /** prerequisites that may be missing; empty = never blocked */
  blockers: readonly FailureText[];
}

export const THROTTLED: FailureText = { code: 'provider_throttled', message: 'Provider limited the requests' };
const TIMED_OUT = { code: 'provider_timeout', message: 'Provider did not answer within 30 s' };
const TOKEN_EXPIRED = { code: 'token_expired', message: 'Token of the provider connection has expired' };
const NO_PERMISSION = { code: 'permission_denied', message: 'Permission to read device configuration is missing' };
const SIGN_IN_REFUSED = { code: 'sign_in_refused', message: 'Directory refused the sign-in' };
const REFUSED = { code: 'connection_refused', message: 'Connection refused by the storage gateway' };
const QUOTA = { code: 'quota_exceeded', message: 'Quota of the backup storage is used up' };
const CHANGED = { code: 'changed_meanwhile', message: 'Policy was changed by someone else meanwhile' };
const UNKNOWN_GROUP = { code: 'group_not_found', message: 'Group of the assignment no longer exists' };
const NO_APPROVAL = { code: 'approval_missing', message: 'Approval CW-2219 for the change window is missing' };
const NO_APPROVAL_2 = { code: 'approval_missing', message: 'Approval CW-2224 for the change window is missing' };
const LOCKED = { code: 'target_locked', message: 'Target baseline is locked by a capture' };
const NO_CONSENT = { code: 'consent_missing', message: 'Administrator consent for the connection is missing' };
const ON_HOLD = { code: 'legal_hold', message: 'Policy is under a legal hold until 31 March' };
const SET_IN_USE = { code: 'set_in_use', message: 'Backup set is in use by another backup' };
const READING = ['Connecting', 'Reading', 'Comparing', 'Storing'];

function toKind(
  type: string,
  [weight, seconds, amount]: [weight: number, seconds: number, amount: number],
  rest: Partial<Kind> = {}
): Kind {
  return {
    type,
    weight,
    when: 'any',
    seconds,
    amount,
    phases: READING,
    effect: null,
    byPeople: 0.05,
    failures: [THROTTLED, TIMED_OUT],
    blockers: [],
    closedBy: 'success',
    reporter: null,
    ...rest
  };
}

/** A type of the catalogue that only the demo has. */
interface DemoType {
  code: string;
  label: string;
  follow_up_policy: 'repeatable' | 'artifact' | 'manual_review';
  running_limit_seconds: number;
}

/** Ends up stale within half a minute, so that nobody has to wait to see how that looks. */
export const QUIET_TYPE = 'demo.heartbeat.check';
/** Its limit in the catalogue. */
export const QUIET_LIMIT_SECONDS = 30;
const LONG_TYPE = 'ext.brightwater.assignments_restore.conditional_access';

/** Written by the seed; every other type of the demo is built in, or unknown on purpose. */
export const DEMO_TYPES: readonly DemoType[] = [
  {
    code: QUIET_TYPE,
    label: 'Heartbeat check (demo: stale after 30 s)',
    follow_up_policy: 'repeatable',
    running_limit_seconds: QUIET_LIMIT_SECONDS
  },
  {
    code: LONG_TYPE,
    label:
      'Assignments restore for conditional access policies, named locations and authentication strengths (pilot ring 2)',
    follow_up_policy: 'manual_review',
    running_limit_seconds: 3_600
  }
];

export const KINDS: readonly Kind[] = [
  toKind('inventory.sync', [14, 150, 8_400], {
    effect: 'updated',
    failures: [THROTTLED, TIMED_OUT, TOKEN_EXPIRED],
    blockers: [NO_CONSENT]
  }),
  toKind('policy.sync', [14, 95, 412], { effect: 'updated', blockers: [NO_CONSENT] }),
  toKind('policy.snapshot', [8, 240, 1_310], { effect: 'created', byPeople: 0.2 }),
  toKind('policy.export', [4, 250, 412], {
    when: 'office',
    byPeople: 0.4,
    effect: 'created',
    failures: [NO_PERMISSION, THROTTLED]
  }),
  toKind('directory.groups.sync', [12, 20, 640], { effect: 'updated', failures: [SIGN_IN_REFUSED, TIMED_OUT] }),
  toKind('compliance.snapshot', [6, 118, 8_115], { when: 'night', effect: 'created' }),
  toKind('permission.posture.check', [6, 40, 1_048], { failures: [NO_PERMISSION, TIMED_OUT] }),
  toKind('rbac.health_check', [5, 12, 486]),
  toKind('alerts.evaluate', [10, 4, 212], { effect: 'created', ofWorkspace: true, failures: [TIMED_OUT] }),
  toKind('provider.connection.check', [12, 2, 1], { failures: [TOKEN_EXPIRED, TIMED_OUT], phases: ['Connecting'] }),
  toKind('baseline.capture', [2.5, 180, 400], {
    when: 'office',
    byPeople: 0.8,
    effect: 'created',
    failures: [CHANGED]
  }),
  toKind('baseline.compare', [3, 126, 1_310], { when: 'office', byPeople: 0.5, blockers: [LOCKED] }),
  toKind('tenant.evidence.snapshot.generate', [2.5, 300, 0], {
    when: 'office',
    byPeople: 0.6,
    phases: ['Collecting evidence', 'Checking signatures', 'Writing the report'],
    failures: [TIMED_OUT, NO_PERMISSION]
  }),
  toKind('environment.review_pack.generate', [1.5, 110, 0], {
    when: 'office',
    byPeople: 0.8,
    phases: ['Gathering findings', 'Composing', 'Rendering']
  }),
  // Says neither how much nor what it is doing.
  toKind('environment.review.compose', [1.5, 70, 0], { when: 'office', byPeople: 0.6, phases: [] }),
  toKind('backup.schedule.execute', [6, 1_500, 48_000], {
    when: 'night',
    effect: 'updated',
    byPeople: 0,
    failures: [QUOTA, REFUSED],
    reporter: { source: 'backup-gateway', prefix: 'bk-' }
  }),
  toKind('backup.schedule.retention', [3, 60, 900], {
    when: 'night',
    effect: 'deleted',
    byPeople: 0,
    failures: [REFUSED],
    reporter: { source: 'backup-gateway', prefix: 'rt-' }
  }),
  toKind('backup_set.update', [2, 52, 60], {
    when: 'office',
    byPeople: 0.7,
    effect: 'updated',
    failures: [QUOTA],
    blockers: [SET_IN_USE]
  }),
  toKind('policy.restore', [0.3, 380, 33], {
    when: 'office',
    byPeople: 1,
    effect: 'updated',
    failures: [CHANGED],
    closedBy: 'person'
  }),
  toKind('policy.delete', [0.3, 30, 12], {
    when: 'office',
    byPeople: 1,
    effect: 'deleted',
    failures: [CHANGED],
    blockers: [ON_HOLD],
    closedBy: 'person'
  }),
  toKind('assignments.restore', [0.2, 210, 96], {
    when: 'office',
    byPeople: 1,
    effect: 'updated',
    failures: [UNKNOWN_GROUP],
    closedBy: 'person'
  }),
  toKind('restore.execute', [0.3, 420, 148], {
    when: 'office',
    byPeople: 1,
    effect: 'updated',
    failures: [UNKNOWN_GROUP],
    blockers: [NO_APPROVAL],
    closedBy: 'person'
  }),
  toKind('promotion.execute', [0.4, 90, 42], {
    when: 'office',
    byPeople: 1,
    effect: 'updated',
    failures: [CHANGED],
    blockers: [LOCKED, NO_APPROVAL_2],
    closedBy: 'person'
  }),
  toKind(LONG_TYPE, [1, 310, 64], {
    when: 'office',
    byPeople: 0.9,
    onlyIn: 'Brightwater Clinics',
    effect: 'updated',
    failures: [UNKNOWN_GROUP],
    closedBy: 'person'
  }),
  // Types that no catalogue knows: shown with labels made from their codes.
  toKind('ext.pacs.image_archive.nightly_rollup', [1, 900, 21_000], {
    when: 'night',
    byPeople: 0,
    failures: [REFUSED],
    closedBy: 'person',
    reporter: { source: 'pacs-archive', prefix: 'rollup/' }
  }),
  toKind('crm-contacts_import.v2', [1.5, 35, 2_300], {
    byPeople: 0.1,
    effect: 'created',
    failures: [REFUSED, TIMED_OUT],
    closedBy: 'person',
    reporter: { source: 'integration-hub (EMEA, second generation)', prefix: 'urn:job:crm:' }
  }),
  // Never drawn: the writer's programme asks for it by name.
  toKind(QUIET_TYPE, [0, 75, 0], { byPeople: 0, phases: [], isQuiet: true })
];

/** The kind of a type code, or null for one that the demo does not know. */
export function kindOf(type: string): Kind | null {
  return KINDS.find((kind) => kind.type === type) ?? null;
}

/** Is it something that happens there at all? (`environment` null = the workspace itself.) */
export function happensIn(kind: Kind, environment: string | null): boolean {
  if ((kind.ofWorkspace === true) !== (environment === null)) return false;
  return kind.onlyIn === undefined || kind.onlyIn === environment;
}
