/**
 * What a node can prove of itself, for the pages that ask (decision 0013): its name, an hour of its figures, and the
 * recount of one workspace. One part of the composition root; it listens on the channels and answers at once, from memory.
 */
import type { LiveFigures } from '../live/figures.ts';
import type { Lines } from '../reports/repeat.ts';
import { nodeAsked, selfProofAsked } from './channels.ts';
import { openRecounts, type Recounts } from './recount.ts';
import { openSamples } from './samples.ts';

export interface SelfProofKeeper {
  close(): Promise<void>;
}

export function openSelfProof(options: {
  node: string;
  figures: () => LiveFigures | null;
  /** where numbers are recounted */
  url: string;
  log: Lines;
}): SelfProofKeeper {
  const { node, figures, url, log } = options;
  const since = Date.now();
  const samples = openSamples({ figures });
  const recounts: Recounts = openRecounts({ url, log });
  const stops = [
    nodeAsked.hear((tell) => tell(node)),
    selfProofAsked.hear(({ workspaceId, take }) =>
      take({
        node,
        since,
        at: Date.now(),
        lostNow: samples.lostNow,
        samples: samples.samples,
        totals: samples.totals,
        recount: recounts.of(workspaceId)
      })
    )
  ];
  return {
    async close() {
      for (const stop of stops) stop();
      samples.close();
      await recounts.close();
    }
  };
}
