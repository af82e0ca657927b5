/**
 * A wall display, live: the numbers of each environment, its five lists, and when the page's other parts (names, hours,
 * settings, notes) have to be read again. Framework-free, so that it can be tested whole; `wall-feed.svelte.ts` only makes
 * it reactive. Like LiveList without a hand to hold anything, and like LiveOverview for the numbers.
 * Invariants: what is shown as proven is complete: a page adopted while live is kept aside (`#next`) until it has been
 * caught up with; after a change of access nothing is known until a page read with the new access says it; memory is
 * bounded by the windows', and a view is made only when something in it differs.
 */
import type { OperationRow } from '../operations/operation.ts';
import { mergeSummaries, type Summary } from '../operations/summary.ts';
import type { WallData, WallPage } from '../operations/wall-data.ts';
import { batchSize, emptyBatch, gather, toChanges } from './batch.ts';
import type { Ports, Stop } from './ports.ts';
import type { RowsChanged } from './protocol.ts';
import { MARK_MS } from './row-marks.ts';
import { Subscription, type FeedOptions, type FeedTime, type SubscriptionOwner, type Watched } from './subscription.ts';
import { SummaryKeeper } from './summary-keeper.ts';
import * as lists from './wall-windows.ts';

/** More distinct rows than this are applied without waiting for a frame: the buffer is bounded. */
const LARGE_BATCH = 500;
/** Hours, names and settings come with the page only: they are at most so old, also where no word of them arrives. */
export const REREAD_MS = 60_000;
const REREAD_JITTER_MS = 10_000;
const REFILL_JITTER_MS = 500;

interface Shown {
  page: WallPage;
  windows: lists.WallWindows;
}

export class LiveWall implements SubscriptionOwner {
  #shown: Shown;
  /** a page that is being caught up with while the present one stays on screen */
  #next: Shown | null = null;
  #withheld = false;
  #batch = emptyBatch();
  #stopFrame: Stop | null = null;
  /** id → monotonic ms until which a row counts as changed a moment ago */
  readonly #changed = new Map<number, number>();
  #data: WallData;
  readonly #summaries: SummaryKeeper;
  readonly #subscription: Subscription;
  readonly #ports: Ports;
  readonly #draw: (data: WallData) => void;
  readonly #tick: (time: FeedTime) => void;

  constructor(
    page: WallPage,
    parts: { options: FeedOptions; ports: Ports; draw: (data: WallData) => void; tick: (time: FeedTime) => void }
  ) {
    this.#shown = { page, windows: lists.openWindows(page) };
    this.#ports = parts.ports;
    this.#draw = parts.draw;
    this.#tick = parts.tick;
    this.#summaries = new SummaryKeeper(page.summaries, 'environments');
    const { ports, options } = parts;
    this.#subscription = new Subscription(page, watched(page), { ports, options, owner: this });
    this.#data = this.#toData();
    parts.draw(this.#data);
    this.#showTime();
  }

  /** the newest instant at which what is on screen was proven; null = nothing was */
  get provenAt(): number | null {
    const { stamp, now } = this.#subscription;
    return stamp.ageMs === null ? null : Math.round(now - stamp.ageMs);
  }

  start(): void {
    this.#subscription.start();
  }

  close(): void {
    this.#stopFrame?.();
    this.#stopFrame = null;
    this.#subscription.close();
  }

  tryNow(): void {
    this.#subscription.tryNow();
  }

  /** Takes a page that was read again; the page of the constructor again changes nothing. */
  adopt(page: WallPage): void {
    if (page.token === (this.#next ?? this.#shown).page.token) return;
    this.flush();
    const { name } = this.#subscription.connection;
    const was = this.#shown;
    const isSame = page.workspace.id === was.page.workspace.id && page.display.id === was.page.display.id;
    const held = isSame && !this.#withheld && (name === 'live' || name === 'rebasing');
    const at = this.#subscription.judgedAt;
    if (!isSame) this.#summaries.setApart();
    const next = { page, windows: lists.adoptWindows(was.windows, page, at) };
    this.#summaries.adopt(page.summaries, Math.max(page.readAt, at));
    this.#withheld = false;
    if (held) {
      this.#next = next;
      // Settings and notes are no rows: they need no proof, and nobody waits for them.
      this.#shown = { page: { ...page, lists: was.page.lists }, windows: was.windows };
    } else {
      this.#next = null;
      this.#shown = next;
    }
    this.#show();
    this.#subscription.adopted(page, watched(page), held);
  }

  // What the subscription hands over.

  rows(changes: RowsChanged): void {
    if (changes.rows.length + changes.removed.length === 0) return;
    gather(this.#batch, changes);
    this.#summaries.hear(changes.rows);
    if (batchSize(this.#batch) > LARGE_BATCH) this.flush();
    else this.#drawSoon();
  }

  windowRead(): void {} // of lists that are read by their address; after a burst the page is read again

  summaries(all: readonly Summary[]): void {
    this.#summaries.replace(all);
    this.#drawSoon();
  }

  summary(one: Summary): void {
    this.#summaries.take(one, this.#subscription.judgedAt);
    this.#drawSoon();
  }

  flush(): void {
    if (this.#stopFrame === null && batchSize(this.#batch) === 0) return;
    this.#stopFrame?.();
    this.#stopFrame = null;
    const changes = toChanges(this.#batch);
    this.#batch = emptyBatch();
    const at = this.#subscription.judgedAt;
    const until = this.#ports.moment().mono + MARK_MS;
    for (const { id } of changes.rows) this.#changed.set(id, until);
    this.#change((windows) => lists.applyToWindows(windows, changes, at));
  }

  purge(): void {
    this.#batch = emptyBatch();
    this.#next = null;
    this.#changed.clear();
    this.#summaries.purge();
    this.#withheld = true;
    this.#change(lists.purgeWindows);
  }

  loseStream(): void {
    this.#batch = emptyBatch();
    this.#summaries.setApart();
    this.#shown = this.#next ?? this.#shown;
    this.#next = null;
    this.#change(lists.loseWindowStreams);
  }

  changed(): void {
    const { connection, now, stamp } = this.#subscription;
    if (this.#next !== null && connection.name !== 'rebasing') {
      this.#shown = this.#next;
      this.#next = null;
    }
    // Without a proof nobody knows whether a row was reported on since: then time decides nothing.
    const at = this.#subscription.judgedAt;
    if (stamp.state === 'live') this.#change((windows) => lists.reconsiderWindows(windows, at));
    if (connection.name === 'live' && this.#next === null) {
      if (lists.isRefillDue(this.#shown.windows)) this.#subscription.refresh(REFILL_JITTER_MS * this.#ports.random());
      else if (now - this.#shown.page.readAt > REREAD_MS)
        this.#subscription.refresh(REREAD_JITTER_MS * this.#ports.random());
    }
    const { mono } = this.#ports.moment();
    for (const [id, until] of this.#changed) if (until <= mono) this.#changed.delete(id);
    this.#show();
    this.#showTime();
  }

  #drawSoon(): void {
    this.#stopFrame ??= this.#ports.onFrame(() => this.flush());
  }

  /** Changes what is on screen, and what will follow it alike. */
  #change(how: (windows: lists.WallWindows) => lists.WallWindows): void {
    if (this.#next !== null) this.#next = { ...this.#next, windows: how(this.#next.windows) };
    const windows = how(this.#shown.windows);
    if (windows !== this.#shown.windows) this.#shown = { ...this.#shown, windows };
    this.#show();
  }

  #show(): void {
    const data = this.#toData();
    if (isSameData(this.#data, data)) return;
    this.#data = data;
    this.#draw(data);
  }

  /** Parts that did not change are the same objects as before. */
  #toData(): WallData {
    const { page, windows } = this.#shown;
    const known = this.#withheld ? null : this.#summaries.byPlace;
    const was = this.#data as WallData | undefined;
    const at = this.#subscription.judgedAt;
    const total =
      known &&
      mergeSummaries(page.environments.flatMap(({ id }) => known.get(id) ?? []).concat(known.get('itself') ?? []));
    const environments = page.environments.map((environment, index) => {
      const summary = known?.get(environment.id) ?? null;
      const before = was?.environments[index];
      const isSame =
        before?.summary === summary && before.hours === environment.hours && before.name === environment.name;
      return before !== undefined && isSame && before.id === environment.id ? before : { ...environment, summary };
    });
    const counts = total?.counts ?? null;
    const toRows = (rows: readonly OperationRow[], count: number | null) => ({
      rows,
      total: count === null ? null : Math.max(count, rows.length)
    });
    return {
      workspace: page.workspace,
      display: page.display,
      seesAllEnvironments: page.seesAllEnvironments,
      environments: keep(was?.environments, environments),
      itself: known?.get('itself') ?? null,
      total: was !== undefined && JSON.stringify(was.total) === JSON.stringify(total) ? was.total : total,
      active: toRows(keep(was?.active.rows, lists.activeRows(windows)), counts && counts.active),
      followUps: toRows(
        keep(was?.followUps.rows, lists.followUpRows(windows, at)),
        counts && counts.blocked + counts.failed + counts.stale + counts.partial
      ),
      newProblems: keep(was?.newProblems, lists.newProblems(windows, at)),
      hours: page.hours,
      hoursAt: page.readAt,
      typeLabels: page.typeLabels,
      handOvers: keep(
        was?.handOvers,
        page.handOvers.filter(({ endsAt }) => endsAt > this.#subscription.now)
      ),
      readAt: page.readAt,
      withheld: this.#withheld,
      changed: keepSet(was?.changed, this.#changed)
    };
  }

  #showTime(): void {
    this.#tick(this.#subscription.time);
  }
}

/** The list of before where it has the same entries. */
function keep<T>(was: readonly T[] | undefined, next: readonly T[]): readonly T[] {
  return was?.length === next.length && was.every((one, index) => one === next[index]) ? was : next;
}

function keepSet(was: ReadonlySet<number> | undefined, next: ReadonlyMap<number, number>): ReadonlySet<number> {
  return was?.size === next.size && [...next.keys()].every((id) => was.has(id)) ? was : new Set(next.keys());
}

function isSameData(was: WallData, next: WallData): boolean {
  const { active, followUps, ...rest } = next;
  const isSameRows = (a: WallData['active'], b: WallData['active']): boolean =>
    a.rows === b.rows && a.total === b.total;
  return (
    isSameRows(was.active, active) &&
    isSameRows(was.followUps, followUps) &&
    (Object.keys(rest) as (keyof typeof rest)[]).every((part) => was[part] === next[part])
  );
}

/** After a burst the hub reads one list for all who have it; a wall has five, so it names one that nobody can read. */
const UNREADABLE = 'rows=0';

function watched({ workspace }: WallPage): Watched {
  const scope = { workspaceId: workspace.id, environmentId: null };
  return { scope, window: { kind: 'list', query: UNREADABLE }, summaries: 'environments' };
}
