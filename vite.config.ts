/**
 * SvelteKit's build and development server, with the hub attached to whatever HTTP server Vite opens. The database is
 * there before (src/dev.ts, or DATABASE_URL); without one the pages alone are served.
 */
import { existsSync } from 'node:fs';
import type { Server } from 'node:http';
import { basename } from 'node:path';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig, type Connect, type Plugin } from 'vite';

type HubModule = typeof import('./src/lib/server/live/hub.ts');
type LogModule = typeof import('./src/lib/server/log.ts');
type FrontModule = typeof import('./src/lib/server/http-front.ts');
type NameModule = typeof import('./src/lib/server/node-name.ts');
type ProofModule = typeof import('./src/lib/server/metrics/self-proof.ts');
type ConfigModule = typeof import('./src/lib/server/config.ts');
interface Attachable {
  httpServer: unknown;
  middlewares: Connect.Server;
  config: { logger: { warn(message: string): void } };
}

/** The same hub as in production; closed with the HTTP server, since sockets would keep it open for ever. */
function hub(): Plugin {
  async function attach(server: Attachable, load: (path: string) => Promise<unknown>): Promise<void> {
    const databaseUrl = process.env['DATABASE_URL'];
    const httpServer = server.httpServer as Server | null;
    if (!databaseUrl || httpServer === null) {
      server.config.logger.warn('No DATABASE_URL: the hub is not attached (npm run dev starts a database, too).');
      return;
    }
    const { openHub } = (await load('live/hub')) as HubModule;
    const { openLog } = (await load('log')) as LogModule;
    const { readConfig } = (await load('config')) as ConfigModule;
    const { isOwnOrigin } = (await load('http-front')) as FrontModule;
    const { newNodeName } = (await load('node-name')) as NameModule;
    const { openSelfProof } = (await load('metrics/self-proof')) as ProofModule;
    const config = readConfig(process.env);
    const [node, log] = [newNodeName(), openLog('hub')];
    const opened = await openHub({
      databaseUrl,
      node,
      isOwnOrigin: (origin, host) => isOwnOrigin(config, origin, host),
      secureCookies: config.secureCookies,
      log,
      sharesUpgrades: true
    });
    opened.attach(httpServer);
    const selfProof = openSelfProof({ node, figures: opened.figures, url: databaseUrl, log });
    const end = () => void Promise.all([selfProof.close(), opened.close()]);
    server.middlewares.use((request, response, next) => {
      if (!opened.handle(request, response)) next();
    });
    httpServer.once('close', end);
    const close = httpServer.close.bind(httpServer);
    httpServer.close = (callback) => {
      end();
      return close(callback);
    };
  }
  return {
    name: 'watchfloor:hub',
    configureServer: (server) => attach(server, (path) => server.ssrLoadModule(`/src/lib/server/${path}.ts`)),
    configurePreviewServer: async (server) => {
      const built = (path: string) => new URL(`build/watchfloor/${basename(path)}.js`, import.meta.url);
      if (existsSync(built('hub'))) await attach(server, (path) => import(built(path).href));
    }
  };
}

/** The live client speaks WebSocket alone (lib/live/socket.ts); what else engine.io brings along is left out: 2 KB. */
function webSocketOnly(): Plugin {
  const NO_TRANSPORT = '\0no-transport';
  return {
    name: 'watchfloor:web-socket-only',
    enforce: 'pre',
    apply: 'build',
    resolveId: (source, importer) =>
      importer?.includes('engine.io-client') && /\/(polling-xhr(\.node)?|webtransport)\.js$/.test(source)
        ? NO_TRANSPORT
        : null,
    load: (id) => (id === NO_TRANSPORT ? 'export class XHR {} export class WT {}' : null)
  };
}

/**
 * What pages share comes in few files rather than in many small ones: together they compress better, by 6 KB of the hub.
 * Sign-in and error pages load the frame and the plain components alone. In order: the first group that fits takes it.
 * What only the pages that look at the connection need is in none of them: the hub would load it, too.
 */
const groups = [
  { name: 'frame', test: /node_modules\/(svelte|@sveltejs|devalue|esm-env|clsx)\// },
  { name: 'plain', test: /src\/lib\/ui\/(viewer|Button|Mark|Note|PlainHead)/, minShareCount: 2 },
  {
    name: 'live',
    test: /node_modules\/(zod|@?(engine|socket)\.io)|src\/lib\/live\/(?!live-connection|connection-feed)/,
    minShareCount: 2
  },
  { name: 'shared', test: /src\/lib\/(operations|ui)\/(?!connection-|network-|delivery)/, minShareCount: 2 }
];

export default defineConfig(({ isSsrBuild }) => ({
  plugins: [webSocketOnly(), sveltekit(), hub()],
  ...(isSsrBuild ? {} : { build: { rolldownOptions: { output: { codeSplitting: { groups } } } } }),
  server: { host: '127.0.0.1', port: Number(process.env['PORT'] ?? 5173), strictPort: true }
}));
