/**
 * `npm run smoke -- --base-url URL`: the smoke (src/smoke), installed and built when it is not there yet. A build that is
 * there is used as it is, even when sources have changed: building would pull it from under the server that it looks at.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { requireNode } from './node-version.mjs';

requireNode();
const { project } = await import('./sources.mjs');
const { installOnce } = await import('./install.mjs');
const { buildOnce } = await import('./build-once.mjs');
await installOnce();
if (!existsSync(join(project, 'build', 'smoke', 'smoke.js'))) await buildOnce();
await import('../build/smoke/smoke.js');
