/** The status line counts, and is silent most of the time. */
import { expect, it } from 'vitest';
import { announce, note, SILENT } from './announcements.ts';

it('announces counts at most six times a minute, and counts nothing twice or away', () => {
  let state = SILENT;
  const said: string[] = [];
  for (let second = 0; second < 60; second++) {
    state = note(state, { entered: 1, changed: 2, left: 0 });
    const next = announce(state, second * 1_000);
    if (next.saidAt !== state.saidAt) said.push(next.text);
    state = next;
  }
  expect(said).toHaveLength(6);
  expect(said.slice(0, 2)).toEqual(['1 new operation, 2 changed.', '10 new operations, 20 changed.']);
  expect(announce(SILENT, 99_000).text).toBe('');
});
