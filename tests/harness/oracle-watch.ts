/**
 * Watches while everything happens, by the database's clock: samples of what is committed, so that it is known by when each
 * revision, deletion and change of access could be seen, and what clients show and were told between two samples.
 * - Honest: who says Live shows nothing that a sample of five seconds ago contradicts, and lacks no row that stood in its
 *   own fresh page then, stands in it before and after the look, and did not change in between.
 * - Isolated: no revision that was committed after a person lost its place reaches that person while it is lost.
 * A sample's clock is read after its snapshot, so it errs on the side of the accused: what it finds is so.
 */
import { isDeepStrictEqual } from 'node:util';
import type { OperationRow } from '../../src/lib/operations/operation.ts';
import { comparePlaces, placeOf } from '../../src/lib/operations/operation.ts';
import { orderOf } from '../../src/lib/operations/filter.ts';
import type { HubPage } from '../../src/lib/operations/pages.ts';
import type { OracleWorld } from './oracle-world.ts';
import type { Viewer, ViewerOptions } from './viewer.ts';

/** PRODUCT's promise of the word Live. */
const LIVE_MS = 5_000;
const EVERY_MS = 300;
/** Samples are kept for as long as a promise reaches back, and a little more. */
const KEPT_MS = 20_000;
/** Viewers whose own fresh page is read in a round. */
const READ_A_ROUND = 2;

export interface Watched extends Pick<
  ViewerOptions,
  'person' | 'scope' | 'pageSize' | 'filter' | 'pages' | 'overHttp'
> {
  /** null while it could not be opened, or left */
  viewer: Viewer | null;
}

interface Sample {
  number: number;
  /** ms by the database's clock; what it holds could be seen before */
  at: number;
  /** id → revision and place */
  rows: Map<number, [revision: number, workspace: number, environment: number | null]>;
  access: Map<number, Access>;
}
interface Access {
  version: number;
  /** workspace → environments, none = all */
  workspaces: Map<number, number[]>;
}
interface Told {
  userId: number;
  row: Pick<OperationRow, 'id' | 'revision' | 'workspaceId' | 'environmentId'>;
  /** the number of the sample that was begun last when it came */
  begun: number;
}

export interface Watch {
  /** a row reached this person */
  told(userId: number, row: OperationRow): void;
  readonly samples: number;
  /** how often a client that said Live was looked at, and rows that were told judged */
  readonly looks: number;
  readonly judged: number;
  /** Ends after one more round; throws the first thing found. */
  close(): Promise<void>;
}

export function openWatch(world: OracleWorld, watched: readonly Watched[]): Watch {
  let samples: Sample[] = [];
  /** id → database time of the last sample that had it */
  const lastSeen = new Map<number, number>();
  const fresh = new Map<Watched, { page: HubPage; before: number }[]>();
  let told: Told[] = [];
  let [begun, finished, looks, judged, turn] = [0, 0, 0, 0, 0];
  let isClosing = false;
  const found: string[] = [];

  const sample = async (): Promise<Sample> => {
    const number = ++begun;
    const taken = { number, ...(await readSample(world)) };
    finished++;
    samples = [...samples.filter(({ at }) => at > taken.at - KEPT_MS), taken];
    for (const id of taken.rows.keys()) lastSeen.set(id, taken.at);
    return taken;
  };
  const readFresh = (one: Watched): Promise<HubPage | null> =>
    one.pages.read(one.person, one.scope, one.pageSize, one.filter);

  const round = async (): Promise<void> => {
    const now = await sample();
    const chosen = Array.from(
      { length: Math.min(READ_A_ROUND, watched.length) },
      () => watched[turn++ % watched.length]!
    );
    const before = await Promise.all(chosen.map(readFresh));
    // Timers that are due run first: what a screen would have said by now, it says.
    await new Promise((done) => setTimeout(done, 2));
    const then = samples.findLast(({ at }) => at <= now.at - LIVE_MS);
    const shown = watched.map(({ viewer }) => (viewer && isAnswerable(viewer) ? [...viewer.rows] : null));
    const after = await Promise.all(chosen.map(readFresh));
    const { at } = await sample();
    for (const [index, rows] of shown.entries())
      if (rows && then) {
        looks++;
        found.push(...contradictions(rows, then, lastSeen).map((what) => `viewer ${index} says Live and ${what}`));
      }
    for (const [index, one] of chosen.entries()) {
      const list = (fresh.get(one) ?? []).filter((page) => page.before > now.at - KEPT_MS);
      const [first, second, rows] = [before[index], after[index], shown[watched.indexOf(one)]];
      const old = list.findLast((page) => page.before <= now.at - LIVE_MS);
      if (rows && old && first && second)
        found.push(
          ...lacking(rows, one, [old.page, first, second]).map(
            (what) => `viewer ${watched.indexOf(one)} says Live and ${what}`
          )
        );
      if (second) list.push({ page: second, before: at });
      fresh.set(one, list);
    }
    judgeTold();
  };

  /** Judges what was told before the newest sample was begun: it lies between two that are known. */
  const judgeTold = (): void => {
    const newest = samples.at(-1)!.number;
    const ripe = told.filter((one) => one.begun < newest);
    told = told.filter((one) => one.begun >= newest);
    for (const { userId, row, begun: number } of ripe) {
      // Sample `number` may have been under way: the one before it was complete, the one after it was not begun.
      const earlier = samples.findLast((one) => one.number < number)?.access.get(userId);
      const later = samples.find((one) => one.number > number)?.access.get(userId);
      if (!earlier || !later || earlier.version !== later.version) continue;
      judged++;
      const environments = earlier.workspaces.get(row.workspaceId);
      const isAll = environments?.length === 0 || (environments && row.environmentId === null);
      if (isAll || environments?.includes(row.environmentId!)) continue;
      // Since when it is so: what was there by then may have been on its way.
      const since = samples.find((one) => one.access.get(userId)!.version === earlier.version)!;
      const known = since.rows.get(row.id)?.[0] ?? 0;
      if (earlier.version === 1 || (known < row.revision && (lastSeen.get(row.id) ?? 0) > since.at))
        found.push(
          `person ${userId} was told operation ${row.id} of environment ${row.environmentId}, revision ${row.revision}, ` +
            `and may not see it; when access was lost, it was revision ${known}`
        );
    }
  };

  const running = (async () => {
    while (!isClosing && found.length === 0) {
      await round().catch(() => {}); // the server is away: nothing is committed either
      await new Promise((done) => setTimeout(done, EVERY_MS));
    }
  })();

  return {
    told: (userId, row) => void told.push({ userId, row, begun }),
    get samples() {
      return finished;
    },
    get looks() {
      return looks;
    },
    get judged() {
      return judged;
    },
    async close() {
      isClosing = true;
      await running;
      if (found.length > 0) throw new Error(`Not honest or not isolated: ${found.slice(0, 5).join('; ')}`);
    }
  };
}

function isAnswerable(viewer: Viewer): boolean {
  return viewer.state === 'live' && !viewer.isHolding && !viewer.hasLeft;
}

function contradictions(rows: readonly OperationRow[], then: Sample, lastSeen: ReadonlyMap<number, number>): string[] {
  return rows.flatMap(({ id, revision }) => {
    const committed = then.rows.get(id)?.[0];
    if (committed !== undefined && committed > revision)
      return [`shows revision ${revision} of operation ${id}, which was ${committed} five seconds ago`];
    const seen = lastSeen.get(id);
    if (committed === undefined && seen !== undefined && seen < then.at)
      return [`shows operation ${id}, which was gone five seconds ago`];
    return [];
  });
}

/** Rows of all three pages that are the same in them, and are not shown although there is room for them. */
function lacking(shown: readonly OperationRow[], { pageSize, filter }: Watched, pages: readonly HubPage[]): string[] {
  const [old, ...others] = pages.map((page) => new Map(page.rows.slice(0, pageSize).map((row) => [row.id, row])));
  const order = filter ? orderOf(filter) : 'created';
  const last = shown.length >= pageSize ? shown.at(-1)! : null;
  return [...old!.values()].flatMap((row) => {
    if (!others.every((page) => isDeepStrictEqual(page.get(row.id), row))) return [];
    if (last && comparePlaces(placeOf(order, row), placeOf(order, last)) > 0) return [];
    const has = shown.find(({ id }) => id === row.id);
    if (has === undefined) return [`lacks operation ${row.id}, revision ${row.revision}, five seconds old`];
    return isDeepStrictEqual(has, row) ? [] : [`shows operation ${row.id} other than it has been for five seconds`];
  });
}

async function readSample({ owner }: OracleWorld): Promise<Omit<Sample, 'number'>> {
  const { rows } = await owner.query<{
    at: number;
    operations: [number, number, number, number | null][] | null;
    access: { user: number; version: number; workspaces: { id: number; to: number[] | null }[] | null }[];
  }>(
    `select (extract(epoch from clock_timestamp()) * 1000)::float8 as at,
       (select json_agg(json_build_array(id, revision, workspace_id, managed_environment_id)) from operation_runs) as operations,
       (select json_agg(json_build_object('user', v.user_id, 'version', v.version, 'workspaces',
          (select json_agg(json_build_object('id', m.workspace_id, 'to',
             (select json_agg(e.managed_environment_id) from environment_memberships e
              where e.user_id = m.user_id and e.workspace_id = m.workspace_id)))
           from memberships m where m.user_id = v.user_id))) from oracle_access v) as access`
  );
  const { at, operations, access } = rows[0]!;
  return {
    at,
    rows: new Map((operations ?? []).map(([id, ...rest]) => [id, rest])),
    access: new Map(
      access.map(({ user, version, workspaces }) => [
        user,
        { version, workspaces: new Map((workspaces ?? []).map(({ id, to }) => [id, to ?? []])) }
      ])
    )
  };
}
