/** Every signature there is. A new one belongs into one of these lists; the table in docs/SMOKE.md follows by a command. */
import type { Signature } from '../signature.ts';
import { behaviour } from './behaviour.ts';
import { bundlers } from './bundlers.ts';
import { frameworks } from './frameworks.ts';
import { php } from './php.ts';
import { served } from './served.ts';
import { svelte } from './svelte.ts';
import { traces } from './traces.ts';
import { vite } from './vite.ts';

export const SIGNATURES: readonly Signature[] = [
  ...vite,
  ...svelte,
  ...bundlers,
  ...php,
  ...frameworks,
  ...traces,
  ...served,
  ...behaviour
];

const byId = new Map(SIGNATURES.map((signature) => [signature.id, signature]));

export function signatureOf(id: string): Signature {
  const found = byId.get(id);
  if (!found) throw new Error(`There is no signature "${id}".`);
  return found;
}
