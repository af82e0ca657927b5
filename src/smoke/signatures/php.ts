/** Debug bars, profilers and error pages of PHP: Laravel, Symfony, Whoops, Tracy. */
import type { Signature } from '../signature.ts';

export const php: readonly Signature[] = [
  {
    id: 'laravel-debugbar',
    family: 'Laravel',
    severity: 'high',
    means: "Laravel's debug bar is on: queries, sessions and paths of every request.",
    fix: 'Set APP_DEBUG=false and install barryvdh/laravel-debugbar with --dev only.',
    looks: [
      { in: 'element', selector: '.phpdebugbar, #phpdebugbar' },
      { in: 'request', pattern: /\/_debugbar\/assets\// },
      { in: 'header', name: 'phpdebugbar-id', pattern: /./ },
      {
        in: 'probe',
        paths: ['/_debugbar/open', '/_debugbar/assets/javascript'],
        pattern: /PhpDebugBar|"__meta"|"utime"/
      }
    ],
    controls: {
      caught: {
        source: "the bar's element",
        sample: { body: '<div class="phpdebugbar phpdebugbar-minimized" data-openhandler-url="/_debugbar/open"></div>' }
      },
      passed: [{ body: '<p class="debugbar">The php debugbar is called phpdebugbar</p>' }]
    }
  },
  {
    id: 'laravel-ignition',
    family: 'Laravel',
    severity: 'high',
    means: "Laravel's debug error page answers (Ignition, or the built-in one): source, environment, requests.",
    fix: 'Set APP_DEBUG=false; never install spatie/laravel-ignition without --dev.',
    looks: [
      {
        in: 'text',
        of: ['html'],
        pattern:
          /window\.ignite\s*\(|window\.data\s*=\s*\{"report"|<!--\s*[^<]*vendor\/laravel\/framework|x-laravel-exceptions-renderer|laravel-exceptions-renderer/
      },
      { in: 'probe', paths: ['/_ignition/health-check'], pattern: /"can_execute_commands"/ }
    ],
    controls: {
      caught: {
        source: "Ignition's health check",
        sample: { path: '/_ignition/health-check', type: 'application/json', body: '{"can_execute_commands":true}' }
      },
      passed: [
        { path: '/_ignition/health-check', status: 404, type: 'application/json', body: '{"message":"Not Found"}' },
        {
          status: 404,
          body: '<title>Not Found</title><div class="text-lg text-gray-500">404</div><div>Not Found</div>'
        }
      ]
    }
  },
  {
    id: 'laravel-telescope',
    family: 'Laravel',
    severity: 'high',
    means: 'Laravel Telescope answers without signing in: every request, query, job and mail.',
    fix: 'Guard it by its gate, or set TELESCOPE_ENABLED=false.',
    looks: [
      {
        in: 'probe',
        paths: ['/telescope', '/telescope/requests'],
        pattern: /window\.Telescope\s*=|\/vendor\/telescope\/app\.js/
      }
    ],
    controls: {
      caught: {
        source: "Telescope's page, shortened",
        sample: {
          path: '/telescope',
          body: '<title>Telescope</title><div id="telescope"></div><script>window.Telescope = {"path":"telescope"};</script>'
        }
      },
      passed: [{ path: '/telescope', body: '<title>Telescopes</title><p>Buy a telescope</p>' }]
    }
  },
  {
    id: 'clockwork',
    family: 'Laravel',
    severity: 'high',
    means: 'Clockwork answers: queries, sessions and logs of every request.',
    fix: 'Set CLOCKWORK_ENABLE=false, and install itsgoingd/clockwork with --dev only.',
    looks: [
      { in: 'header', name: 'x-clockwork-id', pattern: /./ },
      {
        in: 'probe',
        paths: ['/__clockwork/latest'],
        pattern: /"(?:controller|databaseQueries|responseDuration)"/,
        type: /json/
      }
    ],
    controls: {
      caught: {
        source: "Clockwork's header",
        sample: { headers: { 'x-clockwork-id': '1732700000-1234-5678' }, body: '<p>App</p>' }
      },
      passed: [{ headers: { 'x-request-id': 'clockwork-1' }, body: '<p>App</p>' }]
    }
  },
  {
    id: 'symfony-profiler',
    family: 'Symfony',
    severity: 'high',
    means: "Symfony's profiler is on: its toolbar, its header, or /_profiler answers.",
    fix: 'Set APP_ENV=prod and APP_DEBUG=0; enable WebProfilerBundle for dev only.',
    looks: [
      { in: 'element', selector: '.sf-toolbar, [id^="sfwdt"]' },
      { in: 'header', name: 'x-debug-token', pattern: /./ },
      { in: 'header', name: 'x-debug-token-link', pattern: /./ },
      {
        in: 'probe',
        paths: ['/_profiler/', '/_profiler/latest', '/app_dev.php/_profiler/'],
        pattern: /<title>Symfony Profiler<\/title>|class="sf-profiler|_profiler\/(?:search|phpinfo)/
      }
    ],
    controls: {
      caught: {
        source: "the toolbar's element",
        sample: {
          headers: { 'x-debug-token': 'a1b2c3' },
          body: '<div id="sfwdta1b2c3" class="sf-toolbar sf-display-none"></div>'
        }
      },
      passed: [{ body: '<div class="sf-menu toolbar">Menu</div>' }]
    }
  },
  {
    id: 'symfony-exception',
    family: 'Symfony',
    severity: 'high',
    means: "Symfony's debug exception page: source, paths, requests.",
    fix: 'Set APP_ENV=prod and APP_DEBUG=0.',
    looks: [
      {
        in: 'text',
        of: ['html'],
        pattern:
          /class="exception-(?:summary|message-wrapper|illustration|hierarchy)\b|<!--[^>]*\(\d{3} [A-Z][\w ]+\)\s*-->\s*<!DOCTYPE html>[\s\S]{0,2000}Symfony Exception/
      }
    ],
    controls: {
      caught: {
        source: "Symfony's template, shortened",
        sample: {
          status: 500,
          body: '<title>Oops (500 Internal Server Error)</title><div class="exception-summary"><h1 class="exception-message">Oops</h1></div>'
        }
      },
      passed: [
        {
          status: 500,
          body: '<title>An Error Occurred: Internal Server Error</title><h1>Oops! An Error Occurred</h1><h2>The server returned a "500 Internal Server Error".</h2>'
        }
      ]
    }
  },
  {
    id: 'whoops',
    family: 'Whoops',
    severity: 'high',
    means: 'The PHP error handler Whoops shows source, environment and requests.',
    fix: 'Register Whoops in development only.',
    looks: [
      {
        in: 'text',
        of: ['html'],
        pattern:
          /<title>Whoops! There was an error\.<\/title>|<div class="Whoops container">|class="panel (?:left-panel|details-container)[^"]*cf/
      }
    ],
    controls: {
      caught: {
        source: "Whoops' template, shortened",
        sample: { status: 500, body: '<title>Whoops! There was an error.</title><div class="Whoops container"></div>' }
      },
      passed: [
        {
          status: 500,
          body: '<title>Whoops, something went wrong</title><p>Whoops! There was an error. We were told.</p>'
        }
      ]
    }
  },
  {
    id: 'tracy',
    family: 'Tracy',
    severity: 'high',
    means: "Nette's Tracy shows its bar or its blue screen.",
    fix: 'Call Debugger::enable(Debugger::Production).',
    looks: [
      { in: 'element', selector: '#tracy-debug, #tracy-debug-bar, #tracy-bs, tracy-div' },
      { in: 'request', pattern: /[?&]_tracy_bar=/ }
    ],
    controls: {
      caught: {
        source: "Tracy's element",
        sample: { body: '<tracy-div id="tracy-bs" class="tracy-bs-page"></tracy-div>' }
      },
      passed: [{ status: 500, body: '<title>Server Error</title><div id="tracy-error"><h1>Server Error</h1></div>' }]
    }
  }
];
