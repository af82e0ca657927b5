/**
 * What the demo's writer does next: creates operations, starts them, reports progress, ends them. Whose turn it is and
 * where is turns.ts. Pure: time and randomness are arguments, and applying a step gives a new state. Invariants: at most
 * MOST_ACTIVE at once, no operation ever goes backwards, what is quiet says nothing between its start and its end.
 */
import { DEMO_SOURCE, environmentOf, readersOf } from './cast.ts';
import { composeEnding, type Ending } from './endings.ts';
import { composeContext, drawExternalId, drawSeconds, drawTotal } from './ended.ts';
import { isBad } from './follow-ups.ts';
import type { Kind } from './kinds.ts';
import { drawAround, drawOne, type Random } from './random.ts';
import {
  isSamePlace,
  planOrdinary,
  planTurn,
  TURN_MS,
  TURNS,
  type Choice,
  type OpenFollowUp,
  type Place,
  type Plan
} from './turns.ts';

export const MOST_ACTIVE = 15;
/** Below the first the writer creates rather than reports, so that a fresh demo fills up in seconds; turns need room. */
const FEWEST_ACTIVE = 7;
const MOST_ORDINARY = 11;
/** Of the steps that could report progress instead: at two steps a second about ten operations are active. */
const SHARE_CREATED = 0.16;

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
  /** over within half a minute, because its turn comes again soon */
  isBrief: boolean;
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
  hasQuietType: boolean;
  active: readonly Active[];
  /** oldest first */
  open: readonly OpenFollowUp[];
  /** which turn comes next, and when */
  turn: { index: number; at: number };
}

export type Step =
  | (Plan & {
      does: 'create';
      /** the turn that this was; null = none's */
      turn: number | null;
      initiator: string;
      userId: number | null;
      source: string;
      externalId: string | null;
      context: Record<string, unknown>;
    })
  | { does: 'start'; id: number; total: number | null; phase: string | null; dueAt: number }
  | { does: 'report'; id: number; processed: number | null; total: number | null; phase: string | null }
  | { does: 'end'; id: number; ending: Ending }
  | { does: 'rest' };

/** The next step. One step is one change in the database, or none ('rest': nothing sensible is due). */
export function nextStep(state: WriterState, random: Random, now: number): Step {
  const due = state.active.find(({ dueAt }) => dueAt <= now);
  if (due) return due.status === 'queued' ? start(due, random, now) : end(due, random, due.outcome);
  const created = create(state, random, now);
  if (created) return created;
  const running = state.active.filter(({ status, kind }) => status === 'running' && !kind.isQuiet);
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
  if (step.does === 'create') return withCreated(state, step, { id, random, now });
  if (step.does === 'end') return withEnded(state, step.id, step.ending);
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

function withCreated(
  state: WriterState,
  step: Extract<Step, { does: 'create' }>,
  { id, random, now }: { id: number | null; random: Random; now: number }
): WriterState {
  // Also a turn at which the database made none is over: another will do.
  const turn = step.turn === null ? state.turn : { index: step.turn + 1, at: now + TURN_MS };
  if (id === null) return { ...state, turn };
  const { place, kind, outcome } = step;
  const created: Active = {
    id,
    place,
    kind,
    status: 'queued',
    processed: null,
    total: null,
    phase: null,
    outcome,
    isBrief: step.turn !== null,
    cancelledBy: null,
    since: now,
    dueAt: now + 800 + Math.min(drawAround(random, 2_000, 0.6), 6_000),
    reportedAt: now
  };
  return { ...state, turn, active: [...state.active, created] };
}

function withEnded(state: WriterState, id: number, ending: Ending): WriterState {
  const ended = state.active.find((active) => active.id === id);
  const rest = withoutOperation(state, id);
  if (!ended) return rest;
  const { place, kind } = ended;
  if (ending.outcome === 'succeeded')
    return { ...rest, open: rest.open.filter((other) => other.kind !== kind || !isSamePlace(other.place, place)) };
  return isBad(ending) && kind.closedBy === 'success' ? { ...rest, open: [...rest.open, { id, place, kind }] } : rest;
}

/** Somebody else ended or removed it: the writer forgets it. */
export function withoutOperation(state: WriterState, id: number): WriterState {
  return { ...state, active: state.active.filter((active) => active.id !== id) };
}

function create(state: WriterState, random: Random, now: number): Step | null {
  const choice: Choice = {
    ...state,
    // The identity of an active operation is its type in its place.
    isBusy: (place, kind) => state.active.some((other) => other.kind === kind && isSamePlace(other.place, place))
  };
  if (now >= state.turn.at && state.active.length < MOST_ACTIVE) {
    // What cannot be shown at the moment is passed over.
    for (const { index } of TURNS.map((_, passed) => ({ index: state.turn.index + passed }))) {
      const plan = planTurn(index, choice, random);
      if (plan) return toCreate(state, plan, index, random);
    }
  }
  const { length } = state.active;
  if (length >= MOST_ORDINARY || (length >= FEWEST_ACTIVE && random() >= SHARE_CREATED)) return null;
  const plan = planOrdinary(choice, random);
  return plan && toCreate(state, plan, null, random);
}

function toCreate({ userIds }: WriterState, plan: Plan, turn: number | null, random: Random): Step {
  const { kind, place } = plan;
  const people = readersOf(place.workspace, place.environment);
  const initiator = random() < kind.byPeople ? drawOne(random, people).name : 'System';
  return {
    does: 'create',
    ...plan,
    turn,
    initiator,
    userId: userIds.get(initiator) ?? null,
    source: DEMO_SOURCE,
    externalId: drawExternalId(random, kind),
    context: composeContext(random, kind, plan.outcome)
  };
}

function start(active: Active, random: Random, now: number): Step {
  const size = environmentOf(active.place.workspace, active.place.environment)?.size ?? 1;
  const total = drawTotal(random, active.kind, size) || null;
  if (active.outcome === 'blocked') return end({ ...active, total }, random, 'blocked');
  return {
    does: 'start',
    id: active.id,
    total,
    phase: active.kind.phases[0] ?? null,
    dueAt: now + drawRunningMs(active, random)
  };
}

/** Nobody watches a demo for an hour: long ones are shortened, and even the shortest can be seen running. */
function drawRunningMs({ kind, outcome, isBrief }: Active, random: Random): number {
  // Beyond its limit by as much again, so that it is stale for a while.
  if (kind.isQuiet) return kind.seconds * 1_000;
  const seconds = drawSeconds(random, kind, outcome);
  const longest = !isBrief ? 150 + random() * 60 : kind.seconds > 150 ? 40 : 8 + random() * 10;
  return Math.max(4, Math.min(seconds, longest)) * 1_000;
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
  const total = active.total ?? 0;
  const ending = composeEnding(random, active.kind, outcome, {
    total,
    // Brief ones may end before their first report: then they had come some way all the same.
    processed: active.processed || Math.floor(total * (0.05 + random() * 0.5)),
    cancelledBy: active.cancelledBy ?? drawOne(random, people).name
  });
  return { does: 'end', id: active.id, ending };
}
