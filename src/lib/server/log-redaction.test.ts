import { expect, test } from 'vitest';
import pg from 'pg';
import { z } from 'zod';
import { openMask, toErrorFields } from './log-redaction.ts';

const SECRET = 'Swordfish-of-the-row';

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('It did not throw.');
}

function databaseError(message: string, fields: Partial<pg.DatabaseError>): Error {
  return Object.assign(new pg.DatabaseError(message, message.length, 'error'), { severity: 'ERROR', ...fields });
}

test.each([
  ['detail', databaseError('duplicate key', { code: '23505', detail: `Key (email)=(${SECRET}) already exists.` })],
  ['where', databaseError('failed', { code: '42P01', where: `unnamed portal with parameters: $1 = '${SECRET}'` })],
  ['internal query', databaseError('failed', { code: '42P01', internalQuery: `select '${SECRET}'` })],
  ['hint', databaseError('failed', { code: '42P01', hint: SECRET })],
  ['a value of the wrong kind', databaseError(`invalid input syntax for type bigint: "${SECRET}"`, { code: '22P02' })],
  ['bytes', databaseError(`invalid byte sequence for encoding "UTF8": 0xff ${SECRET}`, { code: '22021' })],
  ['what a function raises', databaseError(`the value "${SECRET}" is odd`, { code: 'P0001' })],
  ['a cause', new Error('it failed', { cause: databaseError(`bad: "${SECRET}"`, { code: '22P02' }) })],
  ['one of many', new AggregateError([databaseError('bad', { detail: SECRET })], 'all failed')],
  ['an address', thrownBy(() => new URL(`postgres//me:${SECRET}`))],
  ['JSON', thrownBy(() => JSON.parse(`${SECRET}`))],
  ['a long JSON', thrownBy(() => JSON.parse(`{"a": "${'x'.repeat(50)}", ${SECRET}`))],
  ['a checked value', thrownBy(() => z.object({ a: z.number() }).parse({ a: SECRET }))],
  ['no error at all', SECRET],
  ['an object', { password: SECRET }]
])('an error tells nothing of %s', (_, thrown) => {
  expect(JSON.stringify(toErrorFields(thrown))).not.toContain(SECRET);
});

test('what one looks for is told: code, constraint, causes and where it happened', () => {
  const cause = databaseError('duplicate key value violates unique constraint "users_email_unique"', {
    code: '23505',
    constraint: 'users_email_unique',
    table: 'users'
  });
  const told = toErrorFields(new Error('The person could not be added', { cause }));
  expect(told).toMatchObject({
    type: 'Error',
    message: 'The person could not be added',
    cause: {
      type: 'DatabaseError',
      message: 'duplicate key value violates unique constraint "users_email_unique"',
      code: '23505',
      constraint: 'users_email_unique',
      table: 'users'
    }
  });
  expect(told.stack).toMatch(/^Error: The person could not be added\n +at .*log-redaction\.test/);
  expect(toErrorFields(thrownBy(() => z.object({ a: z.number() }).parse({ a: 'x' }))).message).toBe(
    'Not what was expected: invalid_type at a'
  );
});

test('errors that lead back to themselves end', () => {
  const error = new Error('round');
  error.cause = error;
  expect(JSON.stringify(toErrorFields(error)).length).toBeLessThan(50_000);
});

const environment = {
  DATABASE_URL: 'postgres://ada:p%40ss%20word-1@db:5432/x',
  METRICS_TOKEN: 'tok"en-with-a-quote',
  SOME_API_KEY: 'key-of-somebody-else',
  WATCHFLOOR_FACTOR_KEY: 'key-of-second-factors',
  WATCHFLOOR_DEMO_PASSWORD: 'abc',
  PATH: '/usr/bin'
};

test('secrets of the environment are blotted out wherever they stand, however they are written', () => {
  const { text, line } = openMask(environment);
  expect(text('with p@ss word-1, p%40ss%20word-1 and key-of-somebody-else')).toBe('with ***, *** and ***');
  expect(text('sealed with key-of-second-factors')).toBe('sealed with ***');
  expect(text('abc in /usr/bin stays')).toBe('abc in /usr/bin stays');
  const masked = line(`${JSON.stringify({ msg: `is tok"en-with-a-quote`, at: 5, deep: [{ a: 'p@ss word-1' }] })}\n`);
  expect(masked).toBe(`${JSON.stringify({ msg: 'is ***', at: 5, deep: [{ a: '***' }] })}\n`);
});

test('a password that the environment gets later is known, too', () => {
  const later: NodeJS.ProcessEnv = {};
  const { text } = openMask(later);
  expect(text('made-later')).toBe('made-later');
  later['DATABASE_URL'] = 'postgres://watchfloor:made-later@127.0.0.1/x';
  expect(text('made-later')).toBe('***');
});

test('secrets are known by their shape as well', () => {
  const { text } = openMask({});
  expect(text('postgres://me:hunter2@db/x and postgres://me@db/x')).toBe(
    'postgres://me:***@db/x and postgres://me@db/x'
  );
  expect(text('cookie: __Host-watchfloor=abcdefgh123; theme=dark')).toBe('cookie: __Host-watchfloor=***; theme=dark');
  expect(text('cookie: __Host-watchfloor-second=abcdefgh123; theme=dark')).toBe(
    'cookie: __Host-watchfloor-second=***; theme=dark'
  );
  expect(text('authorization: Bearer abc.def')).toBe('authorization: Bearer ***');
});
