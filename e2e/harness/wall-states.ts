/**
 * The wall's components over invented data, built as the product is and served on a free port: for states that a healthy
 * server cannot be asked for. The page carries the product's own content security policy for styles and scripts.
 * Invariant: what is served is built from today's sources, into a temporary directory that goes with `close`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { build, preview } from 'vite';

export interface WallStates {
  url: string;
  close(): Promise<void>;
}

export async function serveWallStates(): Promise<WallStates> {
  const outDir = await mkdtemp(join(tmpdir(), 'watchfloor-wall-'));
  const config = {
    root: new URL('../pictures/wall', import.meta.url).pathname,
    configFile: false as const,
    logLevel: 'error' as const,
    plugins: [svelte({ configFile: false, compilerOptions: { runes: true } })],
    // As in the product: fonts stay files, because font-src allows no data.
    build: { outDir, emptyOutDir: true, assetsInlineLimit: 0, target: 'esnext', chunkSizeWarningLimit: 2_000 }
  };
  await build(config);
  const server = await preview({ ...config, preview: { host: '127.0.0.1', port: 0 } });
  const url = server.resolvedUrls?.local[0];
  if (url === undefined) throw new Error('The preview server has no address.');
  return {
    url,
    async close() {
      await server.close();
      await rm(outDir, { recursive: true, force: true });
    }
  };
}
