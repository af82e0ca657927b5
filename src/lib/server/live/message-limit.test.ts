import { expect, test } from 'vitest';
import { openMessageLimit } from './message-limit.ts';

test('a page that answers pings, asks for the time and subscribes is never cut', () => {
  const limit = openMessageLimit();
  for (let second = 0; second < 3_600; second++)
    for (let message = 0; message < 5; message++) expect(limit.flawOf('2', second * 1_000)).toBeNull();
});

test('a loop is cut after its burst, and a pause gives back twenty messages a second', () => {
  const limit = openMessageLimit();
  const read = (now: number) =>
    Array.from({ length: 1_000 }, () => limit.flawOf('2', now)).filter((flaw) => flaw === null).length;
  expect(read(0)).toBe(200);
  expect(read(500)).toBe(10);
  expect(read(3_600_000)).toBe(200);
  expect(limit.flawOf('2', 3_600_000)).toBe('too many messages');
});

test('what is no text is not read, and a packet without a body is', () => {
  const limit = openMessageLimit();
  for (const data of [Buffer.from('2'), new Uint8Array(1).buffer, {}, 1])
    expect(limit.flawOf(data, 0)).toBe('binary message');
  expect(limit.flawOf(undefined, 0)).toBeNull();
});
