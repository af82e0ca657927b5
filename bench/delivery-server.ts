/**
 * The server under measurement, in a process of its own: our hub, or the raw yardstick (pg LISTEN carrying the row,
 * raw ws broadcasting it). Prints its port to its parent and ends with it.
 */
import pg from 'pg';
import { WebSocketServer } from 'ws';
import { startHub } from '../tests/harness/live.ts';

const [kind, url] = process.argv.slice(2) as ['hub' | 'raw', string];
process.on('disconnect', () => process.exit());
if (kind === 'hub') {
  const { port } = await startHub(url);
  process.send!(port);
} else {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  const listener = new pg.Client({ connectionString: url });
  await listener.connect();
  listener.on('notification', ({ payload }) => server.clients.forEach((client) => client.send(payload!)));
  await listener.query('listen rows');
  process.send!((server.address() as { port: number }).port);
}
