/**
 * What this node is called and what it knows of itself, asked from the half that serves pages of the half that knows (decision 0013). Without an
 * answer (pages without a hub) it has no name.
 */
import type { SelfProof } from '../../operations/delivery.ts';
import { nodeAsked, selfProofAsked } from './channels.ts';

export function readNodeName(): string | null {
  let name: string | null = null;
  nodeAsked.tell((told) => (name = told));
  return name;
}

/** What it can prove of its own delivery; null where there is no hub in this process. */
export function readSelfProof(workspaceId: number): SelfProof | null {
  let proof: SelfProof | null = null;
  selfProofAsked.tell({ workspaceId, take: (told) => (proof = structuredClone(told)) });
  return proof;
}
