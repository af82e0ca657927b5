/**
 * Who may know of a change: rooms as units of access, and what each unit is told. Pure.
 * A unit is one of: the whole workspace (people who are not narrowed), one environment (everyone entitled to it, and
 * whoever filters by it), the workspace's own operations (people who are narrowed). A change is sent once to each unit
 * that it touches. Invariant: a unit is told of a row only while the row stands in it; of a row that left, only id and
 * revision.
 */
import type { OperationRow } from '../../operations/operation.ts';
import type { Scope } from '../../live/protocol.ts';
import type { SummaryPlace } from '../../operations/summary.ts';

/** What a person may see of one workspace, read in one snapshot. */
export interface WorkspaceAccess {
  role: string;
  /** empty = all environments of the workspace */
  narrowedTo: number[];
}

/** One entry of the log, grouped: an operation is at `environmentId`, or left `oldEnvironmentId`, or was deleted. */
export interface OperationChange {
  id: number;
  workspaceId: number;
  places: (number | null)[];
  /** highest revision that the log knows of it */
  revision: number;
  /** as it is now; null when it is gone */
  row: OperationRow | null;
}

export type Unit = string;
export const workspaceUnit = (workspaceId: number): Unit => `workspace:${workspaceId}`;
export const environmentUnit = (workspaceId: number, environmentId: number): Unit =>
  `environment:${workspaceId}:${environmentId}`;
export const workspaceItselfUnit = (workspaceId: number): Unit => `itself:${workspaceId}`;

/** The unit that a summary is of. */
export function summaryUnit(workspaceId: number, place: SummaryPlace): Unit {
  if (place === 'workspace') return workspaceUnit(workspaceId);
  return place === 'itself' ? workspaceItselfUnit(workspaceId) : environmentUnit(workspaceId, place);
}

/** Who watches the numbers of a unit: not always who is told its rows. */
export const numbersRoom = (unit: Unit): string => `numbers:${unit}`;

/** The units whose numbers a subscription wants: those of its scope, or each environment of it. */
export function summaryPlacesOf(
  scope: Scope,
  access: WorkspaceAccess,
  everyEnvironment: number[] | null
): SummaryPlace[] {
  if (scope.environmentId !== null) return [scope.environmentId];
  if (access.narrowedTo.length > 0) return ['itself', ...access.narrowedTo];
  return everyEnvironment === null ? ['workspace'] : ['itself', ...everyEnvironment];
}

/** The rooms that a subscription joins, given what the person may see; null where the scope is not theirs. */
export function unitsOf(scope: Scope, access: WorkspaceAccess | null): Unit[] | null {
  if (access === null) return null;
  const narrowed = access.narrowedTo.length > 0;
  if (scope.environmentId !== null)
    return narrowed && !access.narrowedTo.includes(scope.environmentId)
      ? null
      : [environmentUnit(scope.workspaceId, scope.environmentId)];
  return narrowed
    ? [workspaceItselfUnit(scope.workspaceId), ...access.narrowedTo.map((id) => environmentUnit(scope.workspaceId, id))]
    : [workspaceUnit(scope.workspaceId)];
}

/** Does a place (an environment, or null for the workspace itself) lie in what the person may see of the scope? */
export function isInScope(scope: Scope, access: WorkspaceAccess, environmentId: number | null): boolean {
  if (scope.environmentId !== null) return environmentId === scope.environmentId;
  return access.narrowedTo.length === 0 || environmentId === null || access.narrowedTo.includes(environmentId);
}

/** Is somebody who may see this told that names changed? `only`: of a display, which alone is told (its negative id). */
export function isNameSeen(
  { environmentId, only }: { environmentId: number | null; only?: number },
  { narrowedTo }: WorkspaceAccess,
  userId: number
): boolean {
  if (only !== undefined && only !== userId) return false;
  return environmentId === null || narrowedTo.length === 0 || narrowedTo.includes(environmentId);
}

/** What one unit, or one person catching up, is told. */
export interface Delta {
  rows: OperationRow[];
  removed: [id: number, revision: number][];
}

/** The delta of each unit that the changes touch. */
export function toUnitDeltas(changes: Iterable<OperationChange>): Map<Unit, Delta> {
  const deltas = new Map<Unit, Delta>();
  const of = (unit: Unit): Delta => {
    let delta = deltas.get(unit);
    if (!delta) deltas.set(unit, (delta = { rows: [], removed: [] }));
    return delta;
  };
  for (const { id, workspaceId, places, revision, row } of changes) {
    const placeUnit = (place: number | null): Unit =>
      place === null ? workspaceItselfUnit(workspaceId) : environmentUnit(workspaceId, place);
    const present = row === null ? [] : [workspaceUnit(workspaceId), placeUnit(row.environmentId)];
    for (const unit of present) of(unit).rows.push(row!);
    const touched = new Set([...places.map(placeUnit), ...(row === null ? [workspaceUnit(workspaceId)] : [])]);
    for (const unit of touched) if (!present.includes(unit)) of(unit).removed.push([id, revision]);
  }
  return deltas;
}

/** The delta of one person's scope: the same rule, for catch-up. Changes of other workspaces are none of it. */
export function toScopeDelta(changes: Iterable<OperationChange>, scope: Scope, access: WorkspaceAccess): Delta {
  const delta: Delta = { rows: [], removed: [] };
  for (const { id, workspaceId, places, revision, row } of changes) {
    if (workspaceId !== scope.workspaceId) continue;
    if (row !== null && isInScope(scope, access, row.environmentId)) delta.rows.push(row);
    else if (places.some((place) => isInScope(scope, access, place))) delta.removed.push([id, revision]);
  }
  return delta;
}
