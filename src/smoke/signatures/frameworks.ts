/** Debug bars, consoles and error pages of Django, Werkzeug, Rails, ASP.NET and Spring. */
import type { Signature } from '../signature.ts';

export const frameworks: readonly Signature[] = [
  {
    id: 'django-debug-toolbar',
    family: 'Django',
    severity: 'high',
    means: "Django's debug toolbar is on the page.",
    fix: 'Set DEBUG=False, and add debug_toolbar only where DEBUG is true.',
    looks: [
      { in: 'element', selector: '#djDebug, #djDebugToolbar' },
      { in: 'request', pattern: /\/debug_toolbar\/(?:js|css)\// }
    ],
    controls: {
      caught: {
        source: "the toolbar's element",
        sample: { body: '<div id="djDebug" class="djdt-hidden" dir="ltr"></div>' }
      },
      passed: [{ body: '<div id="toolbar" class="djd">Menu</div>' }]
    }
  },
  {
    id: 'django-debug-page',
    family: 'Django',
    severity: 'high',
    means: "Django's debug page: settings, sources, every address there is.",
    fix: 'Set DEBUG=False.',
    looks: [
      {
        in: 'text',
        of: ['html'],
        pattern:
          /You(?:’|'|&#x27;|&#39;)re seeing this error because you have <code>DEBUG = True<\/code>|<th>Django Version:?<\/th>|because <code>DEBUG<\/code> is set to <code>True|DEBUG=True<\/a> is in your settings file/
      }
    ],
    controls: {
      byHand: 'Django 5.2',
      caught: {
        source: "Django's 404 in debugging, shortened",
        sample: {
          status: 404,
          body: '<title>Page not found at /x</title><p>\n      You’re seeing this error because you have <code>DEBUG = True</code> in\n      your Django settings file.</p>'
        }
      },
      passed: [
        {
          status: 404,
          body: '<!doctype html><html lang="en"><head><title>Not Found</title></head><body><h1>Not Found</h1><p>The requested resource was not found on this server.</p></body></html>'
        }
      ]
    }
  },
  {
    id: 'werkzeug-debugger',
    family: 'Werkzeug',
    severity: 'high',
    means: "Werkzeug's interactive debugger: whoever knows its PIN runs code on the server.",
    fix: 'Run Flask by a production server (gunicorn, uwsgi) without debug=True.',
    looks: [
      {
        in: 'text',
        of: ['html'],
        pattern: /__debugger__=yes|<title>[^<]*\/\/ Werkzeug Debugger<\/title>|\bEVALEX = (?:true|false)/
      },
      { in: 'probe', paths: ['/console'], pattern: /Werkzeug|CONSOLE_MODE = true/ }
    ],
    controls: {
      byHand: 'Flask 3.1 with Werkzeug 3.1',
      caught: {
        source: "Werkzeug's page, shortened",
        sample: {
          status: 500,
          body: '<title>ZeroDivisionError: division by zero\n // Werkzeug Debugger</title><script>var CONSOLE_MODE = false, EVALEX = true;</script>'
        }
      },
      passed: [
        {
          status: 500,
          body: '<!doctype html><html lang=en><title>500 Internal Server Error</title><h1>Internal Server Error</h1>'
        }
      ]
    }
  },
  {
    id: 'rails-error-page',
    family: 'Rails',
    severity: 'high',
    means: "Rails' development error page or web console.",
    fix: 'Set RAILS_ENV=production (config.consider_all_requests_local = false); web-console belongs to the development group.',
    looks: [
      {
        in: 'text',
        of: ['html'],
        pattern:
          /<title>Action Controller: Exception caught<\/title>|<code>Rails\.root: [^<]+<\/code>|id="Application-Trace/
      },
      { in: 'element', selector: '#console[data-session-id][data-mount-point]' }
    ],
    controls: {
      caught: {
        source: "Rails' template, shortened",
        sample: {
          status: 500,
          body: '<title>Action Controller: Exception caught</title><p><code>Rails.root: /srv/app</code></p>'
        }
      },
      passed: [
        {
          status: 500,
          body: '<title>We\'re sorry, but something went wrong (500)</title><div class="rails-default-error-page"><p>If you are the application owner check the logs for more information.</p></div>'
        }
      ]
    }
  },
  {
    id: 'rails-info',
    family: 'Rails',
    severity: 'high',
    means: "Rails' development pages answer: routes, versions, mails.",
    fix: 'Set RAILS_ENV=production.',
    looks: [
      {
        in: 'probe',
        paths: ['/rails/info/routes', '/rails/info/properties', '/rails/mailers'],
        pattern: /<title>(?:Routes|About your application|Action Mailer Previews)|Rails version/
      }
    ],
    controls: {
      caught: {
        source: "Rails' page of routes, shortened",
        sample: {
          path: '/rails/info/routes',
          body: '<title>Routes</title><h2>Routes</h2><table id="route_table"></table>'
        }
      },
      passed: [{ path: '/rails/info/routes', body: '<title>Railway routes</title>' }]
    }
  },
  {
    id: 'aspnet-error-page',
    family: 'ASP.NET',
    severity: 'high',
    means: "ASP.NET's debug error page: stack, source, versions.",
    fix: 'Classic: <customErrors mode="RemoteOnly"/>. Core: ASPNETCORE_ENVIRONMENT=Production, no UseDeveloperExceptionPage.',
    looks: [
      {
        in: 'text',
        of: ['html'],
        pattern:
          /<b>\s*Version Information:\s*<\/b>(?:&nbsp;|\s)*Microsoft \.NET Framework Version|<div id="stackpage" class="page">|<h1>An unhandled exception occurred while processing the request\.<\/h1>/
      }
    ],
    controls: {
      caught: {
        source: "ASP.NET Core's developer page, shortened",
        sample: {
          status: 500,
          body: '<title>Internal Server Error</title><h1>An unhandled exception occurred while processing the request.</h1><div id="stackpage" class="page"></div>'
        }
      },
      passed: [
        {
          status: 500,
          body: "<title>Runtime Error</title><h1>Server Error in '/' Application.</h1><p>An application error occurred on the server. The current custom error settings prevent the details from being viewed.</p>"
        }
      ]
    }
  },
  {
    id: 'aspnet-trace',
    family: 'ASP.NET',
    severity: 'high',
    means: 'trace.axd or elmah.axd answer: requests with their cookies and errors.',
    fix: 'Set <trace enabled="false"/>, and guard ELMAH by an authorization rule.',
    looks: [
      {
        in: 'probe',
        paths: ['/trace.axd', '/elmah.axd'],
        pattern: /<title>Application Trace|<h1>Application Trace<\/h1>|<title>Error log for /i
      }
    ],
    controls: {
      caught: {
        source: "ELMAH's page, shortened",
        sample: { path: '/elmah.axd', body: '<title>Error log for App on HOST (Page #1)</title>' }
      },
      passed: [{ path: '/elmah.axd', status: 404, body: '<h1>Not found</h1>' }]
    }
  },
  {
    id: 'spring-error-page',
    family: 'Spring',
    severity: 'medium',
    means: "Spring Boot's default error page or answer, perhaps with its stack trace.",
    fix: 'Set server.error.whitelabel.enabled=false and server.error.include-stacktrace=never, and give an error page.',
    looks: [
      { in: 'text', of: ['html'], pattern: /<h1>Whitelabel Error Page<\/h1>/ },
      { in: 'text', of: ['data'], pattern: /\{"timestamp":[^{}]*"status":\d{3}[^{}]*"trace":"/ }
    ],
    controls: {
      caught: {
        source: "Spring Boot's page",
        sample: {
          status: 404,
          body: '<html><body><h1>Whitelabel Error Page</h1><p>This application has no explicit mapping for /error, so you are seeing this as a fallback.</p></body></html>'
        }
      },
      passed: [
        {
          status: 404,
          type: 'application/json',
          body: '{"timestamp":"2026-11-27T00:00:00Z","status":404,"error":"Not Found","path":"/x"}'
        }
      ]
    }
  },
  {
    id: 'spring-actuator',
    family: 'Spring',
    severity: 'high',
    means: "Spring Boot's actuator tells its environment, beans or memory.",
    fix: 'Expose health only (management.endpoints.web.exposure.include=health), and guard the rest.',
    looks: [
      {
        in: 'probe',
        paths: ['/actuator/env', '/actuator/beans', '/actuator/configprops', '/actuator'],
        pattern: /"propertySources"|"contexts"\s*:|"_links"\s*:\s*\{[^}]*"self"[\s\S]*"env"/,
        type: /json/
      }
    ],
    controls: {
      caught: {
        source: "the actuator's answer, shortened",
        sample: {
          path: '/actuator/env',
          type: 'application/vnd.spring-boot.actuator.v3+json',
          body: '{"activeProfiles":[],"propertySources":[{"name":"systemProperties"}]}'
        }
      },
      passed: [{ path: '/actuator/env', type: 'application/json', status: 401, body: '{"error":"propertySources"}' }]
    }
  }
];
