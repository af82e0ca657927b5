/**
 * The table of signatures for docs/SMOKE.md, made from the data. Pure. `npm run smoke:table` writes it; a test holds the
 * page to it, and other tests hold each claim in it to a real server or a sample.
 */
import { CONTROL_SERVERS, FAMILIES, toPlace, type Signature } from './signature.ts';

const START = '<!-- signatures: written by npm run smoke:table -->';
const END = '<!-- /signatures -->';

export function toTable(signatures: readonly Signature[]): string {
  const lines = [
    `${signatures.length} signatures in ${new Set(signatures.map(({ family }) => family)).size} families.`,
    '',
    '| signature | severity | means | looks at | found in | passed |',
    '| --- | --- | --- | --- | --- | --- |'
  ];
  for (const family of FAMILIES) {
    const own = signatures.filter((signature) => signature.family === family);
    if (own.length > 0) lines.push(`| **${family}** | | | | | |`);
    for (const { id, severity, means, looks, controls } of own) {
      const real = (controls.real ?? []).map((server) => CONTROL_SERVERS[server]);
      const byHand = controls.byHand ? [`by hand: ${controls.byHand}`] : [];
      const caught = [...real, `fixture: ${controls.caught.source}`, ...byHand].join('; ');
      const passed = `our build; ${controls.passed.length} look-alike${controls.passed.length === 1 ? '' : 's'}`;
      const places = [...new Set(looks.map(toPlace))].join(', ');
      lines.push(`| \`${id}\` | ${severity} | ${cell(means)} | ${cell(places)} | ${cell(caught)} | ${passed} |`);
    }
  }
  return lines.join('\n');
}

/** Puts the table between the marks of a page. */
export function withTable(page: string, signatures: readonly Signature[]): string {
  const [before, rest] = page.split(START);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`The page lacks ${START} or ${END}.`);
  return `${before}${START}\n\n${toTable(signatures)}\n\n${END}${after}`;
}

/** Text of our own; what stands between backticks is code already. */
const cell = (text: string): string =>
  text
    .replaceAll('|', '\\|')
    .split('`')
    .map((part, index) => (index % 2 === 1 ? part : part.replace(/[<>_*]/g, (sign) => `\\${sign}`)))
    .join('`');
