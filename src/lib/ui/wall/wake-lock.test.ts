import { describe, expect, it } from 'vitest';
import { ASK_AGAIN_MS, keepAwake, type Screen, type Sentinel } from './wake-lock.ts';

/** A screen whose browser gives, refuses and takes away. */
class FakeScreen implements Screen {
  isVisible = true;
  refuses = false;
  asked = 0;
  held = new Set<() => void>();
  listeners = new Set<() => void>();
  timers = new Set<() => void>();
  waited: number[] = [];

  wakeLock: Screen['wakeLock'] = {
    request: () => {
      this.asked += 1;
      if (this.refuses) return Promise.reject(new DOMException('Low battery', 'NotAllowedError'));
      let released = (): void => undefined;
      const take = (): void => {
        this.held.delete(take);
        released();
      };
      this.held.add(take);
      const lock: Sentinel = {
        release: () => Promise.resolve(take()),
        addEventListener: (_, listener) => (released = listener)
      };
      return Promise.resolve(lock);
    }
  };
  isShown = (): boolean => this.isVisible;
  onShown(callback: () => void): () => void {
    this.listeners.add(callback);
    return () => this.listeners.delete(callback);
  }
  after(ms: number, callback: () => void): () => void {
    this.waited.push(ms);
    this.timers.add(callback);
    return () => this.timers.delete(callback);
  }

  takeAway(): void {
    for (const take of [...this.held]) take();
  }
  async show(): Promise<void> {
    this.isVisible = true;
    for (const callback of this.listeners) callback();
    await settled();
  }
  async wait(): Promise<void> {
    for (const callback of [...this.timers]) callback();
    this.timers.clear();
    await settled();
  }
}

async function settled(): Promise<void> {
  for (let n = 0; n < 5; n += 1) await Promise.resolve();
}

async function awake(change: Partial<FakeScreen> = {}) {
  const screen = Object.assign(new FakeScreen(), change);
  const stop = keepAwake(screen);
  await settled();
  return { screen, stop };
}

describe('the wake lock', () => {
  it('is held while the page is shown, once', async () => {
    const { screen } = await awake();
    await screen.show();
    expect([screen.held.size, screen.asked]).toEqual([1, 1]);
  });

  it('is asked for again when the page is shown again after it was hidden', async () => {
    const { screen } = await awake();
    screen.isVisible = false;
    screen.takeAway();
    await screen.wait();
    expect(screen.held.size).toBe(0);
    await screen.show();
    expect(screen.held.size).toBe(1);
  });

  it('is asked for again a while after it was taken away, not at once', async () => {
    const { screen } = await awake();
    screen.takeAway();
    await settled();
    expect([screen.held.size, screen.waited]).toEqual([0, [ASK_AGAIN_MS]]);
    await screen.wait();
    expect(screen.held.size).toBe(1);
  });

  it('is asked for again where it was refused, however often', async () => {
    const { screen } = await awake({ refuses: true });
    for (let n = 0; n < 50; n += 1) await screen.wait();
    expect([screen.asked, screen.timers.size, screen.held.size]).toEqual([51, 1, 0]);
    screen.refuses = false;
    await screen.wait();
    expect(screen.held.size).toBe(1);
  });

  it('is not asked for where the context is not secure', async () => {
    const { screen, stop } = await awake({ wakeLock: undefined });
    await screen.show();
    expect([screen.asked, screen.timers.size]).toEqual([0, 0]);
    stop();
  });

  it('leaves nothing behind: no lock, no listener, no timer, also while it is asked for', async () => {
    const { screen, stop } = await awake();
    screen.takeAway();
    expect(screen.timers.size).toBe(1);
    stop();
    expect([screen.held.size, screen.listeners.size, screen.timers.size]).toEqual([0, 0, 0]);
    const late = new FakeScreen();
    keepAwake(late)();
    await settled();
    expect([late.held.size, late.timers.size]).toEqual([0, 0]);
  });
});
