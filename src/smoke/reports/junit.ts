/** `junit.xml`: a case for each signature and one for each page, as CI systems show them. Pure. */
import { signatureOf, SIGNATURES } from '../signatures/all.ts';
import { failing, type Report } from '../report.ts';

export function toJunit(report: Report): string {
  const failed = failing(report);
  const cases = SIGNATURES.map(({ id, family, means, fix }) => {
    const found = failed.filter(({ signature }) => signature === id);
    const attributes = `classname="smoke.${escape(family)}" name="${escape(`${id}: ${means}`)}"`;
    if (found.length === 0) return `    <testcase ${attributes}/>`;
    const text = found.map(({ at, where, evidence }) => `${at} (${where}): ${evidence}`).join('\n');
    return `    <testcase ${attributes}>\n      <failure type="${signatureOf(id).severity}" message="${escape(`${found.length} times, first at ${found[0]!.at}. ${fix}`)}">${escape(text)}</failure>\n    </testcase>`;
  });
  const pages = report.pages.map(({ path, status, loadMs, ttfbMs }) => {
    const attributes = `classname="smoke.pages" name="${escape(path)}" time="${((loadMs ?? ttfbMs ?? 0) / 1000).toFixed(3)}"`;
    return status === 0
      ? `    <testcase ${attributes}>\n      <failure message="The page could not be visited."/>\n    </testcase>`
      : `    <testcase ${attributes}/>`;
  });
  const all = [...cases, ...pages];
  const failures = all.filter((one) => one.includes('<failure')).length;
  const unfinished =
    report.code === 2
      ? [
          `    <testcase classname="smoke.run" name="finished">\n      <error message="${escape(report.notes.at(-1) ?? 'not finished')}"/>\n    </testcase>`
        ]
      : [];
  const counts = `tests="${all.length + unfinished.length}" failures="${failures}" errors="${unfinished.length}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="watchfloor-smoke" ${counts}>\n  <testsuite name="${escape(report.baseUrl)}" ${counts} timestamp="${report.startedAt}" time="${report.seconds.toFixed(3)}">\n${[...all, ...unfinished].join('\n')}\n  </testsuite>\n</testsuites>\n`;
}

function escape(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;');
}
