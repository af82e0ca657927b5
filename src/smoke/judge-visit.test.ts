import { expect, test } from 'vitest';
import { parseExpectation } from './expectations.ts';
import { openNotebook } from './findings.ts';
import { judgeVisit, type VisitRules } from './judge-visit.ts';
import { toCanary } from './needles.ts';
import type { Visit } from './visit.ts';

const ORIGIN = 'https://app.test';
const RULES: VisitRules = { allowedOrigins: [], expectations: [], maxTtfbMs: null, maxLoadMs: null };

function makeVisit(more: Partial<Visit> = {}, html = '<!doctype html><p>App</p>'): Visit {
  const url = `${ORIGIN}${more.path ?? '/'}`;
  return {
    path: '/',
    from: null,
    url,
    status: 200,
    answers: [{ url, status: 200, headers: { 'content-type': 'text/html' }, text: html }],
    requests: [{ url, isDocument: true, status: 200, failure: null }],
    console: [],
    errors: [],
    sockets: [],
    seen: null,
    links: [],
    ttfbMs: 20,
    loadMs: 100,
    screenshot: null,
    selectors: {},
    ...more
  };
}
function judge(visit: Visit, rules: Partial<VisitRules> = {}): string[] {
  const notebook = openNotebook();
  const canary = toCanary('SECRET', 'value-of-the-canary');
  judgeVisit({ origin: ORIGIN, notebook, needles: [canary], judged: new Set() }, visit, { ...RULES, ...rules });
  return notebook.findings.map(({ signature, at, evidence }) => `${signature} ${at}: ${evidence}`);
}
const asset = (url: string, status: number | null = 200, failure: string | null = null): Visit['requests'][number] => ({
  url,
  isDocument: false,
  status,
  failure
});

test('a plain page is clean', () => {
  expect(judge(makeVisit())).toEqual([]);
});

test('a page of https that takes something by http mixes content, and a link is no request', () => {
  const image = '<img src="http://images.example.test/a.png" alt="">';
  expect(judge(makeVisit({}, image))).toEqual([`mixed-content /: <img src="http://images.example.test/a.png`]);
  expect(judge(makeVisit({}, '<a href="http://images.example.test/">A link is no request</a>'))).toEqual([]);
  const said = "Mixed Content: The page at 'https://app.test/' was loaded over HTTPS, but requested an insecure image";
  expect(judge(makeVisit({ console: [{ level: 'warning', text: said, url: '' }] }))).toEqual([
    `mixed-content /: ${said}`
  ]);
});

test('what does not load is one finding, though the browser says it twice', () => {
  const said = 'Failed to load resource: the server responded with a status of 404 ()';
  expect(
    judge(makeVisit({ requests: [asset(`${ORIGIN}/a.png`, 404)], console: [{ level: 'error', text: said, url: '' }] }))
  ).toEqual(['failed-request /a.png: answers 404']);
});

test('another origin is told unless it is allowed', () => {
  const visit = makeVisit({ requests: [asset('https://cdn.example.test/a.js')] });
  expect(judge(visit)).toEqual(['third-party-origin https://cdn.example.test: https://cdn.example.test/a.js']);
  expect(judge(visit, { allowedOrigins: ['https://cdn.example.test'] })).toEqual([]);
});

test('what an allowed origin does not deliver has failed, too', () => {
  const visit = makeVisit({ requests: [asset('https://cdn.example.test/a.js', null, 'net::ERR_FAILED')] });
  expect(judge(visit, { allowedOrigins: ['https://cdn.example.test'] })).toEqual([
    'failed-request https://cdn.example.test/a.js: net::ERR_FAILED'
  ]);
});

test('an error page is as it is unless a link led to it, or it is the server that failed', () => {
  expect(judge(makeVisit({ status: 404 }))).toEqual([]);
  expect(judge(makeVisit({ status: 404, from: '/start' }))).toEqual(['broken-link /: answers 404']);
  expect(judge(makeVisit({ status: 403, from: '/start' }))).toEqual([]);
  expect(judge(makeVisit({ status: 500 }))).toEqual(['server-error /: answers 500']);
  expect(judge(makeVisit({ status: 500 }), { expectations: [parseExpectation('/ status=500')] })).toEqual([]);
});

test('expectations and budgets that are not met are findings', () => {
  const expectations = ['/ status=201', '/ text=Cart', 'text=App', '/other text=Nothing'].map(parseExpectation);
  expect(judge(makeVisit(), { expectations, maxTtfbMs: 10, maxLoadMs: 100 })).toEqual([
    'expectation /: status 200 instead of 201',
    'expectation /: the text "Cart" is not there',
    'budget /: 20 ms, and 10 ms are allowed'
  ]);
});

test('a canary is found in text, header, console and error, and never repeated', () => {
  const value = 'value-of-the-canary';
  const places: Partial<Visit>[] = [
    {
      answers: [
        { url: `${ORIGIN}/a.js`, status: 200, headers: { 'content-type': 'text/javascript' }, text: `"${value}"` }
      ]
    },
    { answers: [{ url: `${ORIGIN}/`, status: 200, headers: { 'x-debug': value }, text: '' }] },
    { console: [{ level: 'log', text: btoa(`${value}!`), url: '' }] }
  ];
  for (const place of places) {
    const found = judge(makeVisit(place));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^canary .*: value of SECRET$/);
  }
});
