/** Stack traces by language, absolute paths and links into editors: what errors and debug builds print. */
import type { Signature } from '../signature.ts';

const SHOWN = ['html', 'data', 'dom'] as const;
const FIX = 'Answer errors with a sentence and an id; log the rest on the server. Run in production mode.';
const trace = (language: string): string =>
  `A stack trace of ${language} is shown: names, versions and paths of the server.`;

export const traces: readonly Signature[] = [
  {
    id: 'stack-node',
    family: 'stack traces',
    severity: 'high',
    means: trace('Node'),
    fix: `${FIX} Express: NODE_ENV=production.`,
    looks: [
      {
        in: 'text',
        of: SHOWN,
        pattern: /\bat (?:async )?(?:[\w.<>$ &;[\]#-]{1,120} \()?(?:file:\/\/|node:|\/|[A-Z]:\\)[^\s)<:]+:\d+:\d+\)?/
      }
    ],
    controls: {
      caught: {
        source: "Express' error page",
        sample: {
          status: 500,
          body: '<pre>Error: no<br> &nbsp; &nbsp;at /srv/app/server.js:7:9<br> &nbsp; &nbsp;at Layer.handleRequest (/srv/app/node_modules/router/lib/layer.js:152:17)</pre>'
        }
      },
      passed: [
        { body: '<p>Meet us at /lobby 10:30, or at node:fs at noon; the score was 3:2:1 at half time.</p>' },
        { status: 404, body: '<pre>Cannot GET /nothing</pre>' }
      ],
      real: ['express', 'node']
    }
  },
  {
    id: 'stack-python',
    family: 'stack traces',
    severity: 'high',
    means: trace('Python'),
    fix: `${FIX} Django: DEBUG=False; Flask: no debug=True.`,
    looks: [
      {
        in: 'text',
        of: SHOWN,
        pattern: /Traceback \(most recent call last\)[\s\S]{0,600}?File (?:\\?"|&quot;|&#34;|<cite)/
      }
    ],
    controls: {
      byHand: 'Django 5.2 and Flask 3.1',
      caught: {
        source: 'printed by CPython 3',
        sample: {
          status: 500,
          type: 'text/plain',
          body: 'Traceback (most recent call last):\n  File "/srv/app/main.py", line 7, in handle\n    return 1 / 0\nZeroDivisionError: division by zero\n'
        }
      },
      passed: [{ body: '<p>How to read a Traceback (most recent call last)</p>' }]
    }
  },
  {
    id: 'stack-java',
    family: 'stack traces',
    severity: 'high',
    means: trace('Java'),
    fix: `${FIX} Spring Boot: server.error.include-stacktrace=never; Tomcat: an ErrorReportValve with showReport=false.`,
    looks: [
      {
        in: 'text',
        of: SHOWN,
        pattern:
          /\bat (?:[\w.]+\/{1,2})?(?:[a-z_][\w$]*\.)+[A-Z][\w$]*(?:\.|\.&lt;|\.<)[\w$<>&;]+\((?:[\w$]+\.(?:java|kt|scala|groovy):\d+|Native Method|Unknown Source)\)/
      }
    ],
    controls: {
      byHand: 'the HTTP server of OpenJDK',
      caught: {
        source: 'printed by OpenJDK',
        sample: {
          status: 500,
          type: 'text/plain',
          body: 'java.lang.IllegalStateException: no\n\tat com.example.shop.OrderController.list(OrderController.java:42)\n\tat java.base/java.lang.Thread.run(Thread.java:840)\n'
        }
      },
      passed: [{ body: '<p>Look at com.example.Main (Main.java) and at java.util.List.of(1)</p>' }]
    }
  },
  {
    id: 'stack-php',
    family: 'stack traces',
    severity: 'high',
    means: 'An error or stack trace of PHP is shown: paths and names of the server.',
    fix: `${FIX} PHP: display_errors=Off.`,
    looks: [
      {
        in: 'text',
        of: SHOWN,
        pattern:
          /\b(?:Fatal error|Parse error|Warning|Notice|Deprecated)(?:<\/b>)?:\s[^\n]{1,400}? in (?:<b>)?(?:\/|[A-Z]:\\)[^\s<]+\.php(?:<\/b>)? on line (?:<b>)?\d+|#\d+ (?:\/|[A-Z]:\\)[^\s(<]+\.php\(\d+\): /
      }
    ],
    controls: {
      caught: {
        source: "PHP's message with html_errors",
        sample: {
          body: '<br />\n<b>Warning</b>:  Undefined variable $name in <b>/var/www/html/index.php</b> on line <b>3</b><br />'
        }
      },
      passed: [{ body: '<p><b>Warning</b>: slippery floor in lobby.php on line 3 of the plan</p>' }]
    }
  },
  {
    id: 'stack-go',
    family: 'stack traces',
    severity: 'high',
    means: trace('Go'),
    fix: `${FIX} Gin: GIN_MODE=release.`,
    looks: [{ in: 'text', of: SHOWN, pattern: /\bgoroutine \d+ \[[a-z ]+(?:, \d+ minutes)?\]:\s*(?:\n|<br)/ }],
    controls: {
      caught: {
        source: 'printed by Go',
        sample: {
          status: 500,
          type: 'text/plain',
          body: 'panic: no\n\ngoroutine 7 [running]:\nmain.handle(0x1)\n\t/srv/app/main.go:12 +0x1d\n'
        }
      },
      passed: [{ body: '<p>A goroutine 7 [sic] is light</p>' }]
    }
  },
  {
    id: 'stack-ruby',
    family: 'stack traces',
    severity: 'high',
    means: trace('Ruby'),
    fix: `${FIX} Rails and Rack: RACK_ENV=production, no Rack::ShowExceptions.`,
    looks: [{ in: 'text', of: SHOWN, pattern: /(?:\/|[A-Z]:\\)[\w./@+-]+\.rb:\d+:in (?:[`'‘]|&#39;|&#x27;)/ }],
    controls: {
      caught: {
        source: 'printed by Ruby',
        sample: {
          status: 500,
          type: 'text/plain',
          body: "/srv/app/config.ru:3:in `block': no (RuntimeError)\n\tfrom /srv/app/lib/shop.rb:12:in `call'\n"
        }
      },
      passed: [{ body: '<p>See shop.rb:12 in the repository</p>' }]
    }
  },
  {
    id: 'stack-dotnet',
    family: 'stack traces',
    severity: 'high',
    means: trace('.NET'),
    fix: `${FIX} ASPNETCORE_ENVIRONMENT=Production.`,
    looks: [
      {
        in: 'text',
        of: SHOWN,
        pattern:
          /\bat [\w.`&;<>[\],+]+\([^()\n]{0,200}\) in (?:[A-Z]:\\|\/)[^\n:<]+\.(?:cs|vb|fs):line \d+|\bat (?:System|Microsoft)\.[\w.`]+\.[\w<>`]+\([\w., &[\]]*\)\s*(?:\r?\n|<br)\s*at /
      }
    ],
    controls: {
      caught: {
        source: 'printed by .NET',
        sample: {
          status: 500,
          type: 'text/plain',
          body: 'System.InvalidOperationException: no\n   at Shop.OrderController.List(Int32 id) in /src/Shop/OrderController.cs:line 42\n'
        }
      },
      passed: [{ body: '<p>Work at System.Integrators(Berlin) in the city: line 4</p>' }]
    }
  },
  {
    id: 'absolute-path',
    family: 'paths',
    severity: 'medium',
    means: 'A path of the machine that serves or built this is shown.',
    fix: 'Build in production mode, without inlined __dirname or file names; answer errors without them.',
    looks: [
      {
        in: 'text',
        of: ['html', 'script', 'style', 'data', 'dom'],
        pattern:
          /file:\/\/\/(?:[\w@.+-]+|[A-Z]:)\/[\w@.+-]+\/[^\s"'`<>)\\]+|(?<![\w./:@-])\/(?:home\/(?!web_user\b)|Users\/|root\/|var\/www\/|builds\/|opt\/|srv\/|work(?:space)?\/|usr\/src\/)[\w@.+-]+(?:\/[\w@.+-]+)*\/(?:node_modules|src|vendor|dist|build|app|lib|server|site-packages)\/[\w@.+/-]+|(?<![\w./:@-])\/(?:home|Users|root|var\/www|srv|opt|builds)\/(?:[\w@.+-]+\/)+[\w@.+-]+\.(?:tsx?|vue|svelte|php|py|rb|java|go|cs|mjs|cjs)\b|\b[A-Z]:\\{1,2}(?:Users|inetpub|Projects|src|dev|work|agent|a)\\{1,2}[\w.-]+/
      }
    ],
    controls: {
      caught: {
        source: 'what a bundler inlines for __filename',
        sample: {
          body: '<script src="/sample/path.js"></script>',
          also: [
            {
              path: '/sample/path.js',
              type: 'text/javascript',
              body: 'var file = "/home/ada/shop/src/pages/cart.tsx"; document.title = "App";'
            }
          ]
        }
      },
      passed: [
        {
          body: '<a href="/home/settings/profile">Home</a><a href="/users/1/src/list">User</a><img src="/opt/in.svg" alt="" hidden>',
          also: [{ path: '/opt/in.svg', type: 'image/svg+xml', body: '<svg xmlns="http://www.w3.org/2000/svg"/>' }]
        },
        {
          body: '<script src="/sample/wasm.js"></script>',
          also: [
            {
              path: '/sample/wasm.js',
              type: 'text/javascript',
              body: 'var dirs = ["/tmp", "/home/web_user", "/dev/shm", "/usr/share/zoneinfo", "/home/start/view.js"];'
            }
          ]
        }
      ],
      real: ['express', 'node']
    }
  },
  {
    id: 'build-directory',
    family: 'paths',
    severity: 'medium',
    means: 'The directory in which this was built is named in what is served.',
    fix: 'Find what inlines it (__dirname, import.meta.url, source maps), and build it as a relative path.',
    looks: [{ in: 'run', what: 'every answer, header and message, for --build-dir' }],
    controls: {
      caught: {
        source: 'the directory given to the test',
        sample: { body: '<p data-root="/ci/agent-7/shop-build">App</p>' }
      },
      passed: [{ body: '<p data-root="/ci/agent-8/other">App</p>' }],
      real: ['vite-sveltekit', 'vite-react', 'vite-vue']
    }
  },
  {
    id: 'editor-link',
    family: 'editor links',
    severity: 'high',
    means: 'A link opens a source file in an editor: a debug page or a development build.',
    fix: 'Find the debug bar, overlay or inspector that makes it, and leave it out of production.',
    looks: [
      {
        in: 'text',
        of: ['html', 'data', 'dom'],
        pattern:
          /\b(?:vscode(?:-insiders)?|vscodium|cursor|windsurf|zed):\/\/file\b|\b(?:phpstorm|idea|webstorm|pycharm|rubymine|goland|rider|sublime|subl|txmt|mvim|macvim|emacs|textmate|nova|x-mine|netbeans|editor|espresso):\/\/(?:open\b|core\/open)|\batom:\/\/core\/open\b|\bjetbrains:\/\/[\w-]+\/navigate\b/
      }
    ],
    controls: {
      caught: {
        source: 'a link of a debug page',
        sample: { body: '<a href="phpstorm://open?file=shop.php&line=3">shop.php</a>' }
      },
      passed: [
        {
          body: '<a href="vscode:extension/svelte.svelte-vscode">Install the extension</a><a href="mailto:editor@example.test">The editor</a>'
        }
      ]
    }
  }
];
