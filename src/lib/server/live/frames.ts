/**
 * Telling many the same: a message is put into words and framed once, and that one frame is written straight to each
 * connection in which nothing waits, past what Socket.IO, Engine.IO and ws each do for a message (two thirds of a
 * delivery, docs/PERFORMANCE.md). A connection in which anything waits gets it by their queue, where it can be seen that
 * it is slow (laggards.ts). It owns frames and nothing of who is told.
 * Invariants: what is told arrives in the order in which it was told, whichever way it went; of what waits for a slow
 * client at most one frame is in no queue.
 */
import type { Socket as TcpSocket } from 'node:net';
import { Adapter, type BroadcastOptions } from 'socket.io-adapter';
import { Encoder, type Packet } from 'socket.io-parser';

/** RFC 6455, 5.2: the last frame of a message, of text. */
const FINAL_TEXT = 0x81;
const LENGTH_IN_16_BITS = 126;
const LENGTH_IN_64_BITS = 127;
/** "message" among Engine.IO's packets */
const ENGINE_MESSAGE = '4';
/** ws: what is written now is not behind a closing frame */
const OPEN = 1;

/** Of Socket.IO's sockets what is used here; read in socket.io 4.8, engine.io 6.6 and ws 8. */
export interface FramedSocket {
  client: {
    conn: {
      readyState: string;
      /** packets that wait until the transport is writable */
      writeBuffer?: unknown[] | undefined;
      transport?:
        | undefined
        | {
            /** false while it waits until what it was given is written */
            writable?: boolean;
            socket?: { readyState?: number; _socket?: TcpSocket | null };
          };
    };
    writeToEngine(packets: string[], options: { preEncoded: true; wsPreEncodedFrame: Buffer[] }): void;
  };
}

/** One frame of text as a server sends it: not masked, not compressed. */
export function toFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const head = length < LENGTH_IN_16_BITS ? 2 : length <= 0xffff ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + length);
  frame[0] = FINAL_TEXT;
  if (head === 2) frame[1] = length;
  else if (head === 4) {
    frame[1] = LENGTH_IN_16_BITS;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = LENGTH_IN_64_BITS;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, head);
  return frame;
}

/** The connection of a socket in which nothing waits, so that a frame written to it comes after all that was told before. */
export function idleConnectionOf({ client: { conn } }: FramedSocket): TcpSocket | null {
  const { transport } = conn;
  if (conn.readyState !== 'open' || conn.writeBuffer?.length !== 0 || transport?.writable !== true) return null;
  if (transport.socket?.readyState !== OPEN) return null;
  const tcp = transport.socket._socket;
  return tcp?.writable === true && tcp.writableLength === 0 ? tcp : null;
}

/** Did either end begin to close the WebSocket? Behind a closing frame nothing may come (RFC 6455, 5.5.1). */
function isClosing({ client: { conn } }: FramedSocket): boolean {
  const state = conn.transport?.socket?.readyState;
  return state !== undefined && state !== OPEN;
}

/** Socket.IO's own adapter of one node, with this way of telling. */
export class FrameAdapter extends Adapter {
  readonly #encoder = new Encoder();

  override broadcast(packet: Packet, options: BroadcastOptions): void {
    packet.nsp = (this.nsp as { name: string }).name;
    const encoded = this.#encoder.encode(packet) as unknown[];
    const text = encoded[0];
    // Binary parts, people who are left out, messages that may be dropped: nothing that we tell.
    const isOther = (options.except?.size ?? 0) > 0 || options.flags?.volatile === true;
    if (encoded.length !== 1 || typeof text !== 'string' || isOther) return super.broadcast(packet, options);
    const frame = toFrame(ENGINE_MESSAGE + text);
    for (const socket of this.#told(options.rooms)) {
      const connection = idleConnectionOf(socket);
      if (connection !== null) connection.write(frame);
      // Options of its own for each: Engine.IO notes in them.
      else if (!isClosing(socket))
        socket.client.writeToEngine([text], { preEncoded: true, wsPreEncodedFrame: [frame] });
    }
  }

  /** Each once, however many of these rooms it stands in. */
  #told(rooms: ReadonlySet<string>): FramedSocket[] {
    const { sockets } = this.nsp as { sockets: Map<string, FramedSocket> };
    if (rooms.size === 0) return [...sockets.values()];
    const [first] = rooms;
    const ids =
      rooms.size === 1
        ? (this.rooms.get(first!) ?? [])
        : new Set([...rooms].flatMap((room) => [...(this.rooms.get(room) ?? [])]));
    return [...ids].flatMap((id) => sockets.get(id) ?? []);
  }
}
