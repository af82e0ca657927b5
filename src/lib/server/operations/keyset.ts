/**
 * Places in a list that is read newest first: a cursor is the (instant, id) of a row in the list's order, opaque in the
 * address bar. Paging is by keyset only: the thousandth page costs what the first does, and rows that come or go move
 * nothing.
 */
import type { ListPlace } from '../../operations/operation.ts';

/** Instants are milliseconds; the columns are timestamptz(3), so this is exact. */
export function formatCursor({ at, id }: ListPlace): string {
  return Buffer.from(`${at}.${id}`).toString('base64url');
}

/** null for anything that formatCursor did not make. */
export function parseCursor(text: string): ListPlace | null {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(Buffer.from(text, 'base64url').toString('latin1'));
  return match ? { at: Number(match[1]), id: Number(match[2]) } : null;
}
