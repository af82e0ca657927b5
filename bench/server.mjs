/**
 * The production server, as built, with a door of the bench's own: told `memory` by its parent, it collects garbage
 * (`--expose-gc`) and tells what is left. It ends with its parent.
 */
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.on('message', () => {
  // Twice: what the first one finalises is freed by the second.
  globalThis.gc();
  setTimeout(() => {
    globalThis.gc();
    process.send(process.memoryUsage());
  }, 200);
});
await import(new URL('watchfloor/server.js', process.argv[2]).href);
