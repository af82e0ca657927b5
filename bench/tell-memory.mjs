/**
 * For servers whose memory is measured: asked by their parent, they collect garbage (`--expose-gc`) and tell what is left.
 * Asked for their `usage` they tell at once what they have and used, and collect nothing.
 */
export function tellMemory() {
  process.on('message', (asked) => {
    if (asked === 'usage') return process.send({ ...process.cpuUsage(), rss: process.memoryUsage.rss() });
    // Twice: what the first one finalises is freed by the second.
    globalThis.gc();
    setTimeout(() => {
      globalThis.gc();
      process.send(process.memoryUsage());
    }, 200);
  });
}
