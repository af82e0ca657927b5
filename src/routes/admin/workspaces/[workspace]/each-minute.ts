/**
 * Calls back once a minute while the page is in sight, and at once when it comes back into sight after longer: a hidden
 * tab asks for nothing, and what is looked at is never older than a minute.
 */
const MINUTE_MS = 60_000;

/** Browser only; the result ends it. */
export function eachMinuteInSight(call: () => void): () => void {
  let calledAt = performance.now();
  const callIfDue = (): void => {
    if (document.visibilityState !== 'visible' || performance.now() - calledAt < MINUTE_MS - 1_000) return;
    calledAt = performance.now();
    call();
  };
  const timer = setInterval(callIfDue, MINUTE_MS);
  document.addEventListener('visibilitychange', callIfDue);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', callIfDue);
  };
}
