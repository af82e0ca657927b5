/** Faults of wall displays: who is told, how trust is kept and lost, and what a wall shows and loads. */
import type { Mutant } from './mutant.ts';

const LIVE = 'src/lib/live';

export const displays: readonly Mutant[] = [
  {
    name: 'display-settings-told-to-all',
    promise: 'isolated',
    fault: 'A change of one display’s settings is told to everybody in its workspace',
    edits: [
      {
        file: 'src/lib/server/live/rooms.ts',
        old: '  if (only !== undefined && only !== userId) return false;\n',
        new: '  if (only === 0 && userId === 0) return false;\n'
      }
    ],
    killers: [{ file: 'tests/displays-access.pg.test.ts', title: 'a change of its settings is told to it alone' }]
  },
  {
    name: 'display-secret-without-grace',
    promise: 'portable',
    fault: 'The secret before ends with the first use of the new one, and what is under way with it is refused',
    edits: [
      {
        file: 'src/lib/server/displays/trust.ts',
        old: `set ends_at = now() + interval '\${GRACE}' from used`,
        new: 'set ends_at = now() from used'
      },
      { file: 'src/lib/server/displays/trust.ts', old: `const GRACE = '5 minutes';`, new: '' }
    ],
    killers: [{ file: 'tests/displays-trust.pg.test.ts', title: 'has no end while it is trusted' }]
  },
  {
    name: 'wall-loads-unready',
    promise: 'honest',
    fault: 'A wall loads itself for a new version whether or not the server is ready',
    edits: [
      {
        file: `${LIVE}/renewal.ts`,
        old: 'const isReady = await ports.isReady().catch(() => false);',
        new: 'const isReady = await ports.isReady().catch(() => true);'
      }
    ],
    killers: [{ file: `${LIVE}/renewal.test.ts`, title: 'never loads while the server is not ready' }]
  },
  {
    name: 'wall-page-before-its-catch-up',
    promise: 'complete',
    fault: 'A page that a wall read while live is shown at once, under a proof that covers more',
    edits: [{ file: `${LIVE}/live-wall.ts`, old: '    if (held) {\n', new: '    if (held && page.token === "") {\n' }],
    killers: [{ file: `${LIVE}/live-wall.test.ts`, title: 'keeps a page that was read while live aside' }]
  },
  {
    name: 'wall-keeps-rows-after-access',
    promise: 'isolated',
    fault: 'After a change of access a wall keeps the rows that it had',
    edits: [
      {
        file: `${LIVE}/live-wall.ts`,
        old: '    this.#withheld = true;\n    this.#change(lists.purgeWindows);\n',
        new: '    this.#withheld = true;\n    this.#show();\n'
      }
    ],
    killers: [{ file: `${LIVE}/live-wall.test.ts`, title: 'knows nothing after a change of access' }]
  }
];
