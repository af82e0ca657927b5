/** The table of docs/TESTING.md: what was found of each mutant, between its markers. The words around them are people's. */
import type { Mutant } from './mutant.ts';

const [FROM, TO] = ['<!-- mutants -->', '<!-- /mutants -->'];
const HEAD = ['| mutant | breaks | the faulty engine | noticed by |', '| --- | --- | --- | --- |'];
const SURVIVED = '**survived**';

export interface Verdict {
  mutant: Mutant;
  /** by which test it was noticed; null = it was not */
  killer: { file: string; title: string; why: string } | null;
  /** why there is no verdict, or null */
  broken: string | null;
}

/** What the page says of a mutant. */
export interface Listed {
  name: string;
  isKilled: boolean;
  line: string;
}

/**
 * The page with these verdicts in its table, in the order of `all`; of mutants that were not tried now, their lines stay as
 * long as they say the same. Throws where the page has no markers: a result must not be lost in silence.
 */
export function fillPage(page: string, all: readonly Mutant[], verdicts: readonly Verdict[]): string {
  const [start, end] = findMarkers(page);
  if (start < 0 || end < start) throw new Error(`docs/TESTING.md lacks the markers ${FROM} … ${TO}.`);
  const had = readPage(page);
  const lines = all.flatMap((mutant) => {
    const verdict = verdicts.find((one) => one.mutant.name === mutant.name);
    if (verdict) return toLine(verdict);
    return had.filter(({ name, line }) => name === mutant.name && line.includes(mutant.fault)).map(({ line }) => line);
  });
  const killed = lines.filter((line) => !line.includes(SURVIVED)).length;
  const text = [`${killed} of ${all.length} are noticed.`, '', ...HEAD, ...lines].join('\n');
  return `${page.slice(0, start + FROM.length)}\n\n${text}\n\n${page.slice(end)}`;
}

/** The lines of the table, in order. */
export function readPage(page: string): Listed[] {
  const table = page.slice(...findMarkers(page));
  return [...table.matchAll(/^\| `([\w-]+)`.*$/gm)].map(([line, name]) => ({
    name: name!,
    isKilled: !line.includes(SURVIVED),
    line
  }));
}

function findMarkers(page: string): [start: number, end: number] {
  return [page.indexOf(FROM), page.indexOf(TO)];
}

function toLine({ mutant: { name, promise, fault }, killer, broken }: Verdict): string {
  const noticed = killer ? `\`${shortPath(killer.file)}\`: ${killer.title}` : SURVIVED + (broken ? ` (${broken})` : '');
  const cells = [`\`${name}\``, promise, fault, noticed].map((text) => text.replaceAll('|', '\\|'));
  return `| ${cells.join(' | ')} |`;
}

/** Where the tests lie is told by their names. */
function shortPath(file: string): string {
  return file.replace(/^src\/lib\//, '').replace(/^tests\//, '');
}
