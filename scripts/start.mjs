/**
 * `npm start`: checks Node, installs if needed, builds if the sources changed, and becomes the server. Plain Node without
 * dependencies, and one process: signals of the terminal reach the server itself.
 */
import { requireNode } from './node-version.mjs';

requireNode();
const { installOnce } = await import('./install.mjs');
const { buildOnce } = await import('./build-once.mjs');
await installOnce();
await buildOnce();
process.env.NODE_ENV = 'production';
await import('../build/watchfloor/server.js');
