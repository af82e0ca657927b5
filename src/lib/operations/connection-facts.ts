/**
 * What the connection page measured, fact by fact, as a person reads it: a value, and what it means. Pure wording beside
 * connection-wording.ts, which judges. Invariant: what was not measured is said as such, never as zero.
 */
import {
  CLOCK_OFF_MS,
  networkLosses,
  toMs,
  usualTrip,
  type ConnectionContext,
  type ConnectionFacts,
  type ConnectionLoss
} from './connection-wording.ts';
import { toSpan } from './duration.ts';
import { toClock, toZoneName } from './time.ts';

export interface ConnectionFact {
  name: string;
  value: string;
  note: string;
}

const UNKNOWN = '–';

export function connectionFacts(facts: ConnectionFacts, context: ConnectionContext): ConnectionFact[] {
  return [wayFact(facts), tripFact(facts), proofFact(facts, context), clockFact(facts)];
}

export function serverFacts(facts: ConnectionFacts, context: ConnectionContext): ConnectionFact[] {
  return [nodeFact(facts), protocolFact(facts, context), lossFact(facts, context)];
}

function wayFact({ way, record }: ConnectionFacts): ConnectionFact {
  const name = 'Way';
  if (way === 'websocket')
    return { name, value: 'WebSocket', note: 'The server sends changes by itself, the moment it hears of them.' };
  if (way === 'http') {
    const failed = record.attempts.filter(({ outcome }) => outcome !== 'opened').length;
    const note = `The server is asked every 2 seconds, because ${failed === 1 ? 'a WebSocket' : `${failed || 'the'} WebSockets`} did not open.`;
    return { name, value: 'HTTP catch-up', note };
  }
  return { name, value: 'None now', note: 'No connection is open. It is tried again and again, ever more slowly.' };
}

function tripFact({ trips, way }: ConnectionFacts): ConnectionFact {
  const name = 'Round trip';
  const usual = usualTrip(trips);
  if (usual === null) return { name, value: UNKNOWN, note: 'Not measured yet.' };
  const slowest = Math.max(...trips.map(({ ms }) => ms));
  const count = trips.length === 1 ? 'one measurement' : `${trips.length} measurements`;
  const over = way === 'http' ? ', each an ordinary request' : '';
  return { name, value: toMs(usual), note: `The middle of ${count}${over}; the slowest took ${toMs(slowest)}.` };
}

function proofFact({ stamp }: ConnectionFacts, context: ConnectionContext): ConnectionFact {
  const name = 'Last proof';
  const age = toSpan(stamp.ageMs);
  if (age === null) return { name, value: UNKNOWN, note: 'Nothing has been proven yet.' };
  if (stamp.state === 'connecting')
    return { name, value: 'None yet', note: `The page was read at ${clock(context.readAt, context)}.` };
  if (stamp.state === 'live')
    return {
      name,
      value: `${age} old`,
      note: `Everything in ${context.workspace} that was committed before then, and that you may see, has been sent to this tab.`
    };
  const note =
    stamp.staleSince === null
      ? 'What was committed since then may be missing until the next one comes.'
      : `Of what was committed since ${clock(stamp.staleSince, context)} nothing is proven to be here.`;
  return { name, value: `${age} old`, note };
}

function clockFact({ clock: measured }: ConnectionFacts): ConnectionFact {
  const name = 'Clock of this computer';
  if (measured === null) return { name, value: UNKNOWN, note: 'Not compared with the server’s yet.' };
  const { aheadMs, withinMs } = measured;
  const off = Math.abs(aheadMs);
  const doubt = `(to within ${toMs(Math.max(1, withinMs))})`;
  if (off <= Math.max(withinMs, 500))
    return { name, value: 'Agrees', note: `With the server’s clock ${doubt}. Ages are reckoned by the server’s.` };
  const value = `${off < 60_000 ? toMs(off) : toSpan(off)} ${aheadMs > 0 ? 'fast' : 'slow'}`;
  const note =
    off >= CLOCK_OFF_MS
      ? `Against the server’s ${doubt}. Watchfloor corrects for it; set this computer’s clock right all the same.`
      : `Against the server’s ${doubt}. It does no harm: ages are reckoned by the server’s.`;
  return { name, value, note };
}

function nodeFact({ node, way }: ConnectionFacts): ConnectionFact {
  const name = 'Node that answers';
  if (way === null || node === null) return { name, value: UNKNOWN, note: 'None has answered over this connection.' };
  return { name, value: node, note: 'A name that it made up when it started. Whoever runs Watchfloor may ask for it.' };
}

function protocolFact({ serverProtocol }: ConnectionFacts, { pageProtocol }: ConnectionContext): ConnectionFact {
  const name = 'Protocol';
  const page = `page ${pageProtocol}`;
  if (serverProtocol === null) return { name, value: page, note: 'The server has not said its own yet.' };
  if (serverProtocol === pageProtocol)
    return { name, value: `${page}, server ${serverProtocol}`, note: 'Both speak the same version.' };
  return {
    name,
    value: `${page}, server ${serverProtocol}`,
    note: 'A version is being deployed. The page loads itself again when it meets the newer one.'
  };
}

function lossFact({ record }: ConnectionFacts, context: ConnectionContext): ConnectionFact {
  const name = 'Lost in this tab';
  const since = `since ${clock(record.since, context)}`;
  if (record.lossCount === 0) return { name, value: 'Never', note: `Counted ${since}, when this tab was loaded.` };
  const value = record.lossCount === 1 ? 'Once' : `${record.lossCount} times`;
  const slowest = Math.max(...networkLosses(record.losses).map(({ backAfterMs }) => backAfterMs ?? -1));
  const back = slowest > 0 ? ` Back after ${toSpan(slowest)} at most.` : '';
  return { name, value, note: `Counted ${since}, when this tab was loaded.${back}` };
}

/** The last losses, newest first. */
export function lossLines(
  losses: readonly ConnectionLoss[],
  context: Pick<ConnectionContext, 'timeZone'>,
  most = 5
): { at: number; clock: string; what: string; back: string }[] {
  return losses
    .slice(-most)
    .toReversed()
    .map((loss) => ({
      at: loss.at,
      clock: toClock(loss.at, context.timeZone),
      what: `${lossWords(loss)} after ${toSpan(loss.lastedMs) ?? 'some time'}`,
      back: loss.backAfterMs === null ? 'not back yet' : `back in ${toMs(Math.max(1, loss.backAfterMs))}`
    }));
}

function lossWords({ how }: Pick<ConnectionLoss, 'how'>): string {
  switch (how) {
    case 'stopped':
      return 'The server stopped in order';
    case 'closed':
      return 'The connection was closed';
    case 'silent':
      return 'Nothing came for 8 s';
    case 'database':
      return 'The server lost its database';
    case 'listener':
      return 'The server heard nothing from its database';
    case 'lag':
      return 'The server was behind';
  }
}

function clock(at: number, { timeZone }: Pick<ConnectionContext, 'timeZone'>): string {
  return `${toClock(at, timeZone)} ${toZoneName(at, timeZone)}`;
}
