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
export const PROTOCOL_VERSION = 3;

/** Socket.IO's path; also the prefix that the hub owns on the HTTP server. */
export const LIVE_PATH = '/live/socket';
/** Where the same question is asked by POST (`subscribeSchema` → `subscribeAnswerSchema`) when WebSockets are forbidden. */
export const CATCH_UP_PATH = '/live/catch-up';

/** In the query of both addresses: it is a wall that asks, and its cookie counts, not that of whoever is signed in. */
export const AS_DISPLAY = ['as', 'display'] as const;

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

/** Longer addresses of a list are not read by the hub; their pages read themselves anew. */
export const LONGEST_QUERY = 2_000;
/** What the client has on screen: after a burst the hub reads it once for all who have the same. */
export const windowSchema = z.discriminatedUnion('kind', [
  /** a list, by the query of its address, without `?` */
  z.object({ kind: z.literal('list'), query: z.string().check(z.maxLength(LONGEST_QUERY)) }),
  /** one operation */
  z.object({ kind: z.literal('operation'), id }),
  /** numbers alone: rows are not wanted */
  z.object({ kind: z.literal('numbers') })
]);
export type WatchedWindow = z.infer<typeof windowSchema>;

/** client → server, acknowledged with a `SubscribeAnswer`. A socket has one subscription; a new one replaces it. */
export const subscribeSchema = z.object({
  protocol: z.number(),
  scope: scopeSchema,
  window: windowSchema,
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
    /** only over HTTP, where no message can say it: names of environments or types changed */
    namesChanged: z.optional(z.boolean()),
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
export const clockAnswerSchema = z.object({
  now: instant,
  /** which node answered, by a name that it made up when it started (for who diagnoses a connection) */
  node: z.optional(z.string().check(z.maxLength(32)))
});

/** server → client: the latest of each row of one batch. */
export const rowsChangedSchema = z.object({ rows: z.array(operationRowSchema), removed: z.array(removal) });
export type RowsChanged = z.infer<typeof rowsChangedSchema>;

/**
 * server → client instead of very many `rows:changed`: the list as it is now, page and look-ahead, and on top of it what
 * was told since it was read. Both are applied at once; the rooms stay joined.
 */
export const windowReadSchema = z.object({
  /** the query that was subscribed to; a list that shows another one by now ignores the message */
  query: z.string(),
  rows: z.array(operationRowSchema),
  /** is it the newest page still? */
  isFirst: z.boolean(),
  /** database time by which the rows were judged */
  readAt: instant,
  changes: rowsChangedSchema
});
export type WindowRead = z.infer<typeof windowReadSchema>;

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
  'window:read': windowReadSchema,
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
