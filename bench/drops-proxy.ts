/**
 * A network that fails: a TCP proxy that loses all its connections at once and lets nobody in until it is told. `cut`: both
 * ends learn of it at once. `unnoticed`: the client does (a laptop that changes its network), the server's end stays open
 * and takes nothing more, as a peer that is gone does, until the server's own heartbeat gives it up.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export const DROPS = ['cut', 'unnoticed'] as const;
export type Drop = (typeof DROPS)[number];

export interface DroppingProxy {
  port: number;
  drop(how: Drop): void;
  restore(): void;
  close(): void;
}

export async function openDroppingProxy(target: number): Promise<DroppingProxy> {
  const pairs = new Set<[near: Socket, far: Socket]>();
  const gone = new Set<Socket>();
  let down = false;
  const server = createServer((near) => {
    near.on('error', () => undefined);
    if (down) {
      near.destroy();
      return;
    }
    const far = connect(target, '127.0.0.1');
    far.on('error', () => undefined);
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    for (const end of pair) end.setNoDelay(true);
    near.pipe(far);
    far.pipe(near);
    near.once('close', () => {
      if (pairs.delete(pair)) far.destroy();
    });
    far.once('close', () => {
      gone.delete(far);
      if (pairs.delete(pair)) near.destroy();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as AddressInfo).port,
    drop(how) {
      down = true;
      for (const [near, far] of pairs) {
        if (how === 'unnoticed') {
          far.unpipe(near);
          near.unpipe(far);
          far.pause();
          gone.add(far);
        } else far.destroy();
        near.destroy();
      }
      pairs.clear();
    },
    restore() {
      down = false;
    },
    close() {
      server.close();
      for (const [near, far] of pairs) {
        near.destroy();
        far.destroy();
      }
      for (const far of gone) far.destroy();
    }
  };
}
