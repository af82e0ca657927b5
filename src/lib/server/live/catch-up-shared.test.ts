/** A read of the log that several people share: each is answered by access of its own, read after it. */
import { expect, test } from 'vitest';
import type { Scope } from '../../live/protocol.ts';
import type { ReadAccess } from './access-reads.ts';
import { openCatchUp, type CatchUpParts } from './catch-up.ts';
import { openCounters } from './figures.ts';
import { openRing } from './ring.ts';

const place = { epoch: 'e', snapshot: { xmin: 10n, xmax: 10n, inProgress: [] } };
const scope: Scope = { workspaceId: 3, environmentId: null };
const all = { role: 'operator', narrowedTo: [] };
/** What the log answers: nothing changed, and the one who reads may see everything. */
const found = {
  ...{ snapshot: '12:12:', epoch: 'e', floor: '1', proof_at: new Date(5), read_at: new Date(6), is_overflow: false },
  ...{ kind: null, role: 'operator', narrowed_to: [], has_access_changed: false, has_names_changed: false }
};

/** Three ask at once: the second and the third share a read, which is the second's. What the third is answered. */
async function third(readAccess: ReadAccess, changed: number[]): Promise<unknown> {
  let reads = 0;
  const { fromLog } = openCatchUp({
    db: {
      query: async (text: string) => {
        if (text.includes('select distinct id')) return { rows: changed.map((id) => ({ id })) };
        reads++;
        return { rows: [found] };
      }
    },
    ring: openRing(),
    feed: { place, proofAt: 5, lostLink: null, databaseNow: () => 6, passSoon: async () => true },
    counters: openCounters(),
    readAccess
  } as unknown as CatchUpParts);
  const answers = await Promise.all(
    [1, 2, 7].map((userId) => fromLog(place, scope, { userId, sessionId: `of ${userId}` }, all))
  );
  expect(reads).toBe(2);
  expect(answers[1]).toMatchObject({ operations: [], proofAt: 5 });
  return answers[2];
}

test('who shares a read of the log is told of it only with access of its own that has not changed', async () => {
  const asBefore: ReadAccess = async () => all;
  expect(await third(asBefore, [])).toMatchObject({ operations: [], proofAt: 5 });
  expect(await third(asBefore, [7])).toEqual({ resync: 'access' });
  const ended: ReadAccess = async (_scope, { userId }) => (userId === 7 ? null : all);
  expect(await third(ended, [])).toBe('absent');
  const narrowed: ReadAccess = async (_scope, { userId }) => (userId === 7 ? { ...all, narrowedTo: [4] } : all);
  expect(await third(narrowed, [])).toEqual({ resync: 'access' });
});
