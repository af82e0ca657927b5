/** What Svelte and SvelteKit leave in development; what they leave in production is passed, and stands in the samples. */
import type { Signature } from '../signature.ts';

export const svelte: readonly Signature[] = [
  {
    id: 'sveltekit-development',
    family: 'Svelte and SvelteKit',
    severity: 'high',
    means: 'SvelteKit runs in development: pages start its client from source.',
    fix: 'Deploy the output of `vite build` with an adapter.',
    looks: [
      { in: 'global', name: /^__sveltekit_dev$/ },
      { in: 'text', of: ['html'], pattern: /\b__sveltekit_dev\s*=/ },
      { in: 'text', of: ['html'], pattern: /import\(["'][^"']*@sveltejs\/kit\/src\/runtime\/client\// }
    ],
    controls: {
      caught: {
        source: 'the start of a page in development',
        sample: { body: '<script>__sveltekit_dev = { base: "" };</script>' }
      },
      passed: [
        {
          body: '<script>__sveltekit_1x8kq3 = { base: "" };</script><div data-sveltekit-preload-data="hover">App</div>'
        },
        {
          status: 404,
          body: '<title>Not Found</title><div class="error"><span class="status">404</span><div class="message"><h1>Not Found</h1></div></div>'
        },
        {
          body: '<div id="svelte-announcer" aria-live="assertive"></div><style data-sveltekit-ssr>p { color: inherit }</style><p>App</p>'
        }
      ],
      real: ['vite-sveltekit']
    }
  },
  {
    id: 'svelte-element-source',
    family: 'Svelte and SvelteKit',
    severity: 'high',
    means: 'Elements know file and line of the source they come from: Svelte was compiled for development.',
    fix: 'Build with NODE_ENV=production (`vite build` does), so that Svelte compiles without `dev`.',
    looks: [{ in: 'element property', name: '__svelte_meta' }],
    controls: {
      caught: {
        source: "Svelte's property",
        sample: {
          body: '<p id="p">App</p><script>document.getElementById("p").__svelte_meta = { loc: { file: "src/App.svelte", line: 1 } }</script>'
        }
      },
      passed: [
        {
          body: '<p id="p">App</p><script>document.getElementById("p").__svelte = { v: "5" }; window.__svelte = { v: new Set(["5"]) }</script>'
        }
      ],
      real: ['vite-sveltekit']
    }
  },
  {
    id: 'svelte-compiled-for-development',
    family: 'Svelte and SvelteKit',
    severity: 'medium',
    means: 'A script names the source file of a component: Svelte was compiled for development.',
    fix: 'Build with NODE_ENV=production.',
    looks: [
      { in: 'text', of: ['script'], pattern: /\b\w+\[\$\.FILENAME\]\s*=|\/\.svelte-kit\/generated\// },
      { in: 'text', of: ['html'], pattern: /\/\.svelte-kit\/generated\// }
    ],
    controls: {
      caught: {
        source: 'a component as it is compiled for development',
        sample: {
          body: '<script type="module" src="/sample/svelte-dev.js"></script>',
          also: [
            {
              path: '/sample/svelte-dev.js',
              type: 'text/javascript',
              body: 'const $ = { FILENAME: Symbol() }; function App() {}\nApp[$.FILENAME] = "src/App.svelte";'
            }
          ]
        }
      },
      passed: [
        {
          body: '<script type="module" src="/_app/immutable/entry/start.4f2a.js"></script>',
          also: [
            {
              path: '/_app/immutable/entry/start.4f2a.js',
              type: 'text/javascript',
              body: 'const a=Symbol("filename");document.title="App";'
            }
          ]
        }
      ],
      real: ['vite-sveltekit']
    }
  },
  {
    id: 'svelte-inspector',
    family: 'Svelte and SvelteKit',
    severity: 'high',
    means: "Svelte's inspector is on the page; it opens sources in an editor.",
    fix: 'Deploy the build; the inspector works in development only.',
    looks: [
      { in: 'element', selector: '#svelte-inspector-host' },
      { in: 'request', pattern: /virtual:svelte-inspector/ }
    ],
    controls: {
      caught: { source: "the inspector's element", sample: { body: '<div id="svelte-inspector-host"></div>' } },
      passed: [{ body: '<div id="svelte-announcer"></div><p id="inspector-host">Who hosts the inspector</p>' }]
    }
  }
];
