/**
 * What people do with displays: see them, approve one that shows a code, change, identify, reload and revoke it, leave a
 * note on it. Whether they may at all the caller asks of their role; which displays are theirs to see or change the
 * policies of 0012 say, in whose transaction each statement runs. It owns no cookie, and no socket: the log tells the
 * display. Invariant: what cannot be seen cannot be changed, and both are answered alike ('absent').
 */
import type { VisibleWorkspace } from '../access/scope.ts';
import type { Queryable } from '../database/pool.ts';
import type { DisplaySettings } from '../../operations/display-settings.ts';
import type { HandOver, WallLayout, WallTheme } from '../../operations/wall-data.ts';

/** A display asks its page again and draws: its name stands there long enough to walk to it. */
const IDENTIFY_SECONDS = 30;

/** What a display said of itself last. */
export interface Presence {
  seenAt: number;
  state: string;
  version: string;
  proofAt: number | null;
  width: number;
  height: number;
  pixelRatio: number;
}

export interface ListedDisplay extends DisplaySettings {
  id: number;
  pairedBy: string;
  pairedAt: number;
  handOver: HandOver | null;
  /** null = it has not said anything since the database was started anew */
  presence: Presence | null;
}

/** What waits under a code, as the person who enters it sees it before approving. */
export interface WaitingScreen {
  /** null where a proxy hides it */
  address: string | null;
  browser: string;
  width: number | null;
  height: number | null;
  askedAt: number;
  expiresAt: number;
}

interface DisplayColumns {
  id: number;
  name: string;
  environment_ids: number[];
  layout: WallLayout;
  theme: WallTheme;
  distance_m: number;
  diagonal_in: number;
  rotate_seconds: number | null;
  zone: string;
  paired_by: string;
  paired_at: Date;
  hand_over_text: string | null;
  hand_over_by: string;
  hand_over_at: Date;
  hand_over_ends_at: Date;
}

interface PresenceColumns {
  display_id: number;
  seen_at: Date;
  state: string;
  version: string;
  proof_at: Date | null;
  width: number;
  height: number;
  pixel_ratio: number;
}

/** A workspace has a few; the page says when it shows the first of more. */
export const MOST_LISTED = 200;

/** The displays that this person may see, by name. Two statements. */
export async function readDisplays(db: Queryable, { workspace, readAt }: VisibleWorkspace): Promise<ListedDisplay[]> {
  const { rows } = await db.query<DisplayColumns>(
    `select id, name, environment_ids, layout, theme, distance_m, diagonal_in, rotate_seconds, zone, paired_by, paired_at,
       hand_over_text, hand_over_by, hand_over_at, hand_over_ends_at
     from public.displays where workspace_id = $1 and revoked_at is null order by lower(name), id limit ${MOST_LISTED}`,
    [workspace.id]
  );
  const { rows: said } = await db.query<PresenceColumns>('select * from watchfloor.presence_of($1)', [
    rows.map(({ id }) => id)
  ]);
  const presences = new Map(said.map((row) => [row.display_id, toPresence(row)]));
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    environmentIds: row.environment_ids,
    layout: row.layout,
    theme: row.theme,
    distanceM: row.distance_m,
    diagonalIn: row.diagonal_in,
    rotateSeconds: row.rotate_seconds,
    zone: row.zone,
    pairedBy: row.paired_by,
    pairedAt: row.paired_at.getTime(),
    handOver:
      row.hand_over_text === null || row.hand_over_ends_at.getTime() <= readAt
        ? null
        : {
            text: row.hand_over_text,
            by: row.hand_over_by,
            setAt: row.hand_over_at.getTime(),
            endsAt: row.hand_over_ends_at.getTime()
          },
    presence: presences.get(row.id) ?? null
  }));
}

function toPresence(row: PresenceColumns): Presence {
  return {
    seenAt: row.seen_at.getTime(),
    state: row.state,
    version: row.version,
    proofAt: row.proof_at?.getTime() ?? null,
    width: row.width,
    height: row.height,
    pixelRatio: row.pixel_ratio
  };
}

/** null: nothing waits under this code (any more). */
export async function findWaiting(db: Queryable, code: string): Promise<WaitingScreen | null> {
  const { rows } = await db.query<{
    address: string | null;
    browser: string;
    width: number | null;
    height: number | null;
    asked_at: Date;
    expires_at: Date;
  }>('select * from watchfloor.find_pairing($1)', [code]);
  const row = rows[0];
  if (!row) return null;
  const { address, browser, width, height } = row;
  return { address, browser, width, height, askedAt: row.asked_at.getTime(), expiresAt: row.expires_at.getTime() };
}

/** Nothing waits under this code any more: it was used, or its time is over. */
export class CodeOverError extends Error {
  override name = 'CodeOverError';
}

/** The new display's id. Throws a CodeOverError, upon which the caller's transaction is rolled back. */
export async function approveDisplay(
  db: Queryable,
  workspaceId: number,
  code: string,
  settings: DisplaySettings,
  approvedBy: string
): Promise<number> {
  const { rows } = await db.query<{ id: number }>(
    `insert into public.displays (workspace_id, environment_ids, name, layout, theme, distance_m, diagonal_in,
       rotate_seconds, zone, paired_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id`,
    [workspaceId, ...toValues(settings), approvedBy]
  );
  const { id } = rows[0]!;
  const taken = await db.query<{ taken: boolean }>('select watchfloor.take_pairing($1, $2) as taken', [code, id]);
  if (!taken.rows[0]!.taken) throw new CodeOverError('Nothing waits under this code.');
  return id;
}

type Changed = 'done' | 'absent';
const toChanged = ({ rowCount }: { rowCount: number | null }): Changed => (rowCount === 1 ? 'done' : 'absent');
const OF_DISPLAY = 'where workspace_id = $1 and id = $2 and revoked_at is null';

/** Which one of a workspace. */
export interface DisplayId {
  workspaceId: number;
  id: number;
}

/** Name, scope and how it is drawn, in one step. */
export async function changeDisplay(
  db: Queryable,
  { workspaceId, id }: DisplayId,
  settings: DisplaySettings
): Promise<Changed> {
  return toChanged(
    await db.query(
      `update public.displays set environment_ids = $3, name = $4, layout = $5, theme = $6, distance_m = $7,
         diagonal_in = $8, rotate_seconds = $9, zone = $10 ${OF_DISPLAY}`,
      [workspaceId, id, ...toValues(settings)]
    )
  );
}

/** It shows its name for a while. */
export async function identifyDisplay(db: Queryable, { workspaceId, id }: DisplayId): Promise<Changed> {
  const sql = `update public.displays set identify_until = clock_timestamp() + make_interval(secs => $3) ${OF_DISPLAY}`;
  return toChanged(await db.query(sql, [workspaceId, id, IDENTIFY_SECONDS]));
}

/** It loads itself again, when the server is ready for that. */
export async function reloadDisplay(db: Queryable, { workspaceId, id }: DisplayId): Promise<Changed> {
  const sql = `update public.displays set reload_asked_at = clock_timestamp() ${OF_DISPLAY}`;
  return toChanged(await db.query(sql, [workspaceId, id]));
}

/** Ends its trust at once and for good; the screen says so and offers to be paired anew. */
export async function revokeDisplay(db: Queryable, { workspaceId, id }: DisplayId, by: string): Promise<Changed> {
  const sql = `update public.displays set revoked_at = clock_timestamp(), revoked_by = $3 ${OF_DISPLAY}`;
  return toChanged(await db.query(sql, [workspaceId, id, by]));
}

/** A note for whoever stands before it; it replaces the one before. Null ends it. */
export async function leaveNote(
  db: Queryable,
  { workspaceId, id }: DisplayId,
  note: { text: string; hours: number; by: string } | null
): Promise<Changed> {
  return toChanged(
    await db.query(
      `update public.displays set hand_over_text = $3, hand_over_by = $4,
         hand_over_at = case when $3::text is not null then clock_timestamp() end,
         hand_over_ends_at = case when $3::text is not null then clock_timestamp() + make_interval(hours => $5) end
       ${OF_DISPLAY}`,
      [workspaceId, id, note?.text ?? null, note?.by ?? null, note?.hours ?? 0]
    )
  );
}

function toValues(settings: DisplaySettings): unknown[] {
  const { environmentIds, name, layout, theme, distanceM, diagonalIn, rotateSeconds, zone } = settings;
  return [environmentIds, name, layout, theme, distanceM, diagonalIn, rotateSeconds, zone];
}
