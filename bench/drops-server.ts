/**
 * What an application makes of stock Socket.IO: pg LISTEN carrying the row, broadcast to everyone as the text that came.
 * With `recovery` it keeps what it sent and gives it to who returns (connection state recovery, with its defaults). No
 * access, no catching up from the database. It tells its port and ends with its parent.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { Server } from 'socket.io';

const [url, mode] = process.argv.slice(2);
process.on('disconnect', () => process.exit());
const server = createServer();
const io = new Server(server, {
  transports: ['websocket'],
  serveClient: false,
  ...(mode === 'recovery' ? { connectionStateRecovery: {} } : {})
});
const listener = new pg.Client({ connectionString: url! });
await listener.connect();
listener.on('notification', ({ payload }) => io.emit('row', payload));
await listener.query('listen rows');
await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
process.send!((server.address() as AddressInfo).port);
