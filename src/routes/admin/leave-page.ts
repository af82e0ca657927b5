/**
 * What a live page does when its session or its subject is gone: it loads again, so that the server says what holds now.
 * Signing out ends the session before the browser has its answer; then the page is leaving by itself, and a reload would
 * win over it and lead to "sign in to come back here".
 */
const SIGNING_OUT = 'signingOut';

/** Called when the sign-out form of this page was sent. */
export function markSigningOut(): void {
  document.documentElement.dataset[SIGNING_OUT] = '';
}

export function leavePage(): void {
  if (!(SIGNING_OUT in document.documentElement.dataset)) location.reload();
}
