/** Annotations for GitHub Actions: lines that its runner reads from the output. Pure. */
import { signatureOf } from '../signatures/all.ts';
import type { Severity } from '../signature.ts';
import { severityOf, type Report } from '../report.ts';

const COMMAND: Record<Severity, string> = { high: 'error', medium: 'warning', low: 'notice' };
/** GitHub shows ten of each kind and step. */
const MOST = 30;

export function toAnnotations({ findings }: Pick<Report, 'findings'>): string {
  return findings
    .slice(0, MOST)
    .map((finding) => {
      const { id, means, fix } = signatureOf(finding.signature);
      const text = `${means} At ${finding.at} (${finding.where}): ${finding.evidence}. ${fix}`;
      return `::${COMMAND[severityOf(finding)]} title=${escapeProperty(`smoke: ${id}`)}::${escapeData(text)}\n`;
    })
    .join('');
}

const escapeData = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const escapeProperty = (text: string): string => escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
