/**
 * What a node does for the database beside serving: history retention, trimming of the change log and of refused reports,
 * writing down what follow-ups became, the options of filters, and a look for what is not supported. One function for the
 * composition root. Every node may run it: the work is taken by locks, or does no harm twice.
 */
import type { Feed } from '../live/feed.ts';
import { openLog } from '../log.ts';
import { openFollowUpSweep } from './follow-up-sweep.ts';
import { openLogTrim } from './log-trim.ts';
import { openOptionsKeeper } from './options-keeper.ts';
import { openRejectedTrim } from './rejected-trim.ts';
import type { Lines } from './repeat.ts';
import { openRetention } from './retention.ts';
import { openUnsupportedWatch, type UnsupportedWatch } from './unsupported.ts';

/** `feed` is the hub's; without one (development, where the hub is in another process) the clock alone does. */
export function openMaintenance({
  url,
  log = openLog('maintenance'),
  feed
}: {
  url: string;
  log?: Lines;
  feed?: Pick<Feed, 'events'>;
}): UnsupportedWatch {
  const watch = openUnsupportedWatch({ url, log });
  const parts = [
    watch,
    openRetention({ url, log }),
    openLogTrim({ url, log }),
    openRejectedTrim({ url, log }),
    openFollowUpSweep({ url, log, feed }),
    openOptionsKeeper({ url, log, feed })
  ];
  return {
    found: watch.found,
    async close() {
      await Promise.all(parts.map((part) => part.close()));
    }
  };
}
