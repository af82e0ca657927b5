import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Queryable } from '../database/pool.ts';
import { LINES_A_MINUTE, openDenials, type Denial, type DeniedWhy } from './denials.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Line = Record<string, unknown>;

function open(why: DeniedWhy | Error = 'not a member') {
  const lines: Line[] = [];
  const asked: unknown[][] = [];
  const write = (fields: object, message: string): void => void lines.push({ ...fields, message });
  const query = async (_sql: string, values: unknown[]) => {
    asked.push(values);
    if (why instanceof Error) throw why;
    return { rows: [{ why }] };
  };
  const denials = openDenials({ log: { info: write, warn: write } as never, db: { query } as unknown as Queryable });
  return { denials, lines, asked };
}

/** Without what was left out. */
const said = (line: Line | undefined): Line => JSON.parse(JSON.stringify(line)) as Line;

const absent: Denial = { door: 'operation', personId: 7, sessionId: 'a'.repeat(64), workspaceId: 3, operationId: 9 };

test('a line says who asked, from where, for what, in which request and why not', async () => {
  const { denials, lines, asked } = open();
  denials.denied({ ...absent, address: '203.0.113.9', requestId: 'r1' });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toEqual([[7, 3, null, 9]]);
  expect(lines.map(said)).toEqual([
    {
      door: 'operation',
      why: 'not a member',
      person: 7,
      session: 'aaaaaaaaaaaa',
      workspace: 3,
      operation: 9,
      address: '203.0.113.9',
      request: 'r1',
      message: 'denied'
    }
  ]);
});

test('why is asked only when the answer has gone', async () => {
  const { denials, asked } = open();
  denials.denied(absent);
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toEqual([]);
  await vi.advanceTimersByTimeAsync(400);
  expect(asked).toHaveLength(1);
});

test('what needs no asking is said at once: a role that may not, an id that is none, a person who is not signed in', () => {
  const { denials, lines, asked } = open();
  denials.denied({ ...absent, why: 'capability', capability: 'diagnostics.read' });
  denials.denied({ ...absent, operationId: `${'9'.repeat(60)}\n{"level":60}` });
  denials.denied({ door: 'page', why: 'signed out', path: `/admin/${'x'.repeat(400)}`, address: '203.0.113.9' });
  expect(lines.map(({ why }) => why)).toEqual(['capability', 'malformed', 'signed out']);
  expect(lines[0]).toMatchObject({ capability: 'diagnostics.read' });
  expect(lines[1]!['operation']).toBe('9'.repeat(40));
  expect(String(lines[2]!['path'])).toHaveLength(200);
  expect(asked).toEqual([]);
});

test('a database that does not answer costs the reason, not the line', async () => {
  const { denials, lines } = open(new Error('away'));
  denials.denied(absent);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(lines).toMatchObject([{ person: 7, operation: 9, why: 'absent' }]);
});

test('neither a session nor what was typed as an e-mail can be read from a line', () => {
  const { denials, lines } = open();
  const sessionId = 'f0e1d2c3b4a5'.padEnd(64, '7');
  denials.denied({ door: 'sign-in', why: 'refused', sessionId, account: 'My Password 1' });
  denials.denied({ door: 'sign-in', why: 'refused', sessionId, account: ' my password 1' });
  denials.denied({ door: 'sign-in', why: 'refused', sessionId, account: 'another' });
  const text = JSON.stringify(lines).toLowerCase();
  expect(text).not.toContain('password');
  expect(text).not.toContain(sessionId.slice(0, 13));
  // The same account is the same in the lines of one process, and in no other.
  const accounts = lines.map(({ account }) => account);
  expect(accounts[0]).toBe(accounts[1]);
  expect(accounts[2]).not.toBe(accounts[0]);
  const other = open();
  other.denials.denied({ door: 'sign-in', why: 'refused', account: 'My Password 1' });
  expect(other.lines[0]!['account']).not.toBe(accounts[0]);
});

test('a loop writes thirty lines a minute, leaves room for others, and is counted', async () => {
  const { denials, lines, asked } = open();
  for (let count = 0; count < 10_000; count += 1) denials.denied(absent);
  denials.denied({ ...absent, personId: 8 });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toHaveLength(LINES_A_MINUTE.each + 1);
  expect(lines.filter(({ person }) => person === 7)).toHaveLength(LINES_A_MINUTE.each);
  expect(lines.filter(({ person }) => person === 8)).toHaveLength(1);
  expect(denials.figures()).toEqual({ byDoor: { operation: 10_001 }, unlogged: 10_000 - LINES_A_MINUTE.each });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lines.at(-1)).toMatchObject({ unlogged: 10_000 - LINES_A_MINUTE.each });
  // The next minute is a new one.
  denials.denied({ ...absent, why: 'capability' });
  expect(lines.at(-1)).toMatchObject({ person: 7, why: 'capability' });
});

test('many people at once write three hundred lines a minute, and nobody is remembered for more', async () => {
  const { denials, lines } = open();
  for (let network = 0; network < 5_000; network += 1)
    denials.denied({ door: 'page', why: 'signed out', address: `198.18.${network >> 8}.${network & 255}` });
  expect(lines).toHaveLength(LINES_A_MINUTE.all);
  // One network is one: whoever has an IPv6 address has 2^64 of them.
  const six = open();
  for (let host = 0; host < 100; host += 1)
    six.denials.denied({ door: 'page', why: 'signed out', address: `2001:db8::${host}` });
  expect(six.lines).toHaveLength(LINES_A_MINUTE.each);
});

test('closing says what was still to be explained, and starts nothing anew', async () => {
  const { denials, lines, asked } = open();
  denials.denied(absent);
  denials.close();
  expect(lines).toMatchObject([{ person: 7, why: 'absent' }]);
  await vi.runAllTimersAsync();
  expect([lines.length, asked.length, vi.getTimerCount()]).toEqual([1, 0, 0]);
});
