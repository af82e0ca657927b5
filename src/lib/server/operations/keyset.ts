/**
 * Places in a list that is read newest first: a cursor is the (created_at, id) of a row, opaque in the address bar.
 * Paging is by keyset only: the thousandth page costs what the first does, and rows that come or go move nothing.
 */

export interface Keyset {
  /** ms; created_at is timestamptz(3), so this is exact */
  createdAt: number;
  id: number;
}

export function formatCursor({ createdAt, id }: Keyset): string {
  return Buffer.from(`${createdAt}.${id}`).toString('base64url');
}

/** null for anything that formatCursor did not make. */
export function parseCursor(text: string): Keyset | null {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(Buffer.from(text, 'base64url').toString('latin1'));
  return match ? { createdAt: Number(match[1]), id: Number(match[2]) } : null;
}
