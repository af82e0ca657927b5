/**
 * A client for crowds: one TCP connection that speaks just enough WebSocket, Engine.IO and Socket.IO to subscribe, to
 * answer pings and to hear what it is told. It parses nothing by itself, so that thousands of them cost less than the
 * server that they load; and it can stop reading, as a stalled browser does.
 */
import { connect, type Socket } from 'node:net';
import { LIVE_PATH, PROTOCOL_VERSION, type Scope, type SubscribeAnswer } from '../../src/lib/live/protocol.ts';

export interface WireOptions {
  port: number;
  /** null = a bare WebSocket, whose every text is told */
  cookie: string | null;
  /** The text of one message, valid only while this runs: of Socket.IO it begins with `42[` */
  told(text: Buffer, client: WireClient): void;
  closed?(client: WireClient): void;
}

const PING = 0x32; // "2"
const OPEN = 0x30; // "0"
const MESSAGE = 0x34; // "4"
const [CONNECTED, EVENT, ANSWER, REFUSED] = [0x30, 0x32, 0x33, 0x34]; // "0" "2" "3" "4"
const TEXT = 1;
const [WS_CLOSE, WS_PING] = [8, 9];

export class WireClient {
  readonly tcp: Socket;
  readonly #options: WireOptions;
  /** what came of a frame, or of the answer to the handshake, that is not whole yet */
  #rest: Buffer[] = [];
  #restBytes = 0;
  #needed = 0;
  #isUpgraded = false;
  #waiting: { resolve(text: string): void; reject(error: Error): void } | null = null;

  constructor(options: WireOptions) {
    this.#options = options;
    const { port, cookie } = options;
    const host = `127.0.0.1:${port}`;
    this.tcp = connect({ port, host: '127.0.0.1', noDelay: true });
    this.tcp.on('connect', () =>
      this.tcp.write(
        [
          `GET ${cookie === null ? '/' : `${LIVE_PATH}/?EIO=4&transport=websocket`} HTTP/1.1`,
          `Host: ${host}`,
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 13',
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
          ...(cookie === null ? [] : [`Origin: http://${host}`, `Cookie: ${cookie}`]),
          '\r\n'
        ].join('\r\n')
      )
    );
    this.tcp.on('data', (chunk: Buffer) => this.#take(chunk));
    this.tcp.on('error', () => {});
    this.tcp.on('close', () => {
      this.#waiting?.reject(new Error('The connection was closed.'));
      this.#waiting = null;
      options.closed?.(this);
    });
  }

  /** Resolves when the WebSocket is open: of Engine.IO with its first packet. */
  opened(): Promise<string> {
    return this.#next();
  }

  /** Resolves when the hub has let it in. */
  async connected(): Promise<void> {
    const answer = this.#next();
    this.send('40');
    await answer;
  }

  /** Opens, connects and asks once, for the whole list. */
  async subscribe(scope: Scope, token: string): Promise<SubscribeAnswer> {
    const message = {
      protocol: PROTOCOL_VERSION,
      scope,
      window: { kind: 'list', query: '' },
      summaries: 'scope',
      token
    };
    const answer = this.#next();
    this.send(`420${JSON.stringify(['subscribe', message])}`);
    return (JSON.parse((await answer).slice(3)) as [SubscribeAnswer])[0];
  }

  /** Client's frames are masked; a mask of zeros leaves them as they are. */
  send(text: string): void {
    const payload = Buffer.from(text);
    const isShort = payload.length < 126;
    const head = Buffer.alloc(isShort ? 6 : 8);
    head[0] = 0x80 | TEXT;
    head[1] = 0x80 | (isShort ? payload.length : 126);
    if (!isShort) head.writeUInt16BE(payload.length, 2);
    this.tcp.write(Buffer.concat([head, payload]));
  }

  /** Nothing more is read: what it is sent waits in the kernel, then in the server. */
  stall(): void {
    this.tcp.pause();
  }

  resume(): void {
    this.tcp.resume();
  }

  close(): void {
    this.tcp.destroy();
  }

  #next(): Promise<string> {
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  #answer(text: string): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(text);
  }

  #take(chunk: Buffer): void {
    let data = chunk;
    if (this.#restBytes > 0) {
      this.#rest.push(chunk);
      this.#restBytes += chunk.length;
      if (this.#restBytes < this.#needed) return;
      data = Buffer.concat(this.#rest, this.#restBytes);
      this.#rest = [];
      this.#restBytes = 0;
    }
    let at = this.#isUpgraded ? 0 : this.#upgrade(data);
    while (this.#isUpgraded && at < data.length) {
      const end = this.#frame(data, at);
      if (end < 0) break;
      at = end;
    }
    if (at >= data.length) return;
    // A copy: what it is a part of may be much larger.
    this.#rest = [Buffer.from(data.subarray(at))];
    this.#restBytes = data.length - at;
    if (!this.#isUpgraded) this.#needed = 0;
  }

  #upgrade(data: Buffer): number {
    const end = data.indexOf('\r\n\r\n');
    if (end < 0) return 0;
    if (!data.subarray(0, 12).equals(Buffer.from('HTTP/1.1 101'))) {
      this.#waiting?.reject(new Error(`The handshake was answered ${data.subarray(9, 12).toString()}.`));
      this.#waiting = null;
      this.close();
      return data.length;
    }
    this.#isUpgraded = true;
    if (this.#options.cookie === null) this.#answer('');
    return end + 4;
  }

  /** Tells one whole frame and gives where the next begins; -1 = it is not whole yet. */
  #frame(data: Buffer, at: number): number {
    const left = data.length - at;
    this.#needed = 2;
    if (left < 2) return -1;
    let length = data[at + 1]! & 0x7f;
    let head = 2;
    if (length >= 126) {
      head = length === 126 ? 4 : 10;
      this.#needed = head;
      if (left < head) return -1;
      length = head === 4 ? data.readUInt16BE(at + 2) : Number(data.readBigUInt64BE(at + 2));
    }
    this.#needed = head + length;
    if (left < this.#needed) return -1;
    const opcode = data[at]! & 0x0f;
    const text = data.subarray(at + head, at + head + length);
    if (opcode === TEXT) this.#hear(text);
    else if (opcode === WS_CLOSE) this.close();
    else if (opcode === WS_PING) this.tcp.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]));
    return at + head + length;
  }

  #hear(text: Buffer): void {
    if (this.#options.cookie === null) return this.#options.told(text, this);
    const type = text[0];
    if (type === PING) this.send('3');
    else if (type === OPEN) this.#answer(text.toString());
    else if (type === MESSAGE) {
      const kind = text[1];
      if (kind === EVENT) this.#options.told(text, this);
      else if (kind === CONNECTED || kind === ANSWER) this.#answer(text.toString());
      else if (kind === REFUSED) {
        this.#waiting?.reject(new Error(`The hub refused: ${text.subarray(2).toString()}`));
        this.#waiting = null;
      }
    }
  }
}
