/** Faults of the feed: its cursor, when it reads, what it vouches for, and the listener that wakes it. */
import type { Mutant } from './mutant.ts';

const LIVE = 'src/lib/server/live';
const pace = `${LIVE}/feed-pace.test.ts`;
const small = 'tests/mutants-feed.pg.test.ts';
const listener = 'tests/mutants-listener.pg.test.ts';
const epoch = { file: 'tests/mutants-epoch.pg.test.ts', title: 'after kill -9 of a single backend' };
const began = { file: small, title: 'who begins first and ends last is told' };
const written = { file: small, title: 'who writes first and ends last is told' };

export const feed: readonly Mutant[] = [
  {
    name: 'naive-cursor',
    promise: 'complete',
    fault: 'The feed reads on from the highest transaction that it has seen, and forgets those still in progress',
    edits: [
      {
        file: `${LIVE}/differences.ts`,
        old: `place ? formatSnapshot(place.snapshot) : '1:1:'`,
        new: `place ? formatSnapshot({ ...place.snapshot, inProgress: [] }) : '1:1:'`
      },
      {
        file: `${LIVE}/differences.ts`,
        old: 'values: [formatSnapshot(place.snapshot)]\n',
        new: 'values: [formatSnapshot({ ...place.snapshot, inProgress: [] })]\n'
      }
    ],
    killers: [began]
  },
  {
    name: 'plain-where-something-is-resolved',
    promise: 'complete',
    fault: 'The short question of the feed is taken for the whole one although a success came that resolves others',
    edits: [{ file: `${LIVE}/differences.ts`, old: '!isFact && hasOpenFollowUp !== true', new: 'true' }],
    killers: [
      { file: 'tests/feed-plain.pg.test.ts', title: 'the short question answers as the whole one' },
      { file: 'tests/follow-ups.pg.test.ts', title: 'a pass with many successes of a kind' }
    ]
  },
  {
    name: 'plain-where-access-changed',
    promise: 'isolated',
    fault: 'The short question of the feed is taken for the whole one although access changed',
    edits: [
      {
        file: `${LIVE}/differences.ts`,
        old: "((kind === 'o' || kind === 'm' || kind === 'd') && !isFact",
        new: '(!isFact'
      }
    ],
    killers: [{ file: 'tests/feed-plain.pg.test.ts', title: 'the short question answers as the whole one' }]
  },
  {
    name: 'xmin-patched-cursor',
    promise: 'complete',
    fault: 'The feed reads on from the highest sequence number, below the oldest transaction in progress',
    edits: [
      {
        file: 'src/lib/server/database/migrations/0003_change_log.sql',
        old: '  revision bigint not null default 0\n) with',
        new: '  revision bigint not null default 0,\n  seq bigint generated always as identity\n) with'
      },
      {
        file: `${LIVE}/differences.ts`,
        old: 'where xid >= pg_snapshot_xmax($1::pg_snapshot) and',
        new:
          'where xid < pg_snapshot_xmin(pg_current_snapshot()) and seq > coalesce((select max(seq) ' +
          'from watchfloor.changes where xid < pg_snapshot_xmin($1::pg_snapshot)), 0) and'
      },
      {
        file: `${LIVE}/differences.ts`,
        old: 'where xid = any (array(select pg_snapshot_xip($1::pg_snapshot))) and',
        new: 'where false and'
      }
    ],
    killers: [written]
  },
  {
    name: 'gate-without-re-poll-and-backstop',
    promise: 'complete',
    fault: 'The feed reads only when it is woken',
    edits: [
      {
        file: `${LIVE}/feed.ts`,
        old: 'timer = setTimeout(() => run(false), failures > 0',
        new: 'if (failures > 0) timer = setTimeout(() => run(false), failures > 0'
      }
    ],
    killers: [
      { file: pace, title: 'what nobody wakes for is found within a second' },
      { file: pace, title: 'a transaction in progress is asked after at once' }
    ]
  },
  {
    name: 'no-re-poll',
    promise: 'complete',
    fault: 'Transactions in progress are left to the backstop',
    edits: [
      {
        file: `${LIVE}/feed.ts`,
        old: 'nextRePoll(inProgress, now,',
        new: 'nextRePoll({ since: new Map() }, now,'
      }
    ],
    killers: [{ file: pace, title: 'a transaction in progress is asked after at once' }]
  },
  {
    name: 'no-trailing-read',
    promise: 'complete',
    fault: 'After a wake-up nobody looks once more for who lost the gate just then',
    edits: [{ file: `${LIVE}/feed.ts`, old: '    trailingAt = now + TRAILING_MS;\n', new: '' }],
    killers: [{ file: pace, title: 'a wake-up is read at once, and once more a moment later' }]
  },
  {
    name: 'no-look-beyond-the-snapshot',
    promise: 'complete',
    fault: 'Transactions that the snapshot does not list, because none after them has ended, are left to the backstop',
    edits: [
      {
        file: `${LIVE}/feed.ts`,
        old: '[...place.snapshot.inProgress, ...found.ahead]',
        new: '[...place.snapshot.inProgress]'
      }
    ],
    killers: [{ file: pace, title: 'so is one that the snapshot does not list' }]
  },
  {
    name: 'epoch-ignored-by-the-feed',
    promise: 'complete',
    fault: 'The feed reads on after another epoch has begun',
    edits: [{ file: `${LIVE}/feed.ts`, old: 'found.place.epoch !== place.epoch', new: 'false' }],
    killers: [{ file: pace, title: 'another epoch, or a floor above the place' }, epoch]
  },
  {
    name: 'epoch-ignored-by-catch-up',
    promise: 'complete',
    fault: 'Who comes back with a place of another epoch is told what is new since',
    edits: [
      {
        file: `${LIVE}/catch-up.ts`,
        old: 'if (place.epoch !== since.epoch || since.snapshot.xmax > place.snapshot.xmax)',
        new: 'if (place.snapshot.xmax < 0n)'
      },
      {
        file: `${LIVE}/catch-up.ts`,
        old: `place.epoch !== since.epoch || place.epoch === '' || since.snapshot.xmax > place.snapshot.xmax`,
        new: `place.epoch === ''`
      }
    ],
    killers: [epoch]
  },
  {
    name: 'floor-ignored-by-the-feed',
    promise: 'complete',
    fault: 'A node that was cut off reads on although what it missed was trimmed',
    edits: [{ file: `${LIVE}/feed.ts`, old: 'place.snapshot.xmin < found.floor', new: 'false' }],
    killers: [{ file: pace, title: 'another epoch, or a floor above the place' }]
  },
  {
    name: 'pass-lost-with-a-failing-listener',
    promise: 'complete',
    fault: 'What a listener of the feed failed on is passed over',
    edits: [
      {
        file: `${LIVE}/feed.ts`,
        old: `events.emit('broken', cause);\n      events.emit('stream changed', found);`,
        new: `events.emit('broken', cause);`
      }
    ],
    killers: [{ file: pace, title: 'a pass that a listener of it fails on' }]
  },
  {
    name: 'proof-too-young',
    promise: 'honest',
    fault: 'A pass vouches for the moment at which it ended, not for the one before its snapshot',
    edits: [
      { file: `${LIVE}/differences.ts`, old: 'proofAt: row.proof_at.getTime()', new: 'proofAt: row.read_at.getTime()' }
    ],
    killers: [{ file: small, title: 'what a pass vouches for is not younger than what it could see' }]
  },
  {
    name: 'listener-not-asked',
    promise: 'honest',
    fault: 'The feed is vouched for whether the listener is up or down',
    edits: [{ file: `${LIVE}/feed.ts`, old: '!wakeUp.isSound', new: 'false' }],
    killers: [
      { file: pace, title: 'nothing is vouched for while the listener is down' },
      { file: listener, title: 'while the listener alone is lost no client is sent a tick' }
    ]
  },
  {
    name: 'failed-reads-not-asked',
    promise: 'honest',
    fault: 'The feed is vouched for while its reads fail',
    edits: [{ file: `${LIVE}/feed.ts`, old: 'failures > 0 || place === null', new: 'place === null' }],
    killers: [{ file: pace, title: 'nothing is vouched for while the listener is down' }]
  },
  {
    name: 'lag-not-asked',
    promise: 'honest',
    fault: 'The feed is vouched for however long ago its last pass came to an end',
    edits: [{ file: `${LIVE}/feed.ts`, old: 'performance.now() - passedAt > LAG_LIMIT_MS', new: 'false' }],
    killers: [{ file: pace, title: 'nothing is vouched for while the listener is down' }]
  },
  {
    name: 'read-before-listen',
    promise: 'honest',
    fault: 'The listener is called sound, and its read is done, before LISTEN stands',
    edits: [
      {
        file: `${LIVE}/wake-up.ts`,
        old: '      await current.connect();\n',
        new: `      await current.connect();\n      isSound = true;\n      events.emit('regained');\n`
      }
    ],
    killers: [{ file: listener, title: 'the listener is not called sound before LISTEN stands' }]
  },
  {
    name: 'canary-not-missed',
    promise: 'honest',
    fault: 'A canary that does not come back changes nothing, so a half-open connection stays',
    edits: [{ file: `${LIVE}/wake-up.ts`, old: '    if (!isBack)\n', new: '    if (!isBack && isClosed)\n' }],
    killers: [{ file: listener, title: 'a listener whose connection is half open is noticed' }]
  },
  {
    name: 'listener-gives-up',
    promise: 'complete',
    fault: 'A listener that could not connect twice in a row is never tried again',
    edits: [
      {
        file: `${LIVE}/wake-up.ts`,
        old: 'timer = setTimeout(() => void connect(), backOff(attempt++, Math.random()));',
        new: 'if (attempt < 2) timer = setTimeout(() => void connect(), backOff(attempt++, Math.random()));'
      }
    ],
    killers: [{ file: listener, title: 'a listener that is refused again and again' }]
  },
  {
    name: 'tick-while-the-listener-is-down',
    promise: 'honest',
    fault: 'Ticks go on while the feed is not sound',
    edits: [
      {
        file: `${LIVE}/ticks.ts`,
        old: 'if (link !== null || feed.place === null)',
        new: 'if (feed.place === null)'
      }
    ],
    killers: [
      { file: `${LIVE}/ticks.test.ts`, title: 'no tick is sent while the' },
      { file: listener, title: 'while the listener alone is lost no client is sent a tick' }
    ]
  },
  {
    name: 'tick-before-what-it-vouches-for',
    promise: 'honest',
    fault: 'A tick is sent while rows that it vouches for still wait for their gap',
    edits: [{ file: `${LIVE}/ticks.ts`, old: '    broadcast.flush();\n', new: '' }],
    killers: [{ file: `${LIVE}/ticks.test.ts`, title: 'what waits for its gap goes out before the tick' }]
  },
  {
    name: 'tick-that-grows-as-it-is-told',
    promise: 'honest',
    fault: 'The later parts of a tick vouch for rows that still wait for their gap',
    edits: [
      {
        file: `${LIVE}/ticks.ts`,
        old: 'timer = setTimeout(tellSome, GAP_MS, place, proofAt, count);',
        new: 'timer = setTimeout(() => tellSome(feed.place!, feed.proofAt, count), GAP_MS);'
      }
    ],
    killers: [{ file: `${LIVE}/ticks.test.ts`, title: 'what waits goes out once, all have the tick soon' }]
  },
  {
    name: 'token-of-what-still-waits',
    promise: 'complete',
    fault: 'The token that comes with a later part of a tick is of a place whose rows still wait for their gap',
    edits: [{ file: `${LIVE}/ticks.ts`, old: 'token: tokenKey.seal(place,', new: 'token: tokenKey.seal(feed.place!,' }],
    killers: [{ file: `${LIVE}/ticks.test.ts`, title: 'a fresh token is of the moment of the first, too' }]
  },
  {
    name: 'tick-for-who-is-behind',
    promise: 'honest',
    fault: 'Who is away for being slow is sent ticks',
    edits: [
      {
        file: `${LIVE}/ticks.ts`,
        old: 'watching !== watched || lagging !== null) continue;',
        new: 'watching !== watched) continue;'
      }
    ],
    killers: [{ file: `${LIVE}/ticks.test.ts`, title: 'nobody is vouched for who has not caught up' }]
  },
  {
    name: 'tick-for-a-list-that-is-due',
    promise: 'honest',
    fault: 'Who waits for a list after a burst is sent ticks',
    edits: [{ file: `${LIVE}/ticks.ts`, old: '      if (windowDueSince !== null) continue;\n', new: '' }],
    killers: [{ file: `${LIVE}/ticks.test.ts`, title: 'nobody is vouched for who has not caught up' }]
  }
];
