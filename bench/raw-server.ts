/**
 * The raw yardstick of the live path, in a process of its own: pg LISTEN carrying the row, raw ws broadcasting it to
 * everyone. No access, no catching up, no proof. It tells its port and, when asked, its memory, and ends with its parent.
 */
import pg from 'pg';
import { WebSocketServer } from 'ws';

process.on('disconnect', () => process.exit());
process.on('message', () => {
  // Twice: what the first one finalises is freed by the second.
  globalThis.gc!();
  setTimeout(() => {
    globalThis.gc!();
    process.send!(process.memoryUsage());
  }, 200);
});
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
const listener = new pg.Client({ connectionString: process.argv[2]! });
await listener.connect();
listener.on('notification', ({ payload }) => server.clients.forEach((client) => client.send(payload!)));
await listener.query('listen rows');
process.send!((server.address() as { port: number }).port);
