/** What a run came to: the form that every report is made from. Pure. Invariant: it holds no secret and no clock. */
import type { BaselineEntry, Judged } from './baseline.ts';
import type { Finding } from './findings.ts';
import { signatureOf } from './signatures/all.ts';
import { SEVERITIES, type Severity } from './signature.ts';

export interface Report {
  baseUrl: string;
  /** ISO 8601 */
  startedAt: string;
  seconds: number;
  /** 0 clean, 1 findings, 2 not to its end */
  code: 0 | 1 | 2;
  browser: string | null;
  pages: {
    path: string;
    status: number;
    ttfbMs: number | null;
    loadMs: number | null;
    screenshot: string | null;
    isSignedIn: boolean;
  }[];
  /** what fails the run comes first, the rest after it; worst first */
  findings: Finding[];
  accepted: Judged['accepted'];
  over: BaselineEntry[];
  unused: BaselineEntry[];
  /** findings that were not kept, by signature */
  left: Record<string, number>;
  failOn: Severity;
  /** plain requests of ours */
  asked: number;
  signatures: number;
  /** what was not looked at, and why */
  notes: string[];
}

const rank = (severity: Severity): number => SEVERITIES.indexOf(severity);
export const severityOf = (finding: Finding): Severity => signatureOf(finding.signature).severity;

export function worstFirst(findings: readonly Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) =>
      rank(severityOf(a)) - rank(severityOf(b)) || a.signature.localeCompare(b.signature) || a.at.localeCompare(b.at)
  );
}

export const failing = ({ findings, failOn }: Pick<Report, 'findings' | 'failOn'>): Finding[] =>
  findings.filter((finding) => rank(severityOf(finding)) <= rank(failOn));

export function countBySeverity(findings: readonly Finding[]): Record<Severity, number> {
  const counts = { high: 0, medium: 0, low: 0 };
  for (const finding of findings) counts[severityOf(finding)]++;
  return counts;
}
