/**
 * What the demo's writer shows to whoever watches for two minutes: turns that come round for ever, each a brief operation
 * that ends as its turn says. It owns whose turn it is and where; carrying it out is steps.ts. Pure.
 * Invariant: what one turn leaves open a later one closes, so the writer's open follow-ups stay a handful.
 */
import { DEMO_WORKSPACES, environmentOf } from './cast.ts';
import type { Ending } from './endings.ts';
import { happensIn, KINDS, QUIET_TYPE, type Kind } from './kinds.ts';
import { drawWeighted, type Random } from './random.ts';
import { KEPT_STORY } from './stories.ts';

/** A place of a demo workspace that the writer may report for; ids as in the database. */
export interface Place {
  workspaceId: number;
  workspace: string;
  /** null = the workspace itself */
  environmentId: number | null;
  environment: string | null;
}

/** A follow-up that the writer can close by reporting a success of its kind. */
export interface OpenFollowUp {
  id: number;
  place: Place;
  kind: Kind;
}

type Turn = 'failed' | 'quiet' | 'resolve' | 'blocked' | 'phased' | 'cancelled' | 'partially_succeeded';

/** As many that close as such that open. */
export const TURNS: readonly Turn[] = [
  'failed',
  'quiet',
  'resolve',
  'blocked',
  'phased',
  'resolve',
  'cancelled',
  'partially_succeeded',
  'resolve'
];
/** All nine in 72 s; with up to 30 s for an operation to begin and end, each is seen in any two minutes. */
export const TURN_MS = 8_000;
/** Left open for a while, so that somebody can look at them; with more than the second, ordinary work closes some, too. */
const FEWEST_OPEN = 2;
const MANY_OPEN = 6;

/** An operation to be made. */
export interface Plan {
  place: Place;
  kind: Kind;
  outcome: Ending['outcome'];
  /** the operation that this one repeats */
  retryOf: number | null;
}

/** What there is to choose from. */
export interface Choice {
  places: readonly Place[];
  /** oldest first */
  open: readonly OpenFollowUp[];
  /** does the catalogue have the type with the short limit? (Not in a demo that an older version seeded.) */
  hasQuietType: boolean;
  /** is an operation of this kind active there? */
  isBusy: (place: Place, kind: Kind) => boolean;
}

/** What to report on this turn, and where; null when there is nothing to show at the moment. */
export function planTurn(index: number, choice: Choice, random: Random): Plan | null {
  const turn = TURNS[index % TURNS.length]!;
  if (turn === 'resolve') {
    const chosen = choice.open
      .slice(0, Math.max(0, choice.open.length - FEWEST_OPEN))
      .find(({ place, kind }) => !choice.isBusy(place, kind));
    return chosen ? { place: chosen.place, kind: chosen.kind, outcome: 'succeeded', retryOf: chosen.id } : null;
  }
  if (turn === 'quiet' && !choice.hasQuietType) return null;
  const outcome = turn === 'quiet' || turn === 'phased' ? 'succeeded' : turn;
  const isBad = outcome !== 'succeeded' && outcome !== 'cancelled';
  const plans = choice.places
    .filter((place) => activityOf(place) > 0 && !(isBad && isCalm(place)))
    .flatMap((place) =>
      KINDS.filter((kind) => suits(kind, turn) && isFree(choice, place, kind)).map((kind): Plan => ({
        place,
        kind,
        outcome,
        retryOf: null
      }))
    );
  return plans.length === 0 ? null : drawWeighted(random, plans, ({ place }) => activityOf(place));
}

function suits(kind: Kind, turn: Exclude<Turn, 'resolve'>): boolean {
  if (turn === 'quiet') return kind.type === QUIET_TYPE;
  // What only a person can close would stay open for ever, since the writer is no person.
  if (kind.isQuiet || kind.closedBy === 'person') return false;
  if (turn === 'phased') return kind.amount === 0 && kind.phases.length > 0;
  // An hour's backup that ends within a few seconds convinces nobody.
  if (kind.seconds > 150) return false;
  if (turn === 'blocked') return kind.blockers.length > 0;
  return turn === 'failed' || kind.amount >= 20;
}

/** An ordinary operation that goes well; null when nothing is free in the place drawn. */
export function planOrdinary(choice: Choice, random: Random): Plan | null {
  const places = choice.places.filter((place) => activityOf(place) > 0);
  if (places.length === 0) return null;
  const place = drawWeighted(random, places, activityOf);
  const kinds = KINDS.filter(
    (kind) =>
      kind.weight > 0 &&
      isFree(choice, place, kind) &&
      (choice.open.length > MANY_OPEN ||
        !choice.open.some((followUp) => followUp.kind === kind && isSamePlace(followUp.place, place)))
  );
  if (kinds.length === 0) return null;
  // Mostly short ones, because what ends often makes what ends badly rare.
  const kind = drawWeighted(
    random,
    kinds,
    ({ weight, when, seconds }) => weight * (when === 'night' ? 0.3 : 1) * (seconds < 45 ? 4 : 1)
  );
  return { place, kind, outcome: 'succeeded', retryOf: null };
}

function isFree({ isBusy }: Choice, place: Place, kind: Kind): boolean {
  return happensIn(kind, place.environment) && !isKept(place, kind) && !isBusy(place, kind);
}

export function isSamePlace(a: Place, b: Place): boolean {
  return a.workspaceId === b.workspaceId && a.environmentId === b.environmentId;
}

/** Part of a story that the writer leaves as it is. */
export function isKept({ workspace, environment }: Place, { type }: Kind): boolean {
  return workspace === KEPT_STORY.workspace && environment === KEPT_STORY.environment && type === KEPT_STORY.type;
}

/** How often something happens there; 0 for what is not the demo's and for the silent one. */
function activityOf({ workspace, environment }: Place): number {
  if (environment === null) return DEMO_WORKSPACES.some(({ name }) => name === workspace) ? 0.35 : 0;
  const known = environmentOf(workspace, environment);
  return known === null || known.story === 'silent' || known.story === 'unheard' ? 0 : known.activity;
}

function isCalm({ workspace, environment }: Place): boolean {
  return environmentOf(workspace, environment)?.story === 'calm';
}
