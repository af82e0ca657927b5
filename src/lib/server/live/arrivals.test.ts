import { expect, test } from 'vitest';
import { openArrivals } from './arrivals.ts';

test('whoever is coming counts until it was answered or refused, and gets what there was', async () => {
  const arrivals = openArrivals();
  let comeIn!: (as: string) => void;
  let stayOut!: (why: Error) => void;
  const [answered, refused] = [
    arrivals.during(new Promise<string>((resolve) => (comeIn = resolve))),
    arrivals.during(new Promise<string>((_, reject) => (stayOut = reject)))
  ];
  expect(arrivals.now).toBe(2);
  comeIn('in');
  expect(await answered).toBe('in');
  expect(arrivals.now).toBe(1);
  stayOut(new Error('out'));
  await expect(refused).rejects.toThrow('out');
  expect(arrivals.now).toBe(0);
});
