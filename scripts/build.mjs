/**
 * The production build: SvelteKit's (build/handler.js and its client files), then the processes around it
 * (build/watchfloor/*.js; node_modules stay outside). It ends by writing build/.sources, a hash of everything the build
 * was made from, by which scripts/start.mjs knows whether it must build again.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'vite';
import { hashSources, project } from './sources.mjs';

process.chdir(project);
process.env.NODE_ENV = 'production';
const hash = await hashSources();
const quiet = process.argv.includes('--quiet');
const logLevel = quiet ? 'error' : 'info';

// A build that is broken off must not look finished.
await rm(join(project, 'build', '.sources'), { force: true });
await build({ logLevel });
await build({
  configFile: false,
  logLevel,
  publicDir: false,
  build: {
    ssr: true,
    target: 'node20',
    minify: false,
    outDir: 'build/watchfloor',
    emptyOutDir: true,
    rolldownOptions: {
      input: {
        server: 'src/server.ts',
        cluster: 'src/cluster.ts',
        cli: 'src/cli/main.ts',
        'demo-writer': 'src/lib/server/demo/writer.ts',
        // What `vite preview` attaches.
        hub: 'src/lib/server/live/hub.ts',
        log: 'src/lib/server/log.ts',
        config: 'src/lib/server/config.ts',
        'http-front': 'src/lib/server/http-front.ts',
        'node-name': 'src/lib/server/node-name.ts',
        'self-proof': 'src/lib/server/metrics/self-proof.ts'
      },
      output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' }
    }
  }
});
await writeFile(join(project, 'build', '.sources'), `${hash}\n`);
