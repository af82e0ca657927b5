/**
 * What a person sets of a display, parsed from a form: the one list of limits, which the schema (0012) repeats as its
 * second fence. Pure: what exists (environments, zones) is an argument. Invariant: what parses can be written.
 */
import * as z from 'zod/mini';
import { greatestDistance, leastDiagonal } from './wall-size.ts';
import { CODE_ALPHABET, CODE_LENGTH, WALL_LAYOUTS, WALL_THEMES } from './wall-data.ts';

export const DISPLAY_LIMITS = {
  nameLength: 120,
  distanceM: { least: 0.5, most: 50 },
  diagonalIn: { least: 5, most: 500 },
  rotateSeconds: { least: 5, most: 3_600 },
  noteLength: 280
} as const;

/** Hours that a hand-over note may stand. */
export const HAND_OVER_HOURS = [1, 2, 4, 8, 12, 24, 48] as const;

const within = ({ least, most }: { least: number; most: number }) => z.coerce.number().check(z.gte(least), z.lte(most));

const settingsSchema = z.object({
  name: z.string().check(z.trim(), z.minLength(1), z.maxLength(DISPLAY_LIMITS.nameLength), z.regex(/^\P{Cc}*$/u)),
  scope: z.enum(['workspace', 'environments']),
  layout: z.enum(WALL_LAYOUTS),
  theme: z.enum(WALL_THEMES),
  distance: within(DISPLAY_LIMITS.distanceM),
  diagonal: within(DISPLAY_LIMITS.diagonalIn),
  rotate: z.union([z.literal(''), within(DISPLAY_LIMITS.rotateSeconds)]),
  zone: z.string().check(z.maxLength(64))
});

export interface DisplaySettings {
  name: string;
  /** empty = the whole workspace */
  environmentIds: number[];
  layout: (typeof WALL_LAYOUTS)[number];
  theme: (typeof WALL_THEMES)[number];
  distanceM: number;
  diagonalIn: number;
  rotateSeconds: number | null;
  zone: string;
}

/** What of a form cannot be taken: the field, and a sentence that says what to do. */
export interface SettingsMistake {
  field: string;
  message: string;
}

export interface SettingsContext {
  /** that this person may see */
  environmentIds: readonly number[];
  /** may they give a display the whole workspace? Only who sees all of it may. */
  mayGiveWorkspace: boolean;
  isZone: (name: string) => boolean;
}

const SENTENCES: Record<string, string> = {
  name: `Write a name of at most ${DISPLAY_LIMITS.nameLength} characters.`,
  scope: 'Choose what it shows: the whole workspace, or some environments.',
  layout: 'Choose one of the layouts.',
  theme: 'Choose dark or light.',
  distance: `Write the distance in metres, from ${DISPLAY_LIMITS.distanceM.least} to ${DISPLAY_LIMITS.distanceM.most}.`,
  diagonal: `Write the diagonal in inches, from ${DISPLAY_LIMITS.diagonalIn.least} to ${DISPLAY_LIMITS.diagonalIn.most}.`,
  rotate: `Write seconds from ${DISPLAY_LIMITS.rotateSeconds.least} to ${DISPLAY_LIMITS.rotateSeconds.most}, or leave it empty.`,
  zone: 'Write a time zone such as Europe/Vienna.'
};

/** The settings in a form's fields (`environment` may stand there many times), or what is wrong with them. */
export function parseSettings(form: FormData, context: SettingsContext): DisplaySettings | SettingsMistake {
  const fields = Object.fromEntries(Object.keys(SENTENCES).map((name) => [name, form.get(name) ?? '']));
  const parsed = z.safeParse(settingsSchema, fields);
  if (!parsed.success) return mistake(String(parsed.error.issues[0]?.path[0] ?? 'name'));
  const { name, scope, layout, theme, distance, diagonal, rotate, zone } = parsed.data;
  if (!context.isZone(zone)) return mistake('zone');
  const least = Math.ceil(leastDiagonal(distance));
  if (diagonal < least)
    return {
      field: 'diagonal',
      message: `From ${distance} m only a screen of ${least} inches or more can be read; one of ${diagonal} inches does up to ${Math.floor(greatestDistance(diagonal) * 10) / 10} m.`
    };
  if (scope === 'workspace' && !context.mayGiveWorkspace) return mistake('scope');
  const chosen = form.getAll('environment').map(Number);
  const environmentIds = scope === 'workspace' ? [] : context.environmentIds.filter((id) => chosen.includes(id));
  if (scope === 'environments' && environmentIds.length === 0)
    return { field: 'environment', message: 'Choose at least one environment, or the whole workspace.' };
  return {
    name,
    environmentIds,
    layout,
    theme,
    distanceM: distance,
    diagonalIn: diagonal,
    rotateSeconds: rotate === '' ? null : Math.round(rotate),
    zone
  };
}

function mistake(field: string): SettingsMistake {
  return { field, message: SENTENCES[field] ?? 'Check what you wrote.' };
}

/** A code as people type it: with or without the dash, in any case; null for what cannot be one. */
export function parseCode(text: string): string | null {
  const code = text.replace(/[\s-]/g, '').toUpperCase();
  return code.length === CODE_LENGTH && [...code].every((letter) => CODE_ALPHABET.includes(letter)) ? code : null;
}

/** ABCD-EFGH: in two halves it is read aloud and typed without a mistake. */
export function formatCode(code: string): string {
  return `${code.slice(0, CODE_LENGTH / 2)}-${code.slice(CODE_LENGTH / 2)}`;
}

/** A note with its end, from a form; null when it cannot be taken. */
export function parseHandOver(form: FormData): { text: string; hours: number } | null {
  const text = String(form.get('note') ?? '')
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
  const hours = HAND_OVER_HOURS.find((known) => String(known) === form.get('hours'));
  if (text === '' || [...text].length > DISPLAY_LIMITS.noteLength || hours === undefined) return null;
  return { text, hours };
}
