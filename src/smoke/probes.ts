/**
 * What is asked for without being linked: addresses of development servers and of files that must not be there, source
 * maps and folders of assets, WebSocket upgrades, and addresses that do not exist, to see the error pages. It owns what is
 * asked; judge.ts says what the answers mean. Invariant: GET and upgrades only, within the asker's limits.
 */
import { toPlaceName, typeOf, type Answer } from './answer.ts';
import { inParallel, type Asker } from './ask.ts';
import { judgeAnswer, looksIn, type Judge } from './judge.ts';
import { tryUpgrade } from './upgrade.ts';
import { MISSING_PAGE } from './visit.ts';

const AT_ONCE = 6;
/** A protocol that nobody speaks: who accepts it accepts anything, and says nothing by accepting. */
const NO_PROTOCOL = 'watchfloor-smoke-none';

/** The last is malformed on purpose: what decodes it shows its error page. */
const ERRORS: readonly [path: string, headers?: Record<string, string>][] = [
  [MISSING_PAGE],
  [MISSING_PAGE, { accept: 'application/json' }],
  ['/%E0%A4%A']
];

/** `base`: the folder of the application, with a slash at its end. `assets`: addresses of scripts and styles. */
export async function probe(judge: Judge, asker: Asker, base: string, assets: readonly string[]): Promise<void> {
  const bases = [...new Set(['/', base])];
  const probes = looksIn('probe').flatMap(({ id, look }) =>
    look.paths.flatMap((path) => bases.map((root) => ({ id, look, path: root + path.slice(1) })))
  );
  const answers = new Map<string, Promise<Answer | null>>();
  const askOnce = (path: string): Promise<Answer | null> => {
    const known = answers.get(path) ?? asker.ask(path);
    answers.set(path, known);
    return known;
  };
  const matched = new Set<string>();
  await inParallel(probes, AT_ONCE, async ({ id, look, path }) => {
    const answer = await askOnce(path);
    if (!answer || !(look.statuses ?? [200]).includes(answer.status) || !look.pattern.test(answer.text)) return;
    if (look.type && !look.type.test(typeOf(answer))) return;
    matched.add(path);
    judge.notebook.add({ signature: id, at: path, page: null, where: 'probe', evidence: describe(answer) });
  });
  // What was found by its address need not be found by its text again.
  for (const [path, asked] of answers) {
    const answer = await asked;
    if (answer && !matched.has(path)) judgeAnswer(judge, answer, null);
  }
  await inParallel(ERRORS, AT_ONCE, async ([path, headers]) => {
    const answer = await asker.ask(path, headers);
    if (!answer) return;
    judgeAnswer(judge, answer, null);
    if (answer.status >= 500)
      judge.notebook.add({
        signature: 'server-error',
        at: path,
        page: null,
        where: 'status',
        evidence: `answers ${answer.status}`
      });
  });
  await probeBesideAssets(judge, asker, assets);
}

async function probeBesideAssets(judge: Judge, asker: Asker, assets: readonly string[]): Promise<void> {
  const plain = [...new Set(assets.map((asset) => asset.split(/[?#]/, 1)[0]!))];
  for (const { id, look } of looksIn('beside'))
    await inParallel(plain, AT_ONCE, async (asset) => {
      const answer = await asker.ask(asset + look.suffix);
      if (answer?.status === 200 && look.pattern.test(answer.text))
        judge.notebook.add({
          signature: id,
          at: toPlaceName(answer.url, judge.origin),
          page: null,
          where: 'probe',
          evidence: describe(answer)
        });
    });
  const folders = [...new Set(plain.map((asset) => new URL('.', asset).pathname))];
  for (const { id, look } of looksIn('folder'))
    await inParallel(folders, AT_ONCE, async (folder) => {
      const answer = await asker.ask(folder);
      if (!answer) return;
      if (answer.status !== 200 || !look.pattern.test(answer.text)) judgeAnswer(judge, answer, null);
      else judge.notebook.add({ signature: id, at: folder, page: null, where: 'probe', evidence: describe(answer) });
    });
}

export async function probeUpgrades(judge: Judge): Promise<void> {
  const acceptsAnything = new Map<string, Promise<boolean>>();
  await inParallel(looksIn('upgrade'), AT_ONCE, async ({ id, look }) => {
    const url = new URL(look.path, judge.origin);
    const { accepted, says } = await tryUpgrade(url, look.protocol, look.says !== undefined);
    if (!accepted || (look.says && !look.says.test(says ?? ''))) return;
    if (look.protocol) {
      const trial =
        acceptsAnything.get(look.path) ?? tryUpgrade(url, NO_PROTOCOL, false).then((upgraded) => upgraded.accepted);
      acceptsAnything.set(look.path, trial);
      if (await trial) return;
    }
    judge.notebook.add({
      signature: id,
      at: look.path,
      page: null,
      where: 'upgrade',
      evidence: `switches protocols${look.protocol ? ` to ${look.protocol}` : ''}${says ? ` and says ${says}` : ''}`
    });
  });
}

/** Never what stood in it: reports are kept, and shown to many. */
function describe(answer: Answer): string {
  return `answers ${answer.status}, ${typeOf(answer) || 'no type'}, ${answer.text.length} characters`;
}
