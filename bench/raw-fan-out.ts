/**
 * The raw yardstick of fan-out, in a process of its own: pg LISTEN carrying the row, and each change framed once and
 * written to every socket as it is, past everything that `ws` does for a message. No access, no catching up, no proof, and
 * nothing is joined: one change, one frame.
 */
import pg from 'pg';
import * as ws from 'ws';
import { tellMemory } from './tell-memory.mjs';

process.on('disconnect', () => process.exit());
tellMemory();
const server = new ws.WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  perMessageDeflate: false,
  skipUTF8Validation: true
});
const { Sender } = ws as unknown as {
  Sender: { frame(data: Buffer, options: Record<string, unknown>): Buffer[] };
};
const listener = new pg.Client({ connectionString: process.argv[2]! });
await listener.connect();
listener.on('notification', ({ payload }) => {
  const parts = Sender.frame(Buffer.from(payload!), { fin: true, opcode: 1, mask: false, rsv1: false, readOnly: true });
  const frame = Buffer.concat(parts);
  for (const client of server.clients)
    (client as unknown as { _socket: import('node:net').Socket })._socket.write(frame);
});
await listener.query('listen rows');
process.send!((server.address() as { port: number }).port);
