/**
 * The production build: SvelteKit's (build/handler.js and its client files), then the processes around it
 * (build/watchfloor/*.js; node_modules stay outside). It ends by writing build/.sources, a hash of everything the build
 * was made from, by which scripts/start.mjs knows whether it must build again. The smoke (build/smoke) is a package of its
 * own that carries all it needs but playwright-core, so that it can be packed and used without the rest.
 */
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
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
await build({
  configFile: false,
  logLevel,
  publicDir: false,
  ssr: { noExternal: true, external: ['playwright-core'] },
  build: {
    ssr: true,
    target: 'node20',
    minify: false,
    outDir: 'build/smoke',
    emptyOutDir: true,
    rolldownOptions: {
      input: { smoke: 'src/smoke/main.ts' },
      output: { entryFileNames: '[name].js', codeSplitting: false }
    }
  }
});
const { version, license, engines, devDependencies } = JSON.parse(await readFile('package.json', 'utf8'));
const manifest = {
  name: 'watchfloor-smoke',
  version,
  description: 'Finds what development and debugging leave behind in a deployed web application.',
  license,
  type: 'module',
  engines: { node: engines.node },
  bin: { 'watchfloor-smoke': 'smoke.js' },
  files: ['smoke.js', 'README.md', 'LICENSE'],
  dependencies: { 'playwright-core': devDependencies['playwright-core'] }
};
await writeFile('build/smoke/package.json', `${JSON.stringify(manifest, null, 2)}\n`);
await copyFile('docs/SMOKE.md', 'build/smoke/README.md');
await copyFile('LICENSE', 'build/smoke/LICENSE');
await writeFile(join(project, 'build', '.sources'), `${hash}\n`);
