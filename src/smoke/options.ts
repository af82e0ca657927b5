/**
 * The command line: what can be chosen, its bounds, and the words of --help. Parsed once, here. Invariant: what is wrong
 * is a sentence and exit code 2, before anything is asked for.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { parseExpectation } from './expectations.ts';
import { SEVERITIES } from './signature.ts';

export const HELP = `watchfloor-smoke --base-url URL: finds what development and debugging leave in a deployed web application.

What is looked at
  --base-url URL          where it is (or simply URL); everything else of another origin is left alone
  --path /PATH            a page, as often as there are pages (default: the path of the URL)
  --depth N               how far links are followed (1); --max-pages N (40); --per-form N pages that differ in ids only (2)
  --login RECIPE          watchfloor, watchfloor-session, or a JSON file {path, fill, press, until}
  --storage-state FILE    cookies and storage of a signed-in browser, in Playwright's form
  --no-browser            plain requests only
  --browser PATH          a Chromium; else WATCHFLOOR_CHROMIUM, Playwright's, the system's, @sparticuz/chromium

What is found
  --expect "[/PATH] status=200"   or text=…, selector=…; as often as you like
  --max-ttfb MS, --max-load MS    budgets of each page
  --canary-env NAME       the value of this variable must be nowhere in what is served; as often as you like
  --build-dir PATH        neither must this directory (in CI: GITHUB_WORKSPACE, CI_PROJECT_DIR)
  --allow-origin URL      an origin that pages may ask; as often as you like
  --baseline FILE         accepted findings, each until a day; --write-baseline FILE accepts what is found for 30 days
  --fail-on SEVERITY      high, medium or low (low): findings below it are reported and do not fail

What comes out
  --out DIR               verification.md, smoke.json, junit.xml, smoke.sarif, screenshots (artifacts)
  --github                annotations for GitHub (on by itself in GitHub Actions)
  --quiet                 no progress
  --insecure              accept certificates that nobody signed

Bounds: --max-requests N (500), --timeout SECONDS for a page or request (30), --max-seconds N for everything (300).
Exit codes: 0 clean, 1 findings, 2 could not run (or not to its end).
`;

const many = z.array(z.string()).default([]);
const count = (fallback: number, least = 1) => z.coerce.number().int().min(least).default(fallback);
const milliseconds = z.coerce.number().positive().nullable().default(null);

const schema = z.strictObject({
  'base-url': z.url({ protocol: /^https?$/ }),
  path: z.array(z.string().startsWith('/')).default([]),
  depth: count(1, 0),
  'max-pages': count(40),
  'per-form': count(2),
  login: z.string().nullable().default(null),
  'storage-state': z.string().nullable().default(null),
  'no-browser': z.boolean().default(false),
  browser: z.string().nullable().default(null),
  expect: many,
  'max-ttfb': milliseconds,
  'max-load': milliseconds,
  'canary-env': many,
  'build-dir': many,
  'allow-origin': z.array(z.url().transform((url) => new URL(url).origin)).default([]),
  baseline: z.string().nullable().default(null),
  'write-baseline': z.string().nullable().default(null),
  'fail-on': z.enum(SEVERITIES).default('low'),
  out: z.string().default('artifacts'),
  github: z.boolean().default(false),
  quiet: z.boolean().default(false),
  insecure: z.boolean().default(false),
  'max-requests': count(500),
  timeout: count(30),
  'max-seconds': count(300)
});

export interface Options extends Omit<z.infer<typeof schema>, 'expect'> {
  expect: ReturnType<typeof parseExpectation>[];
}

/** Throws a sentence. `null`: help was asked for. */
export function parseOptions(args: readonly string[]): Options | null {
  const text = { type: 'string' } as const;
  const texts = { type: 'string', multiple: true } as const;
  const flag = { type: 'boolean' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'base-url': text,
      path: texts,
      depth: text,
      'max-pages': text,
      'per-form': text,
      login: text,
      'storage-state': text,
      'no-browser': flag,
      browser: text,
      expect: texts,
      'max-ttfb': text,
      'max-load': text,
      'canary-env': texts,
      'build-dir': texts,
      'allow-origin': texts,
      baseline: text,
      'write-baseline': text,
      'fail-on': text,
      out: text,
      github: flag,
      quiet: flag,
      insecure: flag,
      'max-requests': text,
      timeout: text,
      'max-seconds': text,
      help: { type: 'boolean', short: 'h' }
    }
  });
  const { help, ...given } = values;
  if (help) return null;
  const [url, ...more] = positionals;
  if (more.length > 0 || (url && given['base-url'])) throw new Error(`"${more[0] ?? url}" is one address too many.`);
  const { success, data, error } = schema.safeParse({ ...given, ...(url && { 'base-url': url }) });
  if (!success) {
    const [issue] = error.issues;
    const name = String(issue!.path[0] ?? 'option');
    throw new Error(
      name === 'base-url' && !url && !given['base-url'] ? 'Say where: --base-url URL.' : `--${name}: ${issue!.message}.`
    );
  }
  if (data['no-browser'] && data.login) throw new Error('--login needs a browser.');
  return { ...data, expect: data.expect.map(parseExpectation) };
}
