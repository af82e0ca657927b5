/**
 * What the log says about a refusal: who asked, for what, from where, and why it was refused. It owns the one line, how
 * many of them there may be, and finding out why; the answers themselves are decided elsewhere and before.
 * Invariants: whoever is refused learns nothing from it, not even by the clock (why is asked later, by one statement
 * that is the same for all); a loop fills no disk and no memory; nothing secret is in a line, since who is a person's id,
 * the first digits of a session's hash and an address, and what was typed at sign-in stands there as a keyed hash only.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Queryable } from '../database/pool.ts';
import { toNetwork } from './network.ts';

/** What was asked for. `page`: something that needs somebody signed in; `request`: anything, from a foreign page. */
export type DeniedDoor =
  | 'page'
  | 'overview'
  | 'operations'
  | 'counts'
  | 'operation'
  | 'review'
  | 'diagnostics'
  | 'rejected reports'
  | 'displays'
  | 'pairing'
  | 'connection'
  | 'delivery'
  | 'live'
  | 'sign-in'
  | 'account'
  | 'second factor'
  | 'passkey'
  | 'request';

export type DeniedWhy =
  | 'signed out'
  | 'refused'
  /** signing in with it ended otherwise than with somebody signed in; `reason` says how */
  | 'identity provider'
  | 'too many attempts'
  | 'too many sockets'
  | 'too many messages'
  | 'binary message'
  | 'foreign origin'
  | 'foreign host'
  /** the role lacks what is named by `capability` */
  | 'capability'
  /** an id that is none */
  | 'malformed'
  /** the key that sealed it is gone */
  | 'unreadable'
  // From here on only the log tells them apart; to whoever asks all of them are one.
  | 'no such workspace'
  | 'not a member'
  | 'no such environment'
  | 'no such operation'
  | 'narrowed away'
  /** it was refused, and a moment later nothing stood in the way */
  | 'changed since'
  /** one of the above; it was not found out which */
  | 'absent';

export interface Denial {
  door: DeniedDoor;
  /** Left out where it is absent: then it is found out which absence it is. */
  why?: DeniedWhy;
  /** a display that asks the hub is the negative of its id */
  personId?: number | null;
  /** the hash, as `sessions.id`; its first 12 digits are logged, as in the log of changes */
  sessionId?: string | null;
  /** As asked for: a number, or the text that is none (logged up to 40 characters). Left out = not asked for. */
  workspaceId?: number | string | null;
  environmentId?: number | string | null;
  operationId?: number | string | null;
  /** of a request that is about no record of ours */
  path?: string;
  capability?: string;
  /** in words of ours or of a library, never a value that somebody sent */
  reason?: string;
  /** of the client; null where a proxy hides it */
  address?: string | null;
  /** of one HTTP request or socket */
  requestId?: string | null;
  /** what was typed as an e-mail; never logged as it is */
  account?: string;
  /** the Origin header of a foreign page, or the Host header that is not ours */
  origin?: string | undefined;
}

export interface DenialFigures {
  /** since the start, logged or not */
  byDoor: Partial<Record<DeniedDoor, number>>;
  unlogged: number;
}

export interface Denials {
  /** Never throws and is never waited for. */
  denied(denial: Denial): void;
  figures(): DenialFigures;
  /** Logs what is still to be explained, unexplained, and how many were not logged. */
  close(): void;
}

/** Within one minute. One person's loop leaves room for the others; all of them together write 300 lines at most. */
export const LINES_A_MINUTE = { each: 30, all: 300 } as const;
const WINDOW_MS = 60_000;
/** By then the answer has gone: no time of it depends on what is asked here, and a request in between meets nothing. */
const EXPLAIN_AFTER_MS = 250;
const LONGEST_TEXT = 40;
const LONGEST_PATH = 200;
const LONGEST_REASON = 300;

/** `db` acts as the role `feed`, which sees who is a member of what, and the place of each operation, but no content. */
export function openDenials({ log, db }: { log: Pick<Logger, 'info' | 'warn'>; db: Queryable | null }): Denials {
  // Lines of one process can be compared with each other, and a typed password cannot be guessed from the log.
  const accountKey = randomBytes(32);
  const byDoor: DenialFigures['byDoor'] = {};
  const lines = new Map<string, number>();
  const waiting = new Map<NodeJS.Timeout, Denial>();
  let total = 0;
  let unlogged = 0;
  let unloggedNow = 0;
  let windowEnd: NodeJS.Timeout | null = null;

  const endWindow = (): void => {
    if (windowEnd) clearTimeout(windowEnd);
    windowEnd = null;
    if (unloggedNow > 0) log.warn({ unlogged: unloggedNow }, 'more was denied than is logged one by one');
    lines.clear();
    total = unloggedNow = 0;
  };
  const mayLog = ({ personId, address }: Denial): boolean => {
    windowEnd ??= setTimeout(endWindow, WINDOW_MS).unref();
    const who = personId ? `person ${personId}` : `network ${address ? toNetwork(address) : 'unknown'}`;
    const before = lines.get(who) ?? 0;
    if (total >= LINES_A_MINUTE.all || before >= LINES_A_MINUTE.each) {
      unlogged++;
      unloggedNow++;
      return false;
    }
    // Bounded by the lines: who has none is not remembered.
    lines.set(who, before + 1);
    total++;
    return true;
  };
  const write = (denial: Denial, why: DeniedWhy): void => {
    const { door, personId, sessionId, workspaceId, environmentId, operationId, capability, address, requestId } =
      denial;
    const account =
      denial.account === undefined
        ? undefined
        : createHmac('sha256', accountKey).update(denial.account.trim().toLowerCase()).digest('hex').slice(0, 12);
    // Undefined is left out by pino, so each line has what it is about.
    log.info(
      {
        door,
        why,
        capability,
        reason: denial.reason?.slice(0, LONGEST_REASON),
        person: personId != null && personId < 0 ? undefined : (personId ?? undefined),
        display: personId != null && personId < 0 ? -personId : undefined,
        session: sessionId?.slice(0, 12),
        workspace: toShown(workspaceId),
        environment: toShown(environmentId),
        operation: toShown(operationId),
        account,
        path: denial.path?.slice(0, LONGEST_PATH),
        origin: denial.origin?.slice(0, LONGEST_PATH),
        address: address ?? undefined,
        request: requestId ?? undefined
      },
      'denied'
    );
  };
  const explain = (denial: Denial): void => {
    const { personId, workspaceId, environmentId, operationId } = denial;
    if ([workspaceId, environmentId, operationId].some((id) => typeof id === 'string'))
      return write(denial, 'malformed');
    if (db === null || typeof personId !== 'number' || personId < 0 || typeof workspaceId !== 'number')
      return write(denial, 'absent');
    const asked = { personId, workspaceId, environmentId: toId(environmentId), operationId: toId(operationId) };
    const timer = setTimeout(() => {
      waiting.delete(timer);
      void readWhy(db, asked)
        .catch((): DeniedWhy => 'absent')
        .then((why) => write(denial, why));
    }, EXPLAIN_AFTER_MS).unref();
    waiting.set(timer, denial);
  };

  return {
    denied(denial) {
      byDoor[denial.door] = (byDoor[denial.door] ?? 0) + 1;
      if (!mayLog(denial)) return;
      if (denial.why === undefined) explain(denial);
      else write(denial, denial.why);
    },
    figures: () => ({ byDoor: { ...byDoor }, unlogged }),
    close() {
      for (const [timer, denial] of waiting) {
        clearTimeout(timer);
        write(denial, 'absent');
      }
      waiting.clear();
      endWindow();
    }
  };
}

/** The first of the checks that fails, in their order. One statement whatever was asked for. */
async function readWhy(
  db: Queryable,
  asked: { personId: number; workspaceId: number; environmentId: number | null; operationId: number | null }
): Promise<DeniedWhy> {
  const { rows } = await db.query<{ why: DeniedWhy }>(
    `with place as (
       select coalesce($3, (select o.managed_environment_id from public.operation_runs o
         where o.id = $4 and o.workspace_id = $2)) as environment_id
     )
     select case
       when not exists (select from public.workspaces where id = $2) then 'no such workspace'
       when not exists (select from public.memberships where workspace_id = $2 and user_id = $1) then 'not a member'
       when $3::bigint is not null and not exists (
         select from public.managed_environments where id = $3 and workspace_id = $2) then 'no such environment'
       when $4::bigint is not null and not exists (
         select from public.operation_runs where id = $4 and workspace_id = $2) then 'no such operation'
       when place.environment_id is not null
         and exists (select from public.environment_memberships where workspace_id = $2 and user_id = $1)
         and not exists (select from public.environment_memberships where workspace_id = $2 and user_id = $1
           and managed_environment_id = place.environment_id) then 'narrowed away'
       else 'changed since' end as why
     from place`,
    [asked.personId, asked.workspaceId, asked.environmentId, asked.operationId]
  );
  return rows[0]!.why;
}

function toId(id: number | string | null | undefined): number | null {
  return typeof id === 'number' ? id : null;
}

/** What was asked for is a stranger's text: short, and JSON escapes the rest. */
function toShown(id: number | string | null | undefined): number | string | undefined {
  return typeof id === 'string' ? id.slice(0, LONGEST_TEXT) : (id ?? undefined);
}
