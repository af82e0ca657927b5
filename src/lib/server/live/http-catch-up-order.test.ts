/** Over HTTP nobody tells of a change of access: it is read after what is told. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { OperationRow } from '../../operations/operation.ts';
import { CATCH_UP_PATH, PROTOCOL_VERSION } from '../../live/protocol.ts';
import { openCounters } from './figures.ts';
import { answerCatchUp, type HttpCatchUpParts } from './http-catch-up.ts';

const place = { epoch: 'e', snapshot: { xmin: 1n, xmax: 1n, inProgress: [] } };

/** Asks once; the person's access is read as each of `accesses` says, one after the other. */
async function ask(accesses: ({ role: string; narrowed_to: number[] } | null)[]): Promise<unknown> {
  const told = { role: 'operator', narrowed_to: [] };
  const query = async () => {
    const access = accesses.length > 0 ? accesses.shift() : told;
    return { rows: access ? [access] : [] };
  };
  const row = { id: 9, revision: 1, environmentId: 7 } as OperationRow;
  const parts = {
    db: { query },
    feed: { lostLink: null },
    catchUp: {
      fromRing: async () => ({
        operations: [{ id: 9, workspaceId: 3, places: [7], revision: 1, row }],
        hasNamesChanged: false,
        place,
        proofAt: 1,
        now: 1
      })
    },
    tokenKey: { open: () => place, seal: () => 'sealed' },
    summaries: { watch: async () => {}, known: () => [], lateUnits: () => new Set() },
    counters: openCounters(),
    deny() {},
    isOwnOrigin: () => true,
    readSubscriber: async () => ({ userId: 1, sessionId: 's' }),
    maySubscribe: () => true,
    watching() {},
    mostBytes: 10_000
  } as unknown as HttpCatchUpParts;
  const question = {
    protocol: PROTOCOL_VERSION,
    scope: { workspaceId: 3, environmentId: null },
    window: { kind: 'list', query: '' },
    summaries: 'scope',
    token: 't'
  };
  const request = Object.assign(Readable.from([Buffer.from(JSON.stringify(question))]), {
    url: CATCH_UP_PATH,
    method: 'POST',
    headers: {}
  }) as unknown as IncomingMessage;
  return new Promise((resolve) => {
    const response = { writeHead() {}, end: (text: string) => resolve(JSON.parse(text)) };
    answerCatchUp(parts, request, response as unknown as ServerResponse);
  });
}

test('what was read for somebody whose access ended or was narrowed meanwhile is not told', async () => {
  const all = { role: 'operator', narrowed_to: [] };
  expect(await ask([all, all])).toMatchObject({ result: 'caught_up', rows: [{ id: 9 }] });
  expect(await ask([all, null])).toEqual({ result: 'absent' });
  expect(await ask([all, { role: 'operator', narrowed_to: [8] }])).toEqual({ result: 'resync', reason: 'access' });
});
