/**
 * The hand-over note on the wall: what a person said to whoever comes next, until its end. Several take turns. Pure.
 * Invariant: a note that has ended is never shown, whatever the data still holds.
 */
import { toMinute } from './time.ts';
import type { HandOver } from './wall-data.ts';
import { turnAt } from './wall-manners.ts';

export interface NoteView {
  text: string;
  by: string;
  /** "until 10:00" */
  until: string;
  /** "1 of 2"; null for a single one */
  place: string | null;
}

const TURN_SECONDS = 20;

export function noteOf(handOvers: readonly HandOver[], now: number, timeZone: string): NoteView | null {
  const open = handOvers.filter(({ endsAt }) => endsAt > now);
  const turn = turnAt(now, open.length, TURN_SECONDS);
  const note = open[turn];
  if (!note) return null;
  return {
    text: note.text,
    by: note.by,
    until: `until ${toMinute(note.endsAt, now, timeZone)}`,
    place: open.length > 1 ? `${turn + 1} of ${open.length}` : null
  };
}
