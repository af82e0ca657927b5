/** Vite's development server: its client, its modules, its socket. HTML alone is not enough: SvelteKit's has no client in it. */
import type { Signature } from '../signature.ts';

const CLIENT = `import "/@vite/env"; class HMRContext {} const createHotContext = (path) => new HMRContext(path); export { createHotContext };`;

export const vite: readonly Signature[] = [
  {
    id: 'vite-client-loaded',
    family: 'Vite',
    severity: 'high',
    means: "The page loads Vite's development client: this is a development server, not a build.",
    fix: 'Deploy the output of `vite build`; stop `vite` or `vite dev` on this host.',
    looks: [
      { in: 'text', of: ['html', 'dom'], pattern: /<script\b[^>]*\bsrc=["'][^"'>]*\/@vite\/client\b/ },
      { in: 'text', of: ['script'], pattern: /^import\b[^\n;]*\bfrom\s*["'][^"'\n]*\/@vite\/client["']/m },
      { in: 'request', pattern: /\/@vite\/client\b/ }
    ],
    controls: {
      caught: {
        source: "Vite's index page in development",
        sample: {
          body: '<script type="module" src="/@vite/client"></script><p>App</p>',
          also: [
            { path: '/@vite/client', type: 'text/javascript', body: CLIENT },
            { path: '/@vite/env', type: 'text/javascript', body: 'const context = globalThis; const defines = {};' }
          ]
        }
      },
      passed: [
        { body: '<pre>&lt;script type="module" src="/@vite/client"&gt; is what development servers add</pre>' },
        {
          body: '<p>Listen to vite:preloadError</p><script>addEventListener("vite:preloadError", () => location.reload())</script>'
        }
      ],
      real: ['vite-sveltekit', 'vite-react', 'vite-vue']
    }
  },
  {
    id: 'vite-client-answers',
    family: 'Vite',
    severity: 'high',
    means: "The server hands out Vite's development client.",
    fix: 'Deploy the output of `vite build`; no proxy rule may lead to a development server.',
    looks: [
      {
        in: 'probe',
        paths: ['/@vite/client', '/_nuxt/@vite/client'],
        pattern: /createHotContext|HMRContext/,
        type: /javascript/
      }
    ],
    controls: {
      caught: {
        source: "Vite's client, shortened",
        sample: { path: '/@vite/client', type: 'text/javascript', body: CLIENT }
      },
      passed: [
        { path: '/@vite/client', body: '<!doctype html><title>App</title><p>createHotContext is for plugins</p>' }
      ],
      real: ['vite-sveltekit', 'vite-react', 'vite-vue']
    }
  },
  {
    id: 'vite-env-answers',
    family: 'Vite',
    severity: 'high',
    means: "The server hands out Vite's environment module.",
    fix: 'Deploy the output of `vite build`.',
    looks: [{ in: 'probe', paths: ['/@vite/env'], pattern: /\bdefines\b/, type: /javascript/ }],
    controls: {
      caught: {
        source: "Vite's environment module, shortened",
        sample: { path: '/@vite/env', type: 'text/javascript', body: 'const context = globalThis; const defines = {};' }
      },
      passed: [{ path: '/@vite/env', body: '<!doctype html><p>This page defines nothing: defines</p>' }],
      real: ['vite-sveltekit', 'vite-react', 'vite-vue']
    }
  },
  {
    id: 'vite-file-system',
    family: 'Vite',
    severity: 'high',
    means: 'The server answers addresses below /@fs/, by which a development server reads files of its machine.',
    fix: 'Deploy the output of `vite build`; until then bind the development server to 127.0.0.1.',
    looks: [
      {
        in: 'probe',
        paths: ['/@fs/etc/hosts', '/@fs/C:/Windows/win.ini'],
        pattern: /outside of Vite serving allow list|^\s*127\.0\.0\.1\s+localhost|\[fonts\]/m,
        statuses: [200, 403]
      }
    ],
    controls: {
      caught: {
        source: "Vite's refusal, shortened",
        sample: {
          path: '/@fs/etc/hosts',
          status: 403,
          body: '<h1>403 Restricted</h1><p>The request url "/etc/hosts" is outside of Vite serving allow list.</p>'
        }
      },
      passed: [{ path: '/@fs/etc/hosts', status: 403, body: '<h1>403 Forbidden</h1>' }],
      real: ['vite-sveltekit', 'vite-react', 'vite-vue']
    }
  },
  {
    id: 'vite-source-answers',
    family: 'Vite',
    severity: 'high',
    means: 'Source files of the application can be had from the server.',
    fix: 'Serve the build only: the root of the web server must be its output folder, never the project.',
    looks: [
      {
        in: 'probe',
        paths: [
          '/src/main.ts',
          '/src/main.js',
          '/src/main.tsx',
          '/src/main.jsx',
          '/src/index.tsx',
          '/src/index.js',
          '/src/App.vue',
          '/src/App.tsx',
          '/src/App.svelte',
          '/src/routes/+page.svelte',
          '/src/routes/+layout.svelte'
        ],
        pattern: /\bimport\b[^;\n]*["']|^\s*<(?:script|template)\b|createHotContext|jsxDEV/m,
        type: /javascript|typescript|jsx|vue|svelte|plain|octet-stream|video\/mp2t/
      }
    ],
    controls: {
      caught: {
        source: 'an entry module as Vite serves it',
        sample: {
          path: '/src/main.ts',
          type: 'text/javascript',
          body: 'import { createApp } from "/node_modules/.vite/deps/vue.js?v=1a2b3c4d";\nimport App from "/src/App.vue";\ncreateApp(App).mount("#app");'
        }
      },
      passed: [
        { path: '/src/main.ts', body: '<!doctype html><script type="module">import "./assets/app.js"</script>' }
      ],
      real: ['vite-sveltekit', 'vite-react', 'vite-vue']
    }
  },
  {
    id: 'vite-packages-answer',
    family: 'Vite',
    severity: 'high',
    means: 'Files of node_modules can be had from the server.',
    fix: 'Serve the build only; node_modules belongs to no public folder.',
    looks: [
      {
        in: 'probe',
        paths: [
          '/node_modules/vite/package.json',
          '/node_modules/vite/dist/client/env.mjs',
          '/node_modules/.package-lock.json'
        ],
        pattern: /"name":\s*"vite"|\bdefines\b|"lockfileVersion"|export default \{/,
        type: /json|javascript|plain|octet-stream/
      }
    ],
    controls: {
      caught: {
        source: 'the beginning of a package.json',
        sample: {
          path: '/node_modules/vite/package.json',
          type: 'application/json',
          body: '{\n  "name": "vite",\n  "version": "8.3.8"\n}'
        }
      },
      passed: [{ path: '/node_modules/vite/package.json', type: 'application/json', body: '{"error":"not found"}' }],
      real: ['vite-sveltekit']
    }
  },
  {
    id: 'vite-modules-loaded',
    family: 'Vite',
    severity: 'high',
    means: 'The page loads source modules one by one, as only a development server serves them.',
    fix: 'Deploy the output of `vite build`.',
    looks: [
      {
        in: 'request',
        pattern:
          /\/@id\/|\/@fs\/|\/node_modules\/|\/src\/[^?]*\.(?:svelte|vue|tsx?|jsx)(?:\?|$)|\.(?:svelte|vue|tsx|jsx)(?:\?|$)/
      }
    ],
    controls: {
      caught: {
        source: 'an entry module of a Vite project',
        sample: {
          body: '<script type="module" src="/src/sample-entry.tsx"></script>',
          also: [{ path: '/src/sample-entry.tsx', type: 'text/javascript', body: 'document.title = "App";' }]
        }
      },
      passed: [
        {
          body: '<script type="module" src="/assets/src-tsx-4f2a.js"></script>',
          also: [{ path: '/assets/src-tsx-4f2a.js', type: 'text/javascript', body: 'document.title = "App";' }]
        }
      ],
      real: ['vite-sveltekit', 'vite-react', 'vite-vue']
    }
  },
  {
    id: 'vite-hot-modules',
    family: 'Vite',
    severity: 'high',
    means: 'A script takes part in hot module replacement.',
    fix: 'Deploy the output of `vite build`, which removes import.meta.hot.',
    looks: [
      { in: 'text', of: ['script'], pattern: /\b__vite__createHotContext\b|^\s*(?:if\s*\()?import\.meta\.hot\b/m }
    ],
    controls: {
      caught: {
        source: 'a module as Vite serves it',
        sample: {
          body: '<script type="module" src="/sample/hot.js"></script>',
          also: [
            {
              path: '/sample/hot.js',
              type: 'text/javascript',
              body: 'const __vite__createHotContext = () => ({ accept() {} });\nimport.meta.hot = __vite__createHotContext("/src/App.js");\nif (import.meta.hot) import.meta.hot.accept();'
            }
          ]
        }
      },
      passed: [
        {
          body: '<script type="module" src="/assets/guide.js"></script>',
          also: [
            {
              path: '/assets/guide.js',
              type: 'text/javascript',
              body: 'document.title="Guide: use import.meta.hot in development";'
            }
          ]
        }
      ],
      real: ['vite-sveltekit', 'vite-react', 'vite-vue']
    }
  },
  {
    id: 'vite-socket-upgrade',
    family: 'Vite',
    severity: 'high',
    means:
      "The server accepts WebSockets of Vite's development client (vite-hmr), which tell what is edited and reload pages.",
    fix: 'Deploy the output of `vite build`; no proxy rule may lead upgrades to a development server.',
    looks: [
      { in: 'upgrade', path: '/', protocol: 'vite-hmr' },
      { in: 'upgrade', path: '/_nuxt/', protocol: 'vite-hmr' }
    ],
    controls: {
      caught: {
        source: 'an upgrade by this protocol',
        sample: { upgrade: { path: '/', protocol: 'vite-hmr', says: '{"type":"connected"}' } }
      },
      passed: [{ upgrade: { path: '/live', protocol: 'chat' } }],
      real: ['vite-sveltekit', 'vite-react', 'vite-vue']
    }
  },
  {
    id: 'vite-ping-upgrade',
    family: 'Vite',
    severity: 'high',
    means: "The server accepts WebSockets of Vite's liveness probe (vite-ping).",
    fix: 'Deploy the output of `vite build`; no proxy rule may lead upgrades to a development server.',
    looks: [{ in: 'upgrade', path: '/', protocol: 'vite-ping' }],
    controls: {
      caught: { source: 'an upgrade by this protocol', sample: { upgrade: { path: '/', protocol: 'vite-ping' } } },
      passed: [{ upgrade: { path: '/live', protocol: 'chat' } }],
      real: ['vite-sveltekit', 'vite-react', 'vite-vue']
    }
  },
  {
    id: 'vite-socket-opened',
    family: 'Vite',
    severity: 'high',
    means: "The page has an open WebSocket to Vite's development server.",
    fix: 'Deploy the output of `vite build`.',
    looks: [{ in: 'socket', says: /^\{"type":"connected"\}$/ }],
    controls: {
      caught: {
        source: "Vite's first message",
        sample: {
          body: '<script>new WebSocket(location.origin.replace("http", "ws") + "/sample-vite-socket?token=a1b2c3")</script>',
          upgrade: { path: '/sample-vite-socket', says: '{"type":"connected"}' }
        }
      },
      passed: [
        {
          body: '<script>new WebSocket(location.origin.replace("http", "ws") + "/sample-chat")</script>',
          upgrade: { path: '/sample-chat', says: '{"type":"connected","user":7}' }
        }
      ],
      real: ['vite-sveltekit', 'vite-react', 'vite-vue']
    }
  },
  {
    id: 'vite-overlay',
    family: 'Vite',
    severity: 'high',
    means: "Vite's error overlay is on the page, with source and paths.",
    fix: 'Deploy the output of `vite build`, and mend the error that it shows.',
    looks: [{ in: 'element', selector: 'vite-error-overlay' }],
    controls: {
      caught: { source: "the overlay's element", sample: { body: '<vite-error-overlay></vite-error-overlay>' } },
      passed: [{ body: '<p class="vite-error-overlay">The element vite-error-overlay is shown in development.</p>' }],
      real: ['vite-react']
    }
  },
  {
    id: 'open-in-editor',
    family: 'Vite',
    severity: 'high',
    means: 'The server has an address that opens files in the editor of its machine.',
    fix: 'Deploy the build; this middleware (launch-editor) belongs to development servers only.',
    looks: [
      { in: 'probe', paths: ['/__open-in-editor'], pattern: /launch-editor-middleware/, statuses: [200, 400, 500] }
    ],
    controls: {
      caught: {
        source: "launch-editor's answer without a file",
        sample: {
          path: '/__open-in-editor',
          status: 500,
          type: 'text/plain',
          body: 'launch-editor-middleware: required query param "file" is missing.'
        }
      },
      passed: [{ path: '/__open-in-editor', status: 404, body: '<h1>Not found</h1>' }],
      real: ['vite-sveltekit', 'vite-react', 'vite-vue']
    }
  },
  {
    id: 'vite-inspect',
    family: 'Vite',
    severity: 'high',
    means: 'vite-plugin-inspect answers: it shows every module and what plugins made of it.',
    fix: 'Use the plugin in development only, and deploy the output of `vite build`.',
    looks: [{ in: 'probe', paths: ['/__inspect/'], pattern: /<title>Vite Inspect<\/title>/ }],
    controls: {
      caught: {
        source: "the plugin's page, shortened",
        sample: { path: '/__inspect/', body: '<!doctype html><title>Vite Inspect</title><div id="app"></div>' }
      },
      passed: [{ path: '/__inspect/', body: '<!doctype html><title>App</title>' }]
    }
  }
];
