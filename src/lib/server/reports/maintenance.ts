/**
 * What a node does for the database beside serving: history retention and trimming of the change log. One function for
 * the composition root. Every node may run it: the work is taken by locks, so that it is done once.
 */
import { openLog } from '../log.ts';
import { openLogTrim } from './log-trim.ts';
import type { Lines, Repeating } from './repeat.ts';
import { openRetention } from './retention.ts';

export function openMaintenance({ url, log = openLog('maintenance') }: { url: string; log?: Lines }): Repeating {
  const parts = [openRetention({ url, log }), openLogTrim({ url, log })];
  return {
    async close() {
      await Promise.all(parts.map((part) => part.close()));
    }
  };
}
