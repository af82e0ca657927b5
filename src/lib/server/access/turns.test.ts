import { expect, test } from 'vitest';
import { openTurns, TooManyWaitingError } from './turns.ts';

/** Work that ends when it is told to. */
function openWork() {
  const begun: { name: string; end: (error?: Error) => void }[] = [];
  const work = (name: string) => () =>
    new Promise<string>((resolve, reject) =>
      begun.push({ name, end: (error) => (error ? reject(error) : resolve(name)) })
    );
  return { begun, work };
}
const settle = () => new Promise((done) => setImmediate(done));

test('so many run at once, the others in the order they came, and what is too much is refused at once', async () => {
  const { begun, work } = openWork();
  const turns = openTurns({ atOnce: 2, waiting: 2 });
  const taken = Promise.allSettled(['a', 'b', 'c', 'd'].map((name) => turns.take(work(name))));
  await expect(turns.take(work('e'))).rejects.toBeInstanceOf(TooManyWaitingError);
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b']);
  begun[1]!.end();
  await settle();
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  begun[0]!.end(new Error('broken'));
  await settle();
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
  for (const { end } of begun) end();
  expect((await taken).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
  expect(turns.running()).toBe(0);
});

test('a place is given back however the work ends, and is free again', async () => {
  const turns = openTurns({ atOnce: 1, waiting: 0 });
  for (let round = 0; round < 3; round++)
    await turns
      .take(() => Promise.reject(new Error('broken')))
      .catch((error: Error) => expect(error.message).toBe('broken'));
  expect(await turns.take(() => Promise.resolve(1))).toBe(1);
});
