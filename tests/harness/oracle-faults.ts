/**
 * Real faults, generated and caused: of Postgres, of hubs, of the networks before and behind them, of clients. Whatever
 * lasts ends by itself, and `settle` waits until all has ended and everything stands again.
 */
import fc from 'fast-check';
import pg from 'pg';
import { setTimeout as pause } from 'node:timers/promises';
import type { HubProcess } from './hub-process.ts';
import type { TestPostgres } from './postgres.ts';
import type { Viewer } from './viewer.ts';

export type Fault =
  | { do: 'drop' | 'stall'; viewer: number; ms: number }
  | { do: 'drop all'; ms: number }
  | { do: 'pause screen' | 'resume screen'; viewer: number }
  /** sessions ended by the server, as an administrator or a failover does */
  | { do: 'end listeners' | 'end hub sessions' }
  | { do: 'end a session' | 'kill a backend'; pick: number }
  /** connections of one hub: nothing passes, all end, all is late, wake-ups get lost */
  | { do: 'half-open' | 'deaf' | 'slow'; hub: number; ms: number; share: number }
  | { do: 'cut'; hub: number }
  | { do: 'kill hub' | 'freeze hub'; hub: number; ms: number }
  | { do: 'restart hub'; hub: number }
  | { do: 'restart Postgres' | 'crash Postgres'; ms: number };

export interface Timed {
  afterMs: number;
  fault: Fault;
}

export interface FaultLengths {
  /** clients are away or stalled for so long */
  clients: number[];
  /** hubs and networks are away for so long */
  servers: number[];
}

const at = fc.nat({ max: 23 });
const one = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

export function faultsOf(lengths: FaultLengths, maxLength: number): fc.Arbitrary<Timed[]> {
  const clientMs = one(...lengths.clients);
  const ms = one(...lengths.servers);
  const fault: fc.Arbitrary<Fault> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: one('drop' as const), viewer: at, ms: clientMs }) },
    { weight: 1, arbitrary: fc.record({ do: one('drop all' as const), ms: clientMs }) },
    { weight: 2, arbitrary: fc.record({ do: one('stall' as const), viewer: at, ms: clientMs }) },
    { weight: 2, arbitrary: fc.record({ do: one('pause screen' as const, 'resume screen' as const), viewer: at }) },
    { weight: 2, arbitrary: fc.record({ do: one('end listeners' as const, 'end hub sessions' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: one('end a session' as const), pick: at }) },
    { weight: 1, arbitrary: fc.record({ do: one('kill a backend' as const), pick: at }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: one('half-open' as const, 'deaf' as const, 'deaf' as const, 'slow' as const),
        hub: at,
        ms,
        share: one(0.3, 0.7, 1)
      })
    },
    { weight: 1, arbitrary: fc.record({ do: one('cut' as const), hub: at }) },
    { weight: 3, arbitrary: fc.record({ do: one('kill hub' as const, 'freeze hub' as const), hub: at, ms }) },
    { weight: 1, arbitrary: fc.record({ do: one('restart hub' as const), hub: at }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: one('restart Postgres' as const, 'crash Postgres' as const),
        ms: one(0, 0, ...lengths.servers)
      })
    }
  );
  return fc.array(fc.record({ afterMs: one(0, 20, 100, 300, 700), fault }), { minLength: 1, maxLength });
}

export interface Victims {
  url: string;
  postgres: TestPostgres;
  hubs: readonly HubProcess[];
  viewers: readonly (Viewer | null)[];
}

/** Causes faults one after the other; those that last do so beside each other. Resolves when all have ended. */
export async function causeFaults(
  list: readonly Timed[],
  victims: Victims,
  counts: Map<string, number>
): Promise<void> {
  const lasting: Promise<void>[] = [];
  // What is done to one hub, or to Postgres, is done one after the other.
  const queues = new Map<unknown, Promise<void>>();
  const inTurn = (who: unknown, work: () => Promise<void>): void => {
    const done = (queues.get(who) ?? Promise.resolve()).then(work);
    done.catch(() => {}); // awaited at the end
    queues.set(who, done);
    lasting.push(done);
  };
  for (const { afterMs, fault } of list) {
    await pause(afterMs);
    counts.set(fault.do, (counts.get(fault.do) ?? 0) + 1);
    cause(fault, victims, inTurn, (work) => lasting.push(work));
  }
  await Promise.all(lasting);
}

function cause(
  fault: Fault,
  { url, postgres, hubs, viewers }: Victims,
  inTurn: (who: unknown, work: () => Promise<void>) => void,
  lasts: (work: Promise<void>) => void
): void {
  const viewerAt = (index: number): Viewer | null => viewers[index % viewers.length] ?? null;
  const hubAt = (index: number): HubProcess => hubs[index % hubs.length]!;
  switch (fault.do) {
    case 'drop':
      viewerAt(fault.viewer)?.drop(fault.ms);
      return lasts(pause(fault.ms));
    case 'drop all':
      for (const viewer of viewers) viewer?.drop(fault.ms);
      return lasts(pause(fault.ms));
    case 'stall':
      viewerAt(fault.viewer)?.stall(fault.ms);
      return lasts(pause(fault.ms));
    case 'pause screen':
      return viewerAt(fault.viewer)?.list.pause();
    case 'resume screen':
      return viewerAt(fault.viewer)?.list.resume();
    case 'end listeners':
      return lasts(endSessions(url, `application_name = 'watchfloor listener'`));
    case 'end hub sessions':
      return lasts(endSessions(url, `application_name ~ '^watchfloor (hub|feed|numbers|lists)'`));
    case 'end a session':
      return lasts(endSessions(url, `pid = (${PICKED_PID})`, fault.pick));
    case 'kill a backend':
      return inTurn(postgres, () => killBackend(url, fault.pick));
    case 'half-open':
    case 'deaf':
    case 'slow':
      return inTurn(hubAt(fault.hub), async () => {
        const { network } = hubAt(fault.hub);
        if (fault.do === 'half-open') network.isSilent = true;
        if (fault.do === 'deaf') network.deafness = fault.share;
        if (fault.do === 'slow') network.delayMs = Math.round(fault.share * 300);
        await pause(fault.ms);
        [network.isSilent, network.deafness, network.delayMs] = [false, 0, 0];
      });
    case 'cut':
      return hubAt(fault.hub).network.cut();
    case 'kill hub':
    case 'restart hub':
      return inTurn(hubAt(fault.hub), async () => {
        await hubAt(fault.hub).end(fault.do === 'kill hub' ? 'SIGKILL' : 'SIGTERM');
        if (fault.do === 'kill hub') await pause(fault.ms);
        await hubAt(fault.hub).start();
      });
    case 'freeze hub':
      return inTurn(hubAt(fault.hub), async () => {
        hubAt(fault.hub).freeze();
        await pause(fault.ms);
        hubAt(fault.hub).thaw();
      });
    case 'restart Postgres':
    case 'crash Postgres':
      return inTurn(postgres, async () => {
        await postgres.stop(fault.do === 'restart Postgres' ? 'fast' : 'immediate');
        await pause(fault.ms);
        await postgres.start();
      });
  }
}

/** Any of ours in this database, the faults' own sessions and who watches aside. */
const PICKED_PID = `select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend'
  and application_name not in ('oracle fault', 'oracle') order by pid
  offset $1 % greatest(1, (select count(*) from pg_stat_activity where datname = current_database()
    and backend_type = 'client backend' and application_name not in ('oracle fault', 'oracle'))) limit 1`;

/** By an administrator's session of its own; where the server is away there is nothing to end. */
async function asAdministrator(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'oracle fault',
    connectionTimeoutMillis: 2_000
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await work(client);
  } catch {
    // The server is away.
  } finally {
    await client.end().catch(() => {});
  }
}

function endSessions(url: string, which: string, pick?: number): Promise<void> {
  return asAdministrator(url, async (client) => {
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and ${which}`,
      pick === undefined ? [] : [pick]
    );
  });
}

/** Nothing of the server's own order: the postmaster ends all sessions, empties unlogged tables and begins again. */
async function killBackend(url: string, pick: number): Promise<void> {
  await asAdministrator(url, async (client) => {
    const { rows } = await client.query<{ pid: number }>(PICKED_PID, [pick]);
    if (rows[0]) process.kill(rows[0].pid, 'SIGKILL');
  });
  // Recovery takes a moment, in which nobody is let in.
  for (let attempt = 0; attempt < 400; attempt++) {
    let isUp = false;
    await asAdministrator(url, async (client) => void (isUp = (await client.query('select 1')).rowCount === 1));
    if (isUp) return;
    await pause(50);
  }
}
