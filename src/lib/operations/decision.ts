/**
 * What to do about an operation, said once: the next step by follow-up policy and state, what was harmed as far as it was
 * reported, and the word on the follow-up. Pure wording over the row and what its page read around it; it decides nothing
 * that problem.ts and freshness.ts have not decided. Invariant: it never promises what nobody reported.
 */
import { operationAddress } from './addresses.ts';
import { badgeOf, type BadgeKind } from './badge.ts';
import { toDuration } from './duration.ts';
import { freshnessOf } from './freshness.ts';
import type { OperationRow } from './operation.ts';
import type { DetailPage } from './pages.ts';
import { isFollowUp, isFollowUpOpen } from './problem.ts';
import { toMoment } from './time.ts';
import { countsSentence, toNumber, type Moment } from './wording.ts';

/** A sentence in pieces; a piece may lead somewhere. */
export type Piece = string | { words: string; href: string };

/** What the page knows beside the row. */
export type Around = Pick<
  DetailPage,
  'workspace' | 'environment' | 'typeLabel' | 'followUpPolicy' | 'later' | 'source'
>;

/** The badge beside the outcome; null where nothing ever had to be followed up. */
export function followUpWord(row: OperationRow): 'Follow-up open' | 'Follow-up resolved' | 'Reviewed' | null {
  if (!isFollowUp(row)) return null;
  if (row.resolved !== null) return 'Follow-up resolved';
  return row.reviewed === null ? 'Follow-up open' : 'Reviewed';
}

export function operationLink(workspaceId: number, id: number): Exclude<Piece, string> {
  return { words: `operation ${id}`, href: operationAddress(workspaceId, id) };
}

/** "in Brightwater Clinics", or where there is none, "in Halden & Roy itself" */
export function placeWords(around: Pick<Around, 'workspace' | 'environment'>): string {
  return around.environment === null ? `in ${around.workspace.name} itself` : `in ${around.environment.name}`;
}

/** The next step. Empty pieces never occur, and joined they read as plain sentences. */
export function nextStepOf(row: OperationRow, around: Around, moment: Moment): Piece[] {
  const own = ownStep(row, around, moment);
  const later = laterSentence(row, around, moment);
  return later === null ? own : [...own, ' ', ...later];
}

function ownStep(row: OperationRow, around: Around, moment: Moment): Piece[] {
  if (row.status !== 'completed') {
    const reporter = around.source ?? 'the reporting system';
    switch (freshnessOf(row, moment.at)) {
      case 'likely_stale':
        return [
          `Check in ${reporter} whether it still ${row.status === 'queued' ? 'waits' : 'runs'}, before it is started again.`
        ];
      case 'unknown':
        return [`Check in ${reporter} whether it still runs.`];
      default:
        return [row.status === 'queued' ? 'Nothing to do while it waits.' : 'Nothing to do while it runs.'];
    }
  }
  if (row.outcome === 'cancelled') return ['Nothing to do. A cancelled operation leaves no follow-up.'];
  if (row.outcome === 'pending') return [`Check in ${around.source ?? 'the reporting system'} how it ended.`];
  if (!isFollowUp(row)) return ['Nothing to do.'];
  if (isFollowUpOpen(row)) return [openStep(around)];
  return closedStep(row, around, moment);
}

function openStep(around: Around): string {
  return around.followUpPolicy === 'manual_review'
    ? 'A person has to look at it and mark it reviewed.'
    : `The next success of ${around.typeLabel} ${placeWords(around)} resolves this follow-up.`;
}

/** Who or what closed it; both, in the order in which they did. */
function closedStep(row: OperationRow, around: Around, moment: Moment): Piece[] {
  const closings: { at: number; words: Piece[] }[] = [];
  const when = (instant: number) => toMoment(instant, moment.at, moment.timeZone);
  if (row.resolved !== null) {
    const { at, by } = row.resolved;
    const after = row.completedAt === null ? null : toDuration(at - row.completedAt);
    closings.push({
      at,
      words: [
        'Resolved by ',
        operationLink(around.workspace.id, by),
        after === null ? ` at ${when(at)}.` : `, ${after} later.`
      ]
    });
  }
  if (row.reviewed !== null) {
    const { at, by } = row.reviewed;
    closings.push({ at, words: [`Reviewed by ${by} at ${when(at)}.`] });
  }
  return closings.sort((a, b) => a.at - b.at).flatMap(({ words }, i) => (i === 0 ? words : [' ', ...words]));
}

const LATER_ENDS: Partial<Record<BadgeKind, string>> = {
  failed: 'failed',
  blocked: 'was blocked',
  partial: 'succeeded only in part',
  cancelled: 'was cancelled',
  succeeded: 'succeeded'
};

/**
 * A newer operation of the same kind, where it changes what to do: always when it went wrong, else only while this one
 * still waits for somebody. It is as of the reading of the page, so only what cannot change since is said.
 */
function laterSentence(row: OperationRow, around: Around, moment: Moment): Piece[] | null {
  const { later } = around;
  if (later === null || later.id === row.id || later.id === row.resolved?.by) return null;
  const isOpen = isFollowUpOpen(row) || freshnessOf(row, moment.at) === 'likely_stale';
  if (!isFollowUp(later) && !isOpen) return null;
  const when = (instant: number) => toMoment(instant, moment.at, moment.timeZone);
  const what =
    later.status === 'completed' && later.completedAt !== null
      ? `${LATER_ENDS[badgeOf(later, moment.at)] ?? 'ended'} at ${when(later.completedAt)}.`
      : later.startedAt === null
        ? `was queued at ${when(later.createdAt)}.`
        : `was started at ${when(later.startedAt)}.`;
  return ['A later one, ', operationLink(around.workspace.id, later.id), `, ${what}`];
}

/** What was harmed or left undone, by the counts that it reported itself. */
export function impactOf(row: OperationRow, moment: Moment): string {
  const { counts } = row;
  if (row.status !== 'completed') {
    if (freshnessOf(row, moment.at) !== 'fresh_active') return 'Not known while it is silent.';
    return counts.failed ? `${toNumber(counts.failed)} failed so far.` : 'None reported so far.';
  }
  if (row.reconciledAt !== null && Object.keys(counts).length === 0)
    return 'Not known: it stopped reporting before it ended.';
  const whole = counts.total ?? counts.processed;
  const { succeeded, failed, skipped, processed } = counts;
  // Whether what was skipped counts as processed differs between systems: beside it nothing can be said of the rest.
  const untouched = !skipped && counts.total !== undefined && processed !== undefined ? counts.total - processed : 0;
  const lost = [
    failed ? `${toNumber(failed)} failed` : null,
    skipped ? `${toNumber(skipped)} skipped` : null,
    untouched > 0 ? `${toNumber(untouched)} not processed` : null
  ].filter((part) => part !== null);
  if (succeeded === 0 && whole !== undefined && whole > 0)
    return `None of ${toNumber(whole)} succeeded${lost.length > 0 ? `: ${lost.join(', ')}` : ''}.`;
  if (lost.length > 0) {
    const rest = succeeded === undefined ? '' : `; ${toNumber(succeeded)} succeeded`;
    return `${whole === undefined ? '' : `Of ${toNumber(whole)}, `}${lost.join(', ')}${rest}.`;
  }
  const all = countsSentence(counts);
  if (all !== null) return isFollowUp(row) ? `${all}.` : `None reported: ${all}.`;
  return isFollowUp(row) ? 'Not known: no counts were reported.' : 'None reported.';
}

export interface Review {
  text: string;
  /** what this person may do about it now */
  action: 'review' | 'undo' | null;
}

/** The review of a follow-up: what holds, and what may be done; null where there never was a follow-up. */
export function reviewOf(
  row: OperationRow,
  page: Pick<DetailPage, 'mayReview' | 'followUpPolicy'>,
  moment: Moment
): Review | null {
  if (!isFollowUp(row)) return null;
  if (row.reviewed !== null) {
    const when = toMoment(row.reviewed.at, moment.at, moment.timeZone);
    return {
      text: `Reviewed by ${row.reviewed.by} at ${when}. Status and outcome stayed as they were.`,
      action: page.mayReview ? 'undo' : null
    };
  }
  if (row.resolved !== null) return { text: 'A later success resolved it; nobody has to review it.', action: null };
  if (!page.mayReview) {
    const who = 'Owners, managers and operators of this workspace can mark it reviewed.';
    return { text: `Not reviewed. ${who}`, action: null };
  }
  const when = page.followUpPolicy === 'manual_review' ? '' : ' before a success does';
  return {
    text: `Not reviewed. Mark it reviewed to close the follow-up${when}; status and outcome stay as they are.`,
    action: 'review'
  };
}
