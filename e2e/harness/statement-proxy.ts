/**
 * A Postgres that tells what it was asked: a TCP proxy before a real one, which reads the statements that go by, by the
 * name of the pool that sent them. So a test can hold two answers to the very same statements, which no clock can tell
 * apart. It changes nothing and reads no results.
 */
import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface StatementProxy {
  /** the given address, through the proxy */
  url: string;
  /** What the pools of these names have sent since it was last asked, in order. */
  take(...applicationNames: string[]): string[];
  close(): Promise<void>;
}

export async function openStatementProxy(databaseUrl: string): Promise<StatementProxy> {
  const target = new URL(databaseUrl);
  const statements: { from: string; sql: string }[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    const read = openReader((from, sql) => void statements.push({ from, sql: sql.replace(/\s+/g, ' ').trim() }));
    client.on('data', read);
    client.pipe(upstream).pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client]
    ] as const) {
      // Else each statement waits for the acknowledgement of the one before: 40 ms.
      one.setNoDelay(true);
      sockets.add(one);
      one.once('close', () => (sockets.delete(one), other.destroy()));
      one.on('error', () => other.destroy());
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    take(...names) {
      const taken = statements.filter(({ from }) => names.includes(from)).map(({ sql }) => sql);
      const rest = statements.filter(({ from }) => !names.includes(from)).slice(-10_000);
      statements.splice(0, statements.length, ...rest);
      return taken;
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      })
  };
}

const SSL_REQUEST = 80_877_103;

/** The texts at the beginning of a message, which end with a zero each. */
function toWords(body: Buffer): string[] {
  return body.toString('utf8').split('\0');
}

/** Reads one client's half of the protocol: a start-up message with its name, then messages of a letter and a length. */
function openReader(tell: (from: string, sql: string) => void): (data: Buffer) => void {
  let pending = Buffer.alloc(0);
  let name: string | null = null;
  const named = new Map<string, string>();
  return (data) => {
    pending = Buffer.concat([pending, data]);
    for (;;) {
      const head = name === null ? 0 : 1;
      if (pending.length < head + 4) return;
      const end = head + pending.readInt32BE(head);
      if (pending.length < end) return;
      const kind = head === 0 ? '' : String.fromCharCode(pending[0]!);
      const body = pending.subarray(head + 4, end);
      pending = pending.subarray(end);
      if (head === 0) {
        if (body.readInt32BE(0) === SSL_REQUEST) continue;
        const words = toWords(body.subarray(4));
        name = words[words.indexOf('application_name') + 1] ?? '';
      } else if (kind === 'Q') {
        tell(name!, toWords(body)[0]!);
      } else if (kind === 'P') {
        const [statement = '', sql = ''] = toWords(body);
        named.set(statement, sql);
        if (statement === '') tell(name!, sql);
      } else if (kind === 'B') {
        // What has a name is sent once for each connection, and then only named.
        const statement = toWords(body)[1]!;
        if (statement !== '') tell(name!, named.get(statement) ?? statement);
      }
    }
  };
}
