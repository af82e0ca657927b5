/**
 * One answer of a server, however it was asked for, and what kind of text it is. Pure. Invariant: `text` is never longer
 * than LONGEST_TEXT, so that no signature reads without end.
 */
import type { TextKind } from './signature.ts';

export interface Answer {
  url: string;
  status: number;
  /** names in lower case */
  headers: Record<string, string>;
  /** '' when it is no text or was not read */
  text: string;
}

export const LONGEST_TEXT = 4_000_000;

export const typeOf = ({ headers }: Pick<Answer, 'headers'>): string => headers['content-type'] ?? '';

/** null: not a text that signatures look into. */
export function kindOf(answer: Pick<Answer, 'headers'>): Exclude<TextKind, 'dom'> | null {
  const type = typeOf(answer);
  if (/html/i.test(type)) return 'html';
  if (/javascript|ecmascript/i.test(type)) return 'script';
  if (/text\/css/i.test(type)) return 'style';
  if (/json|text\/|xml|event-stream/i.test(type)) return 'data';
  return null;
}

/** Path and query below `base`, or the whole address of another origin. */
export function toPlaceName(url: string, origin: string): string {
  const parsed = new URL(url);
  return parsed.origin === origin ? parsed.pathname + parsed.search : url;
}
