/** What the run itself notices: the console, failed requests, policies, foreign origins, secrets, and what was asked for. */
import type { Signature } from '../signature.ts';

const FRAME = /^Failed to load resource|Content Security Policy|Content-Security-Policy|Mixed Content/;

export const behaviour: readonly Signature[] = [
  {
    id: 'console-error',
    family: 'behaviour',
    severity: 'medium',
    means: 'The page writes an error to the console.',
    fix: 'Mend what it tells, or stop telling it in production.',
    looks: [{ in: 'console', level: 'error', pattern: /./, not: FRAME }],
    controls: {
      caught: { source: 'a page that does', sample: { body: '<script>console.error("the cart is broken")</script>' } },
      passed: [{ body: '<script>console.log("the cart is ready")</script>' }]
    }
  },
  {
    id: 'console-warning',
    family: 'behaviour',
    severity: 'low',
    means: 'The page writes a warning to the console.',
    fix: 'Mend what it tells, or stop telling it in production.',
    looks: [{ in: 'console', level: 'warning', pattern: /./, not: FRAME }],
    controls: {
      caught: { source: 'a page that does', sample: { body: '<script>console.warn("the cart is old")</script>' } },
      passed: [{ body: '<script>console.info("the cart is ready")</script>' }]
    }
  },
  {
    id: 'uncaught-error',
    family: 'behaviour',
    severity: 'high',
    means: 'A script of the page fails with an error that nothing handles.',
    fix: 'Mend the script.',
    looks: [{ in: 'run', what: 'errors of scripts' }],
    controls: {
      caught: {
        source: 'a page that does',
        sample: { body: '<script>setTimeout(() => { throw new Error("no cart") })</script>' }
      },
      passed: [{ body: '<script>Promise.reject(new Error("no cart")).catch(() => 0)</script>' }]
    }
  },
  {
    id: 'failed-request',
    family: 'behaviour',
    severity: 'medium',
    means: 'Something that the page needs does not load, or answers with an error.',
    fix: 'Deploy what is missing, or stop asking for it.',
    looks: [{ in: 'run', what: 'requests of the page' }],
    controls: {
      caught: { source: 'a page that does', sample: { body: '<img src="/sample/missing.png" alt="">' } },
      passed: [
        {
          body: '<img src="/sample/here.svg" alt="">',
          also: [{ path: '/sample/here.svg', type: 'image/svg+xml', body: '<svg xmlns="http://www.w3.org/2000/svg"/>' }]
        }
      ]
    }
  },
  {
    id: 'server-error',
    family: 'behaviour',
    severity: 'high',
    means: 'A page answers with 500 or more.',
    fix: 'Mend the page; the log of the server tells why it failed.',
    looks: [{ in: 'run', what: 'status of pages' }],
    controls: {
      caught: { source: 'a page that does', sample: { status: 503, body: '<h1>Not now</h1>' } },
      passed: [{ status: 404, body: '<h1>Not found</h1>' }],
      real: ['express']
    }
  },
  {
    id: 'broken-link',
    family: 'behaviour',
    severity: 'low',
    means: 'A link of the same origin leads to a page that is not there.',
    fix: 'Mend the link.',
    looks: [{ in: 'run', what: 'pages that were found by links' }],
    controls: {
      caught: { source: 'a page that does', sample: { body: '<a href="/sample/gone">Gone</a>' } },
      passed: [{ body: '<a href="/sample/there">There</a>', also: [{ path: '/sample/there', body: '<p>Here</p>' }] }]
    }
  },
  {
    id: 'policy-violation',
    family: 'behaviour',
    severity: 'medium',
    means: 'The page breaks its own content security policy: something is blocked, or would be.',
    fix: 'Stop using what the policy forbids; do not weaken the policy.',
    looks: [{ in: 'run', what: 'securitypolicyviolation events' }],
    controls: {
      caught: {
        source: 'a page that does',
        sample: {
          headers: { 'content-security-policy': "script-src 'none'" },
          body: '<script>document.title = "no"</script>'
        }
      },
      passed: [{ headers: { 'content-security-policy': "script-src 'none'" }, body: '<p>App</p>' }]
    }
  },
  {
    id: 'mixed-content',
    family: 'behaviour',
    severity: 'medium',
    means: 'A page of https asks for something by plain http.',
    fix: 'Use https or relative addresses.',
    looks: [{ in: 'run', what: 'requests and HTML of https pages' }],
    controls: {
      caught: {
        source: 'judged as text of an https page: the fixture server speaks http only',
        sample: { body: '<img src="http://images.example.test/a.png" alt="">' }
      },
      passed: [{ body: '<a href="http://images.example.test/">A link is no request</a>' }]
    }
  },
  {
    id: 'third-party-origin',
    family: 'behaviour',
    severity: 'low',
    means: 'The page asks another origin for something; that origin learns of every visit.',
    fix: 'Serve it yourself, or accept the origin by --allow-origin.',
    looks: [{ in: 'run', what: 'requests of the page' }],
    controls: {
      caught: { source: 'a page that does', sample: { body: '<img src="http://localhost:1/a.png" alt="">' } },
      passed: [{ body: '<img src="data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22/%3E" alt="">' }]
    }
  },
  {
    id: 'canary',
    family: 'secrets',
    severity: 'high',
    means: 'The value of a private variable is in what the server hands out.',
    fix: 'Find how it got there (a public prefix, an inlined process.env, an error page), take it out, and change the secret.',
    looks: [{ in: 'run', what: 'every answer, header and message, for --canary-env' }],
    controls: {
      caught: {
        source: 'the canary given to the test, as base64',
        sample: {
          body: '<script src="/sample/canary.js"></script>',
          also: [
            {
              path: '/sample/canary.js',
              type: 'text/javascript',
              body: `var a = "${Buffer.from('canary-of-the-smoke-test').toString('base64')}";`
            }
          ]
        }
      },
      passed: [{ body: '<p>canary-of-another-test</p>' }]
    }
  },
  {
    id: 'expectation',
    family: 'expectations',
    severity: 'high',
    means: 'A page is not as --expect says it is.',
    fix: 'Mend the page or the expectation.',
    looks: [{ in: 'run', what: 'what --expect says' }],
    controls: {
      caught: { source: 'an expectation of the test', sample: { body: '<p>Something else</p>' } },
      passed: [{ body: '<p>As expected</p>' }]
    }
  },
  {
    id: 'budget',
    family: 'expectations',
    severity: 'medium',
    means: 'A page takes longer than its budget.',
    fix: 'Measure where the time goes, or give it more by --max-ttfb and --max-load.',
    looks: [{ in: 'run', what: 'time to first byte and to load, for --max-ttfb and --max-load' }],
    controls: {
      caught: { source: 'a budget of zero', sample: { body: '<p>App</p>' } },
      passed: [{ body: '<p>App</p>' }]
    }
  }
];
