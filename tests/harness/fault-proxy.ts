/**
 * A stretch of network that fails: a TCP proxy in front of Postgres that delays, cuts, falls silent without closing
 * anything (half-open), and loses notifications. It reads the wire only as far as it must to leave out whole messages.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface FaultProxy {
  port: number;
  /** nothing passes any more, and nobody is told; what is sent meanwhile is lost with its connection */
  isSilent: boolean;
  /** ms by which everything is late */
  delayMs: number;
  /** share of wake-ups that get lost: 0 none, 1 all; canaries pass, or the hub would rightly say that it hears nothing */
  deafness: number;
  /** all connections end at once */
  cut(): void;
  /** how many notifications were lost */
  readonly lost: number;
  close(): Promise<void>;
}

/** Of what Postgres sends, as `type byte, length, …`. */
const NOTIFICATION = 'A'.charCodeAt(0);

export async function openFaultProxy(upstreamPort: number): Promise<FaultProxy> {
  const open = new Set<Socket>();
  let lost = 0;
  const proxy: FaultProxy = {
    port: 0,
    isSilent: false,
    delayMs: 0,
    deafness: 0,
    get lost() {
      return lost;
    },
    cut() {
      for (const socket of open) socket.destroy();
    },
    async close() {
      proxy.cut();
      await new Promise((done) => server.close(done));
    }
  };
  /** Leaves out wake-ups; gives back whole messages only. */
  const openSieve = (): ((chunk: Buffer) => Buffer) => {
    let rest: Buffer = Buffer.alloc(0);
    return (chunk) => {
      let data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      const kept: Buffer[] = [];
      while (data.length >= 5) {
        const end = 1 + data.readUInt32BE(1);
        if (data.length < end) break;
        const message = data.subarray(0, end);
        // Process id, channel\0, payload\0: a wake-up has none.
        const isWakeUp = message[0] === NOTIFICATION && message[end - 2] === 0;
        if (isWakeUp && Math.random() < proxy.deafness) lost++;
        else kept.push(message);
        data = data.subarray(end);
      }
      rest = Buffer.from(data);
      return Buffer.concat(kept);
    };
  };
  const forward = (from: Socket, to: Socket, sieve: (chunk: Buffer) => Buffer): void => {
    let isBroken = false;
    let last = Promise.resolve();
    from.on('data', (chunk: Buffer) => {
      const out = sieve(chunk);
      // What was swallowed once cannot be made good: this connection stays silent until it is given up.
      isBroken ||= proxy.isSilent;
      if (isBroken || out.length === 0) return;
      const due = performance.now() + proxy.delayMs;
      last = last.then(async () => {
        const wait = due - performance.now();
        if (wait > 0) await new Promise((done) => setTimeout(done, wait));
        if (!to.destroyed) to.write(out);
      });
    });
    from.on('end', () => void last.then(() => to.end()));
  };
  const server: Server = createServer((client) => {
    open.add(client);
    const upstream = connect(upstreamPort, '127.0.0.1');
    open.add(upstream);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client]
    ] as const) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        open.delete(socket);
        // A half-open connection says nothing of its end either.
        if (!proxy.isSilent) other.destroy();
      });
    }
    forward(client, upstream, (chunk) => chunk);
    forward(upstream, client, openSieve());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  proxy.port = (server.address() as AddressInfo).port;
  return proxy;
}
