/** Who is a display: pairing by a code, and the secret over its life (server/displays/pairing.ts and trust.ts). */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPool } from '../src/lib/server/database/pool.ts';
import { approveDisplay, CodeOverError, findWaiting } from '../src/lib/server/displays/management.ts';
import { listAllDisplays, revokeAnyDisplay } from '../src/lib/server/displays/administration.ts';
import { notePresence, presenceSchema } from '../src/lib/server/displays/presence.ts';
import { openPairing, PAIRING_LIMITS, type Pairing } from '../src/lib/server/displays/pairing.ts';
import { openDisplays, type Displays } from '../src/lib/server/displays/trust.ts';
import { changeWorkspace } from '../src/lib/server/access/scope.ts';
import type { SessionCookie } from '../src/lib/server/access/sessions.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { makeDisplay } from './harness/displays.ts';
import { makeWorld, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
let access: pg.Pool;
let people: pg.Pool;
let displays: Displays;
let pairing: Pairing;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  access = openPool({ url: database.url, role: 'access', max: 4, applicationName: 'test displays' });
  people = openPool({ url: database.url, role: 'people', max: 4, applicationName: 'test displays pages' });
  displays = openDisplays({ pool: access, secure: false });
  pairing = openPairing(access, displays);
});
afterAll(async () => {
  await Promise.all([access?.end(), people?.end()]);
  await world?.close();
  await database?.drop();
});

const toHeader = ({ name, value }: SessionCookie): string => `${name}=${value}`;
const asked = { address: null, browser: 'Test', width: 1920, height: 1080 };
const settings = {
  name: 'NOC',
  environmentIds: [] as number[],
  layout: 'whole',
  theme: 'dark',
  distanceM: 5,
  diagonalIn: 55,
  rotateSeconds: null,
  zone: 'UTC'
} as const;
const secretsOf = async (displayId: number): Promise<number> =>
  (await world.owner.query('select from display_secrets where display_id = $1', [displayId])).rowCount!;

/** Asks for a code in a browser of its own. */
async function ask(): Promise<{ code: string; header: string }> {
  const open = await pairing.ask(null, asked);
  if (open === 'limited') throw new Error('limited');
  return { code: open.code, header: toHeader(open.setCookie!) };
}
const approve = (code: string, who = world.everyone.id, workspaceId = world.a, as = settings) =>
  changeWorkspace(people, who, workspaceId, (client) => approveDisplay(client, workspaceId, code, { ...as }, 'Maren'));

describe('pairing', () => {
  test('a browser that was approved is a display from then on, with the secret that it had from the beginning', async () => {
    const { code, header } = await ask();
    expect(code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{8}$/);
    expect(await displays.check(header)).toEqual({ state: 'unknown' });
    expect(await pairing.poll(header)).toMatchObject({ state: 'waiting', pollSeconds: 1 });
    const id = await approve(code);
    await world.owner.query(`update watchfloor.pairing_requests set polled_at = now() - interval '5 seconds'`);
    expect(await pairing.poll(header)).toEqual({ state: 'approved' });
    expect(await displays.check(header)).toMatchObject({ state: 'trusted', displayId: id, workspaceId: world.a });
    expect(await displays.read(header)).toMatchObject({ displayId: id, userId: -id! });
  });

  test('a code works once, whoever tries it at the same time, and leaves no display behind where it did not', async () => {
    const { code } = await ask();
    const tried = await Promise.allSettled([approve(code), approve(code), approve(code)]);
    expect(tried.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of tried) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(CodeOverError);
    const { rows } = await world.owner.query(
      `select count(*)::int as made from displays d where not exists (select from display_secrets s where s.display_id = d.id)`
    );
    expect(rows).toEqual([{ made: 0 }]);
    expect(await findWaiting(people, code)).toBeNull();
  });

  test('after ten minutes a code is over', async () => {
    const { code, header } = await ask();
    expect(await findWaiting(people, code)).toMatchObject({ browser: 'Test', width: 1920, height: 1080 });
    await world.owner.query(
      `update watchfloor.pairing_requests set expires_at = now() - interval '1 second' where code = $1`,
      [code]
    );
    expect(await findWaiting(people, code)).toBeNull();
    await expect(approve(code)).rejects.toBeInstanceOf(CodeOverError);
    expect(await pairing.poll(header)).toEqual({ state: 'expired' });
    expect(await displays.check(header)).toEqual({ state: 'unknown' });
  });

  test('a page that is loaded again keeps its code, and another browser gets another one', async () => {
    const { code, header } = await ask();
    expect(await pairing.ask(header, asked)).toMatchObject({ code, setCookie: null });
    expect((await ask()).code).not.toBe(code);
  });

  test('whoever asks too often is told to slow down, each time by five seconds', async () => {
    const { header } = await ask();
    expect(await pairing.poll(header)).toMatchObject({ state: 'waiting', pollSeconds: 1 });
    expect(await pairing.poll(header)).toMatchObject({ state: 'slow_down', pollSeconds: 6 });
    expect(await pairing.poll(header)).toMatchObject({ state: 'slow_down', pollSeconds: 11 });
    await world.owner.query(`update watchfloor.pairing_requests set polled_at = now() - interval '12 seconds'`);
    expect(await pairing.poll(header)).toMatchObject({ state: 'waiting', pollSeconds: 11 });
  });

  test('guesses are limited by network and in all, and right codes cost nothing', async () => {
    for (let n = 0; n < PAIRING_LIMITS.triedByNetwork; n++) {
      const tried = await pairing.mayTry('203.0.113.7');
      if (tried === 'limited') throw new Error('limited too early');
      if (n % 2 === 0) await tried.gaveBack();
    }
    for (let n = 0; n < PAIRING_LIMITS.triedByNetwork / 2; n++)
      expect(await pairing.mayTry('203.0.113.7')).not.toBe('limited');
    expect(await pairing.mayTry('203.0.113.7')).toBe('limited');
    // Another network of a person may go on, until all together have tried too often.
    const others: unknown[] = [];
    for (let n = 0; n < PAIRING_LIMITS.tried; n++) others.push(await pairing.mayTry(`198.51.100.${n}`));
    expect(others.filter((answer) => answer === 'limited')).toHaveLength(PAIRING_LIMITS.triedByNetwork);
  });

  test('one network may ask for so many codes, and not for more', async () => {
    const one = { ...asked, address: '203.0.113.9' };
    const answers: unknown[] = [];
    for (let n = 0; n < PAIRING_LIMITS.askedByNetwork + 3; n++) answers.push(await pairing.ask(null, one));
    expect(answers.filter((answer) => answer === 'limited')).toHaveLength(3);
  });
});

describe('the secret of a display', () => {
  test('is not in the table, and only its hash opens nothing', async () => {
    const { cookie } = await makeDisplay(world.owner, world.a);
    const { rows } = await world.owner.query<{ hash: Buffer }>('select hash from display_secrets');
    const secret = cookie.split('=')[1]!;
    expect(rows.some(({ hash }) => hash.toString('base64url') === secret)).toBe(false);
    for (const { hash } of rows)
      expect(await displays.read(`watchfloor-display=${hash.toString('base64url')}`)).toBeNull();
  });

  test('has no end while it is trusted, and is renewed after a day by the next page', async () => {
    const { id, cookie } = await makeDisplay(world.owner, world.a);
    await world.owner.query(
      `update display_secrets set offered_at = now() - interval '3 years' where display_id = $1`,
      [id]
    );
    const checked = await displays.check(cookie);
    expect(checked).toMatchObject({ state: 'trusted', displayId: id });
    const offered = checked.state === 'trusted' ? checked.setCookie! : null!;
    expect(offered.options).toMatchObject({ httpOnly: true, sameSite: 'lax', path: '/' });
    expect(offered.options.maxAge).toBeGreaterThan(300 * 24 * 3600);
    expect(await displays.check(toHeader(offered))).toMatchObject({ state: 'trusted', setCookie: null });
    // What was under way with the one before is answered; after a few minutes nobody comes with it any more.
    expect(await displays.check(cookie)).toMatchObject({ state: 'trusted' });
    await world.owner.query(
      `update display_secrets set ends_at = now() where display_id = $1 and ends_at is not null`,
      [id]
    );
    expect(await displays.check(cookie)).toEqual({ state: 'unknown' });
    expect(await displays.read(cookie)).toBeNull();
    expect(await displays.read(toHeader(offered))).toMatchObject({ displayId: id });
  });

  test('answers that are lost, however many and for however long, never unpair a screen', async () => {
    const { id, cookie } = await makeDisplay(world.owner, world.a);
    const offers: string[] = [];
    for (let day = 1; day <= 30; day++) {
      await world.owner.query(
        `update display_secrets set offered_at = offered_at - interval '25 hours' where display_id = $1`,
        [id]
      );
      const checked = await displays.check(cookie);
      expect(checked).toMatchObject({ state: 'trusted', displayId: id });
      if (checked.state === 'trusted' && checked.setCookie) offers.push(toHeader(checked.setCookie));
    }
    expect(offers).toHaveLength(30);
    // One of them arrives in the end, and not the last.
    expect(await displays.check(offers[12]!)).toMatchObject({ state: 'trusted' });
    await world.owner.query(`update display_secrets set ends_at = ends_at - interval '2 days' where display_id = $1`, [
      id
    ]);
    expect(await displays.check(cookie)).toEqual({ state: 'unknown' });
    expect(await displays.read(offers[12]!)).toMatchObject({ displayId: id });
    // What ended long ago is forgotten when the next one is used.
    expect(await displays.check(offers[20]!)).toMatchObject({ state: 'trusted' });
    expect(await secretsOf(id)).toBeLessThan(20);
  });

  test('a second offer waits for the answer of the first', async () => {
    const { id, cookie } = await makeDisplay(world.owner, world.a);
    await world.owner.query(`update display_secrets set offered_at = now() - interval '2 days' where display_id = $1`, [
      id
    ]);
    const checked = [await displays.check(cookie), await displays.check(cookie), await displays.check(cookie)];
    expect(checked.map((one) => one.state === 'trusted' && one.setCookie !== null)).toEqual([true, false, false]);
  });

  test('ends at once and for good when it is revoked, and the screen is told when', async () => {
    const { id, cookie } = await makeDisplay(world.owner, world.a);
    await world.owner.query('update displays set revoked_at = now() where id = $1', [id]);
    expect(await displays.read(cookie)).toBeNull();
    expect(await displays.check(cookie)).toEqual({ state: 'revoked', at: expect.any(Number) as number });
  });

  test('one that was removed is forgotten after a month, when the next screen asks for a code', async () => {
    const [old, recent] = [await makeDisplay(world.owner, world.a), await makeDisplay(world.owner, world.a)];
    await world.owner.query(`update displays set revoked_at = now() - interval '31 days' where id = $1`, [old.id]);
    await world.owner.query(`update displays set revoked_at = now() - interval '29 days' where id = $1`, [recent.id]);
    await ask();
    expect(await displays.check(old.cookie)).toEqual({ state: 'unknown' });
    expect(await displays.check(recent.cookie)).toMatchObject({ state: 'revoked' });
  });

  test('over https its cookie has the prefix that no other page of the domain can write', () => {
    const secure = openDisplays({ pool: access, secure: true });
    expect(secure.newSecret().setCookie).toMatchObject({
      name: '__Host-watchfloor-display',
      options: { secure: true, path: '/', httpOnly: true }
    });
    expect(displays.newSecret().setCookie).toMatchObject({ name: 'watchfloor-display', options: { secure: false } });
  });

  test.each(['', 'watchfloor-display=', 'watchfloor-display=short', 'other=1', `watchfloor-display=${'x'.repeat(44)}`])(
    'the cookie %j opens nothing',
    async (header) => {
      expect(await displays.read(header)).toBeNull();
      expect(await displays.check(header)).toEqual({ state: 'unknown' });
    }
  );
});

describe('what is known of a display', () => {
  const said = { state: 'live', version: '1', proofAt: 1_790_000_000_000, width: 1920, height: 1080, pixelRatio: 1 };

  test('is what it said last, of itself alone, and not more often than every five seconds', async () => {
    const { id } = await makeDisplay(world.owner, world.a, [world.a1], 'Speaks');
    await notePresence(access, id, presenceSchema.parse(said));
    await notePresence(access, id, presenceSchema.parse({ ...said, version: 'too soon' }));
    const read = () =>
      world.owner.query('select state, version from watchfloor.display_presence where display_id = $1', [id]);
    expect((await read()).rows).toEqual([{ state: 'live', version: '1' }]);
    await world.owner.query(`update watchfloor.display_presence set seen_at = now() - interval '6 seconds'`);
    await notePresence(access, id, presenceSchema.parse({ ...said, state: 'stale', proofAt: null }));
    expect((await read()).rows).toEqual([{ state: 'stale', version: '1' }]);
    const listed = (await listAllDisplays(world.owner)).find((one) => one.id === id);
    expect(listed).toMatchObject({
      name: 'Speaks',
      workspace: 'Workspace A',
      environments: 1,
      seenAt: expect.any(Date) as Date
    });
  });

  test.each([
    { ...said, state: 'well' },
    { ...said, version: 'x'.repeat(65) },
    { ...said, proofAt: 1.5 },
    { ...said, width: 0 },
    { ...said, displayId: 7 },
    null,
    'live'
  ])('nothing else can be said by it: %j', (other) => {
    expect(presenceSchema.safeParse(other).success).toBe(false);
  });

  test('an administrator ends its trust by its number, once', async () => {
    const { id, cookie } = await makeDisplay(world.owner, world.a, [], 'Lost tablet');
    expect(await revokeAnyDisplay(world.owner, id)).toEqual({ name: 'Lost tablet' });
    expect(await displays.read(cookie)).toBeNull();
    expect((await listAllDisplays(world.owner)).some((one) => one.id === id)).toBe(false);
    await expect(revokeAnyDisplay(world.owner, id)).rejects.toThrow('"display list" shows their numbers');
  });
});
