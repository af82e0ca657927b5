/**
 * One hub as a process of its own: what the production server puts behind its port, without the pages. hub-process.ts
 * starts it, and tells it by its environment which database and whether it is to be a faulty one.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFeedDifference } from '../../src/lib/server/live/differences.ts';
import { openHub, type Hub } from '../../src/lib/server/live/hub.ts';
import type { HubReport } from './hub-process.ts';

const url = process.env['ORACLE_DATABASE_URL']!;
const quiet = { info() {}, warn() {}, error() {} };
type Read = typeof readFeedDifference;
/** Feeds that are wrong, and that the oracle must see. */
const FAULTS: Record<string, Read> = {
  /** Remembers only how far it has read: what was in progress then is never looked for again. */
  'naive cursor': (db, since, most) =>
    readFeedDifference(db, since && { ...since, snapshot: { ...since.snapshot, inProgress: [] } }, most),
  /** What it does not tell it vouches for all the same. */
  'loses changes': async (...asked) => {
    const found = await readFeedDifference(...asked);
    return { ...found, operations: found.operations.filter(({ id }) => id % 2 === 0) };
  },
  'knows no access': async (...asked) => ({ ...(await readFeedDifference(...asked)), access: [] })
};
const difference = FAULTS[process.env['ORACLE_FAULT'] ?? ''];

const tell = (report: HubReport): void => void process.send?.(report);

async function open(): Promise<Hub> {
  for (;;) {
    try {
      return await openHub({
        databaseUrl: url,
        isOwnOrigin: () => true,
        secureCookies: false,
        log: quiet,
        ...(difference && { difference })
      });
    } catch {
      // The database is away, as after a restart of everything.
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}

// Whoever started it is gone.
process.on('disconnect', () => process.exit(0));
const hub = await open();
const server = createServer((request, response) => {
  if (!hub.handle(request, response)) response.writeHead(404).end();
});
hub.attach(server);
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
process.on('message', (message) => {
  if (message === 'figures') tell({ figures: { ...hub.figures(), rssBytes: process.memoryUsage.rss() } });
});
process.on('SIGTERM', () => {
  void hub.close().then(() => process.exit(0));
});
if (hub.feed.lostLink !== null) await new Promise<void>((done) => hub.feed.events.once('sound', () => done()));
tell({ port: (server.address() as AddressInfo).port });
