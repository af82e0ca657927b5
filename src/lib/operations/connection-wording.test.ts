import { describe, expect, test } from 'vitest';
import { connectionFacts, lossLines, serverFacts } from './connection-facts.ts';
import {
  attemptWords,
  connectionVerdict,
  regularCut,
  toMs,
  usualTrip,
  type ConnectionAttempt,
  type ConnectionContext,
  type ConnectionFacts,
  type ConnectionLoss
} from './connection-wording.ts';
import { networkText } from './network-wording.ts';
import type { FeedStamp } from './stamp-wording.ts';

const AT = Date.UTC(2026, 10, 24, 8, 14, 2);
const context: ConnectionContext = {
  readAt: AT,
  pageProtocol: 3,
  isOnline: true,
  workspace: 'Halden & Roy',
  timeZone: 'Europe/Berlin'
};
const stamp = (over: Partial<FeedStamp> = {}): FeedStamp => ({
  state: 'live',
  ageMs: 1_200,
  staleSince: null,
  link: null,
  catchingUp: false,
  overHttp: false,
  retryInMs: null,
  ...over
});
const loss = (over: Partial<ConnectionLoss> = {}): ConnectionLoss => ({
  at: AT,
  how: 'closed',
  lastedMs: 60_200,
  backAfterMs: 1_500,
  ...over
});
const refused: ConnectionAttempt = { at: AT, tookMs: 12, outcome: 'refused' };
const unanswered: ConnectionAttempt = { at: AT, tookMs: 4_000, outcome: 'unanswered' };
const facts = (over: Partial<ConnectionFacts> = {}): ConnectionFacts => ({
  stamp: stamp(),
  ended: null,
  way: 'websocket',
  trips: [4, 5, 9].map((ms) => ({ at: AT, ms })),
  clock: { aheadMs: 20, withinMs: 3 },
  node: 'kbtzqm',
  serverProtocol: 3,
  answersHttp: true,
  record: { since: AT - 600_000, attempts: [], losses: [], lossCount: 0 },
  ...over
});
const record = (losses: ConnectionLoss[], attempts: ConnectionAttempt[] = []): ConnectionFacts['record'] => ({
  since: AT - 600_000,
  attempts,
  losses,
  lossCount: losses.length
});
const STALE = { state: 'stale', ageMs: 14_000, staleSince: AT } as const;

describe('the verdict', () => {
  test('of a sound connection is one calm sentence, and nothing is to be done', () => {
    expect(connectionVerdict(facts(), context)).toMatchObject({
      look: 'good',
      sentence: 'Changes arrive here as they happen.',
      next: null,
      askNetwork: false
    });
  });

  test('is calm in no state but live', () => {
    for (const state of ['connecting', 'reconnecting', 'stale', 'no_data'] as const)
      for (const link of [null, 'browser', 'database', 'listener', 'lag'] as const) {
        const verdict = connectionVerdict(facts({ stamp: stamp({ state, link, staleSince: AT }) }), context);
        expect(verdict.look, `${state} ${link}`).not.toBe('good');
        expect(verdict.sentence, `${state} ${link}`).not.toMatch(/is live|as they happen/i);
      }
  });

  test('of HTTP says why, what it costs, and what to ask for', () => {
    const verdict = connectionVerdict(facts({ way: 'http', record: record([], [refused, refused]) }), context);
    expect(verdict.sentence).toBe('It is live, but without a WebSocket.');
    expect(verdict.meaning).toContain('The last 2 WebSockets were refused, the newest after 12 ms');
    expect(verdict.meaning).toContain('nothing is lost');
    expect(verdict.askNetwork).toBe(true);
  });

  test('of connections that all end after one time names that time', () => {
    const losses = [loss(), loss({ lastedMs: 60_900 }), loss({ lastedMs: 60_050 })];
    const verdict = connectionVerdict(facts({ record: record(losses) }), context);
    expect(verdict.sentence).toBe('It is live, but cut off every 60 s.');
    expect(verdict.askNetwork).toBe(true);
    const chance = [loss(), loss({ lastedMs: 9_000 }), loss({ lastedMs: 31_000 })];
    expect(connectionVerdict(facts({ record: record(chance) }), context).sentence).toBe(
      'It is live, but was lost 3 times.'
    );
  });

  test('does not blame the network for what the server did', () => {
    const losses = [
      loss({ how: 'stopped' }),
      loss({ how: 'database' }),
      loss({ how: 'lag' }),
      loss({ how: 'stopped' })
    ];
    expect(connectionVerdict(facts({ record: record(losses) }), context).look).toBe('good');
    for (const link of ['database', 'listener', 'lag'] as const) {
      const verdict = connectionVerdict(facts({ stamp: stamp({ ...STALE, link }) }), context);
      expect(verdict.meaning, link).toMatch(/^It is not your network/);
      expect(verdict.next, link).toMatch(/^Tell whoever runs Watchfloor/);
      expect(verdict.askNetwork, link).toBe(false);
    }
  });

  test('of a long way says how long', () => {
    const trips = [900, 800, 850].map((ms) => ({ at: AT, ms }));
    expect(connectionVerdict(facts({ trips }), context)).toMatchObject({ sentence: 'It is live, but slow.' });
    expect(connectionVerdict(facts({ trips }), context).meaning).toContain('850 ms');
  });

  test('of no connection tells this computer, the network and the server apart', () => {
    const lost = stamp({ ...STALE, link: 'browser' });
    const sentences = [
      connectionVerdict(facts({ stamp: lost, way: null }), { ...context, isOnline: false }).sentence,
      connectionVerdict(facts({ stamp: lost, way: null, answersHttp: true }), context).sentence,
      connectionVerdict(facts({ stamp: lost, way: null, answersHttp: false }), context).sentence
    ];
    expect(sentences).toEqual([
      'This computer is offline.',
      'The server answers, but no live connection comes about.',
      'The server cannot be reached from here.'
    ]);
  });

  test('of an ended session or another version has one thing to do', () => {
    expect(connectionVerdict(facts({ ended: 'session' }), context)).toMatchObject({
      sentence: 'You are signed out.',
      action: 'sign in'
    });
    expect(connectionVerdict(facts({ ended: 'reload' }), context)).toMatchObject({ action: 'reload' });
  });

  test('while connecting again says when the next try is', () => {
    const waiting = stamp({ state: 'reconnecting', ageMs: 6_000, retryInMs: 1_400, link: 'browser' });
    expect(connectionVerdict(facts({ stamp: waiting }), context).next).toBe('It is tried again in 2 s.');
    const catching = stamp({ state: 'reconnecting', ageMs: 6_000, catchingUp: true });
    expect(connectionVerdict(facts({ stamp: catching }), context).sentence).toBe(
      'What was missed is being caught up with.'
    );
  });
});

describe('the facts', () => {
  const valueOf = (name: string, over: Partial<ConnectionFacts>): string | undefined =>
    [...connectionFacts(facts(over), context), ...serverFacts(facts(over), context)].find((fact) => fact.name === name)
      ?.value;
  const noteOf = (name: string, over: Partial<ConnectionFacts>): string | undefined =>
    [...connectionFacts(facts(over), context), ...serverFacts(facts(over), context)].find((fact) => fact.name === name)
      ?.note;

  test('say what a proof proves, and never that it proves anything when it does not', () => {
    expect(noteOf('Last proof', {})).toBe(
      'Everything in Halden & Roy that was committed before then, and that you may see, has been sent to this tab.'
    );
    expect(noteOf('Last proof', { stamp: stamp({ ...STALE, link: 'database' }) })).toBe(
      'Of what was committed since 09:14:02 CET nothing is proven to be here.'
    );
    expect(valueOf('Last proof', { stamp: stamp({ state: 'connecting', ageMs: 300 }) })).toBe('None yet');
  });

  test('say what was not measured as such, never as zero', () => {
    const nothing = { trips: [], clock: null, node: null, way: null, serverProtocol: null } as const;
    expect(valueOf('Round trip', nothing)).toBe('–');
    expect(valueOf('Clock of this computer', nothing)).toBe('–');
    expect(valueOf('Node that answers', nothing)).toBe('–');
    expect(valueOf('Protocol', nothing)).toBe('page 3');
    expect(valueOf('Way', nothing)).toBe('None now');
  });

  test('compare clocks only as exactly as they were measured', () => {
    expect(valueOf('Clock of this computer', { clock: { aheadMs: 300, withinMs: 3 } })).toBe('Agrees');
    expect(valueOf('Clock of this computer', { clock: { aheadMs: 900, withinMs: 1_000 } })).toBe('Agrees');
    expect(valueOf('Clock of this computer', { clock: { aheadMs: 4_200, withinMs: 3 } })).toBe('4.2 s fast');
    expect(valueOf('Clock of this computer', { clock: { aheadMs: -180_000, withinMs: 3 } })).toBe('3 min slow');
    expect(noteOf('Clock of this computer', { clock: { aheadMs: -180_000, withinMs: 3 } })).toContain(
      'set this computer'
    );
  });

  test('say that two versions meet', () => {
    expect(valueOf('Protocol', { serverProtocol: 4 })).toBe('page 3, server 4');
    expect(noteOf('Protocol', { serverProtocol: 4 })).toContain('being deployed');
  });

  test('count losses, and list the newest first with how they ended', () => {
    const losses = [loss({ at: AT }), loss({ at: AT + 90_000, how: 'database', lastedMs: 5_000, backAfterMs: null })];
    expect(valueOf('Lost in this tab', { record: record(losses) })).toBe('2 times');
    expect(valueOf('Lost in this tab', {})).toBe('Never');
    expect(lossLines(losses, context)).toEqual([
      { at: AT + 90_000, clock: '09:15:32', what: 'The server lost its database after 5 s', back: 'not back yet' },
      { at: AT, clock: '09:14:02', what: 'The connection was closed after 1 min', back: 'back in 1.5 s' }
    ]);
  });
});

test('figures have two digits', () => {
  expect([0, 0.04, 0.42, 3.4, 12.6, 998, 1_000, 1_349, 12_400].map(toMs)).toEqual([
    '0.1 ms',
    '0.1 ms',
    '0.4 ms',
    '3 ms',
    '13 ms',
    '998 ms',
    '1.0 s',
    '1.3 s',
    '12 s'
  ]);
  expect(
    usualTrip([
      { at: 1, ms: 900 },
      { at: 2, ms: 3 },
      { at: 3, ms: 5 }
    ])
  ).toBe(5);
  expect(usualTrip([])).toBeNull();
});

test('a time-out is told from chance by three connections of one length', () => {
  expect(regularCut([loss(), loss()])).toBeNull();
  expect(regularCut([loss(), loss(), loss({ how: 'stopped' })])).toBeNull();
  expect(regularCut([loss(), loss(), loss({ lastedMs: 61_000 })])).toBe('60 s');
  expect(regularCut([300, 301, 302].map((seconds) => loss({ lastedMs: seconds * 1_000 })))).toBe('5 min');
  expect(regularCut([1_000, 1_000, 1_000].map((lastedMs) => loss({ lastedMs })))).toBeNull();
});

test('what became of WebSockets is said by how they failed', () => {
  expect(attemptWords([])).toBe('No WebSocket could be opened.');
  expect(attemptWords([refused])).toMatch(/^The WebSocket that was tried was refused after 12 ms: .+answered instead/);
  expect(attemptWords([unanswered])).toMatch(
    /^The WebSocket that was tried got no answer within 4 s: .+swallows it\.$/
  );
  expect(attemptWords([refused, unanswered])).toBe('Of the last 2 WebSockets 1 was refused, and 1 got no answer.');
  expect(attemptWords([{ ...refused, outcome: 'opened' }, refused])).toContain('that was tried was refused');
});

describe('the text for the network team', () => {
  const question = {
    scheme: 'https:',
    host: 'watch.example.org',
    socketPath: '/live/socket',
    catchUpPath: '/live/catch-up',
    timeZone: 'Europe/Berlin',
    now: AT
  };

  test('says exactly what to allow, on this host and path, and what was seen', () => {
    const seen = record([loss()], [refused, unanswered]);
    expect(networkText(facts({ way: 'http', record: seen }), question).split('\n')).toEqual([
      'Watchfloor needs the following on watch.example.org, for every client and every proxy, firewall and load balancer between:',
      '',
      '1. Allow the WebSocket upgrade on wss://watch.example.org/live/socket/',
      '   (GET with "Connection: Upgrade" and "Upgrade: websocket", answered by the server with 101).',
      '   If TLS is inspected, exempt this host, or let the inspection pass upgrades on.',
      '2. Idle and read time-outs above 60 s on that path, and no limit on how long it stays open.',
      '   While it is open something is sent at least every 20 s in both directions.',
      '3. No buffering, caching or rewriting of answers on https://watch.example.org/live/',
      '4. Where WebSockets stay forbidden: allow POST https://watch.example.org/live/catch-up',
      '   (every 2 s, answered at once, at most 16 KB asked).',
      '',
      'Seen from this browser, 09:14:02 CET:',
      '- connected over HTTP only, round trip 5 ms',
      '- 09:14:02 CET: WebSocket refused without an upgrade after 12 ms',
      '- 09:14:02 CET: WebSocket not answered within 4.0 s',
      '- 09:14:02 CET: connection closed after 1 min'
    ]);
  });

  test('names no person, workspace or node', () => {
    const text = networkText(facts(), question);
    for (const secret of ['Halden', 'kbtzqm', 'admin', 'workspace']) expect(text).not.toContain(secret);
    expect(networkText(facts(), { ...question, scheme: 'http:' })).toContain('ws://watch.example.org/live/socket/');
  });
});
