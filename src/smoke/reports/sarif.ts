/** `smoke.sarif`: SARIF 2.1.0, for code scanning. Pure. A result's place is an address, not a file: there is none. */
import { createHash } from 'node:crypto';
import { signatureOf, SIGNATURES } from '../signatures/all.ts';
import type { Severity } from '../signature.ts';
import { severityOf, type Report } from '../report.ts';

const LEVEL: Record<Severity, string> = { high: 'error', medium: 'warning', low: 'note' };
/** GitHub sorts by this number. */
const SECURITY: Record<Severity, string> = { high: '8.0', medium: '5.0', low: '2.0' };

export function toSarif(report: Report): string {
  const result = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'watchfloor-smoke',
            rules: SIGNATURES.map(({ id, family, means, fix, severity }) => ({
              id,
              shortDescription: { text: means },
              help: { text: fix },
              defaultConfiguration: { level: LEVEL[severity] },
              properties: { tags: ['security', family], 'security-severity': SECURITY[severity] }
            }))
          }
        },
        invocations: [{ executionSuccessful: report.code !== 2, startTimeUtc: report.startedAt }],
        results: report.findings.map((finding) => ({
          ruleId: finding.signature,
          ruleIndex: SIGNATURES.indexOf(signatureOf(finding.signature)),
          level: LEVEL[severityOf(finding)],
          message: { text: `${signatureOf(finding.signature).means} ${finding.where}: ${finding.evidence}` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: new URL(finding.at, report.baseUrl).href },
                region: { startLine: 1 }
              }
            }
          ],
          partialFingerprints: {
            signatureAndPlace: createHash('sha256').update(`${finding.signature} ${finding.at}`).digest('hex')
          }
        }))
      }
    ]
  };
  return `${JSON.stringify(result, null, 2)}\n`;
}
