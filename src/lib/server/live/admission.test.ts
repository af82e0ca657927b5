import { expect, test } from 'vitest';
import { openAdmission } from './admission.ts';

test('a session that subscribes in a loop is served a burst, then three a second', () => {
  const admission = openAdmission();
  admission.enter('a', 0);
  const served = (from: number, tries: number): number =>
    Array.from({ length: tries }, (_, i) => admission.maySubscribe('a', from + i)).filter(Boolean).length;
  expect(served(0, 1_000)).toBeLessThanOrEqual(63);
  expect(served(11_000, 1_000)).toBeLessThanOrEqual(36);
});

test('one session does not use up what another may', () => {
  const admission = openAdmission();
  admission.enter('a', 0);
  admission.enter('b', 0);
  for (let i = 0; i < 500; i++) admission.maySubscribe('a', 0);
  expect(admission.maySubscribe('b', 0)).toBe(true);
});

test('a session has at most fifty sockets at a time', () => {
  const admission = openAdmission();
  const entered = Array.from({ length: 60 }, () => admission.enter('a', 0)).filter(Boolean).length;
  expect(entered).toBe(50);
  for (let i = 0; i < entered; i++) admission.leave('a');
  expect(admission.enter('a', 0)).toBe(true);
});

test('a session that asks over HTTP, without a socket, has the same measure', () => {
  const admission = openAdmission();
  const served = Array.from({ length: 100 }, (_, i) => admission.maySubscribe('a', i)).filter(Boolean).length;
  expect(served).toBeLessThanOrEqual(61);
  // A minute later it is forgotten, whole again.
  admission.maySubscribe('b', 70_000);
  expect(Array.from({ length: 60 }, () => admission.maySubscribe('a', 70_000)).every(Boolean)).toBe(true);
});
