/** The table of docs/TESTING.md: what a whole run found, between its markers. The words around them are people's. */
import type { Mutant } from './mutant.ts';

const [FROM, TO] = ['<!-- mutants -->', '<!-- /mutants -->'];

export interface Verdict {
  mutant: Mutant;
  /** by which test it was noticed; null = it was not */
  killer: { file: string; title: string; why: string } | null;
  /** why there is no verdict, or null */
  broken: string | null;
  seconds: number;
}

export function toTable(verdicts: readonly Verdict[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const noticed = ({ killer, broken }: Verdict): string =>
    killer ? `\`${shortPath(killer.file)}\`: ${killer.title}` : `**survived**${broken ? ` (${broken})` : ''}`;
  return [
    '| mutant | breaks | the faulty engine | noticed by |',
    '| --- | --- | --- | --- |',
    ...verdicts.map(
      (verdict) =>
        `| ${[`\`${verdict.mutant.name}\``, verdict.mutant.promise, verdict.mutant.fault, noticed(verdict)].map(cell).join(' | ')} |`
    )
  ].join('\n');
}

/** Where the tests lie is told by their names. */
function shortPath(file: string): string {
  return file.replace(/^src\/lib\//, '').replace(/^tests\//, '');
}

/** The page with this text between its markers. Throws where it lacks them: a result must not be lost in silence. */
export function fillPage(page: string, text: string): string {
  const [start, end] = [page.indexOf(FROM), page.indexOf(TO)];
  if (start < 0 || end < start) throw new Error(`docs/TESTING.md lacks the markers ${FROM} … ${TO}.`);
  return `${page.slice(0, start + FROM.length)}\n\n${text}\n\n${page.slice(end)}`;
}

/** The names in the table of the page, in order, and whether each was noticed. */
export function readPage(page: string): { name: string; isKilled: boolean }[] {
  const [start, end] = [page.indexOf(FROM), page.indexOf(TO)];
  return [...page.slice(start, end).matchAll(/^\| `([\w-]+)`.*$/gm)].map(([line, name]) => ({
    name: name!,
    isKilled: !line.includes('**survived**')
  }));
}
