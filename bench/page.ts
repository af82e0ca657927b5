/**
 * Writes what was measured into docs/PERFORMANCE.md, between the markers of each part: a sentence on the machine and the
 * tables. The words around the markers are people's. It rounds nothing and drops nothing.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { toMarkdown, type Table } from './figures.ts';
import { toSentence, type Machine } from './machine.ts';
import type { Size } from './part.ts';

const PAGE = new URL('../docs/PERFORMANCE.md', import.meta.url).pathname;

export interface Result {
  part: string;
  size: Size;
  /** the day, as people write it */
  day: string;
  machine: Machine;
  tables: Table[];
  raw: unknown;
}

/** The page with these results in it. Throws when a part has no markers: a figure must not be lost in silence. */
export function fillPage(page: string, results: readonly Result[]): string {
  return results.reduce((text, result) => {
    const [from, to] = [`<!-- bench:${result.part} -->`, `<!-- /bench:${result.part} -->`];
    const [start, end] = [text.indexOf(from), text.indexOf(to)];
    if (start < 0 || end < start) throw new Error(`docs/PERFORMANCE.md lacks the markers of ${result.part}.`);
    return `${text.slice(0, start + from.length)}\n\n${toText(result)}\n${text.slice(end)}`;
  }, page);
}

export function toText({ day, machine, tables }: Result): string {
  return [`Measured on ${day}: ${toSentence(machine)}\n`, ...tables.map(toMarkdown)].join('\n');
}

/** Fills the page on disk, formatted as the checks want it; with `write` false it only proves that it could. */
export async function updatePage(results: readonly Result[], write: boolean): Promise<void> {
  const filled = fillPage(await readFile(PAGE, 'utf8'), results);
  const text = await format(filled, { ...(await resolveConfig(PAGE)), filepath: PAGE });
  if (write) await writeFile(PAGE, text);
}
