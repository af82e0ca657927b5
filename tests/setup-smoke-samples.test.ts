/**
 * Every signature against its own samples, with the built program and a real browser: what it must catch is caught at its
 * address, and what looks alike is passed, all of it, without a single finding. Real servers are in
 * setup-smoke-servers.test.ts and e2e/smoke.spec.ts.
 */
import { expect, test } from 'vitest';
import { SIGNATURES } from '../src/smoke/signatures/all.ts';
import type { Sample } from '../src/smoke/signature.ts';
import { runSmoke, serveSamples, toLines } from './harness/smoke.ts';

/** Needs https, which the sample server does not speak: judged in src/smoke/judge-visit.test.ts. */
const NOT_BROWSED = ['mixed-content'];
const CANARY = { WATCHFLOOR_TEST_CANARY: 'canary-of-the-smoke-test' };
const GIVEN = ['--canary-env', 'WATCHFLOOR_TEST_CANARY', '--build-dir', '/ci/agent-7/shop-build'];
const MANY = ['--max-pages', '300', '--max-requests', '2000', '--depth', '0', '--quiet'];

interface Placed {
  id: string;
  path: string;
  sample: Sample;
}
/** Pages of their own for samples that are no answer at an address of theirs. */
const place = (id: string, number: number, sample: Sample): Placed => {
  const path = sample.path ?? `/sample/${id}/${number}`;
  return { id, path, sample: { ...sample, path } };
};
const isPage = ({ sample, id }: Placed): boolean =>
  sample.body !== undefined && sample.path!.startsWith(`/sample/${id}/`);

test('each signature catches its sample, where it is', { timeout: 400_000 }, async () => {
  const placed = SIGNATURES.filter(({ id }) => !NOT_BROWSED.includes(id)).map(({ id, controls }) =>
    place(id, 0, controls.caught.sample)
  );
  const server = await serveSamples(placed.map(({ sample }) => sample));
  const pages = placed.filter(isPage);
  const run = await runSmoke(
    [
      ...['--base-url', server.url, ...GIVEN, ...MANY, '--depth', '1', '--max-ttfb', '60000'],
      ...['--expect', '/sample/expectation/0 text=As expected'],
      ...pages.flatMap(({ path }) => ['--path', path])
    ],
    CANARY
  );
  // Every page is over this budget, which would hide the others.
  const budget = await runSmoke([
    '--base-url',
    server.url,
    '--path',
    '/sample/budget/0',
    '--max-load',
    '0.001',
    ...MANY
  ]);
  await server.close();
  const found = [run, budget].flatMap(({ report }) => report!.findings);
  const missed = placed.filter(({ id, path, sample }) => {
    const places = [path, sample.upgrade?.path, ...(sample.also ?? []).map((also) => also.path!)];
    return !found.some(
      (finding) =>
        finding.signature === id &&
        (places.includes(finding.at.split('?', 1)[0]) || finding.page === path || finding.where.startsWith('header'))
    );
  });
  expect(
    missed.map(({ id }) => id),
    toLines(run).join('\n')
  ).toEqual([]);
  expect(run.code, run.stderr).toBe(1);
  expect(new Set(server.asked.map((line) => line.split(' ')[0])), 'it only ever reads').toEqual(new Set(['GET']));
  for (const file of ['smoke.json', 'verification.md', 'junit.xml', 'smoke.sarif'])
    expect(await run.read(file), 'no report repeats a secret').not.toContain(CANARY.WATCHFLOOR_TEST_CANARY);
  await Promise.all([run.remove(), budget.remove()]);
});

test('what looks alike and is legitimate is passed', { timeout: 400_000 }, async () => {
  const placed = SIGNATURES.flatMap(({ id, controls }) =>
    controls.passed.map((sample, number) => place(id, number + 1, sample))
  );
  const server = await serveSamples(placed.map(({ sample }) => sample));
  const pages = placed.filter(isPage);
  const run = await runSmoke(
    [
      ...['--base-url', server.url, ...GIVEN, ...MANY],
      ...['--expect', '/sample/expectation/1 text=As expected'],
      ...pages.flatMap(({ path }) => ['--path', path]),
      // An error page is as it should be.
      ...pages.flatMap(({ path, sample }) =>
        (sample.status ?? 200) >= 500 ? ['--expect', `${path} status=${sample.status}`] : []
      )
    ],
    CANARY
  );
  await server.close();
  expect(toLines(run)).toEqual([]);
  expect(run.code, run.stdout + run.stderr).toBe(0);
  expect(run.report!.pages.length).toBe(pages.length + 1);
  await run.remove();
});
