import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import {
  PROTOCOL_VERSION,
  clockAnswerSchema,
  serverEvents,
  subscribeAnswerSchema,
  subscribeSchema
} from './protocol.ts';

test('the wire is the one that this protocol version names', () => {
  const wire = JSON.stringify(
    [
      ...Object.entries(serverEvents),
      ['subscribe', subscribeSchema],
      ['answer', subscribeAnswerSchema],
      ['clock', clockAnswerSchema]
    ].map(([name, schema]) => [name, z.toJSONSchema(schema as z.ZodMiniType)])
  );
  const hash = createHash('sha256').update(wire).digest('hex').slice(0, 16);
  // Changed? Raise PROTOCOL_VERSION if a client of the old version would misread it, then write the new pair here.
  expect({ version: PROTOCOL_VERSION, hash }).toEqual({ version: 3, hash: '39405bacae9f7494' });
});

test('a row of the wire holds list columns only', () => {
  const row = JSON.stringify(z.toJSONSchema(serverEvents['rows:changed']));
  for (const column of ['context', 'summary_counts', 'failure_summary']) expect(row).not.toContain(column);
});
