/**
 * A mutant: a deliberate fault of the engine, as data, and how it is put into a tree of sources. Pure but for reading
 * files. Invariant: an edit fits exactly once or not at all; what does not fit any more is said, never skipped.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The promises of ENGINE.md section 1, as docs/TESTING.md names them. */
export const PROMISES = ['complete', 'monotonic', 'honest', 'isolated', 'bounded', 'portable', 'harmless'] as const;

export interface Edit {
  file: string;
  /** exact text that stands once in the file */
  old: string;
  new: string;
}

/** A test that must notice the fault: its file and words of its title. */
export interface Killer {
  file: string;
  title: string;
}

export interface Mutant {
  /** as it is called on the command line */
  name: string;
  /** what it breaks first */
  promise: (typeof PROMISES)[number];
  /** what the faulty engine does, as a sentence without its full stop */
  fault: string;
  edits: readonly Edit[];
  killers: readonly Killer[];
}

/** The text with the edit in it. Throws where the old text does not stand exactly once. */
export function applyEdit(text: string, { file, old, new: replacement }: Edit): string {
  const parts = text.split(old);
  if (parts.length !== 2)
    throw new Error(`${file} has this ${parts.length - 1} times, and a mutant needs it once:\n${old}`);
  return parts.join(replacement);
}

/** The files that a mutant changes, as they are and as it leaves them. */
export function mutate(root: string, { edits }: Mutant): Map<string, { was: string; is: string }> {
  const files = new Map<string, { was: string; is: string }>();
  for (const edit of edits) {
    const was = files.get(edit.file)?.was ?? readFileSync(join(root, edit.file), 'utf8');
    files.set(edit.file, { was, is: applyEdit(files.get(edit.file)?.is ?? was, edit) });
  }
  return files;
}

/** What keeps a mutant from being what it says, in sentences; empty = it is fit to be tried. */
export function whatIsWrong(root: string, mutant: Mutant): string[] {
  const wrong: string[] = [];
  try {
    for (const [file, { was, is }] of mutate(root, mutant)) {
      if (was === is) wrong.push(`${file} stays as it is.`);
      if (file.endsWith('.sql')) wrong.push(...whatIsWrittenAnew(root, file, is, mutant));
    }
  } catch (error) {
    wrong.push((error as Error).message);
  }
  for (const { file, title } of mutant.killers) {
    if (!existsSync(join(root, file))) wrong.push(`There is no test file ${file}.`);
    else if (!hasTitle(readFileSync(join(root, file), 'utf8'), title)) wrong.push(`${file} has no test "${title}".`);
  }
  return wrong;
}

/** Titles stand in the sources between quotes of any kind, or hold a part that is filled in. */
function hasTitle(source: string, title: string): boolean {
  return source.includes(title) || source.includes(title.replaceAll("'", "\\'"));
}

/** A fault in a function that a later migration writes anew would be none. */
function whatIsWrittenAnew(root: string, file: string, is: string, { edits }: Mutant): string[] {
  const folder = dirname(file);
  const wrong: string[] = [];
  for (const edit of edits) {
    if (edit.file !== file) continue;
    const before = is.slice(0, Math.max(0, is.indexOf(edit.new)));
    const name = [...before.matchAll(/^create (?:or replace )?function ([\w.]+)/gm)].at(-1)?.[1];
    const end = before.lastIndexOf('\n$$;');
    if (name === undefined || end > before.lastIndexOf(`function ${name}`)) continue;
    for (const later of readdirSync(join(root, folder)).filter((one) => join(folder, one) > file))
      if (readFileSync(join(root, folder, later), 'utf8').includes(`create or replace function ${name}(`))
        wrong.push(`${name} is written anew in ${later}.`);
  }
  return wrong;
}
