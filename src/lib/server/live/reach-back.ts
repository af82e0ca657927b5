/**
 * Fills the ring from the log for those who stand before it: all clients of a node that was restarted come back at once,
 * its ring is empty, and each would read the log for itself. One read from the oldest of their places serves them all.
 * It owns what is read and when; the ring owns what may be given.
 * Invariant: what was read is given only after a pass that began later, so access that changed up to the read has been
 * handled, as with everything else in the ring.
 */
import type { Queryable } from '../database/pool.ts';
import type { Place } from '../stream/place.ts';
import { readFeedDifference } from './differences.ts';
import type { Feed } from './feed.ts';
import { covers, oldestOf, type Ring } from './ring.ts';

/** Entries of the log that one read takes: as many as a pass of the feed tells one by one. */
const MOST_ENTRIES = 10_000;
/** Of places that are too far back half are left to the log, and so on: a tab that slept for a day must not cost all. */
const MOST_TRIES = 5;
/** A place from which too much happened is not tried again for so long. */
const TOO_FAR_MS = 10_000;

export interface ReachBackParts {
  db: Queryable;
  feed: Pick<Feed, 'place' | 'passSoon'>;
  ring: Pick<Ring, 'reaches' | 'reachBack'>;
}

export interface ReachBack {
  /** Makes the ring reach to these places where one read can; one at a time. Never throws. */
  to(places: readonly Place[]): Promise<void>;
  /** changes of transactions below this are gone from the log, as far as is known */
  readonly floor: bigint;
}

export function openReachBack({ db, feed, ring }: ReachBackParts): ReachBack {
  let floor = 0n;
  let tooFar: { place: Place; until: number } | null = null;

  const isWorthIt = (place: Place): boolean =>
    place.epoch === feed.place?.epoch &&
    place.snapshot.xmin >= floor &&
    !ring.reaches(place) &&
    !(tooFar !== null && performance.now() < tooFar.until && covers(tooFar.place, place));

  const reach = async (places: readonly Place[]): Promise<void> => {
    // The newest first: they are many, and what they lack is little.
    let lacking = places.filter(isWorthIt).sort((a, b) => (a.snapshot.xmax > b.snapshot.xmax ? -1 : 1));
    for (let tries = 0; lacking.length > 0 && tries < MOST_TRIES; tries++) {
      const from = oldestOf(lacking);
      const found = await readFeedDifference(db, from, MOST_ENTRIES);
      // Whose stream that is, and whether it was emptied, the log says to each of them.
      if (found.place.epoch !== from.epoch || found.isTruncated) return;
      floor = found.floor;
      if (from.snapshot.xmin < floor) lacking = lacking.filter(isWorthIt);
      else if (found.isOverflow) {
        tooFar = { place: from, until: performance.now() + TOO_FAR_MS };
        lacking = lacking.slice(0, Math.floor(lacking.length / 2));
      } else {
        if (await feed.passSoon()) ring.reachBack(from, found);
        return;
      }
    }
  };

  return {
    // The log is there all the same: who is not served from memory reads it, and says what is wrong.
    to: (places) => reach(places).catch(() => {}),
    get floor() {
      return floor;
    }
  };
}
