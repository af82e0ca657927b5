/**
 * What a wall display knows: the shapes between the server and the feed, which fill them, and the components of `ui/wall`,
 * which draw them. Types and the few numbers that both sides must agree on; how it looks and what it says is
 * operations/wall*.ts. Pure.
 * Invariants: all times are milliseconds by the database's clock; null is unknown, never zero and never calm; lists are
 * capped, and how many there are in all stands beside them.
 */
import type { Hour, OverviewEnvironment, Workspace } from './pages.ts';
import type { OperationRow } from './operation.ts';
import type { Summary } from './summary.ts';

/** `whole`: everything that fits. `small`: clock, stamp, verdict and follow-up only, whatever the screen. */
export const WALL_LAYOUTS = ['whole', 'small'] as const;
export type WallLayout = (typeof WALL_LAYOUTS)[number];
export const WALL_THEMES = ['dark', 'light'] as const;
export type WallTheme = (typeof WALL_THEMES)[number];

/** How a person set this display up; every part can be changed from the Displays page while it hangs. */
export interface WallDisplay {
  id: number;
  name: string;
  layout: WallLayout;
  theme: WallTheme;
  /** from where it is read, metres */
  distanceM: number;
  /** of the picture, inches */
  diagonalIn: number;
  /** more environments than fit are shown by turns of so many seconds; null = no turns */
  rotateSeconds: number | null;
  /** IANA name: the clock's and every other time's zone */
  zone: string;
  /** until then it shows its name large, so that somebody in the room finds it; null = nobody asked */
  identifyUntil: number | null;
}

/** Said by a person, shown until its end. */
export interface HandOver {
  text: string;
  /** who set it */
  by: string;
  setAt: number;
  endsAt: number;
}

/** One hour of the last 24: completed in all, of those failed or blocked, and of these with a follow-up that is open. */
export interface WallHour extends Hour {
  open: number;
}

/** The lists that a wall follows, each newest first; together they are the attention order. */
export const WALL_LISTS = ['active', 'blocked', 'failed', 'stale', 'partial'] as const;
export type WallListName = (typeof WALL_LISTS)[number];

/** Rows of each of WALL_LISTS that are kept in sight (and 25 beyond them, so that rows can leave without a read). */
export const WALL_LIST_ROWS = 25;

/** What the load of /wall reads, all of one snapshot. */
export interface WallPage {
  workspace: Workspace;
  display: WallDisplay;
  /** may it see all environments of the workspace, or those listed only? */
  seesAllEnvironments: boolean;
  /** by name */
  environments: OverviewEnvironment[];
  /** 24 entries, oldest first, of the whole scope; the last one ends at readAt */
  hours: WallHour[];
  /** of each environment, and 'itself' for the workspace's own operations */
  summaries: Summary[];
  /** of each list the page and its look-ahead */
  lists: Record<WallListName, OperationRow[]>;
  typeLabels: Record<string, string>;
  /** those that have not ended, the one that ends first first */
  handOvers: HandOver[];
  /** a person asked it to load itself again then; null = never */
  reloadAskedAt: number | null;
  /** sealed place in the stream of changes */
  token: string;
  readAt: number;
}

/** An environment as the wall shows it. */
export interface WallEnvironment extends OverviewEnvironment {
  /** null = not known (after a change of access, before it was read) */
  summary: Summary | null;
}

/** Rows of a list, and how many there are in all. */
export interface WallRows {
  rows: readonly OperationRow[];
  /** null = not known; never less than the rows */
  total: number | null;
}

/** More new problems than this within FLOOD_WINDOW_MS is a flood (PRODUCT 4.3); it ends below FLOOD_ENDS_BELOW. */
export const FLOOD_ABOVE = 10;
export const FLOOD_ENDS_BELOW = 5;
export const FLOOD_WINDOW_MS = 600_000;

/**
 * What is on the wall, as live as the stamp beside it says: `Wall.svelte` takes
 * `{ data: WallData, stamp: FeedStamp (stamp-wording.ts), now: number }`, `now` being the server's time, moved each second
 * and standing still where the stamp has no proof is the component's own decision.
 */
export interface WallData {
  workspace: Workspace;
  display: WallDisplay;
  seesAllEnvironments: boolean;
  /** by name; position is memory: the order changes only with names and scope */
  environments: readonly WallEnvironment[];
  /** of the workspace's own operations; null = not known */
  itself: Summary | null;
  /** of the whole scope; null = not known. `at` is as of when; groups are in attention order, by cause */
  total: Summary | null;
  /** queued and running, newest first (stale ones are among them) */
  active: WallRows;
  /** what needs a person, worst first (attention order): open follow-ups and stale ones */
  followUps: WallRows;
  /** of those the ones that began within FLOOD_WINDOW_MS, newest first: for flood mode */
  newProblems: readonly OperationRow[];
  hours: readonly WallHour[];
  /** as of when the hours are */
  hoursAt: number;
  typeLabels: Readonly<Record<string, string>>;
  /** ended ones are left out */
  handOvers: readonly HandOver[];
  /** the newest instant at which all of this was proven, or the page's reading */
  readAt: number;
  /** access changed: nothing above may be shown until it has been read again */
  withheld: boolean;
  /** ids of rows that changed within the last seconds */
  changed: ReadonlySet<number>;
}

/** The alphabet of pairing codes: no vowels, so no words; nothing that looks like something else (RFC 8628, 6.1). */
export const CODE_ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';
export const CODE_LENGTH = 8;

/**
 * `Pairing.svelte` takes `{ pairing: PairingView, now: number }`.
 * `starting`: no code yet. `waiting`: somebody has to enter it. `expired`: a new one is on its way. `away`: the server does
 * not answer; the code that is shown, if any, holds until its end.
 */
export interface PairingView {
  state: 'starting' | 'waiting' | 'expired' | 'away';
  /** eight letters, shown as ABCD-EFGH */
  code: string | null;
  /** where to enter it, for people: host and path without the scheme, e.g. `watchfloor.example/pair` */
  address: string;
  /** the same with the code, for the QR code; null without a code */
  url: string | null;
  /** by the browser's clock, like the `now` beside it */
  expiresAt: number | null;
}

/** `Revoked.svelte` takes `{ revoked: RevokedView, now: number }`; the pairing screen follows by itself. */
export interface RevokedView {
  /** when the trust ended, by the server's clock; null = not known */
  at: number | null;
  /** seconds until the pairing screen comes */
  pairingInSeconds: number;
}
