/**
 * The wire between the hub and a browser: every event, its schema and its version. Both halves parse at their door with
 * these schemas; nothing else crosses. docs/PROTOCOL.md shows an example of each, and a test pins their hash.
 * Invariants: rows carry list columns only; a removal tells an id and a revision and nothing of where the row went; one
 * answer (`absent`) for everything that a person may not see or that does not exist.
 */
import * as z from 'zod/mini';
import { operationRowSchema } from '../operations/operation.ts';
import { summarySchema } from '../operations/summary.ts';

/** Raised with every incompatible change of a schema below; a client of another version is told to reload. */
export const PROTOCOL_VERSION = 2;

/** Socket.IO's path; also the prefix that the hub owns on the HTTP server. */
export const LIVE_PATH = '/live/socket';

/** The server's tick. The age of proof that makes a feed Live, Reconnecting, Stale follow from PRODUCT.md 4.1. */
export const TICK_MS = 2_000;

const id = z.number().check(z.int(), z.positive(), z.lte(Number.MAX_SAFE_INTEGER));
const instant = z.number();
/** [id, revision]: the row is not (or no longer) in the scope as of that revision; a row of the same revision wins. */
const removal = z.tuple([id, z.number()]);

export const scopeSchema = z.object({ workspaceId: id, environmentId: z.nullable(id) });
/** What is watched: a workspace as far as the person may see it, or one environment of it. */
export type Scope = z.infer<typeof scopeSchema>;

/** Why a client must read its window again instead of catching up. */
export const RESYNC_REASONS = ['epoch', 'floor', 'behind', 'token', 'access'] as const;
export type ResyncReason = (typeof RESYNC_REASONS)[number];

/** Which link is lost when the server itself cannot vouch for what it sends. */
export const LOST_LINKS = ['database', 'listener', 'lag'] as const;
export type LostLink = (typeof LOST_LINKS)[number];

/** client → server, acknowledged with a `SubscribeAnswer`. A socket has one subscription; a new one replaces it. */
export const subscribeSchema = z.object({
  protocol: z.number(),
  scope: scopeSchema,
  /** summaries of the scope's units, or of each environment of it (the overview) */
  summaries: z.enum(['scope', 'environments']),
  token: z.string().check(z.maxLength(2_048))
});
export type Subscribe = z.infer<typeof subscribeSchema>;

export const subscribeAnswerSchema = z.discriminatedUnion('result', [
  z.object({
    result: z.literal('caught_up'),
    /** grows with every change of the person's access; answers of an older generation are dropped */
    generation: z.number(),
    rows: z.array(operationRowSchema),
    removed: z.array(removal),
    /** of all units that were joined: they replace what the client has */
    summaries: z.array(summarySchema),
    token: z.string(),
    /** database time up to which everything committed in the scope has now been sent */
    proofAt: instant,
    /** not before the database's present time when the answer was sent: the client's clock is set by it */
    now: instant
  }),
  z.object({ result: z.literal('resync'), reason: z.enum(RESYNC_REASONS) }),
  z.object({ result: z.literal('absent') }),
  z.object({ result: z.literal('reload'), protocol: z.number() }),
  z.object({ result: z.literal('unavailable'), link: z.enum(LOST_LINKS) })
]);
export type SubscribeAnswer = z.infer<typeof subscribeAnswerSchema>;

/** client → server with an empty body, acknowledged with this. */
export const clockAnswerSchema = z.object({ now: instant });

/** server → client: the latest of each row of one batch. */
export const rowsChangedSchema = z.object({ rows: z.array(operationRowSchema), removed: z.array(removal) });
export type RowsChanged = z.infer<typeof rowsChangedSchema>;

/** server → client: a unit's numbers moved, with the rows or with time alone. The newer `at` wins. */
export const summaryChangedSchema = z.object({ summary: summarySchema });

/** server → client every TICK_MS, only while listener, pass and lag are sound; everything before it has been sent. */
export const feedTickedSchema = z.object({ proofAt: instant, token: z.optional(z.string()) });
export type FeedTicked = z.infer<typeof feedTickedSchema>;

/** server → client instead of a tick: the server is there, but cannot vouch for the data. */
export const feedHaltedSchema = z.object({ link: z.enum(LOST_LINKS) });

/** server → client: what this person may see has changed; purge, read the window again, subscribe again. */
export const accessChangedSchema = z.object({ generation: z.number() });

/** server → client: the place in the stream is lost; read the window again. */
export const resyncRequiredSchema = z.object({ reason: z.enum(RESYNC_REASONS) });

/** Events from the server, by name (`noun:past`). */
export const serverEvents = {
  'rows:changed': rowsChangedSchema,
  'summary:changed': summaryChangedSchema,
  'feed:ticked': feedTickedSchema,
  'feed:halted': feedHaltedSchema,
  'access:changed': accessChangedSchema,
  'resync:required': resyncRequiredSchema,
  /** names of environments or types changed: read the page's names again */
  'reference:changed': z.object({}),
  /** the session ended (signed out elsewhere, disabled, expired): the page must leave what it shows */
  'session:ended': z.object({}),
  /** the server is about to stop, in order: connect again after a little while */
  'server:closing': z.object({})
} as const;

export type ServerEvents = { [E in keyof typeof serverEvents]: (message: z.infer<(typeof serverEvents)[E]>) => void };
export interface ClientEvents {
  subscribe: (message: Subscribe, answer: (answer: SubscribeAnswer) => void) => void;
  clock: (answer: (answer: z.infer<typeof clockAnswerSchema>) => void) => void;
}
