/** What the server should not serve: source maps, secrets, repositories, dumps, listings, and headers with versions. */
import type { Signature } from '../signature.ts';

/** Servers that answer everything with their start page answer so, too. */
const NO_PAGE = /^(?!.*html)/i;
const MAP = '{"version":3,"sources":["../src/app.ts"],"names":[],"mappings":"AAAA","sourcesContent":["export {}"]}';

export const served: readonly Signature[] = [
  {
    id: 'source-map-comment',
    family: 'source maps',
    severity: 'low',
    means: 'A script or style names its source map.',
    fix: 'Build with hidden source maps or none (Vite: build.sourcemap false or "hidden").',
    looks: [
      {
        in: 'text',
        of: ['script', 'style'],
        pattern: /(?:\/\/|\/\*)[#@]\s*sourceMappingURL=(?!data:)[^\s'"*]+\s*(?:\*\/)?\s*$/
      }
    ],
    controls: {
      caught: {
        source: "a bundler's last line",
        sample: {
          body: '<script src="/sample/mapped.js"></script>',
          also: [
            {
              path: '/sample/mapped.js',
              type: 'text/javascript',
              body: 'document.title = "App";\n//# sourceMappingURL=elsewhere.js.map\n'
            }
          ]
        }
      },
      passed: [
        {
          body: '<script src="/sample/unmapped.js"></script>',
          also: [
            {
              path: '/sample/unmapped.js',
              type: 'text/javascript',
              body: 'const comment = "//# sourceMappingURL=";\ndocument.title = "App";'
            }
          ]
        }
      ]
    }
  },
  {
    id: 'source-map-inline',
    family: 'source maps',
    severity: 'high',
    means: 'A script or style contains its source map, and with it mostly the sources.',
    fix: 'Build with hidden source maps or none.',
    looks: [
      {
        in: 'text',
        of: ['script', 'style'],
        pattern: /(?:\/\/|\/\*)[#@]\s*sourceMappingURL=data:application\/json(?=[^\s'"*]*\s*(?:\*\/)?\s*$)/
      }
    ],
    controls: {
      caught: {
        source: 'a module as Vite serves it',
        sample: {
          body: '<script src="/sample/inline.js"></script>',
          also: [
            {
              path: '/sample/inline.js',
              type: 'text/javascript',
              body: 'document.title = "App";\n//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozfQ=='
            }
          ]
        }
      },
      passed: [
        {
          body: '<script src="/sample/no-inline.js"></script>',
          also: [
            {
              path: '/sample/no-inline.js',
              type: 'text/javascript',
              body: 'const prefix = "sourceMappingURL=data:application/json;base64,";document.title = "App";'
            }
          ]
        }
      ],
      real: ['vite-sveltekit', 'vite-react', 'vite-vue']
    }
  },
  {
    id: 'source-map-header',
    family: 'source maps',
    severity: 'medium',
    means: 'A header names the source map of what it comes with.',
    fix: 'Do not send SourceMap or X-SourceMap in production.',
    looks: [
      { in: 'header', name: 'sourcemap', pattern: /./ },
      { in: 'header', name: 'x-sourcemap', pattern: /./ }
    ],
    controls: {
      caught: {
        source: 'the header',
        sample: {
          body: '<script src="/sample/header.js"></script>',
          also: [
            {
              path: '/sample/header.js',
              type: 'text/javascript',
              headers: { sourcemap: '/maps/header.js.map' },
              body: '0;'
            }
          ]
        }
      },
      passed: [{ headers: { link: '</map>; rel="sitemap"' }, body: '<p>App</p>' }]
    }
  },
  {
    id: 'source-map-answers',
    family: 'source maps',
    severity: 'high',
    means: 'The source map of an asset can be had, and with it mostly the sources.',
    fix: 'Keep maps out of what is deployed (upload them to your error tracker instead).',
    looks: [{ in: 'beside', suffix: '.map', pattern: /^\s*\{[\s\S]{0,200000}"mappings"\s*:/ }],
    controls: {
      caught: {
        source: 'a source map',
        sample: {
          body: '<script src="/sample/with-map.js"></script>',
          also: [
            { path: '/sample/with-map.js', type: 'text/javascript', body: 'document.title = "App";' },
            { path: '/sample/with-map.js.map', type: 'application/json', body: MAP }
          ]
        }
      },
      passed: [
        {
          body: '<script src="/sample/without-map.js"></script>',
          also: [
            { path: '/sample/without-map.js', type: 'text/javascript', body: 'document.title = "App";' },
            { path: '/sample/without-map.js.map', body: '<!doctype html><title>App</title>' }
          ]
        }
      ]
    }
  },
  {
    id: 'environment-file',
    family: 'exposed files',
    severity: 'high',
    means: 'A file of environment variables can be had: mostly passwords and keys.',
    fix: 'Serve an output folder only, change every secret that stood in it, and refuse dot files in the web server.',
    looks: [
      {
        in: 'probe',
        paths: [
          '/.env',
          '/.env.local',
          '/.env.production',
          '/.env.production.local',
          '/.env.development',
          '/.env.staging',
          '/.env.backup',
          '/.env.bak',
          '/.env.old',
          '/.env.example'
        ],
        pattern: /^\s*(?:export\s+)?[A-Za-z_]\w*\s*=/m,
        type: NO_PAGE
      }
    ],
    controls: {
      caught: {
        source: 'a file of this kind',
        sample: {
          path: '/.env',
          type: 'text/plain',
          body: '# production\nDATABASE_URL=postgres://shop:secret@db/shop\n'
        }
      },
      passed: [
        { path: '/.env', body: '<!doctype html><html><body><script>\na = 1\n</script></body></html>' },
        { path: '/.env.local', type: 'text/plain', body: 'Nothing here.\n' }
      ]
    }
  },
  {
    id: 'git-repository',
    family: 'exposed files',
    severity: 'high',
    means: 'The repository can be had: every version of every file.',
    fix: 'Deploy without .git, and refuse dot files in the web server.',
    looks: [
      { in: 'probe', paths: ['/.git/HEAD'], pattern: /^(?:ref: refs\/|[0-9a-f]{40}\s*$)/, type: NO_PAGE },
      { in: 'probe', paths: ['/.git/config'], pattern: /^\s*\[core\]/m, type: NO_PAGE },
      { in: 'probe', paths: ['/.svn/entries', '/.svn/wc.db'], pattern: /^\d+\s*\n|^SQLite format 3/, type: NO_PAGE },
      { in: 'probe', paths: ['/.hg/requires'], pattern: /^(?:revlogv1|store|dotencode|generaldelta)/m, type: NO_PAGE }
    ],
    controls: {
      caught: {
        source: 'a file of Git',
        sample: { path: '/.git/HEAD', type: 'application/octet-stream', body: 'ref: refs/heads/main\n' }
      },
      passed: [{ path: '/.git/HEAD', body: '<!doctype html><title>ref: refs/heads/main</title>' }]
    }
  },
  {
    id: 'backup-or-dump',
    family: 'exposed files',
    severity: 'high',
    means: 'A backup or a dump can be had by a common name.',
    fix: 'Keep such files outside of what is served, and change what stood in them.',
    looks: [
      {
        in: 'probe',
        paths: ['/backup.sql', '/dump.sql', '/database.sql', '/db.sql', '/data.sql', '/backup/backup.sql'],
        pattern:
          /^(?:--|\/\*)[\s\S]{0,400}(?:dump|database|MySQL|PostgreSQL|MariaDB)|^\s*(?:CREATE TABLE|INSERT INTO|DROP TABLE)\b/im,
        type: NO_PAGE
      },
      {
        in: 'probe',
        paths: ['/backup.zip', '/site.zip', '/www.zip', '/htdocs.zip', '/archive.zip', '/dist.zip'],
        pattern: /^PK\p{Cc}{2}/u,
        type: NO_PAGE
      },
      {
        in: 'probe',
        paths: ['/db.sqlite', '/db.sqlite3', '/database.sqlite', '/data.db'],
        pattern: /^SQLite format 3/,
        type: NO_PAGE
      },
      {
        in: 'probe',
        paths: [
          '/index.php~',
          '/index.php.bak',
          '/wp-config.php.bak',
          '/wp-config.php~',
          '/config.php.bak',
          '/config.php~'
        ],
        pattern: /<\?php/,
        type: NO_PAGE
      }
    ],
    controls: {
      caught: {
        source: "pg_dump's first lines",
        sample: { path: '/dump.sql', type: 'text/plain', body: '--\n-- PostgreSQL database dump\n--\n' }
      },
      passed: [
        { path: '/backup.zip', body: '<!doctype html><title>PK</title>' },
        { path: '/dump.sql', body: '<!doctype html><p>CREATE TABLE is a statement of SQL</p>' }
      ]
    }
  },
  {
    id: 'project-file',
    family: 'exposed files',
    severity: 'medium',
    means: 'Files of the project can be had: dependencies with versions, configuration, accounts.',
    fix: 'Serve an output folder only.',
    looks: [
      {
        in: 'probe',
        paths: ['/package.json', '/composer.json'],
        pattern: /^\s*\{[\s\S]*"(?:dependencies|devDependencies|scripts|require)"\s*:/,
        type: NO_PAGE
      },
      { in: 'probe', paths: ['/package-lock.json'], pattern: /"lockfileVersion"\s*:/, type: NO_PAGE },
      {
        in: 'probe',
        paths: ['/vite.config.ts', '/vite.config.js', '/svelte.config.js', '/next.config.js', '/webpack.config.js'],
        pattern: /^(?!\s*<)[\s\S]*(?:export default|module\.exports)/,
        type: NO_PAGE
      },
      {
        in: 'probe',
        paths: ['/Dockerfile', '/docker-compose.yml'],
        pattern: /^\s*FROM\s+\S+|^services:\s*$/m,
        type: NO_PAGE
      },
      {
        in: 'probe',
        paths: ['/.npmrc', '/.htpasswd', '/.DS_Store', '/web.config'],
        pattern: /_authToken=|^[\w.@-]+:(?:\$apr1\$|\$2[aby]\$|\{SHA\})|^\p{Cc}{4}Bud1|<configuration>/mu,
        type: NO_PAGE
      },
      { in: 'probe', paths: ['/phpinfo.php', '/info.php'], pattern: /<title>(?:PHP [\d.]+ - )?phpinfo\(\)<\/title>/ },
      {
        in: 'probe',
        paths: ['/server-status', '/debug/pprof/', '/debug/vars'],
        pattern: /Apache Server Status for|full goroutine stack dump|"memstats"/
      }
    ],
    controls: {
      caught: {
        source: 'a package.json',
        sample: {
          path: '/package.json',
          type: 'application/json',
          body: '{"name":"shop","scripts":{"build":"vite build"},"dependencies":{"vue":"3.5.0"}}'
        }
      },
      passed: [
        { path: '/package.json', type: 'application/json', body: '{"error":"dependencies are down"}' },
        { path: '/vite.config.ts', body: '<!doctype html><p>export default</p>' }
      ],
      real: ['vite-react', 'vite-vue']
    }
  },
  {
    id: 'powered-by-header',
    family: 'version headers',
    severity: 'low',
    means: 'A header tells by what the application is made.',
    fix: "Take it away (Express: app.disable('x-powered-by'); PHP: expose_php=Off; proxies can remove it).",
    looks: [
      { in: 'header', name: 'x-powered-by', pattern: /./ },
      { in: 'header', name: 'x-generator', pattern: /./ },
      { in: 'header', name: 'x-powered-cms', pattern: /./ }
    ],
    controls: {
      caught: { source: "Express' header", sample: { headers: { 'x-powered-by': 'Express' }, body: '<p>App</p>' } },
      passed: [{ headers: { 'x-sveltekit-page': 'true', 'x-frame-options': 'DENY' }, body: '<p>App</p>' }],
      real: ['express']
    }
  },
  {
    id: 'version-header',
    family: 'version headers',
    severity: 'low',
    means: 'A header tells the version of a program.',
    fix: 'Take the version away (nginx: server_tokens off; Apache: ServerTokens Prod; ASP.NET: enableVersionHeader="false").',
    looks: [
      { in: 'header', name: 'server', pattern: /\/\s*v?\d|\d+\.\d+/ },
      { in: 'header', name: 'x-aspnet-version', pattern: /\d/ },
      { in: 'header', name: 'x-aspnetmvc-version', pattern: /\d/ },
      { in: 'header', name: 'x-runtime', pattern: /\d/ },
      { in: 'header', name: 'x-php-version', pattern: /\d/ }
    ],
    controls: {
      byHand: "Python's http.server",
      caught: { source: "nginx' header", sample: { headers: { server: 'nginx/1.24.0' }, body: '<p>App</p>' } },
      passed: [{ headers: { server: 'nginx' }, body: '<p>App</p>' }]
    }
  },
  {
    id: 'directory-listing',
    family: 'directory listings',
    severity: 'medium',
    means: 'The server lists what is in a folder.',
    fix: 'Switch listings off (nginx: autoindex off; Apache: Options -Indexes).',
    looks: [
      {
        in: 'folder',
        pattern:
          /<title>(?:Index of \/|Directory listing for \/|listing directory \/|Directory: \/|Files within )|\[To Parent Directory\]/i
      },
      {
        in: 'text',
        of: ['html'],
        pattern: /<title>(?:Index of \/|Directory listing for \/|listing directory \/|Directory: \/)/i
      }
    ],
    controls: {
      byHand: "Python's http.server",
      caught: {
        source: "nginx' listing",
        sample: {
          body: '<script src="/sample-listed/app.js"></script>',
          also: [
            { path: '/sample-listed/app.js', type: 'text/javascript', body: '0;' },
            {
              path: '/sample-listed/',
              body: '<html><head><title>Index of /sample-listed/</title></head><body><h1>Index of /sample-listed/</h1><hr><pre><a href="../">../</a></pre></body></html>'
            }
          ]
        }
      },
      passed: [
        {
          body: '<title>Index of authors</title><script src="/sample-unlisted/app.js"></script>',
          also: [
            { path: '/sample-unlisted/app.js', type: 'text/javascript', body: '0;' },
            { path: '/sample-unlisted/', status: 404, body: '<h1>Not found</h1>' }
          ]
        }
      ]
    }
  }
];
