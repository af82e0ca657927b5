/** Faults of the browser's state: revisions, tombstones, generations, what waits for an answer, and what is called live. */
import type { Mutant } from './mutant.ts';

const LIVE = 'src/lib/live';
const list = `${LIVE}/list-window.test.ts`;
const late = `${LIVE}/late-messages.test.ts`;
const table = `${LIVE}/connection-table.test.ts`;

export const screen: readonly Mutant[] = [
  {
    name: 'revision-check-dropped',
    promise: 'monotonic',
    fault: 'A row on screen is replaced by whatever comes, also by an older one',
    edits: [
      {
        file: `${LIVE}/list-membership.ts`,
        old: 'if (row.revision >= have.revision) this.#judge(',
        new: 'if (row.revision > 0) this.#judge('
      }
    ],
    killers: [{ file: late, title: 'an older message changes nothing' }]
  },
  {
    name: 'revision-check-dropped-in-gathering',
    promise: 'monotonic',
    fault: 'Of the rows that wait to be drawn the last counts, also where it is older',
    edits: [
      {
        file: `${LIVE}/batch.ts`,
        old: '    if (have !== undefined && have.revision >= row.revision) continue;\n',
        new: ''
      }
    ],
    killers: [{ file: late, title: 'an older message that waits to be drawn' }]
  },
  {
    name: 'tombstones-dropped',
    promise: 'monotonic',
    fault: 'The browser forgets what has left, so a late row brings it back',
    edits: [
      {
        file: `${LIVE}/list-membership.ts`,
        old: '    this.tombstones.set(id, revision);\n',
        new: ''
      }
    ],
    killers: [{ file: list, title: 'lets a row win over a removal of its revision in either order' }]
  },
  {
    name: 'tombstones-forgotten-in-silence',
    promise: 'complete',
    fault: 'The browser does not admit that it had to forget what has left',
    edits: [
      { file: `${LIVE}/list-membership.ts`, old: 'forgetful: forgot || this.#wasForgetful', new: 'forgetful: false' }
    ],
    killers: [{ file: list, title: 'bounds its tombstones, and admits it when it had to forget one' }]
  },
  {
    name: 'old-generation-taken-by-the-browser',
    promise: 'isolated',
    fault: 'The browser takes an answer of an older generation of access',
    edits: [
      {
        file: `${LIVE}/connection-table.ts`,
        old: '  if (event.generation < was.generation) return askLater(was, null, random);\n',
        new: ''
      }
    ],
    killers: [{ file: table, title: 'drops an answer to an older question and one of an older generation' }]
  },
  {
    name: 'old-answer-taken-by-the-browser',
    promise: 'complete',
    fault: 'The browser takes an answer to an older question',
    edits: [
      {
        file: `${LIVE}/connection-table.ts`,
        old: '  if (event.attempt !== was.attempt) return stay(was);\n',
        new: ''
      }
    ],
    killers: [{ file: table, title: 'drops an answer to an older question and one of an older generation' }]
  },
  {
    name: 'token-taken-too-early',
    promise: 'complete',
    fault: 'The browser comes back from the place of a tick that the window had not reached',
    edits: [
      {
        file: `${LIVE}/connection-table.ts`,
        old: '  silent: stay, // the answer has a time-out of its own',
        new: '  ticked,\n  silent: stay, // the answer has a time-out of its own'
      }
    ],
    killers: [{ file: table, title: 'subscribes with the newest token at which the window is complete' }]
  },
  {
    name: 'rows-before-the-answer-lost',
    promise: 'complete',
    fault: 'Rows that come between a question and its answer are thrown away',
    edits: [
      {
        file: `${LIVE}/subscription.ts`,
        old: '      if (early) this.#owner.rows(toChanges(this.#early));\n',
        new: ''
      }
    ],
    killers: [{ file: late, title: 'rows that come before the answer' }]
  },
  {
    name: 'proof-before-what-it-proves',
    promise: 'honest',
    fault: 'A tick counts before the rows that came ahead of it are on screen',
    edits: [
      {
        file: `${LIVE}/subscription.ts`,
        old: '    this.#owner.flush();\n    const doubtful',
        new: '    const doubtful'
      }
    ],
    killers: [{ file: late, title: 'everything that came before a tick' }]
  },
  {
    name: 'live-whatever-the-age',
    promise: 'honest',
    fault: 'The stamp says Live with a proof of any age below a minute',
    edits: [
      {
        file: `${LIVE}/proof.ts`,
        old: 'ageMs !== null && ageMs < RECONNECTING_AFTER_MS',
        new: 'ageMs !== null && ageMs < NO_DATA_AFTER_MS'
      }
    ],
    killers: [{ file: `${LIVE}/proof.test.ts`, title: 'reads a caught-up proof of' }]
  },
  {
    name: 'live-without-a-clock',
    promise: 'honest',
    fault: 'The stamp says Live although nobody has measured the server’s clock',
    edits: [
      {
        file: `${LIVE}/proof.ts`,
        old: 'evidence.caughtUp && latestNow !== null && ageMs !== null && ageMs',
        new: 'evidence.caughtUp && ageMs !== null && ageMs'
      }
    ],
    killers: [
      { file: `${LIVE}/proof.test.ts`, title: 'is never live while catching up, and never without a measured clock' }
    ]
  },
  {
    name: 'short-page-taken-for-all',
    promise: 'honest',
    fault: 'What is left of a page, after more left than was known of, is shown as all there is',
    edits: [
      {
        file: `${LIVE}/list-window.ts`,
        old: 'return lost === null && !paused && floor !== null',
        new: 'return lost !== null && !paused && floor !== null'
      }
    ],
    killers: [
      {
        file: list,
        title: 'says that it is short once more has left than it knew, until it is read again; not where that is all'
      }
    ]
  }
];
