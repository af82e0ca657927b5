/**
 * What a person may not see answers exactly like what does not exist: same status, headers and body, on pages and on the
 * data requests behind them, once nonce, date and error id are taken out. (The same on sockets: tests/isolation.pg.test.ts.)
 */
import type { APIRequestContext, APIResponse, PlaywrightWorkerArgs } from '@playwright/test';
import { reportEnd } from './harness/reports.ts';
import { expect, hubPath, test } from './harness/test.ts';
import { insertOperation, type TestPerson, type World } from '../tests/harness/world.ts';

type Playwright = PlaywrightWorkerArgs['playwright'];

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

async function asPerson(
  playwright: Playwright,
  baseURL: string,
  person: TestPerson | null
): Promise<APIRequestContext> {
  return playwright.request.newContext({ baseURL, extraHTTPHeaders: person ? { cookie: person.cookie } : {} });
}

/** An answer without what differs between any two: nonce, date, error id. Nothing else is taken out. */
async function ask(requests: APIRequestContext, path: string): Promise<Answer> {
  return neutralise(await requests.get(path, { maxRedirects: 0 }));
}

async function neutralise(response: APIResponse): Promise<Answer> {
  const { date, ...headers } = response.headers();
  expect(date, 'every answer has a date').toBeTruthy();
  const neutral = (text: string): string =>
    text.replace(/nonce-[\w+/=]+|nonce="[^"]*"/g, 'nonce').replace(/\berror [0-9a-f]{12}\b/g, 'error id');
  return {
    status: response.status(),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, neutral(value)])),
    body: neutral(await response.text())
  };
}

/** Posts a form of a page by hand; `accept` as a browser that leaves the page, or as scripts that stay on it. */
async function post(requests: APIRequestContext, baseURL: string, path: string, accept: string): Promise<Answer> {
  const headers = { origin: baseURL, accept };
  return neutralise(await requests.post(path, { form: { any: '1' }, headers, maxRedirects: 0 }));
}

/** The page's address as a browser asks for its data on navigation. */
function toDataPath(path: string): string {
  const [pathname, query = ''] = path.split('?', 2);
  return `${pathname}/__data.json?${query}${query && '&'}x-sveltekit-invalidated=011`;
}

async function expectAllAlike(requests: APIRequestContext, paths: Record<string, string>): Promise<void> {
  for (const [door, toPath] of [
    ['page', (path: string) => path],
    ['data request', toDataPath]
  ] as const) {
    const [[, first], ...others] = Object.entries(paths) as [[string, string], ...[string, string][]];
    const expected = await ask(requests, toPath(first));
    const isPage = door === 'page';
    // SvelteKit answers data requests with 200 and the error inside; then the error is what must be a 404.
    if (isPage) expect(expected.status).toBe(404);
    else expect(expected.status === 404 || expected.body.includes('"status":404')).toBe(true);
    for (const [what, path] of others) {
      const answer = await ask(requests, toPath(path));
      expect(answer, `${door}: ${what} answers like ${Object.keys(paths)[0]}`).toEqual(expected);
      // No character of what was asked for comes back: that is how a body could differ and still be "the same".
      expect(answer.body).not.toContain(path);
    }
  }
}

const ABSENT = 987_654_321;

/** Operations in each place, as they exist for those who may see them. */
async function makeOperations(world: World): Promise<{ a1: number; a2: number; b1: number }> {
  const { writer, a, b, a1, a2, b1 } = world;
  return {
    a1: await insertOperation(writer, a, a1),
    a2: await insertOperation(writer, a, a2),
    b1: await insertOperation(writer, b, b1)
  };
}

test('absent, foreign and malformed workspaces answer alike', async ({ playwright, baseURL, world }) => {
  const operations = await makeOperations(world);
  const requests = await asPerson(playwright, baseURL!, world.narrowed);
  expect((await ask(requests, hubPath(world.a))).status, 'positive control').toBe(200);
  await expectAllAlike(requests, {
    'an absent workspace': hubPath(ABSENT),
    'a foreign workspace': hubPath(world.b),
    'no number': '/admin/workspaces/abc/operations',
    'a negative number': '/admin/workspaces/-1/operations',
    'a number in another form': `/admin/workspaces/0${world.a}/operations`,
    'an exponent': '/admin/workspaces/1e9/operations',
    'a number too large': '/admin/workspaces/99999999999999999999/operations',
    'a foreign workspace with its own environment': hubPath(world.b, `?environment_id=${world.b1}`),
    'an absent workspace with a foreign environment': hubPath(ABSENT, `?environment_id=${world.b1}`)
  });
  await expectAllAlike(requests, {
    'an operation of an absent workspace': hubPath(ABSENT, `/${operations.a1}`),
    'a foreign operation of a foreign workspace': hubPath(world.b, `/${operations.b1}`),
    'an own operation under a foreign workspace': hubPath(world.b, `/${operations.a1}`)
  });
  await requests.dispose();
});

test('a workspace from which somebody was removed answers like one that never was', async ({
  playwright,
  baseURL,
  world
}) => {
  const requests = await asPerson(playwright, baseURL!, world.everyone);
  expect((await ask(requests, hubPath(world.a))).status).toBe(200);
  await world.owner.query('delete from memberships where user_id = $1', [world.everyone.id]);
  await expectAllAlike(requests, { 'an absent workspace': hubPath(ABSENT), 'the former one': hubPath(world.a) });
  await requests.dispose();
});

test('absent, foreign, narrowed-away and malformed environments answer alike', async ({
  playwright,
  baseURL,
  world
}) => {
  await makeOperations(world);
  const requests = await asPerson(playwright, baseURL!, world.narrowed);
  const filtered = (value: string | number): string => hubPath(world.a, `?environment_id=${value}`);
  expect((await ask(requests, filtered(world.a1))).status, 'positive control').toBe(200);
  await expectAllAlike(requests, {
    'an absent environment': filtered(ABSENT),
    'a foreign environment': filtered(world.b1),
    'a narrowed-away environment': filtered(world.a2),
    'another narrowed-away environment': filtered(world.a3),
    'no number': filtered('abc'),
    'a negative number': filtered('-1'),
    'an exponent': filtered('1e9'),
    nothing: filtered(''),
    'a fraction': filtered('1.5'),
    'a number in another form': filtered(`0${world.a1}`),
    'an own environment with a space': filtered(`%20${world.a1}`),
    'a number too large': filtered('99999999999999999999'),
    'a narrowed-away environment on a later page size': `${filtered(world.a2)}&rows=50`,
    'an own environment after a foreign one': `${filtered(world.a2)}&environment_id=${world.a1}`
  });
  await requests.dispose();
});

test('absent, foreign, narrowed-away and malformed operations answer alike', async ({ playwright, baseURL, world }) => {
  const operations = await makeOperations(world);
  const requests = await asPerson(playwright, baseURL!, world.narrowed);
  expect((await ask(requests, hubPath(world.a, `/${operations.a1}`))).status, 'positive control').toBe(200);
  await expectAllAlike(requests, {
    'an absent operation': hubPath(world.a, `/${ABSENT}`),
    'a foreign operation': hubPath(world.a, `/${operations.b1}`),
    'a narrowed-away operation': hubPath(world.a, `/${operations.a2}`),
    'no number': hubPath(world.a, '/abc'),
    'a negative number': hubPath(world.a, '/-1'),
    'an exponent': hubPath(world.a, '/1e9'),
    'a number too large': hubPath(world.a, '/99999999999999999999')
  });
  await requests.dispose();
});

test('overviews, and the counts of lists, answer alike for what is absent, foreign, narrowed away or malformed', async ({
  playwright,
  baseURL,
  world
}) => {
  await makeOperations(world);
  const counts = (workspaceId: number, query = ''): string => hubPath(workspaceId, `/counts${query}`);
  for (const person of [world.narrowed, world.stranger]) {
    const requests = await asPerson(playwright, baseURL!, person);
    const [own, foreign] = person === world.narrowed ? [world.a, world.b] : [world.b, world.a];
    const hidden = person === world.narrowed ? world.a2 : world.a1;
    expect((await ask(requests, `/admin/workspaces/${own}`)).status, 'positive control').toBe(200);
    await expectAllAlike(requests, {
      'the overview of an absent workspace': `/admin/workspaces/${ABSENT}`,
      'of a foreign one': `/admin/workspaces/${foreign}`,
      'of a foreign one by name': `/admin/workspaces/${foreign}?order=name`,
      'of no number': '/admin/workspaces/abc',
      'of a number in another form': `/admin/workspaces/0${own}`
    });
    const known = await ask(requests, counts(own));
    expect([known.status, JSON.parse(known.body)]).toEqual([200, expect.objectContaining({ list: expect.anything() })]);
    const absent = await ask(requests, counts(ABSENT));
    expect(absent.status).toBe(404);
    for (const path of [
      counts(foreign),
      counts(foreign, '?activeTab=failed&q=sync'),
      counts(own, `?environment_id=${ABSENT}`),
      counts(own, `?environment_id=${hidden}`),
      counts(own, `?environment_id=${hidden}&activeTab=failed`),
      counts(own, '?environment_id=abc'),
      '/admin/workspaces/abc/operations/counts'
    ])
      expect(await ask(requests, path), path).toEqual(absent);
    await requests.dispose();
  }
});

test('reviews and diagnostics by hand answer alike for what is absent, foreign, narrowed away or malformed, and change nothing', async ({
  playwright,
  baseURL,
  world
}) => {
  const [narrowed, stranger] = await Promise.all(
    [world.narrowed, world.stranger].map((person) => asPerson(playwright, baseURL!, person))
  );
  const [a1, a2] = [await reportEnd(world, world.a1, 'failed'), await reportEnd(world, world.a2, 'failed')];
  const audited = async (): Promise<number> => {
    const sql = 'select id from audit_events where operation_id = any ($1)';
    return (await world.owner.query(sql, [[a1, a2]])).rowCount!;
  };
  for (const accept of ['text/html', 'application/json']) {
    for (const action of ['review', 'undo', 'diagnostics']) {
      const say = (requests: APIRequestContext, path: string) => post(requests, baseURL!, `${path}?/${action}`, accept);
      const absent = await say(narrowed!, hubPath(world.a, `/${ABSENT}`));
      expect(absent.status).toBe(404);
      for (const path of [hubPath(world.a, `/${a2}`), hubPath(world.b, `/${a1}`), hubPath(world.a, '/abc')])
        expect(await say(narrowed!, path), `${action} at ${path}`).toEqual(absent);
      const foreign = await say(stranger!, hubPath(ABSENT, `/${a1}`));
      expect(foreign.status).toBe(404);
      for (const path of [hubPath(world.a, `/${a1}`), hubPath(world.a, `/${a2}`), hubPath(world.b, `/${a1}`)])
        expect(await say(stranger!, path), `${action} at ${path}`).toEqual(foreign);
    }
  }
  expect(await audited()).toBe(0);
  // Positive control: the same request reviews what one may see; and without a capability it is said so.
  const done = await post(narrowed!, baseURL!, `${hubPath(world.a, `/${a1}`)}?/review`, 'text/html');
  expect([done.status, await audited()]).toEqual([303, 1]);
  const refused = await post(narrowed!, baseURL!, `${hubPath(world.a, `/${a1}`)}?/diagnostics`, 'text/html');
  expect([refused.status, await audited()]).toEqual([403, 1]);
  await Promise.all([narrowed!.dispose(), stranger!.dispose()]);
});

test('whoever is not signed in is sent to sign in for what exists and what does not, and told nothing else', async ({
  playwright,
  baseURL,
  world
}) => {
  const operations = await makeOperations(world);
  const requests = await asPerson(playwright, baseURL!, null);
  for (const path of [
    '/admin/workspaces',
    `/admin/workspaces/${world.a}`,
    `/admin/workspaces/${ABSENT}`,
    hubPath(world.a),
    hubPath(ABSENT),
    hubPath(world.a, `?environment_id=${world.a2}`),
    hubPath(world.a, '?environment_id=abc'),
    hubPath(world.a, `/${operations.a1}`),
    hubPath(world.a, `/${ABSENT}`),
    hubPath(world.a, '?rows=7')
  ]) {
    const { status, headers, body } = await ask(requests, path);
    expect(status, path).toBe(303);
    expect(headers['location']).toBe(`/login?next=${encodeURIComponent(path)}`);
    expect(body).toBe('');
    const data = await ask(requests, toDataPath(path));
    expect(JSON.parse(data.body)).toEqual({ type: 'redirect', location: `/login?next=${encodeURIComponent(path)}` });
  }
  await requests.dispose();
});
