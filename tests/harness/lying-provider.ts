/**
 * An OpenID provider that lies: plain HTTP, its description and keys right, and the ID token whatever a test makes of it.
 * It shows that what a real provider never says is refused.
 */
import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Lies {
  /** of the token's header */
  header?: Record<string, unknown>;
  /** over what would be right */
  claims?: Record<string, unknown>;
  /** `other`: another key of the same form; `none`: no signature; `hmac`: keyed by what everybody knows */
  signedBy?: 'right' | 'other' | 'none' | 'hmac';
  /** what is done with the finished token */
  tamper?: (token: string) => string;
  /** over the description of itself */
  metadata?: Record<string, unknown>;
  /** instead of tokens */
  tokens?: { status: number; body: string; type?: string };
  userinfo?: Record<string, unknown>;
  /** never answers the token endpoint */
  isSilent?: boolean;
}

export interface LyingProvider {
  issuer: string;
  lies: Lies;
  /** of the request that is under way: what a browser would carry there */
  nonce: string;
  /** requests by path */
  asked: Map<string, number>;
  close(): Promise<void>;
}

export async function startLyingProvider(clientId: string): Promise<LyingProvider> {
  const right = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...right.publicKey.export({ format: 'jwk' }), kid: 'k', use: 'sig', alg: 'RS256' };
  const state: LyingProvider = { issuer: '', lies: {}, nonce: '', asked: new Map(), close: () => Promise.resolve() };
  const server = createServer((request, response) => {
    const { lies, issuer } = state;
    const path = request.url ?? '';
    state.asked.set(path, (state.asked.get(path) ?? 0) + 1);
    const say = (body: unknown): void =>
      void response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
    request.resume();
    if (path === '/.well-known/openid-configuration')
      return say({
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        userinfo_endpoint: `${issuer}/me`,
        jwks_uri: `${issuer}/keys`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        ...lies.metadata
      });
    if (path === '/keys') return say({ keys: [jwk] });
    if (path === '/me') return say({ sub: 'ada', ...lies.userinfo });
    if (lies.isSilent) return;
    if (lies.tokens) {
      response.writeHead(lies.tokens.status, { 'content-type': lies.tokens.type ?? 'application/json' });
      return void response.end(lies.tokens.body);
    }
    const at = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer,
      aud: clientId,
      sub: 'ada',
      iat: at,
      exp: at + 300,
      nonce: state.nonce,
      email: 'ada@example.test',
      email_verified: true,
      groups: ['noc'],
      ...lies.claims
    };
    const token = toToken({ alg: 'RS256', kid: 'k', ...lies.header }, claims, lies.signedBy ?? 'right', {
      right: right.privateKey,
      other: other.privateKey,
      known: JSON.stringify(jwk)
    });
    say({ access_token: 'access', token_type: 'Bearer', id_token: (lies.tamper ?? String)(token) });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  state.close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return state;
}

function toToken(
  header: unknown,
  claims: unknown,
  signedBy: NonNullable<Lies['signedBy']>,
  keys: { right: KeyObject; other: KeyObject; known: string }
): string {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${encode(header)}.${encode(claims)}`;
  if (signedBy === 'none') return `${text}.`;
  const signature =
    signedBy === 'hmac'
      ? createHmac('sha256', keys.known).update(text).digest()
      : sign('sha256', Buffer.from(text), keys[signedBy]);
  return `${text}.${signature.toString('base64url')}`;
}
