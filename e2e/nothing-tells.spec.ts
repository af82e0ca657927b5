/**
 * Nothing tells: what a person may not see answers like what does not exist, by every way of asking. The cases are
 * generated from a table (harness/matrix.ts) of principals × resources × channels; each answer is held to another one
 * byte by byte (status, headers in their order, size, body), and to the same statements of the database, so that no clock
 * can tell them apart either. Only date, nonce and error id are taken out.
 */
import {
  AS_DISPLAY,
  CATCH_UP_PATH,
  PROTOCOL_VERSION,
  type Subscribe,
  type SubscribeAnswer
} from '../src/lib/live/protocol.ts';
import { hashPassword } from '../src/lib/server/access/passwords.ts';
import { openReader } from '../tests/harness/live.ts';
import { makeWorld, type World } from '../tests/harness/world.ts';
import { asWritten, isRefusal, spellings, timeless } from './harness/alike.ts';
import { headerOf, openAsker, withoutAddress, type Answer, type Asker, type Question } from './harness/ask.ts';
import { distinctness } from './harness/clock.ts';
import { startInstance, type Instance } from './harness/instance.ts';
import { askLive, hiddenScopesOf, openLiveClient, type LiveQuestion } from './harness/live-questions.ts';
import { ABSENT, makePrincipals, makeResources, PRINCIPALS, type Principal, type Resources } from './harness/matrix.ts';
import {
  addressesOf,
  channelsOf,
  cursorAt,
  findUnknown,
  malformedAddressesOf,
  ROUTES,
  type Address,
  type Channel
} from './harness/routes.ts';
import { addMember } from './harness/people.ts';
import { reportEnd } from './harness/reports.ts';
import { openStatementProxy, type StatementProxy } from './harness/statement-proxy.ts';
import { expect, hubPath, sharedDatabaseUrl, test } from './harness/test.ts';

let proxy: StatementProxy;
let instance: Instance;
let world: World;
let made: Resources;
let principals: Principal[];
let asker: Asker;

// One node and one world for all of them; a slow machine has time for three thousand questions.
test.describe.configure({ mode: 'default', timeout: 300_000 });

test.beforeAll(async () => {
  test.setTimeout(180_000);
  // A node of its own on the shared database: what it asks Postgres is this file's alone.
  proxy = await openStatementProxy(sharedDatabaseUrl());
  instance = await startInstance({ databaseUrl: proxy.url });
  world = await makeWorld(sharedDatabaseUrl());
  made = await makeResources(world);
  principals = await makePrincipals(world, made);
  asker = openAsker(instance.baseURL);
});
test.afterAll(async () => {
  asker?.close();
  await world?.close();
  await instance?.remove();
  await proxy?.close();
});

interface Told {
  answer: Answer;
  statements: string[];
}
const PAGES = ['watchfloor pages', 'watchfloor sign-in'];

async function askAs(cookie: string | null, question: Question): Promise<Told> {
  proxy.take(...PAGES);
  const answer = await asker.ask({ ...question, headers: { ...question.headers, ...(cookie && { cookie }) } });
  // A connection takes on its role when it is made, whoever needs it; the library of limits sweeps by its own clock.
  const statements = proxy.take(...PAGES).filter((sql) => !/^(set role|delete .*expire)/i.test(sql));
  return { answer, statements };
}

async function ask(principal: Principal, channel: Channel, path: string): Promise<Told> {
  return askAs(await principal.cookie(), channel.ask(path));
}

/** Asks for all of them and holds each answer to the first; returns that. */
async function expectOneAnswer(principal: Principal, channel: Channel, addresses: Address[]): Promise<Answer | null> {
  let first: { address: Address; answer: Answer } | null = null;
  const statements = new Map<string, { of: string; sql: string[] }>();
  for (const address of addresses) {
    const told = await ask(principal, channel, address.path);
    const what = `${principal.name}: ${channel.name} of ${address.path} (${address.what})`;
    // Redirects lead to or through the address, and one's own question is no news.
    const isRedirect = /^3/.test(told.answer.status) || told.answer.body.includes('"redirect"');
    const answer = isRedirect ? withoutAddress(told.answer, ...spellings(channel, address.path)) : told.answer;
    expect(isRefusal(answer, channel), `${what} is refused: ${answer.status}`).toBe(true);
    expect(headerOf(answer, 'etag'), `${what} has no hash of what it says`).toBeNull();
    expect(headerOf(answer, 'cache-control') ?? 'none at all', `${what} is not stored`).toContain('no-store');
    first ??= { address, answer };
    expect(answer, `${what} answers like ${first.address.path} (${first.address.what})`).toEqual(first.answer);
    const known = statements.get(address.depth);
    // An expired session is ended by whoever comes first: this request, or somebody else's sign-in beside it.
    const sql = told.statements.filter((text) => text !== 'DELETE FROM public.sessions WHERE id = $1');
    if (!known) statements.set(address.depth, { of: what, sql });
    else expect(sql, `${what} asks the database like ${known.of}`).toEqual(known.sql);
  }
  return first?.answer ?? null;
}

function principalOf(name: string): Principal {
  return principals.find((principal) => principal.name === name)!;
}
const pageOf = (path: string): Question => ({ path, headers: { accept: 'text/html' } });
const [GET] = channelsOf({ kind: 'page' }, '') as [Channel];

test('every route, form, method and principal is in the table', () => {
  expect(findUnknown()).toEqual([]);
  expect(principals.map(({ name }) => name)).toEqual(PRINCIPALS);
});

for (const name of PRINCIPALS)
  test(`to ${name}, what is hidden answers like what never was, by every door`, async () => {
    const principal = principalOf(name);
    const audited = async (): Promise<number> =>
      (await world.owner.query('select from audit_events where workspace_id in ($1, $2)', [world.a, world.b]))
        .rowCount!;
    const before = await audited();
    for (const route of Object.values(ROUTES)) {
      const { hidden, seen } = addressesOf(route, principal);
      if (hidden.length === 0) continue;
      const addresses = principal.isSignedIn ? hidden : [...hidden, ...seen];
      for (const channel of channelsOf(route, instance.baseURL)) {
        if (!channel.isFirst && principal.depth !== 'all') continue;
        const isFew = !channel.isFirst || principal.depth === 'few';
        const asked = addresses.filter(({ isCore }) => isCore || !isFew);
        const answer = await expectOneAnswer(principal, channel, asked);
        // Signed out: the way to sign in and back, and nothing else.
        if (!principal.isSignedIn && channel.name === 'GET')
          expect([headerOf(answer!, 'location'), answer!.body]).toEqual(['/login?next={address}', '']);
      }
      // Positive control: the same questions have answers where something may be seen.
      for (const { path } of principal.isSignedIn ? seen : []) {
        const { status } = (await ask(principal, GET, path)).answer;
        expect(status, path).toMatch(route.needs && !principal.may.includes(route.needs) ? /^403/ : /^200/);
      }
    }
    expect(await audited(), 'nothing was done').toBe(before);
  });

test('what is no id answers like what does not exist, in every spelling', async () => {
  for (const name of ['a member who is narrowed to one environment', 'nobody'] as const) {
    const principal = principalOf(name);
    const [place] = principal.places;
    for (const route of Object.values(ROUTES)) {
      const malformed = malformedAddressesOf(route, place!);
      if (malformed.length === 0) continue;
      const channels = channelsOf(route, instance.baseURL).filter(({ name: channel }) =>
        (principal.isSignedIn ? ['GET', 'data', 'POST review'] : ['GET']).includes(channel)
      );
      for (const channel of channels) {
        const answer = await expectOneAnswer(principal, channel, malformed);
        const [absent] = addressesOf(route, principal).hidden;
        if (principal.isSignedIn)
          expect((await ask(principal, channel, absent!.path)).answer, `${channel.name} of no id`).toEqual(answer);
      }
    }
  }
});

test('a role that may not is told so about what it sees, in one answer, and 404 about everything else', async () => {
  const route = ROUTES['/admin/workspaces/[workspace]/operations/[operation]']!;
  for (const [name, action] of [
    ['readonly', 'review'],
    ['readonly', 'diagnostics'],
    ['support', 'undo'],
    ['a member who is narrowed to one environment', 'diagnostics']
  ] as const) {
    const principal = principalOf(name);
    const { hidden, seen } = addressesOf(route, principal);
    for (const channel of channelsOf(route, instance.baseURL).filter((one) =>
      [`POST ${action}`, `POST ${action} by scripts`].includes(one.name)
    )) {
      const answers: Answer[] = [];
      for (const { path } of seen)
        answers.push(withoutAddress((await ask(principal, channel, path)).answer, ...spellings(channel, path)));
      expect(answers[0]!.status.startsWith('403') || answers[0]!.body.includes('"status":403')).toBe(true);
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      const absent = (await ask(principal, channel, hidden[0]!.path)).answer;
      expect(absent.status.startsWith('404') || absent.body.includes('"status":404')).toBe(true);
    }
  }
});

test('filters, searches and cursors that point at what is hidden find what those that point nowhere find', async () => {
  const principal = principalOf('a member who is narrowed to one environment');
  const [secret, nowhere] = ['test.secret.kind', 'test.nothing.kin'];
  const initiators = ['Hidden Somebody', 'Nobody Anywhere'] as const;
  const hidden = await reportEnd(world, world.a2, 'failed', { type: secret, initiator: initiators[0] });
  await reportEnd(world, world.a2, 'failed', { type: secret, initiator: initiators[0], reason: 'Zanzibar burns' });
  const { rows } = await world.owner.query<{ at: Date }>('select created_at as at from operation_runs where id = $1', [
    hidden
  ]);
  const at = rows[0]!.at.getTime();
  const foreign = made.b1Operation;
  const pairs: [string, string, string][] = [
    ['type', secret, nowhere],
    ['initiator', ...initiators],
    ['q', 'zanzibar', 'trinidad'],
    ['q', secret, nowhere],
    ['q', String(hidden), '9'.repeat(String(hidden).length)],
    ['q', String(foreign), '9'.repeat(String(foreign).length)],
    ['after', cursorAt(at, hidden), cursorAt(at, hidden + 1)],
    ['before', cursorAt(at, hidden), cursorAt(at, hidden + 1)],
    ['status', 'completed&initiator=Hidden+Somebody', 'completed&initiator=Nobody+Anywhere']
  ];
  // The first page of a process reads the key of its tokens.
  await ask(principal, GET, hubPath(world.a));
  for (const [key, one, other] of pairs)
    for (const base of [hubPath(world.a), hubPath(world.a, '/counts'), hubPath(world.a, '/__data.json')]) {
      // A few digits stand in a page anyhow; counts repeat nothing of the question.
      if (/^\d+$/.test(one) && !base.endsWith('/counts')) continue;
      const answers: Told[] = [];
      for (const value of [one, other]) {
        const text = value.includes('&') ? value : encodeURIComponent(value);
        const told = await ask(principal, GET, `${base}?${key}=${text}`);
        expect(told.answer.status, `${base}?${key}=${text}`).toMatch(/^200/);
        const values = value.includes('&') ? value.split('=').slice(1) : /^\d+$/.test(value) ? [] : [value];
        answers.push({ ...told, answer: timeless(told.answer, values.flatMap(asWritten)) });
      }
      expect(answers[1]!.answer, `${base} with ${key}=${one}`).toEqual(answers[0]!.answer);
      expect(answers[1]!.statements).toEqual(answers[0]!.statements);
    }
  // Positive control: who may see them finds them.
  const everyone = (await askAs(world.everyone.cookie, pageOf(hubPath(world.a, `?type=${secret}`)))).answer.body;
  expect(everyone).toContain(`/operations/${hidden}"`);
});

test('signing in tells nobody whether an account exists, is disabled or has another password', async () => {
  const { rows } = await world.owner.query<{ email: string }>(
    `insert into users (email, name, password_hash, disabled_at)
     select 'here.' || n || $1, 'Here', $2,
       case n when 2 then now() end
     from generate_series(1, 2) n returning email`,
    [`.${made.a1Operation}@example.test`, await hashPassword('the password of this one')]
  );
  const [exists, disabled] = [rows[0]!.email, rows[1]!.email];
  const asked = [exists, disabled, exists.replace('here.1', 'here.3')];
  for (const accept of ['text/html', 'application/json']) {
    const told: Told[] = [];
    for (const email of asked) {
      const body = new URLSearchParams({ email, password: 'not the password of anybody' }).toString();
      const headers = {
        origin: instance.baseURL,
        accept,
        'content-type': 'application/x-www-form-urlencoded'
      };
      const one = await askAs(null, { method: 'POST', path: '/login', headers, body });
      const answer = withoutAddress(one.answer, email, encodeURIComponent(email));
      told.push({ answer, statements: one.statements });
    }
    expect(told[1]).toEqual(told[0]);
    expect(told[2]).toEqual(told[0]);
  }
});

for (const name of PRINCIPALS)
  test(`to ${name}, sockets and catch-up over HTTP tell nothing either`, async () => {
    const principal = principalOf(name);
    const cookie = await principal.cookie();
    const questions = hiddenScopesOf(principal);
    const heard: string[] = [];
    const isKnown = principal.isSignedIn || principal.display === 'trusted';
    const query = principal.display ? Object.fromEntries([AS_DISPLAY]) : {};
    const path = principal.display ? `${CATCH_UP_PATH}?${AS_DISPLAY.join('=')}` : CATCH_UP_PATH;
    const socket = await openLiveClient(instance.baseURL, cookie, query).catch((error: Error) => error.message);
    if (typeof socket === 'string') expect([socket, isKnown]).toEqual(['signed out', false]);
    else socket.onAny((event: string) => heard.push(event));
    const statements = new Map<string, string[]>();
    const answers: Answer[] = [];
    const expectSteps = (way: string, { what, depth }: LiveQuestion): void => {
      // Why somebody was refused is asked later, for the log.
      const sent = proxy.take('watchfloor hub', 'watchfloor hub sign-in').filter(isOfAnswer);
      const known = statements.get(`${way} ${depth}`);
      if (known) expect(sent, `${name}: ${way} about ${what}`).toEqual(known);
      else statements.set(`${way} ${depth}`, sent);
    };
    for (const question of questions) {
      proxy.take('watchfloor hub', 'watchfloor hub sign-in');
      if (typeof socket !== 'string') {
        expect(await askLive(socket, question.message), question.what).toEqual({ result: 'absent' });
        expectSteps('socket', question);
      }
      const headers = { origin: instance.baseURL, 'content-type': 'application/json', ...(cookie && { cookie }) };
      const body = JSON.stringify(question.message);
      answers.push(await asker.ask({ method: 'POST', path, headers, body }));
      expectSteps('HTTP', question);
      expect(answers.at(-1), `${name}: HTTP about ${question.what}`).toEqual(answers[0]);
    }
    const [first] = answers;
    if (isKnown) expect([first!.status, first!.body]).toEqual(['200 OK', '{"result":"absent"}']);
    else expect([first!.status, first!.body]).toEqual(['401 Unauthorized', '{}']);
    expect(headerOf(first!, 'cache-control')).toBe('no-store');
    expect(heard).toEqual([]);
    if (typeof socket !== 'string') socket.disconnect();
  });

const isOfAnswer = (sql: string): boolean => !/^set role/i.test(sql) && !sql.startsWith('with place as');

test('to look at an operation that is hidden is to look at none, on the socket as over HTTP', async () => {
  const reader = openReader(sharedDatabaseUrl());
  const scope = { workspaceId: world.a, environmentId: null };
  const { token } = (await reader.read(world.narrowed, scope))!;
  await reader.close();
  const socket = await openLiveClient(instance.baseURL, world.narrowed.cookie);
  const headers = { origin: instance.baseURL, 'content-type': 'application/json', cookie: world.narrowed.cookie };
  const told: unknown[] = [];
  for (const id of [ABSENT, made.a2Operation, made.b1Operation, made.deletedOperation]) {
    const window = { kind: 'operation', id } as const;
    const message: Subscribe = { protocol: PROTOCOL_VERSION, scope, window, summaries: 'scope', token };
    const http = await asker.ask({ method: 'POST', path: CATCH_UP_PATH, headers, body: JSON.stringify(message) });
    for (const answer of [await askLive(socket, message), JSON.parse(http.body) as SubscribeAnswer]) {
      expect(answer.result).toBe('caught_up');
      const { generation, token: place, proofAt, now, summaries, ...rest } = answer as never as Record<string, unknown>;
      expect([generation, place, proofAt, now, summaries]).not.toContain(undefined);
      told.push(rest);
    }
  }
  for (const one of told) expect(one).toEqual(told[0]);
  socket.disconnect();
});

test('no clock tells what is hidden from what never was', async () => {
  const principal = principalOf('a member who is narrowed to one environment');
  const cookie = await principal.cookie();
  const timed = (path: string) => () => asker.ask({ path, headers: { cookie: cookie! } });
  const data = '/__data.json?x-sveltekit-invalidated=001';
  for (const paths of [
    [ABSENT, made.a2Operation, made.b1Operation].map((id) => hubPath(world.a, `/${id}${data}`)),
    [ABSENT, world.b].map((id) => hubPath(id, data)),
    [ABSENT, world.a2, world.b1].map((id) => hubPath(world.a, `/counts?environment_id=${id}`))
  ]) {
    // By chance 0.2 from one half is more than five standard deviations; what is really distinct stays so every time.
    let found = 1;
    for (let attempt = 0; attempt < 4 && found > 0.2; attempt += 1) found = await distinctness(paths.map(timed), 100);
    expect(found, paths.join(' | ')).toBeLessThanOrEqual(0.2);
  }
});

test('what was denied stands in the log with who and why, and without anything secret', async () => {
  const { a, b, narrowed } = world;
  const lines = (): Record<string, unknown>[] =>
    instance
      .output()
      .split('\n')
      // What was printed is kept from some place on, in the middle of a line.
      .filter((line) => line.startsWith('{') && line.includes('"denied"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const person = principalOf('readonly');
  const cookie = (await person.cookie())!;
  // Lines have a limit by the minute and person, which the tests before have used up: here somebody new asks.
  const [asked, session] = await freshMember();
  const post = (path: string, origin = instance.baseURL): Question => ({
    method: 'POST',
    path,
    headers: { origin, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'any=1'
  });
  await askAs(session, pageOf(hubPath(b)));
  await askAs(session, pageOf(hubPath(a, `?environment_id=${ABSENT}`)));
  await askAs(session, pageOf(hubPath(a, `/${made.b1Operation}`)));
  await askAs(session, { path: hubPath(a, '/abc/__data.json') });
  await askAs(session, post(hubPath(a, `/${made.a1Operation}?/diagnostics`)));
  await askAs(session, post(hubPath(a, `/${ABSENT}?/review`)));
  await askAs(session, post(hubPath(a, `/${made.a1Operation}?/review`), 'http://evil.test'));
  const mine = () => lines().filter((line) => line['person'] === asked);
  await expect.poll(() => mine().length, { timeout: 20_000 }).toBe(6);
  expect(mine().map(({ door, why }) => [door, why])).toEqual(
    expect.arrayContaining([
      ['operations', 'not a member'],
      ['operations', 'no such environment'],
      ['operation', 'no such operation'],
      ['operation', 'malformed'],
      ['diagnostics', 'capability'],
      ['review', 'no such operation']
    ])
  );
  for (const line of mine()) {
    expect(line).toMatchObject({ address: '127.0.0.1', session: expect.stringMatching(/^[0-9a-f]{12}$/) });
    expect(line['request']).toMatch(/^[0-9a-f]{12}$/);
  }
  await expect.poll(() => lines().map((line) => line['origin'])).toContain('http://evil.test');
  for (const secret of [session, cookie, narrowed.cookie])
    expect(instance.output()).not.toContain(secret.split('=')[1]);
});

/** A member of A whom nobody has asked anything yet: id and cookie. */
async function freshMember(): Promise<[number, string]> {
  const person = await addMember(world, 'operator');
  return [person.id, person.cookie];
}
