/** Invented rows and numbers of walls: a made-up day of made-up environments. */
import type { OperationRow } from '#lib/operations/operation.ts';
import { attentionKindOf, compareAttention } from '#lib/operations/problem.ts';
import { groupByCause, type Summary, type SummaryPlace } from '#lib/operations/summary.ts';
import type { WallEnvironment, WallHour } from '#lib/operations/wall-data.ts';

export const AT = Date.UTC(2026, 10, 23, 8, 14, 7);
export const S = 1_000;
export const MIN = 60 * S;
export const H = 60 * MIN;
export const DAY = 24 * H;

export const TYPE_LABELS: Record<string, string> = {
  'inventory.sync': 'Inventory sync',
  'policy.sync': 'Policy sync',
  'policy.snapshot': 'Policy snapshot',
  'policy.export': 'Policy export',
  'backup_set.update': 'Backup set update',
  'alerts.evaluate': 'Alerts evaluation'
};

const NAMES =
  'Aldergate Brightwater Calder Dunmore Eastfold Fenwick Garrick Halden Iverson_Steelworks Juniper Kestrel Linden Ashby Averill Balfour Barrow Beckton Birch Bramley Camber Carrow Colne Corby Dalton Danby Denholm Eldon Elmsett Fairley Flint Glenlow Grafton Harrow Hexham Jarrow Kelso Kirkby Lambourn Lowick Marlow Melton Morpeth Norwood Oakham Ormsby Pelham Penrith Quorn Radley Redcar Rothbury Selby Shelford Stanton Tarrant Thirsk Upton Wareham Whitby Yarm'.split(
    ' '
  );

let lastId = 1_000;
export function row(environmentId: number | null, age: number, change: Partial<OperationRow>): OperationRow {
  lastId += 1;
  return {
    id: lastId,
    revision: 1,
    workspaceId: 3,
    environmentId,
    type: 'inventory.sync',
    status: 'completed',
    outcome: 'succeeded',
    initiator: 'System',
    progress: { processed: null, total: null, phase: null },
    counts: {},
    failure: null,
    cancelledBy: null,
    reconciledAt: null,
    createdAt: AT - age - 2 * MIN,
    startedAt: AT - age - MIN,
    completedAt: AT - age,
    lastReportedAt: AT - age,
    staleAt: null,
    search: '',
    resolved: null,
    reviewed: null,
    ...change
  };
}

export const ended = (
  environmentId: number | null,
  outcome: 'failed' | 'blocked' | 'partially_succeeded',
  age: number,
  type: string,
  message: string
): OperationRow => row(environmentId, age, { outcome, type, failure: { code: null, message } });

export const running = (
  environmentId: number | null,
  age: number,
  type: string,
  processed: number | null = null,
  total: number | null = null
): OperationRow =>
  row(environmentId, age, {
    status: 'running',
    outcome: 'pending',
    type,
    startedAt: AT - age,
    createdAt: AT - age - S,
    completedAt: null,
    lastReportedAt: AT - 2 * S,
    staleAt: AT + 9 * MIN,
    progress: { processed, total, phase: null }
  });

export const queued = (environmentId: number | null, age: number, type: string): OperationRow => ({
  ...running(environmentId, age, type),
  status: 'queued',
  startedAt: null,
  createdAt: AT - age
});

/** Active, and silent for longer than its ten minutes by `age`. */
export const stale = (environmentId: number | null, age: number, type: string): OperationRow => ({
  ...running(environmentId, age + 30 * MIN, type),
  lastReportedAt: AT - age - 10 * MIN,
  staleAt: AT - age
});

export function summaryOf(place: SummaryPlace, rows: readonly OperationRow[], change: Partial<Summary> = {}): Summary {
  const of = (kind: string): number => rows.filter((one) => attentionKindOf(one, AT) === kind).length;
  return {
    place,
    at: AT,
    counts: {
      active: rows.filter(({ status }) => status !== 'completed').length,
      stale: of('stale'),
      blocked: of('blocked'),
      failed: of('failed'),
      partial: of('partial'),
      succeeded: 96
    },
    groups: groupByCause(
      rows.map((one) => ({ row: one, count: 1 })),
      AT
    ).slice(0, 8),
    lastReportAt: AT - (typeof place === 'number' ? ((place * 97) % 50) + 4 : 2) * 13 * S,
    silentAfterMs: 3 * H,
    ...change
  };
}

const LONG = 'Verwaltungsgemeinschaft Oberes Nagoldtal (Schulen, Bauhof und Stadtwerke)';

export function environmentsOf(
  count: number,
  rows: readonly OperationRow[],
  { isLong = false, change = () => ({}) }: { isLong?: boolean; change?: (id: number) => Partial<Summary> } = {}
): WallEnvironment[] {
  return Array.from({ length: count }, (_, at) => {
    const id = at + 1;
    const name = (NAMES[at] ?? `Environment ${id}`).replace('_', ' ');
    const own = rows.filter(({ environmentId }) => environmentId === id);
    return {
      id,
      name: isLong ? `${name}, ${LONG}` : name,
      addedAt: AT - 90 * DAY,
      hours: [],
      summary: summaryOf(id, own, change(id))
    };
  }).sort((a, b) => a.name.localeCompare(b.name));
}

export function byAttention(rows: readonly OperationRow[]): OperationRow[] {
  return rows.filter((one) => attentionKindOf(one, AT) !== null).sort((a, b) => compareAttention(a, b, AT));
}

/** A day that is busy at night and in the morning, with three hours that went wrong. */
export const HOURS: WallHour[] = Array.from({ length: 24 }, (_, hour) => ({
  completed: [38, 44, 52, 40, 36, 31, 29, 22, 20, 14, 12, 11, 9, 8, 10, 22, 74, 96, 80, 61, 49, 40, 47, 58][hour]!,
  bad: [0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 1, 0, 0, 2, 0, 0, 2][hour]!,
  open: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2][hour]!
}));
