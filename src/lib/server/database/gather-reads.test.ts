import { expect, test } from 'vitest';
import { gatherReads } from './gather-reads.ts';

/** A database that answers when it is told to, with what it was asked. */
function openSlow(): { asked: number[][]; read(questions: number[]): Promise<number[]>; answer(): Promise<void> } {
  const asked: number[][] = [];
  const ends: (() => void)[] = [];
  return {
    asked,
    async read(questions) {
      asked.push(questions);
      await new Promise<void>((end) => ends.push(end));
      return questions.map((question) => question * 10);
    },
    async answer() {
      ends.shift()!();
      await new Promise((done) => setImmediate(done));
    }
  };
}

test('who is alone is asked for at once, and who comes meanwhile shares one read that begins after it', async () => {
  const slow = openSlow();
  const ask = gatherReads(slow.read);
  const first = ask(1);
  expect(slow.asked).toEqual([[1]]);
  const later = Array.from({ length: 300 }, (_, nth) => ask(nth + 2));
  expect(slow.asked).toHaveLength(1);
  await slow.answer();
  expect(await first).toBe(10);
  expect(slow.asked).toHaveLength(2);
  await slow.answer();
  expect(await Promise.all(later)).toEqual(Array.from({ length: 300 }, (_, nth) => (nth + 2) * 10));
  expect(slow.asked).toHaveLength(2);
});

test('after many were answered at once the next read gathers for a while, and one read has at most two thousand', async () => {
  const sizes: number[] = [];
  const ask = gatherReads(async (questions: number[]) => {
    sizes.push(questions.length);
    return questions;
  });
  await Promise.all(Array.from({ length: 101 }, (_, nth) => ask(nth)));
  expect(sizes).toEqual([1, 100]);
  const from = performance.now();
  const next = ask(1);
  const also = ask(2);
  await Promise.all([next, also]);
  expect(sizes).toEqual([1, 100, 2]);
  expect(performance.now() - from).toBeGreaterThan(100);
  await Promise.all(Array.from({ length: 4_500 }, (_, nth) => ask(nth)));
  expect(Math.max(...sizes)).toBe(2_000);
});

test('a read that fails fails for those who asked it, and the next one begins anew', async () => {
  let isBroken = true;
  const ask = gatherReads(async (questions: number[]) => {
    if (isBroken) throw new Error('gone');
    return questions;
  });
  await expect(ask(1)).rejects.toThrow('gone');
  isBroken = false;
  await expect(ask(2)).resolves.toBe(2);
});
