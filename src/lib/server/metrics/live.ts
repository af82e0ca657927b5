/**
 * The hub's figures as metrics. They are read when somebody asks: nothing here runs between two scrapes, and what the
 * hub counts is counted in one place. Help texts say what to do (docs/OPERATING.md, Monitoring, says more).
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import { LOST_LINKS, RESYNC_REASONS } from '../../live/protocol.ts';
import type { LiveFigures, PoolFigures } from '../live/figures.ts';
import { figuresAsked } from './channels.ts';

type Labels = Record<string, string>;
/** The samples of a metric: one number, or one for each set of labels. */
type Samples = number | [Labels, number][];

/** `read` gives null while there is no hub yet: the metrics are then left out, instead of zeros that prove nothing. */
export function registerLive(registry: Registry, read: () => LiveFigures | null): void {
  const gauge = (
    name: string,
    help: string,
    labelNames: string[],
    toSamples: (figures: LiveFigures) => Samples
  ): void =>
    void new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        // Without labels it would now be a zero that nobody measured.
        if (labelNames.length === 0) this.remove();
        const figures = read();
        for (const [labels, value] of figures === null ? [] : toPairs(toSamples(figures))) this.set(labels, value);
      }
    });
  const counter = (
    name: string,
    help: string,
    labelNames: string[],
    toSamples: (figures: LiveFigures) => Samples
  ): void =>
    void new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        if (labelNames.length === 0) this.remove();
        const figures = read();
        for (const [labels, value] of figures === null ? [] : toPairs(toSamples(figures))) this.inc(labels, value);
      }
    });

  gauge(
    'watchfloor_feed_proof_age_seconds',
    'Age of the proof that pages show beside Live: everything committed before it has been told. 1 to 3 is normal; above 5 pages say Reconnecting.',
    [],
    ({ proofAgeMs }) => proofAgeMs / 1000
  );
  gauge(
    'watchfloor_feed_up',
    '1 while the node can vouch for what it tells. 0: pages say so; watchfloor_feed_lost says which link.',
    [],
    ({ lostLink }) => (lostLink === null ? 1 : 0)
  );
  gauge(
    'watchfloor_feed_lost',
    '1 for the link that is lost: database (cannot be read), listener (no notifications: is there a pooling proxy?), lag (reads take too long).',
    ['link'],
    ({ lostLink }) => LOST_LINKS.map((link) => [{ link }, link === lostLink ? 1 : 0])
  );
  gauge(
    'watchfloor_database_up',
    '1 while the feed reads the database, which it does at least once a second. 0: see the log for why.',
    [],
    ({ lostLink }) => (lostLink === 'database' ? 0 : 1)
  );
  counter('watchfloor_feed_passes_total', 'Reads of the feed: one a second at rest.', [], ({ passes }) => passes);
  counter(
    'watchfloor_feed_backstop_hits_total',
    'Changes that only the read once a second found: nothing woke the feed for them. Near zero; if it grows, look for writers with watchfloor.wake off or disabled triggers.',
    [],
    ({ leaked }) => leaked
  );
  counter(
    'watchfloor_feed_re_polls_total',
    'Reads because a transaction was open that may have written. If it grows fast, look for long transactions of writers.',
    [],
    ({ rePolls }) => rePolls
  );
  counter(
    'watchfloor_resyncs_total',
    'Windows that had to be read anew, by reason. Each costs a page load: a steady rate is worth a look.',
    ['reason'],
    ({ resyncs }) => RESYNC_REASONS.map((reason) => [{ reason }, resyncs[reason]])
  );
  counter(
    'watchfloor_bulks_total',
    'Bursts that were told as whole windows instead of rows.',
    [],
    ({ bulks }) => bulks
  );
  counter('watchfloor_window_reads_total', 'Windows read for bursts.', [], ({ windowReads }) => windowReads);
  counter(
    'watchfloor_catch_ups_total',
    'Clients that came back and were told what they missed: from the ring in memory, from the database, or over HTTP because WebSockets are forbidden to them.',
    ['source'],
    ({ catchUps }) => Object.entries(catchUps).map(([source, count]) => [{ source }, count])
  );
  counter('watchfloor_live_messages_total', 'Messages sent to sockets.', [], ({ messages }) => messages);
  counter('watchfloor_live_rows_total', 'Rows in messages sent to sockets.', [], ({ rows }) => rows);
  counter(
    'watchfloor_denials_total',
    'What was refused or answered as absent, by door. Many in a short time: somebody tries ids or passwords; the log says who.',
    ['door'],
    // The hub counts its own door.
    ({ denied }) => [[{ door: 'live' }, denied], ...readOthers().denials.filter(([{ door }]) => door !== 'live')]
  );
  counter(
    'watchfloor_laggards_total',
    'Clients that read slower than the hub sends: left their rooms, came back by catching up, or were cut off.',
    ['event'],
    ({ laggards }) => Object.entries(laggards).map(([event, count]) => [{ event }, count])
  );
  gauge('watchfloor_laggards', 'Clients that lag now.', [], ({ laggardsNow }) => laggardsNow);
  counter(
    'watchfloor_canary_returned_total',
    'Notifications to ourselves that came back: one every 4 s, the proof that LISTEN works.',
    [],
    ({ canary }) => canary.returned
  );
  counter(
    'watchfloor_canary_lost_total',
    'Notifications to ourselves that did not come back in 2 s. If it grows, DATABASE_URL leads through a pooling proxy, or the network loses connections.',
    [],
    ({ canary }) => canary.lost
  );
  gauge('watchfloor_sockets', 'Open sockets of pages.', [], ({ sockets }) => sockets);
  gauge('watchfloor_ring_batches', 'Batches of changes kept in memory for reconnects.', [], (all) => all.ringBatches);
  gauge('watchfloor_ring_rows', 'Rows in those batches.', [], ({ ringRows }) => ringRows);
  gauge(
    'watchfloor_pool_connections',
    'Connections to Postgres, by pool and state. busy at the maximum with somebody waiting: statements are slow, or there are too many.',
    ['pool', 'state'],
    (figures) =>
      readPools(figures).flatMap(([pool, { total, idle }]): [Labels, number][] => [
        [{ pool, state: 'busy' }, total - idle],
        [{ pool, state: 'idle' }, idle]
      ])
  );
  gauge(
    'watchfloor_pool_waiting',
    'Who waits for a connection, by pool. More than zero for long: the database is slow.',
    ['pool'],
    (figures) => readPools(figures).map(([pool, { waiting }]) => [{ pool }, waiting])
  );
}

/** The hub's own, and those of whoever else in this process has some. */
function readPools(figures: LiveFigures): [string, PoolFigures][] {
  return [...Object.entries<PoolFigures>(figures.pools), ...readOthers().pools];
}

/** What others in this process count, who share no memory with the hub. One door may have several who count. */
function readOthers(): { pools: [string, PoolFigures][]; denials: [Labels, number][] } {
  const pools: [string, PoolFigures][] = [];
  const denials = new Map<string, number>();
  figuresAsked.tell({
    pool: (name, { totalCount, idleCount, waitingCount }) =>
      pools.push([name, { total: totalCount, idle: idleCount, waiting: waitingCount }]),
    denials: (door, count) => denials.set(door, (denials.get(door) ?? 0) + count)
  });
  return { pools, denials: [...denials].map(([door, count]) => [{ door }, count]) };
}

function toPairs(samples: Samples): [Labels, number][] {
  return typeof samples === 'number' ? [[{}, samples]] : samples;
}
