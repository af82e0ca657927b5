/**
 * What a network has to allow for live pages, as a text for those who run it: exact words, host and path, and what was seen
 * from this browser. Pure. Invariant: it names nothing but the address of Watchfloor and what the connection did: no
 * person, no workspace.
 */
import {
  toMs,
  usualTrip,
  type ConnectionAttempt,
  type ConnectionFacts,
  type ConnectionLoss
} from './connection-wording.ts';
import { toSpan } from './duration.ts';
import { toMoment, toZoneName } from './time.ts';

/** Something is sent at least every 20 s in each direction (Socket.IO's ping); three of them may be missed. */
export const LEAST_TIME_OUT_S = 60;

export interface NetworkQuestion {
  /** `https:` or `http:`, as in `location.protocol` */
  scheme: string;
  /** with a port where it is not the usual one */
  host: string;
  socketPath: string;
  catchUpPath: string;
  timeZone: string;
  /** this computer's wall clock, ms */
  now: number;
}

export function networkText(
  facts: Pick<ConnectionFacts, 'way' | 'trips' | 'record'>,
  { scheme, host, socketPath, catchUpPath, timeZone, now }: NetworkQuestion
): string {
  const isSecure = scheme === 'https:';
  const [http, ws] = isSecure ? ['https', 'wss'] : ['http', 'ws'];
  const when = (at: number): string => `${toMoment(at, now, timeZone)} ${toZoneName(at, timeZone)}`;
  return [
    `Watchfloor needs the following on ${host}, for every client and every proxy, firewall and load balancer between:`,
    '',
    `1. Allow the WebSocket upgrade on ${ws}://${host}${socketPath}/`,
    `   (GET with "Connection: Upgrade" and "Upgrade: websocket", answered by the server with 101).`,
    ...(isSecure ? ['   If TLS is inspected, exempt this host, or let the inspection pass upgrades on.'] : []),
    `2. Idle and read time-outs above ${LEAST_TIME_OUT_S} s on that path, and no limit on how long it stays open.`,
    '   While it is open something is sent at least every 20 s in both directions.',
    `3. No buffering, caching or rewriting of answers on ${http}://${host}/live/`,
    `4. Where WebSockets stay forbidden: allow POST ${http}://${host}${catchUpPath}`,
    '   (every 2 s, answered at once, at most 16 KB asked).',
    '',
    `Seen from this browser, ${when(now)}:`,
    ...seen(facts, when).map((line) => `- ${line}`)
  ].join('\n');
}

function seen({ way, trips, record }: Parameters<typeof networkText>[0], when: (at: number) => string): string[] {
  const usual = usualTrip(trips);
  const trip = usual === null ? '' : `, round trip ${toMs(usual)}`;
  return [
    way === 'websocket'
      ? `connected by WebSocket${trip}`
      : way === 'http'
        ? `connected over HTTP only${trip}`
        : 'not connected',
    ...record.attempts
      .filter(({ outcome }) => outcome !== 'opened')
      .slice(-3)
      .map((attempt) => `${when(attempt.at)}: WebSocket ${attemptWord(attempt)}`),
    ...record.losses
      .filter(({ how }) => how === 'closed' || how === 'silent')
      .slice(-5)
      .map((loss) => `${when(loss.at)}: connection ${lossWord(loss)}`)
  ];
}

function attemptWord({ outcome, tookMs }: ConnectionAttempt): string {
  return outcome === 'refused'
    ? `refused without an upgrade after ${toMs(tookMs)}`
    : `not answered within ${toMs(tookMs)}`;
}

function lossWord({ how, lastedMs }: ConnectionLoss): string {
  const lasted = toSpan(lastedMs) ?? 'some time';
  return how === 'closed' ? `closed after ${lasted}` : `silent, given up after ${lasted}`;
}
