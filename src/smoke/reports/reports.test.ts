import { expect, test } from 'vitest';
import { openNotebook } from '../findings.ts';
import { worstFirst, type Report } from '../report.ts';
import { SIGNATURES } from '../signatures/all.ts';
import { toAnnotations } from './github.ts';
import { toJunit } from './junit.ts';
import { toSarif } from './sarif.ts';
import { toVerification } from './verification.ts';

function makeReport(more: Partial<Report> = {}): Report {
  const notebook = openNotebook([{ value: 'hunter2hunter2', name: 'value of SECRET' }]);
  const evil = 'a | b `c` <script> ]]> & "d"\u0007\n::error::e hunter2hunter2';
  notebook.add({ signature: 'version-header', at: '/', page: '/', where: 'header server', evidence: 'nginx/1.2' });
  notebook.add({ signature: 'console-error', at: '/a|b?c=<x>', page: '/', where: 'console', evidence: evil });
  notebook.add({ signature: 'vite-client-answers', at: '/@vite/client', page: null, where: 'probe', evidence: '200' });
  return {
    baseUrl: 'https://app.test/',
    startedAt: '2026-11-27T00:00:00.000Z',
    seconds: 1.5,
    code: 1,
    browser: 'Chromium 1',
    pages: [{ path: '/', status: 200, ttfbMs: 3, loadMs: 5, screenshot: 'screenshots/01.png', isSignedIn: false }],
    findings: worstFirst(notebook.findings),
    accepted: [],
    over: [],
    unused: [],
    left: {},
    failOn: 'low',
    asked: 3,
    signatures: SIGNATURES.length,
    notes: [],
    ...more
  };
}

test('the worst comes first, secrets are replaced, and control characters are gone', () => {
  const { findings } = makeReport();
  expect(findings.map(({ signature }) => signature)).toEqual([
    'vite-client-answers',
    'console-error',
    'version-header'
  ]);
  expect(findings[1]!.evidence).toBe('a | b `c` <script> ]]> & "d" ::error::e [value of SECRET]');
});

test('JUnit has a case for each signature and page, and a failure for each that was found', () => {
  const xml = toJunit(makeReport());
  expect(xml.match(/<testcase /g)).toHaveLength(SIGNATURES.length + 1);
  expect(xml.match(/<failure /g)).toHaveLength(3);
  expect(xml).toContain(`tests="${SIGNATURES.length + 1}" failures="3" errors="0"`);
  // Well-formed: what is not a tag has no sign of one left.
  expect(xml.replace(/<\/?[a-z]+(?: [a-z]+="[^"<]*")*\/?>|<\?xml [^>]*\?>/g, '')).not.toMatch(/[<>]/);
  expect(xml.replace(/&(?:amp|lt|gt|quot|#10);/g, '')).not.toContain('&');
});

test('JUnit leaves out what does not fail the run, and says when it did not end', () => {
  expect(toJunit(makeReport({ failOn: 'high' })).match(/<failure /g)).toHaveLength(1);
  expect(toJunit(makeReport({ code: 2, notes: ['broken off'] }))).toContain('<error message="broken off"/>');
});

test('SARIF names a rule and a place for each finding', () => {
  const { version, runs } = JSON.parse(toSarif(makeReport()));
  expect(version).toBe('2.1.0');
  const { rules } = runs[0].tool.driver;
  for (const result of runs[0].results) {
    expect(rules[result.ruleIndex].id).toBe(result.ruleId);
    expect(new URL(result.locations[0].physicalLocation.artifactLocation.uri).origin).toBe('https://app.test');
  }
  expect(runs[0].results.map(({ level }: { level: string }) => level)).toEqual(['error', 'warning', 'note']);
});

test('annotations are one line each, whatever a page wrote', () => {
  const lines = toAnnotations(makeReport()).trimEnd().split('\n');
  expect(lines).toHaveLength(3);
  expect(lines.map((line) => /^::(error|warning|notice) title=smoke%3A [a-z-]+::/.exec(line)?.[1])).toEqual([
    'error',
    'warning',
    'notice'
  ]);
});

test('the page for people keeps its form, whatever a page wrote', () => {
  const page = toVerification(makeReport());
  expect(page).toContain('**3 findings**: 1 high, 1 medium, 1 low.');
  expect(page).toContain('console: ``a ¦ b `c` <script> ]]> & "d" ::error::e [value of SECRET]``');
  expect(page).toContain('| `/` | 200 | 3 ms | 5 ms | [screenshots/01.png](screenshots/01.png) |');
  expect(toVerification(makeReport({ findings: [], code: 0 }))).toContain('**Clean.** Nothing was found.');
  expect(toVerification(makeReport({ code: 2 }))).toContain('**Not finished.**');
});
