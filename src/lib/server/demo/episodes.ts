/**
 * Parts of the demo's history in which one thing leads to another: the evening on which the provider limited everybody,
 * and the source that reported every quarter of an hour until it fell silent. Pure, as all of the history.
 */
import { DEMO_WORKSPACES } from './cast.ts';
import { composeEnded, drawSeconds, type DemoOperation, type Spot } from './ended.ts';
import { kindOf, THROTTLED, type Kind } from './kinds.ts';
import { drawOne, type Random } from './random.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Everywhere that something happens: environments that have ever reported, and the workspaces themselves. */
export const SPOTS: readonly Spot[] = DEMO_WORKSPACES.flatMap(({ name, environments }) => [
  { workspace: name, environment: null },
  ...environments.filter(({ story }) => story !== 'unheard').map((environment) => ({ workspace: name, environment }))
]);

/** How long the silent source has been silent: many times its longest gap, and far less than a day. */
export const SILENT_FOR_MS = 3 * HOUR + 10 * MINUTE;
/** Its longest gap must be well below a third of that, by which silence is judged. */
const LONGEST_GAP_MS = 22 * MINUTE;
const REGULAR_FOR_MS = 27 * HOUR;
const REGULAR = toKinds('provider.connection.check', 'directory.groups.sync', 'inventory.sync', 'policy.sync');

/** A day of regular, good reports, the last of them SILENT_FOR_MS ago. */
export function composeSilentSource(random: Random, now: number): DemoOperation[] {
  return SPOTS.filter(({ environment }) => environment?.story === 'silent').flatMap((spot) => {
    const operations: DemoOperation[] = [];
    for (let endsAt = now - SILENT_FOR_MS; endsAt > now - REGULAR_FOR_MS;) {
      const kind = drawOne(random, REGULAR);
      const seconds = Math.min(drawSeconds(random, kind, 'succeeded'), 300);
      const waited = 1_000 + random() * 2_000;
      const createdAt = endsAt - seconds * 1_000 - waited;
      operations.push(composeEnded(random, { spot, kind, outcome: 'succeeded', createdAt, waited, seconds }));
      endsAt -= LONGEST_GAP_MS * (0.5 + random() * 0.5);
    }
    return operations;
  });
}

/** The provider's bad quarter of an hour: how long ago, and in which environments. */
const BURST_AGO_MS = 3 * HOUR + 40 * MINUTE;
const BURST_IN = [
  'Harbourline Insurance',
  'Isenberg Pharma Deutschland',
  'Larkhill Housing Association',
  'Calder Freight',
  'Juniper Retail',
  'Kestrel Aviation Services'
];
const BURST_OF = toKinds('policy.sync', 'inventory.sync');

/** Within eight minutes the provider limits the requests of six environments, again and again; then all of it works. */
export function composeBurst(random: Random, now: number): DemoOperation[] {
  const spots = SPOTS.filter(({ environment }) => environment && BURST_IN.includes(environment.name));
  return spots.flatMap((spot) => {
    const failed = Array.from({ length: 4 }, (_, round) => {
      const kind = BURST_OF[round % BURST_OF.length]!;
      const operation = composeEnded(random, {
        spot,
        kind,
        outcome: 'failed',
        createdAt: now - BURST_AGO_MS + (round * 2 + random() * 1.5) * MINUTE,
        waited: 1_500 + random() * 2_000,
        seconds: 28 + random() * 5
      });
      const count = operation.counts['failed'] ?? 0;
      return { ...operation, failures: [{ ...THROTTLED, ...(count > 1 ? { count } : {}) }] };
    });
    const recovered = BURST_OF.map((kind) =>
      composeEnded(random, {
        spot,
        kind,
        outcome: 'succeeded',
        createdAt: now - BURST_AGO_MS + (20 + random() * 30) * MINUTE,
        waited: 1_500 + random() * 2_000,
        seconds: Math.min(drawSeconds(random, kind, 'succeeded'), 600)
      })
    );
    return [...failed, ...recovered];
  });
}

function toKinds(...types: string[]): Kind[] {
  return types.map((type) => {
    const kind = kindOf(type);
    if (!kind) throw new Error(`The demo has no kind ${type}.`);
    return kind;
  });
}
