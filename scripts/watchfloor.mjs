/**
 * `npm run watchfloor -- …`: the command line (src/cli), installed and built when it is not there yet. A build that is
 * there is used as it is, even when sources have changed: building would pull it from under a running server.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { requireNode } from './node-version.mjs';

requireNode();
const { project } = await import('./sources.mjs');
const { installOnce } = await import('./install.mjs');
const { buildOnce } = await import('./build-once.mjs');
await installOnce();
const cli = join(project, 'build', 'watchfloor', 'cli.js');
if (!existsSync(cli)) await buildOnce();
process.env.NODE_ENV = 'production';
await import('../build/watchfloor/cli.js');
