/** Faults of who is told: the order of access and rows, generations, rooms, catch-up around a revocation, tokens. */
import type { Mutant } from './mutant.ts';

const LIVE = 'src/lib/server/live';
const isolation = 'tests/isolation.pg.test.ts';

export const access: readonly Mutant[] = [
  {
    name: 'access-after-rows',
    promise: 'isolated',
    fault: 'A pass tells its rows first and handles changes of access then',
    edits: [
      { file: `${LIVE}/hub.ts`, old: '    handleAccess(difference);\n', new: '' },
      {
        file: `${LIVE}/hub.ts`,
        old: '    broadcast.tell(difference.operations);\n',
        new: '    broadcast.tell(difference.operations);\n    handleAccess(difference);\n'
      }
    ],
    killers: [{ file: isolation, title: 'what is committed with or after the end of a membership' }]
  },
  {
    name: 'generation-check-dropped',
    promise: 'isolated',
    fault: 'An answer that was read before access changed is given all the same',
    edits: [{ file: `${LIVE}/subscriptions.ts`, old: 'watcher.generation !== generation', new: 'false' }],
    killers: [{ file: `${LIVE}/subscription-order.test.ts`, title: 'an answer that was read while access changed' }]
  },
  {
    name: 'generation-of-lists-dropped',
    promise: 'isolated',
    fault: 'A list read after a burst is shown to people whose access changed meanwhile',
    edits: [
      {
        file: `${LIVE}/windows.ts`,
        old: 'isDue(client) && client.data.generation === generations.get(client.id)',
        new: 'isDue(client) && generations.has(client.id)'
      }
    ],
    killers: [{ file: `${LIVE}/windows.test.ts`, title: 'whoever lost any access before the feed had passed' }]
  },
  {
    name: 'narrowed-people-in-the-room-of-all',
    promise: 'isolated',
    fault: 'People who are narrowed stand in the room of the whole workspace',
    edits: [
      {
        file: `${LIVE}/rooms.ts`,
        old: '  return narrowed\n    ? [workspaceItselfUnit',
        new: `  return narrowed && access.role === ''\n    ? [workspaceItselfUnit`
      }
    ],
    killers: [{ file: 'tests/delivery.pg.test.ts', title: 'an insert reaches everyone who may see it and nobody else' }]
  },
  {
    name: 'narrowing-ignored-by-catch-up',
    promise: 'isolated',
    fault: 'Who comes back is told from memory what happened all over the workspace',
    edits: [
      {
        file: `${LIVE}/rooms.ts`,
        old: 'return access.narrowedTo.length === 0 || environmentId === null || access.narrowedTo.includes(environmentId);',
        new: 'return true;'
      }
    ],
    killers: [{ file: 'tests/mutants-feed.pg.test.ts', title: 'who comes back is told what it missed' }]
  },
  {
    name: 'change-of-access-forgotten-by-catch-up',
    promise: 'complete',
    fault: 'Who was away while its access changed is told changed rows only, not those that came into sight',
    edits: [{ file: `${LIVE}/catch-up.ts`, old: 'found.hasAccessChanged || !isSameAccess(', new: '!isSameAccess(' }],
    killers: [{ file: isolation, title: 'a change of access while nobody was connected' }]
  },
  {
    name: 'change-of-access-forgotten-by-the-ring',
    promise: 'complete',
    fault: 'Who was away while its access changed is served from memory, and told changed rows only',
    edits: [
      {
        file: `${LIVE}/catch-up.ts`,
        old: 'found.access.some((one) => one.userId === userId && isOfScope(one.workspaceId))',
        new: 'found.access.some((one) => one.userId === -userId && isOfScope(one.workspaceId))'
      }
    ],
    killers: [{ file: 'tests/mutants-feed.pg.test.ts', title: 'who lost access and was given it again while away' }]
  },
  {
    name: 'access-of-somebody-else',
    promise: 'isolated',
    fault: 'Who shares a read of the log with others is answered by the access that it had before',
    edits: [
      {
        file: `${LIVE}/catch-up.ts`,
        old: 'const own = await readAccess(scope, subscriber);',
        new: 'const own: WorkspaceAccess | null = access;'
      }
    ],
    killers: [{ file: `${LIVE}/catch-up-shared.test.ts`, title: 'who shares a read of the log is told of it only' }]
  },
  {
    name: 'changes-of-access-not-shared',
    promise: 'complete',
    fault: 'Who shares a read of the log with others is not asked whether its own access changed meanwhile',
    edits: [
      { file: `${LIVE}/catch-up.ts`, old: 'changed.has(subscriber.userId) || !isSameAccess(', new: '!isSameAccess(' }
    ],
    killers: [{ file: `${LIVE}/catch-up-shared.test.ts`, title: 'who shares a read of the log is told of it only' }]
  },
  {
    name: 'access-read-once-over-http',
    promise: 'isolated',
    fault: 'Over HTTP access is read before what is told, and not again after it',
    edits: [
      {
        file: `${LIVE}/http-catch-up.ts`,
        old: 'const access = await readAccess(scope, subscriber);',
        new: 'const access = first;'
      }
    ],
    killers: [{ file: `${LIVE}/http-catch-up-order.test.ts`, title: 'what was read for somebody whose access ended' }]
  },
  {
    name: 'token-of-anybody',
    promise: 'isolated',
    fault: 'A token is not bound to its person and workspace',
    edits: [
      {
        file: 'src/lib/server/stream/token.ts',
        old: 'Buffer.from(`watchfloor ${FORMAT} ${userId} ${workspaceId}`)',
        new: 'Buffer.from(`watchfloor ${FORMAT} ${typeof userId} ${typeof workspaceId}`)'
      }
    ],
    killers: [{ file: 'src/lib/server/stream/token.test.ts', title: 'a token of another person, another workspace' }]
  },
  {
    name: 'cut-token-counts-as-newer',
    promise: 'complete',
    fault: 'A place with too many transactions in progress is cut by forgetting some of them',
    edits: [
      {
        file: 'src/lib/server/stream/place.ts',
        old: 'xmax: snapshot.inProgress[most]!, inProgress',
        new: 'xmax: snapshot.xmax, inProgress'
      }
    ],
    killers: [{ file: 'src/lib/server/stream/place.test.ts', title: 'a shortened place never counts as seen' }]
  }
];
