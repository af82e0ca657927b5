/** docs/OPERATING.md says what is so: states, links, reasons, variables, connections, files and limits that it names. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { LOST_LINKS, RESYNC_REASONS } from '../src/lib/live/protocol.ts';
import { lostWords, silentWords, stampWords, type FeedStamp } from '../src/lib/operations/stamp-wording.ts';
import { LIMITS } from '../src/lib/server/access/sign-in-limits.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(project, path), 'utf8');
const page = read('docs/OPERATING.md');
const section = (title: string): string => page.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';

test('every state of the stamp, every lost link and every reason to read anew has what to do', () => {
  const stamp: FeedStamp = {
    state: 'live',
    ageMs: 1_000,
    staleSince: 0,
    link: null,
    catchingUp: false,
    retryInMs: null
  };
  const advice = section('When the stamp says …');
  const say = (part: Partial<FeedStamp>, pausedAt: number | null = null): { word: string; note: string | null } =>
    stampWords({ stamp: { ...stamp, ...part }, readAt: 0, pausedAt, timeZone: 'UTC' });
  const words = [
    say({ state: 'connecting' }).word.replace(/ \d.*$/, ''),
    say({}).word,
    say({}, 1).word,
    say({ state: 'reconnecting' }).word,
    say({ state: 'stale' }).word.replace(/ \d.*$/, ''),
    silentWords(stamp, { lastReportAt: 1, silentAfterMs: 1 }, 1e9, false)?.word ?? 'Source silent is gone'
  ];
  for (const word of words) expect(advice, word).toContain(`**${word}`);
  for (const link of ['browser', ...LOST_LINKS] as const) {
    expect(advice, link).toContain(say({ state: 'stale', link }).note);
    expect(
      lostWords({ stamp: { ...stamp, state: 'stale', link }, readAt: 0, pausedAt: null, timeZone: 'UTC' })
    ).not.toBeNull();
  }
  for (const name of [...LOST_LINKS, ...RESYNC_REASONS]) expect(advice).toContain(`\`${name}\``);
});

test('a node takes as many connections as the page counts', () => {
  const sum = (folder: string, but: string[] = []): number =>
    readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !but.includes(file))
      .flatMap((file) => [...read(join(folder, file)).matchAll(/openPool\(\{[^}]*?max: (\d+)/g)])
      .reduce((total, [, max]) => total + Number(max), 0);
  const hub = sum('src/lib/server/live') + 1; // pg-listen's own
  const pages = sum('src/lib/server/web');
  // Reconciliation is a command of its own.
  const upkeep = sum('src/lib/server/reports', ['reconcile.ts']);
  const metrics = sum('src/lib/server/metrics');
  const text = section('Postgres').replace(/\s+/g, ' ');
  expect(text).toContain(`at most ${hub + pages + upkeep + metrics}: the hub ${hub} `);
  expect(text).toContain(`pages ${pages} `);
  expect(text).toContain(`upkeep ${upkeep} `);
  expect(text).toContain(`metrics ${metrics}.`);
  expect(text).toContain(`max_connections ≥ ${hub + pages + upkeep + metrics} × nodes`);
});

test('files, sections and limits that it names are there', () => {
  for (const [, path = ''] of page.matchAll(/`((?:deploy|tests|docs)\/[\w./-]+)`/g))
    if (path !== 'deploy/.env') expect(existsSync(join(project, path)), path).toBe(true);
  for (const [, path = ''] of page.matchAll(/\]\(([^)#:]+)\)/g))
    expect(existsSync(join(project, 'docs', path)), path).toBe(true);
  const { accountFromNetwork, network, account } = LIMITS;
  expect(section('Limits')).toContain(
    `${accountFromNetwork} failures an account from one network, ${network} a network, ${account} an account`
  );
  expect(read('README.md')).toContain('docs/OPERATING.md');
});

test('every variable that the server reads is in the README', () => {
  const source = read('src/lib/server/config.ts');
  const names = new Set([...source.matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(([, name = '']) => name));
  expect(names).toContain('DATABASE_URL');
  const readme = read('README.md');
  expect([...names].filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});
