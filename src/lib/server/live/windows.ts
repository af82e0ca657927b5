/**
 * Lists that are read again after a burst: each distinct one once, whoever and how many have it on screen, and told to
 * them as a whole. It owns when to read and what goes with it; it knows neither rooms nor Socket.IO.
 * Invariants: a client is told a list only if nothing about its access changed up to the snapshot of the read: the feed
 * has passed beyond it first, and access is handled before the rows of a pass. With the list goes everything that was
 * told since the read began, so nothing told in between is lost by it.
 */
import { orderOf, matches, type ListFilter } from '../../operations/filter.ts';
import { comparePlaces, placeOf, type OperationRow } from '../../operations/operation.ts';
import { LOOK_AHEAD } from '../../operations/pages.ts';
import type { RowsChanged, WindowRead } from '../../live/protocol.ts';
import type { VisibleWorkspace } from '../access/scope.ts';
import type { Queryable } from '../database/pool.ts';
import { readPageOfRows, type ListRequest } from '../operations/first-page.ts';
import { parseListRequest } from '../operations/requests.ts';
import { backOff } from './back-off.ts';
import type { Feed } from './feed.ts';
import { openCounters, type Counters } from './figures.ts';
import type { Ring } from './ring.ts';
import { toScopeDelta } from './rooms.ts';
import type { Watcher, Watching } from './watcher.ts';

/** So many lists are read at the same time … */
const AT_ONCE = 2;
/** … and told together. */
const SOME = 8;
/** More than this told since a list was read is another burst: it is read again. */
const MOST_SINCE = 200;
/** Between two rounds at least: a storm of bursts costs so many reads of each list a second. */
const GAP_MS = 500;
/** A list that changes too much each time it is read is left to its pages. */
const MOST_ATTEMPTS = 3;
/** A list whose reading is late by more than this cannot be vouched for. */
export const WINDOW_LATE_MS = 3_000;

export interface WindowClient {
  id: string;
  data: Watcher;
}

export interface WindowsOptions {
  db: Queryable;
  feed: Pick<Feed, 'place' | 'passSoon' | 'databaseNow'>;
  ring: Pick<Ring, 'since'>;
  /** every client of this node */
  clients: () => Iterable<WindowClient>;
  send: (clients: string[], message: WindowRead) => void;
  /** these must read their pages themselves: their lists are not the hub's to read */
  resync: (clients: string[]) => void;
  counters?: Counters;
  /** replaced in tests */
  read?: typeof readPageOfRows;
}

export interface Windows {
  /** Somebody's list is due to be read again. */
  look(): void;
  close(): Promise<void>;
}

interface Group {
  key: string;
  clients: WindowClient[];
  generations: Map<string, number>;
  watching: Watching;
  query: string;
  request: ListRequest;
}
type Page = Awaited<ReturnType<typeof readPageOfRows>> & { at: number };

export function openWindows(options: WindowsOptions): Windows {
  const { db, feed, ring, clients, send, resync, counters = openCounters(), read = readPageOfRows } = options;
  /** lists that were read in vain, and how often */
  const attempts = new Map<string, number>();
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;
  let notBefore = -Infinity;
  let failures = 0;
  let isClosed = false;

  const schedule = (): void => {
    if (isClosed || timer || running) return;
    timer = setTimeout(
      () => {
        timer = null;
        running = run().finally(() => (running = null));
        void running.then(() => {
          if ([...clients()].some(isDue)) schedule();
        });
      },
      Math.max(0, notBefore - performance.now())
    );
  };
  const giveUp = (group: Group): void => {
    attempts.delete(group.key);
    resync(stillThere(group).map(({ id }) => id));
  };

  /** Some lists, told as soon as they are read: one that takes long keeps only few others waiting. */
  const runSome = async (groups: Group[]): Promise<void> => {
    const from = feed.place;
    if (from === null) throw new Error('The feed has no place yet.');
    const pages = new Map<Group, Page>();
    const waiting = [...groups];
    const worker = async (): Promise<void> => {
      for (let group = waiting.shift(); group; group = waiting.shift()) {
        counters.windowReads++;
        const at = feed.databaseNow();
        try {
          pages.set(group, { ...(await read(db, toVisible(group.watching, at), group.request)), at });
        } catch {
          // It takes too long, or the database is away: its clients' own pages say which.
          giveUp(group);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    // What the reads saw must have been told, access first, before anyone is shown it.
    if (!(await feed.passSoon())) throw new Error('The feed could not pass.');
    const told = ring.since(from);
    for (const [group, page] of pages) {
      const { scope, access } = group.watching;
      const changes = told && toChangesOf(group.request, page, toScopeDelta(told.operations, scope, access));
      if (changes === null || changes.rows.length + changes.removed.length > MOST_SINCE) {
        const tried = (attempts.get(group.key) ?? 0) + 1;
        attempts.set(group.key, tried);
        if (tried >= MOST_ATTEMPTS) giveUp(group);
        continue;
      }
      attempts.delete(group.key);
      const there = stillThere(group);
      if (there.length === 0) continue;
      send(
        there.map(({ id }) => id),
        { query: group.query, rows: page.rows, isFirst: page.position.isFirst, readAt: page.at, changes }
      );
      for (const { data } of there) data.windowDueSince = null;
    }
  };

  const run = async (): Promise<void> => {
    notBefore = performance.now() + GAP_MS;
    const { groups, unread } = groupByWindow([...clients()].filter(isDue));
    if (unread.length > 0) resync(unread.map(({ id }) => id));
    try {
      for (let at = 0; at < groups.length && !isClosed; at += SOME) await runSome(groups.slice(at, at + SOME));
      failures = 0;
    } catch {
      // The feed says what is wrong with the database; who waits is not vouched for meanwhile.
      notBefore = performance.now() + backOff(failures++, Math.random());
    }
    if (groups.length === 0) attempts.clear();
  };

  return {
    look: schedule,
    async close() {
      isClosed = true;
      if (timer) clearTimeout(timer);
      await running;
    }
  };
}

/** Those whose list is still due and whose access did not change since it was begun. */
function stillThere({ clients, generations }: Group): WindowClient[] {
  return clients.filter((client) => isDue(client) && client.data.generation === generations.get(client.id));
}

/** Slow clients are told when they keep up again, with whatever they then lack. */
function isDue({ data }: WindowClient): boolean {
  return data.windowDueSince !== null && data.watching !== null && data.lagging === null;
}

/** One group for each distinct list: same workspace, same access, same address. */
function groupByWindow(clients: WindowClient[]): { groups: Group[]; unread: WindowClient[] } {
  const groups = new Map<string, Group>();
  const unread: WindowClient[] = [];
  for (const client of clients) {
    const { watching, generation } = client.data;
    if (watching === null) continue;
    const { scope, access, window } = watching;
    if (window.kind !== 'list') continue;
    const narrowedTo = [...access.narrowedTo].sort((a, b) => a - b);
    const key = JSON.stringify([scope.workspaceId, scope.environmentId, narrowedTo, window.query]);
    let group = groups.get(key);
    if (group === undefined) {
      const request = readRequest(window.query, scope.environmentId);
      if (request === null) {
        unread.push(client);
        continue;
      }
      group = { key, clients: [], generations: new Map(), watching, query: window.query, request };
      groups.set(key, group);
    }
    group.clients.push(client);
    group.generations.set(client.id, generation);
  }
  return { groups: [...groups.values()], unread };
}

/** null where the hub may not or cannot read it: a text is normalised by the database, for people alone. */
function readRequest(query: string, environmentId: number | null): ListRequest | null {
  try {
    const request = parseListRequest(new URLSearchParams(query));
    return request.filter.text === null && request.environmentId === environmentId ? request : null;
  } catch {
    return null;
  }
}

/** What a read of rows needs of a person: the places they may see. */
function toVisible({ scope, access }: Watching, readAt: number): VisibleWorkspace {
  return {
    workspace: { id: scope.workspaceId, name: '', isDemo: false },
    role: 'readonly',
    environments: access.narrowedTo.map((id) => ({ id, name: '' })),
    seesAllEnvironments: access.narrowedTo.length === 0,
    typeLabels: {},
    snapshot: '',
    epoch: null,
    readAt
  };
}

/** Of what was told since, what can matter to this list: its own rows, and those that belong into its range. */
function toChangesOf({ filter, pageSize }: ListRequest, page: Page, { rows, removed }: RowsChanged): RowsChanged {
  const listed = new Map(page.rows.map((row) => [row.id, row]));
  const order = orderOf(filter);
  const last = page.rows.at(-1);
  // A full page with its look-ahead has an end; a shorter one takes whatever comes.
  const end = page.rows.length >= pageSize + LOOK_AHEAD && last ? placeOf(order, last) : null;
  const isWanted = (row: OperationRow): boolean => {
    const have = listed.get(row.id);
    if (have !== undefined) return row.revision > have.revision;
    if (entersByTime(filter)) return true;
    return matches(filter, row, page.at) && (end === null || comparePlaces(placeOf(order, row), end) <= 0);
  };
  return {
    rows: rows.filter(isWanted),
    removed: removed.filter(([id, revision]) => (listed.get(id)?.revision ?? Infinity) < revision)
  };
}

/** May a row that does not match now come in by time alone? Then the client must know it already. */
function entersByTime({ tab, problemClass, to }: ListFilter): boolean {
  return tab === 'stale' || problemClass !== null || (to !== null && 'agoMs' in to);
}
