/**
 * What a node does for the database beside serving: history retention, trimming of the change log, writing down what
 * follow-ups became, and the options of filters. One function for the composition root. Every node may run it: the work
 * is taken by locks, or does no harm twice.
 */
import type { Feed } from '../live/feed.ts';
import { openLog } from '../log.ts';
import { openFollowUpSweep } from './follow-up-sweep.ts';
import { openLogTrim } from './log-trim.ts';
import { openOptionsKeeper } from './options-keeper.ts';
import type { Lines, Repeating } from './repeat.ts';
import { openRetention } from './retention.ts';

/** `feed` is the hub's; without one (development, where the hub is in another process) the clock alone does. */
export function openMaintenance({
  url,
  log = openLog('maintenance'),
  feed
}: {
  url: string;
  log?: Lines;
  feed?: Pick<Feed, 'events'>;
}): Repeating {
  const parts = [
    openRetention({ url, log }),
    openLogTrim({ url, log }),
    openFollowUpSweep({ url, log, feed }),
    openOptionsKeeper({ url, log, feed })
  ];
  return {
    async close() {
      await Promise.all(parts.map((part) => part.close()));
    }
  };
}
