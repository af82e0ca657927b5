/**
 * The production server, as built, with a door of the bench's own: told `memory` by its parent, it collects garbage
 * (`--expose-gc`) and tells what is left. It ends with its parent.
 */
import { tellMemory } from './tell-memory.mjs';

process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
tellMemory();
await import(new URL('watchfloor/server.js', process.argv[2]).href);
