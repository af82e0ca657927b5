/** The screen that waits: what it shows and asks, with a server that answers, is away, or wants it slower. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { PairingAnswer, PollAnswer } from '../operations/wall-answer.ts';
import type { PairingView } from '../operations/wall-data.ts';
import { PairingScreen } from './pairing-screen.ts';

let mono = 0;
let timer: { ms: number; run: () => void } | null = null;
let asked: ('ask' | 'poll')[] = [];
let pairing: PairingAnswer | null;
let polled: PollAnswer | null;
let view!: PairingView;
let paired = 0;
let screen: PairingScreen;

const settle = async (): Promise<void> => {
  for (let n = 0; n < 10; n++) await Promise.resolve();
};
/** The next timer runs out; how long it was. */
async function next(): Promise<number> {
  const due = timer;
  timer = null;
  if (!due) return -1;
  mono += due.ms;
  due.run();
  await settle();
  return due.ms;
}
const give = <T>(answer: T | null): Promise<T> =>
  answer === null ? Promise.reject(new Error()) : Promise.resolve(answer);

beforeEach(async () => {
  [mono, timer, asked, paired] = [1_000, null, [], 0];
  pairing = { state: 'waiting', code: 'BCDFGHJK', expiresInSeconds: 600, pollSeconds: 1 };
  polled = { state: 'waiting', pollSeconds: 1, expiresInSeconds: 599 };
  screen = new PairingScreen({
    ports: {
      moment: () => ({ mono, wall: 0 }),
      random: () => 0,
      after: (ms, run) => {
        const mine = (timer = { ms, run });
        return () => void (timer === mine && (timer = null));
      }
    },
    ask: () => (asked.push('ask'), give(pairing)),
    poll: () => (asked.push('poll'), give(polled)),
    origin: 'https://watchfloor.example',
    draw: (drawn) => (view = drawn),
    paired: () => (paired += 1)
  });
  screen.start();
  await settle();
});

describe('a screen that waits to be paired', () => {
  it('shows the code, where to enter it, and until when', () => {
    expect(view).toEqual({
      state: 'waiting',
      code: 'BCDFGHJK',
      address: 'watchfloor.example/pair',
      url: 'https://watchfloor.example/pair?code=BCDF-GHJK',
      expiresAt: 601_000
    });
  });

  it('asks at the interval that it is told, also when that grows', async () => {
    expect(await next()).toBe(1_000);
    polled = { state: 'slow_down', pollSeconds: 6, expiresInSeconds: 590 };
    expect(await next()).toBe(1_000);
    expect(await next()).toBe(6_000);
    expect(asked).toEqual(['ask', 'poll', 'poll', 'poll']);
  });

  it('is a display once it was approved, and asks no code', async () => {
    polled = { state: 'approved' };
    await next();
    expect(paired).toBe(1);
    screen.close();
    expect(timer).toBeNull();
  });

  it('asks for another code when its time is over, by the server or by itself', async () => {
    polled = { state: 'expired' };
    await next();
    expect(asked).toEqual(['ask', 'poll', 'ask']);
    polled = null; // nothing comes until long after the code's end
    while (mono < 620_000) await next();
    expect(asked.lastIndexOf('ask')).toBeGreaterThan(2);
  });

  it('keeps the code while the server is away, asks more and more slowly, and never longer than 16 seconds apart', async () => {
    polled = null;
    const gaps: number[] = [];
    for (let n = 0; n < 12; n++) gaps.push(await next());
    expect(view).toMatchObject({ state: 'away', code: 'BCDFGHJK' });
    expect(gaps[4]!).toBeGreaterThan(gaps[1]!);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(16_000);
    polled = { state: 'waiting', pollSeconds: 1, expiresInSeconds: 500 };
    await next();
    expect(view.state).toBe('waiting');
    expect(await next()).toBe(1_000);
  });

  it('after the code’s end none is shown, however long the server is away', async () => {
    polled = pairing = null;
    while (mono < 700_000) await next();
    expect(view).toMatchObject({ state: 'away', code: null, url: null });
    for (let n = 0; n < 1_000; n++) await next();
    expect(timer).not.toBeNull();
  });

  it('waits where too many asked', async () => {
    pairing = { state: 'limited', retryInSeconds: 60 };
    polled = { state: 'expired' };
    await next();
    expect(view).toMatchObject({ state: 'starting', code: null });
    expect(await next()).toBe(60_000);
  });
});
