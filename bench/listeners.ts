/**
 * Very many clients of the delivery bench, in a process of its own. All take what they are sent; only a few look inside,
 * so that the load generator is no bottleneck: what is measured is the server. Times are of the machine's monotonic clock,
 * which all processes share, and are told at the end.
 */
import WebSocket from 'ws';
import { LIVE_PATH, PROTOCOL_VERSION, type Subscribe } from '../src/lib/live/protocol.ts';
import type { Seat } from './live-client.ts';

export interface ListenOrder {
  kind: 'raw' | 'hub';
  seats: Seat[];
  /** how many of them look inside, spread over all */
  watching: number;
}
/** one change as one client heard of it */
export type Heard = [client: number, id: number, value: number, at: number];

const AT_ONCE = 25;
const TRIES = 30;
const now = (): number => Number(process.hrtime.bigint()) / 1e6;
let heard: Heard[] = [];

/** Rows of a frame: raw sends the row itself, the hub Socket.IO's text of an event. */
function look(kind: ListenOrder['kind'], client: number, text: string): void {
  const at = now();
  if (kind === 'raw') {
    const row = JSON.parse(text) as { id: number; progress_processed: number };
    heard.push([client, row.id, row.progress_processed, at]);
  } else if (text.startsWith('42["rows:changed"')) {
    const [, { rows }] = JSON.parse(text.slice(2)) as [
      string,
      { rows: { id: number; progress: { processed: number } }[] }
    ];
    for (const row of rows) heard.push([client, row.id, row.progress.processed, at]);
  }
}

async function open(kind: ListenOrder['kind'], seat: Seat, client: number | null): Promise<void> {
  const origin = `http://127.0.0.1:${seat.port}`;
  const socket =
    kind === 'raw'
      ? new WebSocket(`ws://127.0.0.1:${seat.port}`)
      : new WebSocket(`ws://127.0.0.1:${seat.port}${LIVE_PATH}/?EIO=4&transport=websocket`, {
          headers: { cookie: seat.cookie, origin }
        });
  await new Promise<void>((resolve, reject) => {
    const message: Subscribe = {
      protocol: PROTOCOL_VERSION,
      scope: { workspaceId: seat.workspaceId, environmentId: null },
      window: { kind: 'list', query: '' },
      summaries: 'scope',
      token: seat.token
    };
    let tries = 0;
    const ask = (): void => socket.send(`420${JSON.stringify(['subscribe', message])}`);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('A client was cut off.')));
    if (kind === 'raw') socket.once('open', () => resolve());
    socket.on('message', (data: Buffer) => {
      // Engine.IO: 0 open, 2 ping; Socket.IO over it: 40 connected, 43 an answer, 42 an event.
      if (kind === 'raw') return client === null ? undefined : look(kind, client, data.toString());
      if (data[0] === 0x34 && data[1] === 0x32)
        return client === null ? undefined : look(kind, client, data.toString());
      const text = data.toString();
      if (text.startsWith('0')) socket.send('40');
      else if (text === '2') socket.send('3');
      else if (text.startsWith('40')) ask();
      else if (text.startsWith('43')) {
        if (text.includes('"caught_up"')) resolve();
        else if (text.includes('"unavailable"') && tries++ < TRIES) setTimeout(ask, 500);
        else reject(new Error(`The hub answered ${text.slice(0, 200)}.`));
      }
    });
  });
}

process.on('disconnect', () => process.exit());
process.on('message', (order: ListenOrder | 'tell') => {
  if (order === 'tell') {
    process.send!(heard);
    heard = [];
    return;
  }
  void (async () => {
    const { kind, watching } = order;
    const every = Math.max(1, Math.floor(order.seats.length / watching));
    const seats = [...order.seats.entries()];
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let next = seats.shift(); next; next = seats.shift())
          await open(kind, next[1], next[0] % every === every - 1 ? next[0] : null);
      })
    );
    process.send!('open');
  })();
});
