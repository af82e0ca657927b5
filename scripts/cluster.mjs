/**
 * `npm run cluster`: three nodes behind HAProxy or nginx on this machine (src/cluster.ts), installed and built if needed.
 * `npm run cluster -- --roll` restarts the nodes of the one that runs, one after another, on whatever is built by then.
 */
import { requireNode } from './node-version.mjs';

requireNode();
const { installOnce } = await import('./install.mjs');
const { buildOnce } = await import('./build-once.mjs');
await installOnce();
// Building while nodes run would pull the pages from under them.
if (!process.argv.includes('--roll')) await buildOnce();
process.env.NODE_ENV = 'production';
await import('../build/watchfloor/cluster.js');
