/**
 * Coming back from an identity provider in vain, over and over: on a node with a database of its own, since all of these
 * tests come from one network, and it waits afterwards.
 */
import { LIMITS } from '../src/lib/server/access/sign-in-limits.ts';
import { startLyingProvider } from '../tests/harness/lying-provider.ts';
import { linesOf } from '../tests/harness/running-server.ts';
import { startInstance } from './harness/instance.ts';
import { expect, test } from './harness/test.ts';

const LABEL = 'Example Login';

test('a network that comes back in vain too often is told so, nothing is asked of the provider, and passwords go on', async ({
  browser
}) => {
  test.setTimeout(120_000);
  const liar = await startLyingProvider('watchfloor');
  liar.lies = { tokens: { status: 400, body: '{"error":"invalid_grant"}' } };
  const node = await startInstance({
    environment: {
      WATCHFLOOR_OIDC_ISSUER: liar.issuer,
      WATCHFLOOR_OIDC_CLIENT_ID: 'watchfloor',
      WATCHFLOOR_OIDC_LABEL: LABEL
    }
  });
  try {
    const context = await browser.newContext({ baseURL: node.baseURL });
    const comeBack = async (): Promise<string | undefined> => {
      const away = await context.request.get('/login/oidc?next=/account', { maxRedirects: 0 });
      const state = new URL(away.headers()['location']!).searchParams.get('state');
      const back = await context.request.get(`/login/oidc/callback?code=x&state=${state}`, { maxRedirects: 0 });
      return back.headers()['location'];
    };
    for (let times = 0; times < LIMITS.network; times++)
      expect(await comeBack()).toBe('/login?oidc=away&next=%2Faccount');
    expect(liar.asked.get('/token')).toBe(LIMITS.network);
    expect(await comeBack()).toBe('/login?oidc=limited&next=%2Faccount');
    expect(liar.asked.get('/token')).toBe(LIMITS.network);

    const page = await context.newPage();
    await page.goto('/login?oidc=limited');
    await expect(page.getByRole('alert')).toContainText(
      `Signing in with ${LABEL} failed too often from your network. Try again later, or sign in with your password.`
    );
    await page.getByLabel('Email').fill('nobody@corp.test');
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect(page.getByText('do not belong to an active account')).toBeVisible();
    const lines = node
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'));
    expect(linesOf(lines.join('\n'))).toContainEqual(
      expect.objectContaining({ msg: 'denied', door: 'sign-in', why: 'identity provider', address: '127.0.0.1' })
    );
    await context.close();
  } finally {
    await node.remove();
    await liar.close();
  }
});
