/**
 * Are the mutants good TypeScript? One that would not compile is noticed by the compiler and says nothing of the tests.
 * One language service for all of them, and each is asked about the files that it edits alone.
 */
import { join } from 'node:path';
import ts from 'typescript';
import { mutate, type Mutant } from './mutant.ts';

/** Names and imports that a fault leaves without use. */
const UNUSED = new Set([6133, 6138, 6192, 6196, 6198]);

/** What the compiler says against each mutant, by name; mutants without an entry are well typed. */
export function findTypeErrors(root: string, mutants: readonly Mutant[]): Map<string, string[]> {
  const spoilt = new Map<string, { text: string; version: number }>();
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const all = new Map(mutants.map((mutant) => [mutant.name, mutate(root, mutant)]));
  const files = [...new Set([...all.values()].flatMap((edited) => [...edited.keys()]))].filter(isTypeScript);
  let version = 0;
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => files.map((file) => join(root, file)),
    getScriptVersion: (file) => String(spoilt.get(file)?.version ?? 0),
    getScriptSnapshot(file) {
      const text = spoilt.get(file)?.text ?? ts.sys.readFile(file);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories
  });
  const errors = new Map<string, string[]>();
  for (const round of toRounds([...all])) {
    const edits = round.flatMap(([name, edited]) => [...edited].map(([file, texts]) => ({ name, file, ...texts })));
    for (const { file, is } of edits) spoilt.set(join(root, file), { text: is, version: ++version });
    for (const { name, file } of edits.filter((edit) => isTypeScript(edit.file))) {
      const path = join(root, file);
      const found = [...service.getSyntacticDiagnostics(path), ...service.getSemanticDiagnostics(path)]
        .filter(({ code }) => !UNUSED.has(code))
        .map(({ messageText }) => `${file}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`);
      if (found.length > 0) errors.set(name, [...(errors.get(name) ?? []), ...found]);
    }
    for (const { file, was } of edits) spoilt.set(join(root, file), { text: was, version: ++version });
  }
  service.dispose();
  return errors;
}

type Edited = [name: string, files: ReturnType<typeof mutate>];

/** Mutants of different files are checked in one program: each program costs a second or two. */
function toRounds(all: readonly Edited[]): Edited[][] {
  const rounds: { files: Set<string>; mutants: Edited[] }[] = [];
  for (const one of all) {
    const files = [...one[1].keys()];
    let round = rounds.find((open) => !files.some((file) => open.files.has(file)));
    if (round === undefined) rounds.push((round = { files: new Set(), mutants: [] }));
    for (const file of files) round.files.add(file);
    round.mutants.push(one);
  }
  return rounds.map(({ mutants }) => mutants);
}

function isTypeScript(file: string): boolean {
  return file.endsWith('.ts');
}
