/** `npm run dev`: installs if needed and runs src/dev.ts as it is, without a build. */
import { requireNode } from './node-version.mjs';

requireNode();
const { installOnce } = await import('./install.mjs');
await installOnce();
const { register } = await import('tsx/esm/api');
register();
await import('../src/dev.ts');
