import { expect, test } from 'vitest';
import { shareReads } from './share-reads.ts';

test('many who ask at the same time share one read that began after they asked', async () => {
  const share = shareReads<number>();
  const ends: (() => void)[] = [];
  let begun = 0;
  const read = async (): Promise<number> => {
    const mine = ++begun;
    await new Promise<void>((end) => ends.push(end));
    return mine;
  };
  const first = share('a', read);
  const later = Array.from({ length: 50 }, () => share('a', read));
  const other = share('b', read);
  expect(begun).toBe(2);
  ends.splice(0).forEach((end) => end());
  expect([await first, await other]).toEqual([1, 2]);
  await new Promise((done) => setImmediate(done));
  expect(begun).toBe(3);
  ends.splice(0).forEach((end) => end());
  expect(new Set(await Promise.all(later))).toEqual(new Set([3]));
});

test('a read that fails fails for those who share it, and the next one begins anew', async () => {
  const share = shareReads<number>();
  const failing = share('a', () => Promise.reject(new Error('gone')));
  const next = share('a', async () => 2);
  await expect(failing).rejects.toThrow('gone');
  await expect(next).resolves.toBe(2);
  await expect(share('a', async () => 3)).resolves.toBe(3);
});
