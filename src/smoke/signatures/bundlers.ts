/** Development servers and builds of webpack, Next, Nuxt, Astro, React, Vue and Angular. */
import type { Sample, Signature } from '../signature.ts';

const script = (path: string, body: string): Sample => ({
  body: `<script src="${path}"></script><p>App</p>`,
  also: [{ path, type: 'text/javascript', body }]
});
const BUILD = 'Deploy the production build.';

export const bundlers: readonly Signature[] = [
  {
    id: 'webpack-development-client',
    family: 'webpack',
    severity: 'high',
    means: "A script contains webpack's development client.",
    fix: 'Build with `webpack --mode production`; leave webpack-dev-server and hot middleware out of it.',
    looks: [
      {
        in: 'text',
        of: ['script'],
        pattern:
          /node_modules\/webpack-dev-server\/client\/|webpack\/hot\/(?:only-)?dev-server\.js|__webpack_dev_server_client__|webpack-hot-middleware\/client/
      }
    ],
    controls: {
      byHand: 'webpack-dev-server 5.2',
      caught: {
        source: 'a bundle of webpack-dev-server, shortened',
        sample: script(
          '/sample/webpack.js',
          '({ "./node_modules/webpack-dev-server/client/index.js?protocol=ws": () => {} });'
        )
      },
      passed: [script('/static/js/main.8f3c.js', '(self.webpackChunkapp=self.webpackChunkapp||[]).push([[1],{}]);')]
    }
  },
  {
    id: 'webpack-hot-update',
    family: 'webpack',
    severity: 'high',
    means: "webpack's hot module replacement is active in the page.",
    fix: 'Build with `webpack --mode production` and without HotModuleReplacementPlugin.',
    looks: [
      { in: 'global', name: /^webpackHotUpdate/ },
      { in: 'request', pattern: /\.hot-update\.(?:js|json)\b|\/__webpack_hmr\b/ }
    ],
    controls: {
      byHand: 'webpack-dev-server 5.2',
      caught: {
        source: "webpack's global",
        sample: { body: '<script>self["webpackHotUpdateapp"] = () => {}</script>' }
      },
      passed: [{ body: '<script>self["webpackChunkapp"] = []; self.webpackJsonp = []</script>' }]
    }
  },
  {
    id: 'webpack-eval-sources',
    family: 'webpack',
    severity: 'medium',
    means: 'Modules are evaluated from strings with the names of their sources: a development devtool.',
    fix: 'Set `devtool: false` (or hidden-source-map) for production.',
    looks: [{ in: 'text', of: ['script'], pattern: /[#@] sourceURL=webpack(?:-internal)?:\/\/\// }],
    controls: {
      byHand: 'webpack-dev-server 5.2',
      caught: {
        source: 'a module with devtool: eval',
        sample: script(
          '/sample/eval.js',
          '({ "./src/a.js": () => { eval("1;\\n//# sourceURL=webpack-internal:///./src/a.js"); } });'
        )
      },
      passed: [script('/sample/no-eval.js', 'document.title = "webpack:// is a protocol of source maps";')]
    }
  },
  {
    id: 'webpack-overlay',
    family: 'webpack',
    severity: 'high',
    means: "webpack's error overlay is on the page.",
    fix: BUILD,
    looks: [{ in: 'element', selector: '#webpack-dev-server-client-overlay' }],
    controls: {
      caught: {
        source: "the overlay's frame",
        sample: { body: '<iframe id="webpack-dev-server-client-overlay" srcdoc="Error"></iframe>' }
      },
      passed: [{ body: '<p class="webpack-dev-server-client-overlay">How to switch the overlay off</p>' }]
    }
  },
  {
    id: 'webpack-development-server',
    family: 'webpack',
    severity: 'high',
    means: "Addresses of webpack's development server answer: its list of assets, its event stream or its socket.",
    fix: 'Serve the output folder by a web server; webpack-dev-server is for development.',
    looks: [
      { in: 'probe', paths: ['/webpack-dev-server'], pattern: /<h1>Assets Report:?<\/h1>/i },
      { in: 'probe', paths: ['/__webpack_hmr'], pattern: /^data:/m, type: /event-stream/ },
      {
        in: 'upgrade',
        path: '/ws',
        says: /^\{"type":"(?:hot|liveReload|reconnect|overlay|hash|ok|progress|error","data":"Invalid Host)/
      }
    ],
    controls: {
      byHand: 'webpack-dev-server 5.2',
      caught: {
        source: "webpack-dev-server's list of assets, shortened",
        sample: {
          path: '/webpack-dev-server',
          body: '<!DOCTYPE html><html><body><h1>Assets Report:</h1><h2>Compilation: unnamed[0]</h2></body></html>'
        }
      },
      passed: [
        { path: '/webpack-dev-server', body: '<!doctype html><title>App</title><p>Start</p>' },
        { upgrade: { path: '/ws', says: '{"type":"welcome"}' } }
      ]
    }
  },
  {
    id: 'next-development',
    family: 'Next',
    severity: 'high',
    means: '`next dev` serves this page.',
    fix: 'Run `next build` and `next start` (or deploy the standalone output).',
    looks: [
      {
        in: 'text',
        of: ['html'],
        pattern:
          /<script[^>]+src="[^"]*\/_next\/static\/(?:development\/|chunks\/(?:react-refresh|main-app|webpack|pages\/_app)\.js(?:\?|"))/
      },
      {
        in: 'text',
        of: ['html'],
        pattern:
          /<script[^>]+src="[^"]*\/_next\/static\/chunks\/[^"]*(?:\[turbopack\]|%5Bturbopack%5D|hmr-client)[^"]*"/
      },
      { in: 'global', name: /^__nextDevClientId$|^__NEXT_HMR_/ }
    ],
    controls: {
      byHand: 'Next 16.4',
      caught: {
        source: 'a page of `next dev`, shortened',
        sample: {
          body: '<script src="/_next/static/chunks/react-refresh.js?v=1"></script>',
          also: [{ path: '/_next/static/chunks/react-refresh.js', type: 'text/javascript', body: '0;' }]
        }
      },
      passed: [
        {
          body: '<script id="__NEXT_DATA__" type="application/json">{"buildId":"a1"}</script><script src="/_next/static/chunks/main-app-4f2a9c.js"></script>',
          also: [{ path: '/_next/static/chunks/main-app-4f2a9c.js', type: 'text/javascript', body: '0;' }]
        }
      ]
    }
  },
  {
    id: 'next-overlay',
    family: 'Next',
    severity: 'high',
    means: "Next's development overlay is on the page.",
    fix: 'Run `next build` and `next start`.',
    looks: [{ in: 'element', selector: 'nextjs-portal, script[data-nextjs-dev-overlay]' }],
    controls: {
      byHand: 'Next 16.4',
      caught: { source: "the overlay's element", sample: { body: '<nextjs-portal></nextjs-portal>' } },
      passed: [{ body: '<next-route-announcer></next-route-announcer><p>nextjs-portal</p>' }]
    }
  },
  {
    id: 'next-development-server',
    family: 'Next',
    severity: 'high',
    means: "Addresses of Next's development server answer.",
    fix: 'Run `next build` and `next start`.',
    looks: [
      {
        in: 'probe',
        paths: ['/_next/static/development/_buildManifest.js', '/_next/static/development/_devPagesManifest.json'],
        pattern: /__BUILD_MANIFEST|"pages"\s*:/,
        type: /javascript|json/
      },
      { in: 'upgrade', path: '/_next/webpack-hmr', says: /"(?:action|type)":/ }
    ],
    controls: {
      byHand: 'Next 16.4',
      caught: {
        source: "Next's manifest in development, shortened",
        sample: {
          path: '/_next/static/development/_devPagesManifest.json',
          type: 'application/json',
          body: '{"pages":["/_app","/"]}'
        }
      },
      passed: [
        {
          path: '/_next/static/development/_devPagesManifest.json',
          status: 404,
          type: 'application/json',
          body: '{"pages":false}'
        }
      ]
    }
  },
  {
    id: 'nuxt-development',
    family: 'Nuxt',
    severity: 'high',
    means: '`nuxt dev` serves this page, perhaps with its devtools.',
    fix: 'Run `nuxt build` and the server in .output; set `devtools: { enabled: false }` where it is built.',
    looks: [
      { in: 'element', selector: '#nuxt-devtools-container, nuxt-devtools-frame, #nuxt-devtools-frame' },
      { in: 'global', name: /^__NUXT_DEVTOOLS/ },
      {
        in: 'text',
        of: ['html'],
        pattern: /<script[^>]+src="[^"]*\/_nuxt\/(?:@vite\/client|@fs\/|[^"]*node_modules\/)/
      },
      { in: 'probe', paths: ['/__nuxt_devtools__/client/'], pattern: /<title>Nuxt DevTools<\/title>/i }
    ],
    controls: {
      byHand: 'Nuxt 4.4',
      caught: { source: "the devtools' container", sample: { body: '<div id="nuxt-devtools-container"></div>' } },
      passed: [
        {
          body: '<div id="__nuxt"></div><script type="application/json" id="__NUXT_DATA__">[]</script><script>window.__NUXT__={}</script>'
        }
      ]
    }
  },
  {
    id: 'astro-development',
    family: 'Astro',
    severity: 'high',
    means: '`astro dev` serves this page: its toolbar, or source places in attributes.',
    fix: 'Run `astro build` and serve dist.',
    looks: [
      { in: 'element', selector: 'astro-dev-toolbar, [data-astro-source-file]' },
      { in: 'request', pattern: /\/dev-toolbar\/|astro:toolbar/ }
    ],
    controls: {
      byHand: 'Astro 5.18',
      caught: {
        source: 'attributes of `astro dev`',
        sample: { body: '<main data-astro-source-file="src/pages/index.astro" data-astro-source-loc="3:7">App</main>' }
      },
      passed: [{ body: '<astro-island uid="a1"></astro-island><main data-astro-cid-j7pv25f6>App</main>' }]
    }
  },
  {
    id: 'react-refresh',
    family: 'React',
    severity: 'high',
    means: 'React Fast Refresh is in the page: it was served by a development server.',
    fix: BUILD,
    looks: [
      { in: 'global', name: /^\$RefreshReg\$$|^__vite_plugin_react_preamble_installed__$/ },
      { in: 'request', pattern: /\/@react-refresh\b/ }
    ],
    controls: {
      caught: { source: "the preamble's global", sample: { body: '<script>window.$RefreshReg$ = () => {}</script>' } },
      passed: [{ body: '<script>window.$RefreshRegion = 1; window._$HY = {}</script>' }],
      real: ['vite-react']
    }
  },
  {
    id: 'react-development-build',
    family: 'React',
    severity: 'medium',
    means: "React's development build is used: slow, and it tells component names and places.",
    fix: 'Build with NODE_ENV=production.',
    looks: [
      { in: 'console', pattern: /Download the React DevTools for a better development experience/ },
      { in: 'text', of: ['script'], pattern: /\breact-dom(?:-client)?\.development\.js\b/ }
    ],
    controls: {
      caught: {
        source: "React's message",
        sample: {
          body: '<script>console.info("Download the React DevTools for a better development experience: https://react.dev/link/react-devtools")</script>'
        }
      },
      passed: [
        script('/sample/react.js', '/** @license React\n * react-dom-client.production.js */ document.title = "React";')
      ],
      real: ['vite-react']
    }
  },
  {
    id: 'vue-development-build',
    family: 'Vue',
    severity: 'medium',
    means: "Vue's development build is used, with hot replacement.",
    fix: 'Build with NODE_ENV=production; from a CDN take vue.global.prod.js.',
    looks: [
      { in: 'global', name: /^__VUE_HMR_RUNTIME__$/ },
      { in: 'console', pattern: /You are running (?:a development build of Vue|Vue in development mode)/ }
    ],
    controls: {
      caught: { source: "Vue's global", sample: { body: '<script>globalThis.__VUE_HMR_RUNTIME__ = {}</script>' } },
      passed: [
        {
          body: '<div id="app" data-v-app data-v-1a2b3c></div><script>window.__VUE__ = true; window.__VUE_SSR_SETTERS__ = []</script>'
        }
      ],
      real: ['vite-vue']
    }
  },
  {
    id: 'vue-devtools',
    family: 'Vue',
    severity: 'high',
    means: "Vue's devtools or inspector are on the page.",
    fix: 'Load vite-plugin-vue-devtools in development only.',
    looks: [
      { in: 'element', selector: '#__vue-devtools-container__, #vue-inspector-container, [data-v-inspector]' },
      { in: 'probe', paths: ['/__devtools__/'], pattern: /<title>Vue DevTools<\/title>/i }
    ],
    controls: {
      caught: {
        source: "the inspector's attribute",
        sample: { body: '<p data-v-inspector="src/App.vue:3:5">App</p>' }
      },
      passed: [{ body: '<p data-v-1a2b3c>App</p>' }]
    }
  },
  {
    id: 'angular-development',
    family: 'Angular',
    severity: 'medium',
    means: 'Angular runs in development mode: checks run twice, and its debugging functions are on the window.',
    fix: 'Build with `ng build` (production configuration).',
    looks: [
      { in: 'global', name: /^ngDevMode$/ },
      { in: 'console', pattern: /Angular is running in (?:the )?development mode/ },
      { in: 'upgrade', path: '/ng-cli-ws', says: /^\{"type":"/ }
    ],
    controls: {
      caught: {
        source: "Angular's message",
        sample: { body: '<script>console.log("Angular is running in development mode.")</script>' }
      },
      passed: [
        {
          body: '<app-root ng-version="20.1.0" ng-server-context="ssr"></app-root><script>window.ngHydration = 1</script>'
        }
      ]
    }
  }
];
