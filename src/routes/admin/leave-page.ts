/**
 * What a live page does when its session or its subject is gone: it loads again, so that the server says what holds now.
 * The server's answer tells nothing of what was there; that something was open here, and until when, only this browser
 * knows, and leaves itself a word of it over the load (read by DepartureNotice.svelte).
 * Signing out ends the session before the browser has its answer; then the page is leaving by itself, and a reload would
 * win over it and lead to "sign in to come back here".
 */
const SIGNING_OUT = 'signingOut';
const DEPARTURE = 'watchfloor:departure';
/** A load that takes longer was not this one. */
const LOADED_WITHIN_MS = 60_000;

export interface Departure {
  why: 'left' | 'signed out';
  /** path that was left */
  path: string;
  /** the browser's clock, ms */
  at: number;
}

/** Called when the sign-out form of this page was sent. */
export function markSigningOut(): void {
  document.documentElement.dataset[SIGNING_OUT] = '';
  note('signed out');
}

export function leavePage(): void {
  if (SIGNING_OUT in document.documentElement.dataset) return;
  note('left');
  // The answer may be slow; what this person may not see any more does not wait for it.
  document.body.hidden = true;
  location.reload();
}

/** What the page before this load left behind, once; null = nothing, or too long ago. */
export function takeDeparture(): Departure | null {
  try {
    const text = sessionStorage.getItem(DEPARTURE);
    sessionStorage.removeItem(DEPARTURE);
    const found = text === null ? null : (JSON.parse(text) as Departure);
    return found !== null && Date.now() - found.at < LOADED_WITHIN_MS ? found : null;
  } catch {
    return null; // storage may be forbidden; the page is the same without the word
  }
}

function note(why: Departure['why']): void {
  try {
    const departure: Departure = { why, path: location.pathname, at: Date.now() };
    sessionStorage.setItem(DEPARTURE, JSON.stringify(departure));
  } catch {
    // as above
  }
}
