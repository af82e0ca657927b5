import { describe, expect, test } from 'vitest';
import { ConfigError, isLoopback, readConfig } from './config.ts';

function mistakesOf(environment: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return [];
}

describe('configuration', () => {
  test('an empty environment means the embedded Postgres, the demo and a loopback address', () => {
    expect(readConfig({})).toEqual({
      databaseUrl: null,
      pooledUrl: null,
      host: '127.0.0.1',
      port: 3000,
      loopback: true,
      origin: null,
      origins: ['http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:3000'],
      secureCookies: false,
      forwardedBy: null,
      dataDirectory: null,
      demo: true,
      demoPassword: null,
      metricsToken: null,
      metricsPort: null,
      smokeSignIn: false,
      oidc: null,
      factorKey: null,
      drainSeconds: 0
    });
  });

  test('a variable set to nothing counts as unset', () => {
    expect(readConfig({ DATABASE_URL: '', HOST: '', PORT: '', ORIGIN: '', WATCHFLOOR_DEMO: '' })).toEqual(
      readConfig({})
    );
  });

  test('every mistake is named at once, each with what to write instead', () => {
    const mistakes = mistakesOf({
      DATABASE_URL: 'mysql://localhost/x',
      HOST: 'http://0.0.0.0',
      PORT: '70000',
      ORIGIN: 'ops.example.com',
      WATCHFLOOR_DATA_DIR: '~/data',
      WATCHFLOOR_DEMO: 'yes',
      WATCHFLOOR_DEMO_PASSWORD: 'short',
      WATCHFLOOR_INSECURE_HTTP: 'true',
      METRICS_TOKEN: 'short',
      WATCHFLOOR_FACTOR_KEY: 'g'.repeat(64),
      METRICS_PORT: '0',
      LOG_LEVEL: 'loud',
      ADDRESS_HEADER: 'x forwarded',
      XFF_DEPTH: '0',
      WATCHFLOOR_TRUSTED_PROXIES: 'everybody'
    });
    expect(mistakes).toHaveLength(15);
    expect(mistakes.every((mistake) => mistake.includes('write'))).toBe(true);
    expect(mistakes).toContain('PORT is "70000": write a number from 1 to 65535, such as 3000.');
    expect(mistakes).toContain('WATCHFLOOR_DEMO is "yes": write 0 or 1.');
  });

  test('a password in a wrong DATABASE_URL is not repeated', () => {
    expect(mistakesOf({ DATABASE_URL: 'mysql://u:hunter2@localhost/x' }).join()).not.toContain('hunter2');
  });

  test('a token for metrics that is too weak is not repeated, and its port is not that of the pages', () => {
    expect(mistakesOf({ METRICS_TOKEN: 'hunter2' }).join()).not.toContain('hunter2');
    expect(mistakesOf({ METRICS_PORT: '3000' })).toHaveLength(1);
    expect(readConfig({ METRICS_PORT: '9464', METRICS_TOKEN: 'a'.repeat(32), LOG_LEVEL: 'WARN' })).toMatchObject({
      metricsPort: 9464,
      metricsToken: 'a'.repeat(32)
    });
  });

  test('a key for second factors has 256 bits; one that is none is not repeated', () => {
    expect(mistakesOf({ WATCHFLOOR_FACTOR_KEY: 'hunter2' }).join()).not.toContain('hunter2');
    expect(readConfig({ WATCHFLOOR_FACTOR_KEY: 'Ab'.repeat(32) }).factorKey).toEqual(Buffer.alloc(32, 0xab));
    expect(readConfig({}).factorKey).toBeNull();
  });

  test.each(['0', '3000.5', '-1', '3000 ', '0x10'])('the port %j is refused', (port) => {
    expect(mistakesOf({ PORT: port })).toHaveLength(1);
  });

  test('a host that other machines reach is refused without https or an explicit decision', () => {
    expect(mistakesOf({ HOST: '0.0.0.0' })).toHaveLength(1);
    expect(mistakesOf({ HOST: '::' })[0]).toContain('WATCHFLOOR_INSECURE_HTTP=1');
    expect(mistakesOf({ HOST: '0.0.0.0', ORIGIN: 'http://ops.example.com' })).toHaveLength(1);
    expect(mistakesOf({ HOST: '0.0.0.0', ORIGIN: 'https://ops.example.com' })).toEqual([]);
    expect(readConfig({ HOST: '0.0.0.0', WATCHFLOOR_INSECURE_HTTP: '1' }).origins).toBeNull();
  });

  test('a loopback host behind a proxy that speaks plain http to the network is refused likewise', () => {
    expect(mistakesOf({ ORIGIN: 'http://ops.example.com' })).toHaveLength(1);
    expect(mistakesOf({ ORIGIN: 'http://localhost:8080' })).toEqual([]);
  });

  test('an origin with a path or credentials is refused, a trailing slash is forgiven', () => {
    expect(mistakesOf({ ORIGIN: 'https://ops.example.com/watchfloor' })).toHaveLength(1);
    expect(mistakesOf({ ORIGIN: 'https://me@ops.example.com' })).toHaveLength(1);
    expect(readConfig({ ORIGIN: 'https://ops.example.com/' })).toMatchObject({
      origin: 'https://ops.example.com',
      origins: ['https://ops.example.com'],
      secureCookies: true
    });
  });

  test('the default port is left out of origins, as browsers do', () => {
    expect(readConfig({ PORT: '80' }).origins).toContain('http://localhost');
  });

  test('loopback is told from what merely looks like it', () => {
    expect(['localhost', '127.0.0.1', '127.9.9.9', '::1', '[::1]'].every(isLoopback)).toBe(true);
    expect(['0.0.0.0', '::', '127.0.0.1.example.com', 'localhost.example.com', '10.0.0.1'].some(isLoopback)).toBe(
      false
    );
  });

  test('a header with addresses counts only behind a proxy that was said to be there', () => {
    const proxied = { ORIGIN: 'https://ops.example.com', ADDRESS_HEADER: 'X-Forwarded-For' };
    expect(readConfig({ ADDRESS_HEADER: 'X-Forwarded-For' }).forwardedBy).toBeNull();
    expect(readConfig({ ORIGIN: proxied.ORIGIN }).forwardedBy).toBeNull();
    expect(readConfig(proxied).forwardedBy).toEqual({ header: 'x-forwarded-for', depth: 1, trusted: null });
    const named = readConfig({ ...proxied, WATCHFLOOR_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8' }).forwardedBy!;
    expect(named.trusted!.check('10.9.9.9', 'ipv4')).toBe(true);
    expect(mistakesOf({ ORIGIN: proxied.ORIGIN, WATCHFLOOR_TRUSTED_PROXIES: '::1' })[0]).toContain('ADDRESS_HEADER');
  });
});

describe('an identity provider', () => {
  const least = {
    WATCHFLOOR_OIDC_ISSUER: 'https://login.example.com/realms/staff',
    WATCHFLOOR_OIDC_CLIENT_ID: 'watchfloor'
  };

  test('needs an issuer and a client id; the rest has its defaults, and groups give nothing that is not said', () => {
    expect(readConfig(least).oidc).toEqual({
      issuer: 'https://login.example.com/realms/staff',
      clientId: 'watchfloor',
      clientSecret: null,
      label: 'login.example.com',
      scopes: 'openid profile email',
      groupsClaim: 'groups',
      roles: []
    });
  });

  test('all of it as an administrator writes it', () => {
    expect(
      readConfig({
        ...least,
        WATCHFLOOR_OIDC_CLIENT_SECRET: 'a secret of theirs',
        WATCHFLOOR_OIDC_LABEL: ' Example Login ',
        WATCHFLOOR_OIDC_SCOPES: 'openid email groups',
        WATCHFLOOR_OIDC_GROUPS_CLAIM: 'https://example.com/groups',
        WATCHFLOOR_OIDC_ROLES: 'noc = operator workspace 2; emea = readonly workspace 2 environment 4,5'
      }).oidc
    ).toMatchObject({
      clientSecret: 'a secret of theirs',
      label: 'Example Login',
      scopes: 'openid email groups',
      groupsClaim: 'https://example.com/groups',
      roles: [
        { group: 'noc', role: 'operator', workspaceId: 2, environmentIds: [] },
        { group: 'emea', role: 'readonly', workspaceId: 2, environmentIds: [4, 5] }
      ]
    });
  });

  test('every mistake is named at once, and never the secret', () => {
    const mistakes = mistakesOf({
      WATCHFLOOR_OIDC_ISSUER: 'http://login.example.com',
      WATCHFLOOR_OIDC_CLIENT_ID: 'wätchfloor',
      WATCHFLOOR_OIDC_CLIENT_SECRET: 'hunter2\n',
      WATCHFLOOR_OIDC_LABEL: 'L'.repeat(41),
      WATCHFLOOR_OIDC_SCOPES: 'profile email',
      WATCHFLOOR_OIDC_GROUPS_CLAIM: 'my groups',
      WATCHFLOOR_OIDC_ROLES: 'noc = boss workspace 2; noc'
    });
    expect(mistakes).toHaveLength(8);
    expect(mistakes.every((mistake) => /^WATCHFLOOR_OIDC_[A-Z_]+[ :].*write/.test(mistake))).toBe(true);
    expect(mistakes.join()).not.toContain('hunter2');
  });

  test.each([
    ['http://login.example.com', 1],
    ['https://me:secret@login.example.com', 1],
    ['https://login.example.com/?tenant=1', 1],
    ['login.example.com', 1],
    ['https://login.example.com/', 0],
    ['http://127.0.0.1:4000', 0],
    ['http://localhost:4000/realms/x', 0]
  ])('speaks https, unless it is on this machine: %s', (issuer, count) => {
    expect(mistakesOf({ ...least, WATCHFLOOR_OIDC_ISSUER: issuer })).toHaveLength(count);
  });

  test('half of one is a mistake that says what is missing, and empty variables are none', () => {
    expect(mistakesOf({ WATCHFLOOR_OIDC_ISSUER: least.WATCHFLOOR_OIDC_ISSUER })).toEqual([
      'WATCHFLOOR_OIDC_ISSUER is set, but WATCHFLOOR_OIDC_CLIENT_ID is not: write it, too, or leave out all of them.'
    ]);
    expect(mistakesOf({ WATCHFLOOR_OIDC_ROLES: 'noc = operator workspace 2' })).toHaveLength(2);
    expect(readConfig({ WATCHFLOOR_OIDC_ISSUER: '', WATCHFLOOR_OIDC_ROLES: '' }).oidc).toBeNull();
  });
});
