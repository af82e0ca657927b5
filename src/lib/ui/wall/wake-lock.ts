/**
 * Keeps the screen on: holds a wake lock while the page is shown, and asks again whenever the browser took it away (a
 * hidden tab, a low battery, a display that was switched). Only secure contexts have it; elsewhere the kiosk's own power
 * settings do the work (docs/WALL.md). Invariant: after `stop` nothing is held and nobody listens.
 */
export interface Screen {
  /** undefined where the context is not secure or the browser has none */
  wakeLock?: { request(type: 'screen'): Promise<Sentinel> } | undefined;
  isShown(): boolean;
  onShown(callback: () => void): () => void;
  after(ms: number, callback: () => void): () => void;
}

export interface Sentinel {
  release(): Promise<void>;
  addEventListener(type: 'release', listener: () => void, options: { once: true }): void;
}

/** A refusal may be for a reason that passes: asked again after that long. */
export const ASK_AGAIN_MS = 30_000;

/** Holds the lock until the answer is called. */
export function keepAwake(screen: Screen): () => void {
  let held: Sentinel | null = null;
  let isAsking = false;
  let isStopped = false;
  let stopTimer = (): void => undefined;

  async function hold(): Promise<void> {
    if (isStopped || isAsking || held !== null || !screen.wakeLock || !screen.isShown()) return;
    isAsking = true;
    stopTimer();
    try {
      const lock = await screen.wakeLock.request('screen');
      if (isStopped) return void (await lock.release());
      held = lock;
      lock.addEventListener('release', lost, { once: true });
    } catch {
      // Refused (power saving, no permission): the wall goes on without, and asks again.
      if (!isStopped) stopTimer = screen.after(ASK_AGAIN_MS, () => void hold());
    } finally {
      isAsking = false;
    }
  }

  function lost(): void {
    held = null;
    // Taken away while shown: at once could be an endless loop of taking and losing.
    if (!isStopped) stopTimer = screen.after(ASK_AGAIN_MS, () => void hold());
  }

  const stopListening = screen.onShown(() => void hold());
  void hold();
  return () => {
    isStopped = true;
    stopListening();
    stopTimer();
    void held?.release().catch(() => undefined);
    held = null;
  };
}

/** The browser's own. */
export function browserScreen(): Screen {
  return {
    wakeLock: window.isSecureContext && 'wakeLock' in navigator ? navigator.wakeLock : undefined,
    isShown: () => document.visibilityState === 'visible',
    onShown(callback) {
      const changed = (): void => {
        if (document.visibilityState === 'visible') callback();
      };
      document.addEventListener('visibilitychange', changed);
      return () => document.removeEventListener('visibilitychange', changed);
    },
    after(ms, callback) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    }
  };
}
