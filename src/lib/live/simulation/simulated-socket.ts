/**
 * One socket of the simulated world, both ends and what is under way between them. It decides nothing: the world says
 * when a message is served, delivered, repeated or lost.
 */
import type { RowsChanged, Scope, Subscribe, SubscribeAnswer } from '../protocol.ts';
import type { ServerMessage, SocketListener } from '../socket.ts';
import type { SimulatedBurst } from './simulated-burst.ts';

type Question =
  { subscribe: Subscribe; answered: (answer: SubscribeAnswer) => void } | { clock: (now: number) => void };

export class SimulatedSocket {
  readonly toServer: Question[] = [];
  readonly toClient: (() => void)[] = [];
  /** messages of rows delivered, to be delivered again */
  readonly delivered: RowsChanged[] = [];
  open = false;
  closed = false;
  rooms: Scope | null = null;
  /** the query of the list that is on screen */
  query: string | null = null;
  /** a burst was passed, and the list is not sent yet: ticks wait */
  burst: SimulatedBurst | null = null;
  subscribed = false;
  /** a question whose rooms are joined and whose rows are not read yet */
  reading: Question | null = null;
  /** what was read, and is not sent yet */
  answer: (() => void) | null = null;
  listener: SocketListener;
  constructor(listener: SocketListener) {
    this.listener = listener;
  }
  tell(message: ServerMessage): void {
    this.toClient.push(() => {
      if (message.event === 'rows:changed') this.delivered.push(message.body);
      // A list that was read knows no revisions of what left; on one socket nothing older comes after it.
      if (message.event === 'window:read') this.delivered.length = 0;
      this.listener.message(message);
    });
  }
}
