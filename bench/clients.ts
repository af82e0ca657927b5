/**
 * Many clients in a process of their own, so that the server's memory is the server's alone. Its parent says how many to
 * open and where, or to close them all; it answers with how many are open.
 */
import WebSocket from 'ws';
import { openLiveClient, type Seat } from './live-client.ts';

export interface Order {
  kind: 'raw' | 'hub';
  /** one client each; none = close all */
  seats: Seat[];
}

/** How many connect at the same time. */
const AT_ONCE = 25;
const open: { close(): unknown }[] = [];

async function openOne(kind: Order['kind'], seat: Seat): Promise<void> {
  if (kind === 'hub') {
    open.push(await openLiveClient(seat));
    return;
  }
  const socket = new WebSocket(`ws://127.0.0.1:${seat.port}`);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
  open.push(socket);
}

process.on('disconnect', () => process.exit());
process.on('message', ({ kind, seats }: Order) => {
  void (async () => {
    if (seats.length === 0) for (const socket of open.splice(0)) socket.close();
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let seat = seats.pop(); seat; seat = seats.pop()) await openOne(kind, seat);
      })
    );
    process.send!(open.length);
  })();
});
