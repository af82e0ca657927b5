/** `verification.md`: what a person reads first. Pure. Invariant: nothing that a server said can break the page or its tables. */
import { signatureOf } from '../signatures/all.ts';
import { countBySeverity, failing, severityOf, type Report } from '../report.ts';

export function toVerification(report: Report): string {
  const { high, medium, low } = countBySeverity(report.findings);
  const verdict =
    report.code === 2
      ? `**Not finished.** ${report.findings.length} findings so far.`
      : report.code === 0
        ? `**Clean.** ${report.findings.length === 0 ? 'Nothing was found.' : `${report.findings.length} findings are below --fail-on ${report.failOn}.`}`
        : `**${failing(report).length} findings**: ${high} high, ${medium} medium, ${low} low.`;
  const lines = [
    '# Smoke of what development and debugging leave behind',
    '',
    `${verdict}`,
    '',
    `${code(report.baseUrl)}, ${report.startedAt}, ${report.seconds.toFixed(1)} s: ${report.pages.length} pages ${report.browser ? `in ${report.browser}` : 'without a browser'}, ${report.asked} plain requests, ${report.signatures} signatures.`,
    ''
  ];
  for (const note of report.notes) lines.push(`- ${escape(note)}`);
  if (report.notes.length > 0) lines.push('');
  if (report.findings.length > 0) {
    lines.push('## Findings', '');
    let last = '';
    for (const finding of report.findings) {
      const { id, means, fix, family } = signatureOf(finding.signature);
      if (id !== last) {
        const more = report.left[id];
        lines.push(
          ...(last ? [''] : []),
          `### ${severityOf(finding)}: ${id} (${family})`,
          '',
          `${prose(`${means} ${fix}`)}${more ? ` (${more} more addresses are not listed.)` : ''}`,
          ''
        );
        last = id;
      }
      const times = finding.times > 1 ? `, ${finding.times} times` : '';
      lines.push(`- ${code(finding.at)}, ${escape(finding.where)}${times}: ${code(finding.evidence)}`);
    }
    lines.push('');
  }
  if (report.accepted.length > 0) {
    lines.push('## Accepted', '', '| finding | at | until | reason |', '| --- | --- | --- | --- |');
    for (const { finding, entry } of report.accepted)
      lines.push(`| ${finding.signature} | ${code(finding.at)} | ${entry.until} | ${escape(entry.reason)} |`);
    lines.push('');
  }
  for (const entry of report.over)
    lines.push(`- Accepted until ${entry.until}, which is over: ${entry.signature} at ${code(entry.at)}`);
  for (const entry of report.unused)
    lines.push(`- In the baseline, and not found any more: ${entry.signature} at ${code(entry.at)}`);
  if (report.over.length + report.unused.length > 0) lines.push('');
  lines.push('## Pages', '', '| page | status | first byte | load | picture |', '| --- | ---: | ---: | ---: | --- |');
  for (const { path, status, ttfbMs, loadMs, screenshot, isSignedIn } of report.pages)
    lines.push(
      `| ${code(path)}${isSignedIn ? ', signed in' : ''} | ${status || 'none'} | ${ms(ttfbMs)} | ${ms(loadMs)} | ${screenshot ? `[${screenshot}](${screenshot})` : ''} |`
    );
  return `${lines.join('\n')}\n`;
}

const ms = (value: number | null): string => (value === null ? '' : `${value} ms`);
const escape = (text: string): string => text.replace(/[\\`*_{}[\]<>|#]/g, (sign) => `\\${sign}`);
/** Words of our own, in which names of elements stand; what is between backticks is code already. */
const prose = (text: string): string =>
  text
    .split('`')
    .map((part, index) => (index % 2 === 1 ? part : part.replace(/[<>]/g, (sign) => `\\${sign}`)))
    .join('`');
/** As code, whatever signs are in it; a bar would end the cell of a table. */
function code(text: string): string {
  const plain = text.replaceAll('|', '¦').replaceAll('\n', ' ');
  const fence = '`'.repeat(1 + Math.max(0, ...[...plain.matchAll(/`+/g)].map(([run]) => run.length)));
  const room = plain.startsWith('`') || plain.endsWith('`') ? ' ' : '';
  return plain === '' ? '' : fence + room + plain + room + fence;
}
