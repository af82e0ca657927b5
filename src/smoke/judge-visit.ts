/**
 * Judges a visited page: its answers, requests, console, sockets, elements, and what was expected of it. Pure.
 * Invariant: what a browser says twice (a failed request in its console, too) is one finding.
 */
import { toPlaceName } from './answer.ts';
import { checkExpectations, type Expectation } from './expectations.ts';
import { judgeAnswer, judgeNeedles, judgeRequest, judgeText, looksIn, type Judge } from './judge.ts';
import type { Visit } from './visit.ts';

export interface VisitRules {
  allowedOrigins: readonly string[];
  expectations: readonly Expectation[];
  maxTtfbMs: number | null;
  maxLoadMs: number | null;
}

const CONSOLE = looksIn('console');
const SOCKETS = looksIn('socket');
const PASSIVE_HTTP = /<(?:img|script|iframe|audio|video|source|embed|link)\b[^>]*?\b(?:src|href)=["']http:\/\/[^"']+/i;
/** Errors of pages that were asked for are what they are about; a link must lead somewhere, or to a sign-in. */
const NOT_BROKEN = [401, 403, 429];

export function judgeVisit(judge: Judge, visit: Visit, rules: VisitRules): void {
  const { notebook, origin } = judge;
  const page = visit.path;
  const add = (signature: string, where: string, evidence: string, at = page): void =>
    notebook.add({ signature, at, page, where, evidence });

  for (const answer of visit.answers) judgeAnswer(judge, answer, page);
  if (visit.seen) {
    judgeText(judge, { kind: 'dom', text: visit.seen.html, at: visit.url, status: visit.status, page });
    for (const { id, where, evidence } of visit.seen.hits) add(id, where, evidence);
    for (const { directive, blocked, at } of visit.seen.violations)
      add('policy-violation', 'policy', `${directive} forbids ${blocked || 'it'}${at && ` at ${at}`}`);
  }
  for (const { url, says } of visit.sockets) {
    for (const { id, look } of SOCKETS)
      if (says !== null && look.says.test(says)) add(id, 'socket', `${url.replace(/\?.*/, '')} says ${says}`);
  }
  judgeConsole(judge, visit);
  judgeRequests(judge, visit, rules.allowedOrigins);
  if (page && new URL(visit.url).protocol === 'https:' && new URL(visit.url).origin === origin) {
    const found = visit.answers.map(({ text }) => PASSIVE_HTTP.exec(text)?.[0]).find(Boolean);
    if (found) add('mixed-content', 'HTML', found);
  }
  for (const error of visit.errors) {
    add('uncaught-error', 'scripts', error.split('\n')[0]!);
    judgeNeedles(judge, error, { at: page, page, where: 'scripts' });
  }
  const expected = rules.expectations.filter(({ path }) => path === null || path === page);
  const wantsStatus = expected.some(({ kind }) => kind === 'status');
  if (visit.status >= 500 && !wantsStatus) add('server-error', 'status', `answers ${visit.status}`);
  else if (visit.from !== null && visit.status >= 400 && !NOT_BROKEN.includes(visit.status))
    notebook.add({
      signature: 'broken-link',
      at: page,
      page: visit.from,
      where: `a link of ${visit.from}`,
      evidence: `answers ${visit.status}`
    });
  for (const failure of checkExpectations(expected, visit)) add('expectation', 'expectation', failure);
  const overBudget = (name: string, ms: number | null, limit: number | null): void => {
    if (ms !== null && limit !== null && ms > limit) add('budget', name, `${ms} ms, and ${limit} ms are allowed`);
  };
  overBudget('time to first byte', visit.ttfbMs, rules.maxTtfbMs);
  overBudget('time to load', visit.loadMs, rules.maxLoadMs);
}

function judgeConsole(judge: Judge, { console, path: page }: Visit): void {
  for (const { level, text } of console) {
    for (const { id, look } of CONSOLE) {
      if (look.level && look.level !== level) continue;
      if (look.pattern.test(text) && !look.not?.test(text))
        judge.notebook.add({ signature: id, at: page, page, where: 'console', evidence: text });
    }
    if (/^Mixed Content:/.test(text))
      judge.notebook.add({ signature: 'mixed-content', at: page, page, where: 'console', evidence: text });
    judgeNeedles(judge, text, { at: page, page, where: 'console' });
  }
}

function judgeRequests(judge: Judge, visit: Visit, allowedOrigins: readonly string[]): void {
  const { origin, notebook } = judge;
  const page = visit.path;
  for (const { url, isDocument, status, failure } of visit.requests) {
    judgeRequest(judge, url, page);
    const other = new URL(url).origin;
    const at = toPlaceName(url, origin);
    const isForeign = /^https?:/.test(url) && other !== origin;
    if (isForeign && !allowedOrigins.includes(other))
      notebook.add({ signature: 'third-party-origin', at: other, page, where: 'requests', evidence: url });
    else if (!isDocument && (failure !== null || (status ?? 0) >= 400))
      notebook.add({
        signature: 'failed-request',
        at,
        page,
        where: 'requests',
        evidence: failure ?? `answers ${status}`
      });
  }
}
