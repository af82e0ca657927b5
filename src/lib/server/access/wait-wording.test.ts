import { expect, test } from 'vitest';
import { toWait } from './wait-wording.ts';

test('a wait is said in whole minutes, never too short', () => {
  expect([1, 60, 61, 3600].map(toWait)).toEqual(['in a minute', 'in a minute', 'in 2 minutes', 'in 60 minutes']);
});
