/**
 * The nodes of a cluster on this machine: processes of the built server on ports of their own, started, watched and
 * restarted. It knows no proxy. Invariants: a node that ends without being asked is started again; at most one of them is
 * restarted at a time, and the next one only when it is ready.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { startChild, type Child } from './child.ts';

/** A node migrates nothing here and starts in seconds; a busy machine takes longer. */
const START_PATIENCE_MS = 120_000;
const AGAIN_AFTER_MS = 1_000;

export interface Nodes {
  readonly ports: readonly number[];
  /** resolves when all are ready; rejects when one does not start */
  ready(): Promise<void>;
  /** One after another: `before` it leaves, `after` it is ready again. */
  roll(steps: { before(port: number): Promise<void>; after(port: number): Promise<void> }): Promise<void>;
  close(): Promise<void>;
}

export function startNodes(
  ports: readonly number[],
  parts: { entry: string; environmentOf(port: number): NodeJS.ProcessEnv; tell: (line: string) => void }
): Nodes {
  let isClosing = false;
  const children = new Map<number, Child>();
  /** ends that were asked for */
  const asked = new WeakSet<Child>();

  const start = (port: number): void => {
    const name = `node ${ports.indexOf(port) + 1}`;
    const child = startChild(process.execPath, [parts.entry], {
      environment: parts.environmentOf(port),
      tell: (line) => parts.tell(`${name} | ${line}`)
    });
    children.set(port, child);
    void child.ended.then(async (code) => {
      if (isClosing || asked.has(child)) return;
      parts.tell(`${name} ended by itself (${code ?? 'a signal'}); it is started again.`);
      await wait(AGAIN_AFTER_MS);
      if (!isClosing && children.get(port) === child) start(port);
    });
  };
  const end = async (port: number, signal: NodeJS.Signals): Promise<void> => {
    const child = children.get(port);
    if (!child) return;
    asked.add(child);
    child.signal(signal);
    await child.ended;
  };
  const untilReady = async (port: number): Promise<void> => {
    const giveUpAt = performance.now() + START_PATIENCE_MS;
    while (!isClosing) {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
      if (answer?.ok) return;
      if (performance.now() > giveUpAt)
        throw new Error(`The node on port ${port} did not get ready; its lines say why.`);
      await wait(100);
    }
  };
  for (const port of ports) start(port);

  return {
    ports,
    ready: async () => void (await Promise.all(ports.map(untilReady))),
    async roll({ before, after }) {
      for (const port of ports) {
        if (isClosing) return;
        await before(port);
        await end(port, 'SIGTERM'); // it leaves first, then ends
        if (isClosing) return;
        start(port);
        await untilReady(port);
        await after(port);
      }
    },
    async close() {
      isClosing = true;
      await Promise.all(ports.map((port) => end(port, 'SIGINT'))); // nobody is left to be sent elsewhere
    }
  };
}
