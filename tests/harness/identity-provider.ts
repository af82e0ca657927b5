/**
 * A real OpenID provider (oidc-provider) on 127.0.0.1 for tests, with people who are in groups, and a sign-in page of its
 * own: one field, the name. Whoever drives it without a browser says who comes. And a browser without pages, for tests of
 * the flow itself: it follows redirects and keeps cookies.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import Provider, { type Context } from 'oidc-provider';

/** What the provider says of somebody; `sub` is their key. */
export interface ProvidedPerson {
  name?: string;
  email?: string;
  email_verified?: boolean;
  groups?: string[] | string;
  [claim: string]: unknown;
}

export interface IdentityProvider {
  issuer: string;
  people: Map<string, ProvidedPerson>;
  /** who signs in there without being asked; null: a page asks. '' = whoever comes declines. */
  whoComes: string | null;
  close(): Promise<void>;
}

export interface ProviderOptions {
  port: number;
  /** `localhost`: another site than 127.0.0.1, for a browser */
  host?: '127.0.0.1' | 'localhost';
  callbacks: string[];
  clientId: string;
  /** null: a public client */
  clientSecret: string | null;
  /** claims in the ID token, too; else at userinfo alone */
  areClaimsInToken?: boolean;
  authMethod?: 'client_secret_basic' | 'client_secret_post';
}

/** Kept over a stop and a start, as providers keep theirs. */
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const SCOPES = 'openid profile email groups';

export async function startProvider({
  port,
  host = '127.0.0.1',
  callbacks,
  clientId,
  clientSecret,
  areClaimsInToken = true,
  authMethod = 'client_secret_basic'
}: ProviderOptions): Promise<IdentityProvider> {
  const issuer = `http://${host}:${port}`;
  const told: Pick<IdentityProvider, 'people' | 'whoComes'> = { people: new Map(), whoComes: null };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        redirect_uris: callbacks,
        response_types: ['code'],
        grant_types: ['authorization_code'],
        ...(clientSecret === null
          ? { token_endpoint_auth_method: 'none' }
          : { token_endpoint_auth_method: authMethod, client_secret: clientSecret })
      }
    ],
    ...(authMethod === 'client_secret_post' && { clientAuthMethods: ['client_secret_post'] }),
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    conformIdTokenClaims: !areClaimsInToken,
    cookies: { keys: [randomBytes(16).toString('hex')] },
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'tests' }] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context: Context, { uid }: { uid: string }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    // Nobody is asked for consent: it is their own employer's.
    loadExistingGrant: async ({ oidc: { client, session } }: Context) => {
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope(SCOPES);
      await grant.save();
      return grant;
    },
    findAccount: (_context: Context, sub: string) => ({
      accountId: sub,
      claims: () => ({ ...told.people.get(sub), sub })
    })
  });
  const answer = provider.callback();
  const server = createServer((request, response) => {
    if (!request.url?.startsWith('/interaction/')) return answer(request, response);
    void (async () => {
      const who = told.whoComes ?? (request.method === 'POST' ? await readName(request) : null);
      if (who === null) {
        response.setHeader('content-type', 'text/html; charset=utf-8');
        response.end(SIGN_IN_PAGE);
      } else
        await provider.interactionFinished(
          request,
          response,
          who === '' ? { error: 'access_denied' } : { login: { accountId: who } }
        );
    })();
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return Object.assign(told, {
    issuer,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
}

const SIGN_IN_PAGE = `<!doctype html><html lang="en"><title>Example Login</title>
<form method="post"><label>Name at Example Login <input name="name"></label> <button>Continue</button></form></html>`;

async function readName(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const part of request) body += String(part);
  return new URLSearchParams(body).get('name') ?? '';
}

/** Follows redirects with its cookies until an address begins with `until`, which is not asked for; returns that address. */
export function openWalker(): { walk(from: string, until: string): Promise<URL> } {
  const cookies = new Map<string, string>();
  return {
    async walk(from, until) {
      let at = new URL(from);
      for (let steps = 0; steps < 10; steps++) {
        if (at.href.startsWith(until)) return at;
        const answer = await fetch(at, {
          redirect: 'manual',
          headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }
        });
        for (const set of answer.headers.getSetCookie()) {
          const [pair = ''] = set.split(';', 1);
          const [name = '', ...value] = pair.split('=');
          cookies.set(name, value.join('='));
        }
        const location = answer.headers.get('location');
        if (location === null)
          throw new Error(`It ended at ${at.pathname} with ${answer.status}: ${await answer.text()}`);
        at = new URL(location, at);
      }
      throw new Error('It goes round.');
    }
  };
}
