/** Faults of how changes are told: joining and catching up, memory, coalescing, bursts, slow clients. */
import type { Mutant } from './mutant.ts';

const LIVE = 'src/lib/server/live';
const order = `${LIVE}/subscription-order.test.ts`;
const laggards = `${LIVE}/laggards-return.test.ts`;
const ring = `${LIVE}/ring.test.ts`;
const outbox = `${LIVE}/outbox-newest.test.ts`;
const comesBack = { file: 'tests/mutants-feed.pg.test.ts', title: 'who comes back is told what it missed' };

export const delivery: readonly Mutant[] = [
  {
    name: 'no-catch-up-after-reconnect',
    promise: 'complete',
    fault: 'Who comes back joins the stream as it is now, and is not told what it missed',
    edits: [
      {
        file: `${LIVE}/subscriptions.ts`,
        old: 'toScopeDelta(found.operations, scope, access)',
        new: 'toScopeDelta([], scope, access)'
      }
    ],
    killers: [comesBack]
  },
  {
    name: 'join-after-catch-up',
    promise: 'complete',
    fault: 'The rooms are joined when what was missed has been read, not before',
    edits: [
      { file: `${LIVE}/subscriptions.ts`, old: '  rooms.join(joined);\n', new: '' },
      {
        file: `${LIVE}/subscriptions.ts`,
        old: '  watcher.watching = { scope,',
        new: '  rooms.join(joined);\n  watcher.watching = { scope,'
      }
    ],
    killers: [{ file: order, title: 'who subscribes stands in the rooms before anything' }]
  },
  {
    name: 'floor-ignored-by-catch-up',
    promise: 'complete',
    fault: 'Who comes back from below the floor of the log is told what is left of it',
    edits: [
      {
        file: `${LIVE}/catch-up.ts`,
        old: `return since.snapshot.xmin < floor ? 'floor' : null;`,
        new: 'return null;'
      }
    ],
    killers: [{ file: 'tests/feed.pg.test.ts', title: 'a place below the floor of the log is answered' }]
  },
  {
    name: 'ring-past-its-edge',
    promise: 'complete',
    fault: 'Memory serves from its oldest batch who stands before it',
    edits: [
      {
        file: `${LIVE}/ring.ts`,
        old: 'covers(place, batches[first]!.from)) first--;\n    return first;',
        new: 'covers(place, batches[first]!.from)) first--;\n    return Math.max(first, 0);'
      }
    ],
    killers: [{ file: ring, title: 'what was told after a place is given' }]
  },
  {
    name: 'ring-compares-numbers',
    promise: 'complete',
    fault: 'Memory compares places by their highest transaction, and forgets those in progress',
    edits: [
      {
        file: `${LIVE}/ring.ts`,
        old: 'return later.snapshot.inProgress.every((xid) => xid >= xmax || wasInProgress.has(xid));',
        new: 'return wasInProgress.size >= 0;'
      }
    ],
    killers: [{ file: ring, title: 'a place covers another when everything that had ended there' }]
  },
  {
    name: 'memory-joined-with-a-gap',
    promise: 'complete',
    fault: 'What was read from the log for a time before memory is kept although something lies between the two',
    edits: [
      {
        file: `${LIVE}/ring.ts`,
        old: 'first === undefined || !covers(place, first.from) ||',
        new: 'first === undefined ||'
      }
    ],
    killers: [{ file: ring, title: 'what the log knows of before serves those who stand before the ring' }]
  },
  {
    name: 'read-gathered-too-late',
    promise: 'complete',
    fault: 'Who asks while a statement runs is answered by it, although it began before the question',
    edits: [
      {
        file: 'src/lib/server/database/gather-reads.ts',
        old: `    for (let from = 0; answers !== null && from < asked.length; from += SLICE) {`,
        new: `    for (const late of waiting.splice(0)) if (answers?.[0] !== undefined) late.resolve(answers[0]);
    for (let from = 0; answers !== null && from < asked.length; from += SLICE) {`
      }
    ],
    killers: [
      {
        file: 'src/lib/server/database/gather-reads.test.ts',
        title: 'who is alone is asked for at once, and who comes meanwhile'
      }
    ]
  },
  {
    name: 'read-shared-too-late',
    promise: 'complete',
    fault: 'Who asks while a read is under way is given that one, which began before the question',
    edits: [
      {
        file: `${LIVE}/share-reads.ts`,
        old: 'if (current === undefined) return start(key, read);',
        new: 'if (current === undefined) return start(key, read);\n    if (current !== next.get(key)) return current;'
      }
    ],
    killers: [{ file: `${LIVE}/share-reads.test.ts`, title: 'many who ask at the same time share one read' }]
  },
  {
    name: 'coalescing-keeps-the-oldest',
    promise: 'complete',
    fault: 'Of the rows of an operation that wait for their gap the first goes out',
    edits: [
      {
        file: `${LIVE}/outbox.ts`,
        old: 'if ((held.rows.get(row.id)?.revision ?? 0) > row.revision) continue;',
        new: 'if (held.rows.has(row.id)) continue;'
      }
    ],
    killers: [{ file: outbox, title: 'the newest revision of a row goes out' }]
  },
  {
    name: 'coalescing-blind-to-revisions',
    promise: 'monotonic',
    fault: 'Of the rows of an operation that wait for their gap the last goes out, also where it is older',
    edits: [
      {
        file: `${LIVE}/outbox.ts`,
        old: '        if ((held.rows.get(row.id)?.revision ?? 0) > row.revision) continue;\n',
        new: ''
      }
    ],
    killers: [{ file: outbox, title: 'the newest revision of a row goes out' }]
  },
  {
    name: 'tombstones-dropped-by-the-hub',
    promise: 'complete',
    fault: 'Nobody is told that a row has left',
    edits: [
      {
        file: `${LIVE}/rooms.ts`,
        old: 'for (const unit of touched) if (!present.includes(unit)) of(unit).removed.push([id, revision]);',
        new: 'for (const unit of touched) if (!present.includes(unit)) of(unit);'
      }
    ],
    killers: [{ file: 'tests/mutants-feed.pg.test.ts', title: 'a report is a higher revision whatever it says itself' }]
  },
  {
    name: 'burst-shown-before-its-pass',
    promise: 'isolated',
    fault: 'A list read after a burst is shown although the feed could not pass beyond it',
    edits: [
      {
        file: `${LIVE}/windows.ts`,
        old: `if (!(await feed.passSoon())) throw new Error('The feed could not pass.');`,
        new: 'await feed.passSoon();'
      }
    ],
    killers: [{ file: `${LIVE}/windows.test.ts`, title: 'while the feed cannot pass nobody is shown what was read' }]
  },
  {
    name: 'slow-clients-stay',
    promise: 'bounded',
    fault: 'A client that takes nothing stays in its rooms, and packets pile up for it',
    edits: [
      {
        file: `${LIVE}/laggards.ts`,
        old: 'if (client.data.watching === null || client.data.lagging !== null) return;',
        new: 'if (client.data.watching !== null || client.data.lagging !== null) return;'
      }
    ],
    killers: [{ file: laggards, title: 'a client in whose connection too much waits leaves' }]
  },
  {
    name: 'slow-clients-are-told-nothing',
    promise: 'complete',
    fault: 'A slow client that has drained comes back without what it missed',
    edits: [
      {
        file: `${LIVE}/laggards.ts`,
        old: 'told.set(was.place, ring.since(was.place))',
        new: 'told.set(was.place, ring.since(place() ?? was.place))'
      }
    ],
    killers: [{ file: laggards, title: 'when it has drained it is told what was told to others' }]
  },
  {
    name: 'frame-past-what-waits',
    promise: 'monotonic',
    fault: 'What many are told is written to a connection in which older messages wait',
    edits: [
      {
        file: `${LIVE}/frames.ts`,
        old: "if (conn.readyState !== 'open' || conn.writeBuffer?.length !== 0 || transport?.writable !== true) return null;",
        new: "if (conn.readyState !== 'open' || !transport) return null;"
      }
    ],
    killers: [
      {
        file: `${LIVE}/frames.test.ts`,
        title: 'order holds whichever way a message goes: to all or to one, while the client takes it or not'
      }
    ]
  },
  {
    name: 'frame-out-of-sight',
    promise: 'bounded',
    fault: 'Frames pile up in the connection of a slow client, where nobody looks',
    edits: [{ file: `${LIVE}/frames.ts`, old: ' && tcp.writableLength === 0 ? tcp', new: ' ? tcp' }],
    killers: [
      {
        file: `${LIVE}/frames.test.ts`,
        title: 'a client that takes nothing is seen to be slow by its queue, and hardly anything waits anywhere else'
      }
    ]
  }
];
