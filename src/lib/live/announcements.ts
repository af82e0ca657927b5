/**
 * The one polite status line for assistive technology: what happened in the list, as counts only. Pure; time is an
 * argument. Invariant: at most one announcement in ANNOUNCE_EVERY_MS, i.e. six a minute, and nothing is counted twice.
 */

export const ANNOUNCE_EVERY_MS = 10_000;

export interface Announcements {
  readonly text: string;
  readonly saidAt: number;
  readonly entered: number;
  readonly changed: number;
  readonly left: number;
  /** a burst was among it, of which only the list's end result is known */
  readonly atLeast: boolean;
}

export const SILENT: Announcements = { text: '', saidAt: -Infinity, entered: 0, changed: 0, left: 0, atLeast: false };

/** Counts what happened since the last announcement; `atLeast`: it may have been more. */
export function note(
  was: Announcements,
  seen: { entered: number; changed: number; left: number },
  atLeast = false
): Announcements {
  if (seen.entered + seen.changed + seen.left === 0) return was;
  return {
    ...was,
    entered: was.entered + seen.entered,
    changed: was.changed + seen.changed,
    left: was.left + seen.left,
    atLeast: was.atLeast || atLeast
  };
}

/** Says what was counted, if it is time; `mono` in milliseconds of the monotonic clock. */
export function announce(was: Announcements, mono: number): Announcements {
  const { entered, changed, left } = was;
  if (entered + changed + left === 0 || mono - was.saidAt < ANNOUNCE_EVERY_MS) return was;
  const parts: string[] = [];
  if (entered > 0) parts.push(`${entered} new ${entered === 1 ? 'operation' : 'operations'}`);
  if (changed > 0) parts.push(`${changed} changed`);
  if (left > 0) parts.push(`${left} no longer in this list`);
  return { ...SILENT, text: `${was.atLeast ? 'At least ' : ''}${parts.join(', ')}.`, saidAt: mono };
}
