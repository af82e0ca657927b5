/**
 * Every state × every event, compared with the table of docs/PROTOCOL.md, and the rules that a cell cannot show.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { backOff, openConnection, STATES, type Connection, type ConnectionEvent } from './connection.ts';
import { step } from './connection-table.ts';

const EVENTS: ConnectionEvent[] = [
  { type: 'started' },
  { type: 'connected' },
  { type: 'disconnected' },
  { type: 'timed_out' },
  { type: 'silent' },
  { type: 'malformed' },
  { type: 'moved' },
  { type: 'caught_up', attempt: 1, generation: 1, token: 'caught', proofAt: 5, early: false },
  { type: 'answered_resync', attempt: 1, reason: 'floor' },
  { type: 'answered_absent', attempt: 1 },
  { type: 'answered_reload', attempt: 1 },
  { type: 'answered_unavailable', attempt: 1, link: 'database' },
  { type: 'ticked', proofAt: 9, token: 'ticked' },
  { type: 'told' },
  { type: 'feed_halted', link: 'listener' },
  { type: 'resync_required', reason: 'epoch' },
  { type: 'access_changed', generation: 3 },
  { type: 'reference_changed' },
  { type: 'session_ended' },
  { type: 'server_closing' },
  { type: 'adopted', token: 'page', held: true, moved: false },
  { type: 'refresh_failed' },
  { type: 'retry_due' },
  { type: 'try_now' },
  { type: 'left' }
];

function stateOf(name: Connection['name'], overrides: Partial<Connection> = {}): Connection {
  const asking = name === 'subscribing' || name === 'rebasing';
  return {
    ...openConnection('old'),
    name,
    attempt: 1,
    asking,
    ended: name === 'closed' ? 'closed' : null,
    ...overrides
  };
}

function cell(name: Connection['name'], event: ConnectionEvent): string {
  const [next, commands] = step(stateOf(name), event, 0);
  const done = commands.map((command) => command.do).join(', ');
  if (next.name === name && done === '') return '·';
  return `${next.name === name ? '=' : next.name}${done === '' ? '' : `: ${done}`}`;
}

function tableOfCode(): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  const head = [line(['event', ...STATES]), line(['event', ...STATES].map(() => '---'))];
  return [...head, ...EVENTS.map((event) => line([event.type, ...STATES.map((name) => cell(name, event))]))].join('\n');
}

function tableOfDocs(): string {
  const text = readFileSync(new URL('../../../docs/PROTOCOL.md', import.meta.url), 'utf8');
  const table = text.split('<!-- states × events -->')[1] ?? '';
  const cells = (line: string): string[] =>
    line
      .split('|')
      .map((part) => part.trim())
      .slice(1, -1);
  const lines = table
    .trim()
    .split('\n')
    .map(cells)
    .map((row) => (row.every((part) => /^-+$/.test(part)) ? row.map(() => '---') : row));
  return lines.map((row) => `| ${row.join(' | ')} |`).join('\n');
}

describe('the table of a connection', () => {
  it('does in every state with every event what docs/PROTOCOL.md says', () => {
    expect(tableOfCode()).toBe(tableOfDocs());
  });

  it('drops an answer to an older question and one of an older generation of access', () => {
    const answer = { type: 'caught_up', attempt: 1, generation: 1, token: 'new', proofAt: 5, early: false } as const;
    expect(step(stateOf('subscribing', { attempt: 2 }), answer, 0)[0].name).toBe('subscribing');
    const [next, commands] = step(stateOf('subscribing', { generation: 2 }), answer, 0);
    expect([next.name, next.token, commands[0]?.do]).toEqual(['unavailable', 'old', 'wait']);
  });

  it('subscribes with the newest token at which the window is complete', () => {
    let connection = stateOf('subscribing');
    const send = (event: ConnectionEvent): void => void ([connection] = step(connection, event, 0));
    send({ type: 'ticked', proofAt: 4, token: 'too early' });
    expect(connection.token).toBe('old');
    send({ type: 'caught_up', attempt: 1, generation: 1, token: 'caught', proofAt: 5, early: false });
    expect(connection.token).toBe('caught');
    send({ type: 'ticked', proofAt: 6, token: 'ticked' });
    expect(connection.token).toBe('ticked');
    send({ type: 'adopted', token: 'page', held: true, moved: false });
    expect([connection.name, connection.token]).toEqual(['rebasing', 'page']);
  });

  it('reads the page again when the socket is lost before a sound tick settled what was told', () => {
    const told = step(stateOf('live', { caughtUpTo: 5 }), { type: 'told' }, 0)[0];
    expect(step(told, { type: 'disconnected' }, 0)[0].resync).toBe('unsettled');
    const behind = step(told, { type: 'ticked', proofAt: 4 }, 0)[0];
    expect(step(behind, { type: 'disconnected' }, 0)[0].resync).toBe('unsettled');
    const settled = step(behind, { type: 'ticked', proofAt: 5 }, 0)[0];
    expect(step(settled, { type: 'disconnected' }, 0)[0].resync).toBeNull();
  });

  it('gives a page of another scope, or one adopted while a question is open, a socket of its own', () => {
    const moved = step(stateOf('live'), { type: 'adopted', token: 'page', held: false, moved: true }, 0);
    expect([moved[0].name, ...moved[1].map((command) => command.do)]).toEqual(['connecting', 'drop', 'open']);
    const open = step(
      stateOf('resyncing', { asking: true }),
      { type: 'adopted', token: 'p', held: false, moved: false },
      0
    );
    expect(open[0].name).toBe('connecting');
  });

  it('backs off from less than a second to at most 15 s, spread by the random number', () => {
    expect([backOff(0, 0), backOff(0, 0.999)]).toEqual([200, expect.closeTo(799.4, 0)]);
    expect(backOff(50, 0.999)).toBeLessThanOrEqual(15_000);
    expect(backOff(50, 0)).toBe(3_750);
  });

  it('reads anew at once with each change of access, whatever failed before, and counts none as a failure', () => {
    let connection = stateOf('live', { failures: 4 });
    for (const event of [
      { type: 'access_changed', generation: 1 },
      { type: 'access_changed', generation: 2 },
      { type: 'adopted', token: 'page', held: false, moved: false },
      { type: 'answered_resync', attempt: 2, reason: 'access' }
    ] satisfies ConnectionEvent[]) {
      const [next, commands] = step(connection, event, 1);
      connection = next;
      if (event.type !== 'adopted') expect(commands.at(-1)).toEqual({ do: 'refresh', afterMs: 200 });
      expect(connection.failures).toBe(4);
    }
  });

  it('comes back from an announced stop within 200 to 1500 ms', () => {
    const waits = [0, 0.999].map((random) => step(stateOf('live'), { type: 'server_closing' }, random)[1].at(-1));
    expect(waits).toEqual([
      { do: 'wait', ms: 200 },
      { do: 'wait', ms: expect.closeTo(1_498.7, 0) }
    ]);
  });
});
