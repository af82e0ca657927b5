import { expect, test } from 'vitest';
import { newNodeName } from './node-name.ts';

test('a node has a name that says nothing, and another with each start', () => {
  const names = Array.from({ length: 200 }, newNodeName);
  for (const name of names) expect(name).toMatch(/^[b-df-hj-km-np-tv-xz]{6}$/);
  expect(new Set(names).size).toBe(names.length);
});
