/**
 * Everything that stands on a wall at one moment, put together from what is known, the stamp and the room there is. The
 * parts are in wall-*.ts; this decides which of them are shown where. Pure. Invariants: each state of the stamp and each
 * size has a picture that fits; nothing is shown of what access was withdrawn from; calm is said only by what
 * `face.mayBeCalm` allows.
 */
import type { FeedStamp } from './stamp-wording.ts';
import { silentFor } from './summary.ts';
import { toZoneName } from './time.ts';
import { activeOf, type ActiveCells } from './wall-active.ts';
import type { WallData } from './wall-data.ts';
import { fieldOf, type WallField } from './wall-environments.ts';
import { faceOf, toldOf, type Told, type WallFace } from './wall-face.ts';
import { floodOf, type Flood } from './wall-flood.ts';
import { followUpsOf, freshPlaces, momentOf, type FollowUpList } from './wall-follow-ups.ts';
import { noteOf, type NoteView } from './wall-note.ts';
import type { Room } from './wall-size.ts';
import { verdictOfWall, type Verdict } from './wall-verdict.ts';
import { toWallAge } from './wall-words.ts';

/** What has the first place beside the environments, and what the second. */
export type ListPart =
  | { part: 'follow-ups'; title: string; list: FollowUpList }
  | { part: 'causes'; title: string; head: string; flood: Flood }
  | { part: 'active'; title: string; active: ActiveCells }
  | { part: 'told'; title: string; told: Told[] }
  | { part: 'nothing' };

export interface WallView {
  face: WallFace;
  verdict: Verdict;
  flood: Flood | null;
  field: WallField | null;
  first: ListPart;
  second: ListPart;
  hasDay: boolean;
  note: NoteView | null;
  /** "CET", as of now */
  zone: string;
  /** somebody looks for this screen: its name, large */
  identify: string | null;
}

export interface WallSight {
  data: WallData;
  stamp: FeedStamp;
  /** the server's time */
  now: number;
  room: Room;
  /** is it a flood, by the rule that knows what it was before? */
  isFlood: boolean;
}

/** Lines of the follow-ups from before a flood. */
const BEFORE = 2;
const NOTHING: ListPart = { part: 'nothing' };

export function viewOf(sight: WallSight): WallView {
  const { data, stamp, now, room } = sight;
  const { zone: timeZone } = data.display;
  const silentMs = data.total === null ? null : silentFor(data.total, now);
  const face = faceOf({ stamp, readAt: data.readAt, now, silentMs, timeZone });
  const moment = momentOf(face, timeZone);
  const { rows } = data.followUps;
  const flood =
    sight.isFlood && !face.isBlank && !data.withheld
      ? floodOf(data.newProblems, rows, data.total?.counts ?? null, moment, data.typeLabels)
      : null;
  const shown = { ...listsOf(sight, face, flood), flood };
  // Progress changes all the time; what somebody has to know of is what became a follow-up.
  const changedRows = rows.filter(({ id }) => data.changed.has(id));
  const hasList = shown.first.part !== 'active' && shown.first.part !== 'nothing';
  const field = fieldOf({
    environments: data.environments,
    itself: data.itself,
    face,
    now,
    columns: room.columns,
    tileRows: room.tileRows,
    rotateSeconds: data.display.rotateSeconds,
    changed: new Set(changedRows.map(({ environmentId }) => environmentId)),
    fresh: freshPlaces(rows, face)
  });
  return {
    ...shown,
    face,
    verdict: verdictOfWall({ total: data.total, rows, hours: data.hours, face, withheld: data.withheld }),
    field: data.withheld || (room.isSmall && hasList) ? null : field,
    hasDay: !room.isSmall && !data.withheld,
    note: noteOf(data.handOvers, now, timeZone),
    zone: toZoneName(now, timeZone),
    identify: isAsked(data, now) ? data.display.name : null
  };
}

function isAsked({ display }: WallData, now: number): boolean {
  return display.identifyUntil !== null && now < display.identifyUntil;
}

function listsOf(
  { data, stamp, room }: WallSight,
  face: WallFace,
  flood: Flood | null
): { first: ListPart; second: ListPart } {
  if (data.withheld) return { first: NOTHING, second: NOTHING };
  if (face.isBlank) {
    return { first: { part: 'told', title: 'What this means', told: toldOf(face, stamp) }, second: NOTHING };
  }
  const active = (most: number): ListPart => {
    if (most === 0) return NOTHING;
    const cells = activeOf(data.active, most, face, environmentNames(data), data.typeLabels);
    return { part: 'active', title: 'Active operations', active: isSingle(data) ? byLabel(cells) : cells };
  };
  if (flood !== null) {
    const fresh = new Set(data.newProblems.map(({ id }) => id));
    const before = followUpList({ data, room }, face, BEFORE, (id) => !fresh.has(id));
    const head = flood.causes.length === 1 ? '1 cause' : `${flood.causes.length} causes`;
    return {
      first: { part: 'causes', title: 'By cause', head, flood },
      second:
        before.lines.length > 0 && !room.isSmall ? { part: 'follow-ups', title: 'Open before', list: before } : NOTHING
    };
  }
  const list = followUpList({ data, room }, face, room.followUps, () => true);
  if (list.lines.length > 0) {
    return { first: { part: 'follow-ups', title: 'Follow-up', list }, second: active(room.active) };
  }
  const told = quietTold(data, face);
  if (told !== null) {
    return { first: { part: 'told', title: 'What this means', told }, second: active(room.active) };
  }
  return { first: active(room.activeAlone), second: NOTHING };
}

/** With one environment its name says nothing: what is done there comes first. */
function isSingle({ environments }: WallData): boolean {
  return environments.length === 1;
}

function byLabel({ cells, head }: ActiveCells): ActiveCells {
  return { head, cells: cells.map((cell) => ({ ...cell, name: cell.label, label: cell.name })) };
}

function followUpList(
  { data }: Pick<WallSight, 'data' | 'room'>,
  face: WallFace,
  most: number,
  isIn: (id: number) => boolean
): FollowUpList {
  const rows = data.followUps.rows.filter(({ id }) => isIn(id));
  const left = data.followUps.rows.length - rows.length;
  const list = followUpsOf({
    rows,
    total: data.followUps.total === null ? null : data.followUps.total - left,
    most,
    environmentName: environmentNames(data),
    face,
    timeZone: data.display.zone,
    typeLabels: data.typeLabels,
    changed: data.changed
  });
  if (!isSingle(data)) return list;
  return { ...list, lines: list.lines.map((line) => ({ ...line, environment: line.label, label: line.environment })) };
}

function environmentNames({ environments }: WallData): (id: number | null) => string {
  const names = new Map(environments.map(({ id, name }) => [id, name]));
  return (id) => (id === null ? 'Workspace itself' : (names.get(id) ?? `Environment ${id}`));
}

/** Where nothing is open, and yet not all is well: nothing ever came, or nothing comes any more. */
function quietTold({ total }: WallData, face: WallFace): Told[] | null {
  if (total === null) return null;
  if (total.lastReportAt === null) {
    return [
      { term: 'State', text: 'Waiting for a first report' },
      { term: 'Still holds', text: face.mayBeCalm ? 'The feed itself is live' : 'Nothing is known to run' },
      { term: 'To do', text: 'Report one operation' }
    ];
  }
  if (face.state !== 'silent' || total.silentAfterMs === null) return null;
  return [
    { term: 'Failed', text: `No report for ${face.age ?? toWallAge(null)}` },
    { term: 'Still holds', text: 'The feed itself is live' },
    { term: 'Usual', text: `Usually within ${toWallAge(total.silentAfterMs / 3)}` },
    { term: 'To do', text: 'Check what reports here' }
  ];
}
