/**
 * The keys of the hub: single ones, and `g` followed by where to go. Never while someone types, never together with a
 * modifier of the browser's, and never behind an open dialog.
 */
export type HubKey = 'next' | 'previous' | 'search' | 'filter' | 'pause' | 'keys' | 'operations' | 'overview';

const SINGLE: Readonly<Record<string, HubKey>> = {
  j: 'next',
  k: 'previous',
  '/': 'search',
  f: 'filter',
  p: 'pause',
  '?': 'keys'
};
const AFTER_G: Readonly<Record<string, HubKey>> = { o: 'operations', v: 'overview' };
/** `g` alone is forgotten after this. */
const CHORD_MS = 1_500;

export class HubKeys {
  #chordAt: number | null = null;

  /** What the key asks for; null for nothing of ours. `at` in milliseconds of the event's own clock. */
  read({ key, at, isTaken }: { key: string; at: number; isTaken: boolean }): HubKey | null {
    const began = this.#chordAt;
    this.#chordAt = null;
    if (isTaken) return null;
    if (began !== null && at - began < CHORD_MS && Object.hasOwn(AFTER_G, key)) return AFTER_G[key]!;
    if (key === 'g') this.#chordAt = at;
    return Object.hasOwn(SINGLE, key) ? SINGLE[key]! : null;
  }
}

/** Typing, a choice in a menu, a dialog, or a key together with a modifier: the key belongs to someone else. */
export function isTaken(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest('input:not([type="checkbox"]), textarea, select, [contenteditable]')) return true;
  return document.querySelector('dialog[open]') !== null;
}
