/**
 * What is measured where no metrics are known: named channels of Node's diagnostics_channel, which both halves of the
 * process reach although they share no module. They carry counts for operators, in one direction; nothing that anybody
 * decides depends on them, and without a listener they cost nothing (docs/decisions/0007). Two pages show what comes this
 * way, and say so where nothing does (docs/decisions/0013).
 */
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { SelfProof } from '../../operations/delivery.ts';

export interface Channel<Message> {
  /** Listeners run at once, and must not throw. */
  tell(message: Message): void;
  /** Returns what ends the listening. */
  hear(listener: (message: Message) => void): () => void;
}

/** Whoever owns pools or counts denials says how they stand; pg.Pool fits. */
export interface FigureTeller {
  pool(name: string, pool: { totalCount: number; idleCount: number; waitingCount: number }): void;
  denials(door: string, count: number): void;
}

/** An attempt to sign in was answered. */
export const signInAnswered = toChannel<{ answer: 'signed in' | 'refused' | 'limited' | 'busy' }>('watchfloor:sign-in');
/** Work that is repeated in the background was done once, or failed. */
export const workEnded = toChannel<{ name: string; isDone: boolean }>('watchfloor:work');
/** Somebody wants to know how things stand: answered at once, or not at all. */
export const figuresAsked = toChannel<FigureTeller>('watchfloor:figures');
/** Somebody wants to know what this node is called: answered at once, or not at all. */
export const nodeAsked = toChannel<(name: string) => void>('watchfloor:node');
/** An owner of this workspace wants to know how the node delivers: answered at once, or not at all. */
export const selfProofAsked = toChannel<{ workspaceId: number; take: (proof: SelfProof) => void }>(
  'watchfloor:self-proof'
);

function toChannel<Message>(name: string): Channel<Message> {
  return {
    tell: (message) => channel(name).publish(message),
    hear(listener) {
      const heard = (message: unknown): void => listener(message as Message);
      subscribe(name, heard);
      return () => void unsubscribe(name, heard);
    }
  };
}
