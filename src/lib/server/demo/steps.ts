/**
 * What the demo's writer does next: creates operations, starts them, reports progress, ends them in the proportions of
 * the history. Pure: time and randomness are arguments, and applying a step gives a new state. Invariants: at most
 * MOST_ACTIVE at once, no operation ever goes backwards, the silent environment stays silent.
 */
import { DEMO_SOURCE, DEMO_WORKSPACES, readersOf } from './cast.ts';
import { composeEnding, drawOutcome, type Ending } from './endings.ts';
import { drawSeconds, drawTotal } from './history.ts';
import { KINDS, type Kind } from './kinds.ts';
import { drawAround, drawOne, drawWeighted, type Random } from './random.ts';

export const MOST_ACTIVE = 15;
/** Below this the writer creates rather than reports, so that a fresh demo fills up in seconds. */
const FEWEST_ACTIVE = 7;
/** Of the steps that could report progress instead: at two steps a second about ten operations are active. */
const SHARE_CREATED = 0.05;

/** A place of a demo workspace that the writer may report for; ids as in the database. */
export interface Place {
  workspaceId: number;
  workspace: string;
  /** null = the workspace itself */
  environmentId: number | null;
  environment: string | null;
}

/** One operation that the writer has under way. Times are milliseconds since 1970. */
export interface Active {
  id: number;
  place: Place;
  kind: Kind;
  status: 'queued' | 'running';
  processed: number | null;
  total: number | null;
  phase: string | null;
  /** how it will end */
  outcome: Ending['outcome'];
  /** who cancels it, if that is how it ends; null = one of the people who may see it */
  cancelledBy: string | null;
  /** of this status: when it was created, or when it started */
  since: number;
  /** when it is due to start (queued) or to end (running) */
  dueAt: number;
  reportedAt: number;
}

export interface WriterState {
  places: readonly Place[];
  /** ids of the people whose names it uses, as far as it knows them */
  userIds: ReadonlyMap<string, number>;
  active: readonly Active[];
}

export type Step =
  | {
      does: 'create';
      place: Place;
      kind: Kind;
      initiator: string;
      userId: number | null;
      outcome: Ending['outcome'];
      source: string;
    }
  | { does: 'start'; id: number; total: number | null; phase: string | null; dueAt: number }
  | { does: 'report'; id: number; processed: number | null; total: number | null; phase: string | null }
  | { does: 'end'; id: number; ending: Ending }
  | { does: 'rest' };

/** The next step. One step is one change in the database, or none ('rest': nothing sensible is due). */
export function nextStep(state: WriterState, random: Random, now: number): Step {
  const due = state.active.find(({ dueAt }) => dueAt <= now);
  if (due) return due.status === 'queued' ? start(due, random, now) : end(due, random, due.outcome);
  const hasRoom = state.active.length < MOST_ACTIVE;
  if (hasRoom && (state.active.length < FEWEST_ACTIVE || random() < SHARE_CREATED)) {
    const created = create(state, random);
    if (created) return created;
  }
  const running = state.active.filter(({ status }) => status === 'running');
  // The one that was silent longest, with some luck: reports should not go round in a circle.
  const next = running
    .toSorted((a, b) => a.reportedAt - b.reportedAt)
    .slice(0, 3)
    .at(Math.floor(random() * Math.min(3, running.length)));
  return next ? report(next, random, now) : { does: 'rest' };
}

/** The state after `step` was written; `id` is what the database gave to a created one, null when it made none. */
export function withStep(
  state: WriterState,
  step: Step,
  { id, random, now }: { id: number | null; random: Random; now: number }
): WriterState {
  if (step.does === 'rest') return state;
  if (step.does === 'create') {
    if (id === null) return state;
    const dueAt = now + 800 + drawAround(random, 2_000, 0.6);
    const { place, kind, outcome } = step;
    const begun = { processed: null, total: null, phase: null, cancelledBy: null, since: now, dueAt, reportedAt: now };
    return { ...state, active: [...state.active, { id, place, kind, outcome, status: 'queued', ...begun }] };
  }
  if (step.does === 'end') return withoutOperation(state, step.id);
  const { id: changedId, ...changes } = step;
  return {
    ...state,
    active: state.active.map((active) => {
      if (active.id !== changedId) return active;
      if (changes.does === 'report')
        return { ...active, processed: changes.processed, total: changes.total, phase: changes.phase, reportedAt: now };
      const { total, phase, dueAt } = changes;
      return {
        ...active,
        status: 'running',
        processed: total === null ? null : 0,
        total,
        phase,
        dueAt,
        since: now,
        reportedAt: now
      };
    })
  };
}

/** Somebody else ended or removed it: the writer forgets it. */
export function withoutOperation(state: WriterState, id: number): WriterState {
  return { ...state, active: state.active.filter((active) => active.id !== id) };
}

function create({ places, active, userIds }: WriterState, random: Random): Step | null {
  const open = places.filter((place) => activityOf(place) > 0);
  if (open.length === 0) return null;
  const place = drawWeighted(random, open, activityOf);
  // The identity of an active operation is its type in its place.
  const here = active.filter(
    (other) => other.place.environmentId === place.environmentId && other.place.workspaceId === place.workspaceId
  );
  const kinds = KINDS.filter(
    ({ type, ofWorkspace }) =>
      (ofWorkspace === true) === (place.environmentId === null) && !here.some(({ kind }) => kind.type === type)
  );
  if (kinds.length === 0) return null;
  const kind = drawWeighted(random, kinds, ({ weight, when }) => (when === 'night' ? weight * 0.3 : weight));
  const people = readersOf(place.workspace, place.environment);
  const initiator = random() < kind.byPeople ? drawOne(random, people).name : 'System';
  const outcome = drawOutcome(random, kind);
  const userId = userIds.get(initiator) ?? null;
  return { does: 'create', place, kind, initiator, userId, outcome, source: DEMO_SOURCE };
}

/** How often something happens there; 0 for what the demo's cast does not know and for the silent one. */
function activityOf({ workspace, environment }: Place): number {
  const known = DEMO_WORKSPACES.find(({ name }) => name === workspace);
  if (!known) return 0;
  if (environment === null) return 0.35;
  const found = known.environments.find(({ name }) => name === environment);
  return found && !found.isSilent ? found.activity : 0;
}

function start(active: Active, random: Random, now: number): Step {
  if (active.outcome === 'blocked') return end(active, random, 'blocked');
  const total = drawTotal(random, active.kind, sizeOf(active.place)) || null;
  // Nobody watches a demo for an hour: long ones are shortened, and even the shortest can be seen running.
  const seconds = Math.min(drawSeconds(random, active.kind, active.outcome), 240 + random() * 120);
  return {
    does: 'start',
    id: active.id,
    total,
    phase: active.kind.phases[0] ?? null,
    dueAt: now + Math.max(4, seconds) * 1_000
  };
}

function report(active: Active, random: Random, now: number): Step {
  const share = Math.min(0.99, Math.max(0, (now - active.since) / (active.dueAt - active.since)));
  const { id, total, kind } = active;
  // Runs a little ahead or behind, never back.
  const reached = total === null ? null : Math.floor(total * Math.min(0.99, share * (0.9 + random() * 0.2)));
  const processed = reached === null ? active.processed : Math.max(reached, active.processed ?? 0);
  const place = Math.max(kind.phases.indexOf(active.phase ?? ''), Math.floor(share * kind.phases.length));
  return { does: 'report', id, processed, total, phase: kind.phases[place] ?? active.phase };
}

function end(active: Active, random: Random, outcome: Ending['outcome']): Step {
  const people = readersOf(active.place.workspace, active.place.environment);
  const ending = composeEnding(random, active.kind, outcome, {
    total: active.total ?? 0,
    processed: active.processed ?? 0,
    cancelledBy: active.cancelledBy ?? drawOne(random, people).name
  });
  return { does: 'end', id: active.id, ending };
}

function sizeOf({ workspace, environment }: Place): number {
  const known = DEMO_WORKSPACES.find(({ name }) => name === workspace);
  return known?.environments.find(({ name }) => name === environment)?.size ?? 1;
}
