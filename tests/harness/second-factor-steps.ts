/**
 * What a person does with a second factor, over HTTP as a browser without scripts sends it: sets an authenticator app up,
 * signs in by a wrong and by a recovery code, turns it off; and asks for a passkey. Every secret that comes up is kept in
 * `secrets`, for whoever then searches what came out.
 */
import { Secret, TOTP } from 'otpauth';
import { expect } from 'vitest';
import { ask, type Answer } from './running-server.ts';

/** What a form without scripts is sent as. */
export const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
export const form = (fields: Record<string, string>): string => new URLSearchParams(fields).toString();

/** `secrets` has the person's session cookie, before and afterwards, and what is typed where a code belongs. */
export async function useSecondFactor({
  port,
  secrets,
  person,
  password,
  untilLogged
}: {
  port: number;
  secrets: Record<string, string>;
  person: { id: number; email: string };
  password: string;
  untilLogged: (expected: Record<string, unknown>) => Promise<void>;
}): Promise<void> {
  const mine = { ...FORM, cookie: `watchfloor=${secrets['session cookie']}` };
  const current = password;
  const cookieOf = (answer: Answer, name: string): string =>
    [answer.headers['set-cookie']]
      .flat()
      .find((one) => one?.startsWith(`${name}=`))!
      .split(/[=;]/)[1]!;
  const app = '/account/authenticator';
  expect((await ask(port, `${app}?/begin`, mine, form({ current }))).status).toBe(303);
  const page = await ask(port, app, mine);
  const [, uri] = /href="(otpauth:[^"]+)"/.exec(page.body)!;
  const secret = new URL(uri!.replaceAll('&amp;', '&')).searchParams.get('secret')!;
  secrets['secret of an authenticator'] = secret;
  const code = TOTP.generate({ secret: Secret.fromBase32(secret) });
  const confirmed = await ask(port, `${app}?/confirm`, mine, form({ code }));
  expect(confirmed.status, confirmed.body).toBe(200);
  const recovery = [...confirmed.body.matchAll(/<li[^>]*>((?:[0-9A-Z]{4}-){5}[0-9A-Z]{4})</g)].map(([, one]) => one!);
  expect(recovery).toHaveLength(10);
  secrets['recovery code'] = recovery[0]!;
  secrets['recovery code that was used'] = recovery[1]!;
  secrets['session cookie before the second factor'] = secrets['session cookie']!;
  await untilLogged({ msg: 'authenticator set up', person: person.id });

  const enter = () => ask(port, '/login', FORM, form({ email: person.email, password: current }));
  const half = await enter();
  expect(half.headers.location).toBe('/login/second');
  const pending = cookieOf(half, 'watchfloor-second');
  secrets['cookie between password and code'] = pending;
  const second = { ...FORM, cookie: `watchfloor-second=${pending}` };
  expect((await ask(port, '/login/second', second, form({ code: secrets['typed password']! }))).status).toBe(400);
  await untilLogged({ msg: 'denied', door: 'second factor', why: 'refused', person: person.id });
  const signedIn = await ask(port, '/login/second', second, form({ code: recovery[1]!, with: 'recovery' }));
  expect(signedIn.status, signedIn.body).toBe(303);
  secrets['session cookie'] = cookieOf(signedIn, 'watchfloor');
  await untilLogged({ msg: 'recovery code used', person: person.id });

  const now = { ...FORM, cookie: `watchfloor=${secrets['session cookie']}` };
  const off = await ask(port, `${app}?/turnOff`, now, form({ current, code: recovery[2]! }));
  expect(off.status, off.body).toBe(303);
  secrets['session cookie'] = cookieOf(off, 'watchfloor');
  await untilLogged({ msg: 'authenticator removed', person: person.id });

  const byName = { host: `localhost:${port}`, origin: `http://localhost:${port}`, 'content-type': 'application/json' };
  const asked = await ask(port, '/login/passkey', byName, '{}');
  expect(asked.status, asked.body).toBe(200);
  secrets['challenge of a passkey'] = (JSON.parse(asked.body) as { options: { challenge: string } }).options.challenge;
  secrets['cookie of a challenge'] = cookieOf(asked, 'watchfloor-passkey');
  const challenge = { ...byName, cookie: `watchfloor-passkey=${secrets['cookie of a challenge']}` };
  const response = JSON.stringify({ response: { id: secrets['typed password'] } });
  expect((await ask(port, '/login/passkey', challenge, response)).status).toBe(400);
  await untilLogged({ msg: 'denied', door: 'passkey', why: 'refused' });
}
