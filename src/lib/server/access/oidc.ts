/**
 * Signing in with an identity provider: the only file that knows openid-client. Authorization code with PKCE (S256), state
 * and nonce, bound to the browser that began; the ID token's signature is verified, whatever it came by. It owns the way
 * there and back, and what is remembered of the provider; who somebody is here and what they may see is oidc-people.ts's.
 * Invariants: nothing is asked of the provider before somebody wants to sign in, so the server starts and works without
 * it; a failure is told as a reason without a code, token or claim in it; what was begun ends once.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import * as client from 'openid-client';
import type pg from 'pg';
import type { OidcConfig } from '../config.ts';
import { signInAnswered } from '../metrics/channels.ts';
import { lacks, toClaimedPerson, type Claims } from './oidc-claims.ts';
import { admit, endOnce } from './oidc-people.ts';
import { MINUTES, toCookie, toTransactionSeal, type TransactionCookie } from './oidc-transaction.ts';
import { openSignInLimits } from './sign-in-limits.ts';
import type { Proven } from './sign-outs.ts';
import { openTurns, TooManyWaitingError } from './turns.ts';

/**
 * `away`: the provider does not answer, or not as it should; `begun elsewhere`: too late, twice, or in another browser;
 * `limited`: it failed too often from this network, and nobody was judged.
 */
export type OidcFailure = 'away' | 'begun elsewhere' | 'not signed in there' | 'no access' | 'limited' | 'busy';

export interface Failed {
  kind: 'failed';
  failure: OidcFailure;
  /** for the log: what happened, in words of ours or of the library, never a value */
  reason: string;
  next: string | null;
  setCookie: TransactionCookie | null;
}
export type Begun = { kind: 'begun'; location: string; setCookie: TransactionCookie } | Failed;
export type Finished = ({ kind: 'signed in'; next: string | null; setCookie: TransactionCookie } & Proven) | Failed;

export interface Oidc {
  /** what people call the provider */
  label: string;
  /** as the provider writes it */
  issuer: string;
  /** of the cookie that holds what was begun */
  cookieName: string;
  /** Where to send the browser. `callback`: the address that the provider sends it back to. */
  begin(of: { callback: string; next: string | null }): Promise<Begun>;
  /**
   * It came back with `search`, and with this cookie, from this address (null = a proxy hides it). Throws only when the
   * database cannot be asked.
   */
  finish(of: { callback: string; search: string; cookie: string | null; address: string | null }): Promise<Finished>;
}

/** Of one request to the provider. */
const PATIENCE_SECONDS = 5;
/** What the provider says of itself is read anew after this; keys are the library's to know, and are asked for when new. */
const REMEMBER_MS = 60 * 60_000;
/** Of both clocks. */
const SKEW_SECONDS = 30;
/** Longer ones would not fit into a cookie together with the rest. */
const LONGEST_NEXT = 1024;
/** Whoever comes back makes the server ask the provider: so many at once, and a queue that ends. */
const AT_ONCE = { atOnce: 8, waiting: 64 };

/** `pool` acts as the role `access`. `now`: of this machine. */
export function openOidc(
  pool: pg.Pool,
  settings: OidcConfig,
  { secure, now = Date.now }: { secure: boolean; now?: () => number }
): Oidc {
  const { issuer, label, groupsClaim } = settings;
  const provider = openProvider(settings, now);
  const turns = openTurns(AT_ONCE);
  const limits = openSignInLimits(pool);
  const seal = openSeal(pool);
  const over = toCookie('', secure);

  const fail = (failure: OidcFailure, reason: string, next: string | null, keepCookie = false): Failed => ({
    kind: 'failed',
    failure,
    reason,
    next,
    setCookie: keepCookie ? null : over
  });

  return {
    label,
    issuer,
    cookieName: over.name,
    async begin({ callback, next }) {
      let configuration: client.Configuration;
      try {
        configuration = await provider();
      } catch (error) {
        return fail('away', toReason(error), next);
      }
      const [state, nonce, verifier] = [client.randomState(), client.randomNonce(), client.randomPKCECodeVerifier()];
      const location = client.buildAuthorizationUrl(configuration, {
        redirect_uri: callback,
        scope: settings.scopes,
        state,
        nonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256'
      });
      const transaction = {
        state,
        nonce,
        verifier,
        next: next !== null && next.length <= LONGEST_NEXT ? next : null,
        expiresAt: now() + MINUTES * 60_000
      };
      return {
        kind: 'begun',
        location: location.href,
        setCookie: toCookie((await seal()).seal(transaction), secure)
      };
    },

    async finish({ callback, search, cookie, address }) {
      const begun = cookie === null ? null : (await seal()).open(cookie, now());
      if (begun === null) return fail('begun elsewhere', 'nothing was begun in this browser, or it is over', null);
      const { state, nonce, verifier, next, expiresAt } = begun;
      const parameters = new URLSearchParams(search);
      // The cookie stays: a page elsewhere that sends the browser here must not end what its person has begun.
      if (!isSame(parameters.get('state') ?? '', state))
        return fail('begun elsewhere', 'the state is not that of this browser', next, true);
      // Before anything is written or asked for: whoever begins over and over would fill the table, and make the provider
      // and everybody's turns busy with codes that are none.
      if ((await limits.takeOf('oidc', address)) !== null) {
        signInAnswered.tell({ answer: 'limited' });
        return fail('limited', 'too many attempts', next);
      }
      // Without a code there is nothing to be had, so nothing that could be had twice: who declines costs no row, and no try.
      const hasCode = parameters.has('code');
      if (hasCode && !(await endOnce(pool, state, expiresAt)))
        return fail('begun elsewhere', 'it had come back before', next);

      let claims: Claims;
      try {
        claims = await turns.take(async () =>
          readClaims(await provider(), groupsClaim, new URL(`${callback}?${parameters}`), { state, nonce, verifier })
        );
      } catch (error) {
        if (error instanceof TooManyWaitingError) return fail('busy', 'too many at once', next);
        if (error instanceof client.AuthorizationResponseError) {
          if (!hasCode) await limits.giveBackOf('oidc', address);
          return fail('not signed in there', `the provider said ${toCode(error.error)}`, next);
        }
        return fail('away', toReason(error), next);
      }
      const person = toClaimedPerson(claims, groupsClaim);
      if (typeof person === 'string') return fail('away', person, next);
      const outcome = await admit(pool, { ...person, issuer });
      if (outcome.kind === 'busy') return fail('busy', 'too many passwords at once', next);
      const isIn = outcome.kind === 'signed in';
      signInAnswered.tell({ answer: isIn ? 'signed in' : 'refused' });
      if (!isIn) return fail('no access', outcome.kind, next);
      await limits.giveBackOf('oidc', address);
      return { ...outcome, next, setCookie: over };
    }
  };
}

/** The provider as it described itself; asked once for all who wait, and again when that is old. A failure is not kept. */
function openProvider({ issuer, clientId, clientSecret }: OidcConfig, now: () => number) {
  const isInsecure = issuer.startsWith('http:');
  let known: { configuration: client.Configuration; at: number } | null = null;
  let asking: Promise<client.Configuration> | null = null;

  const ask = async (): Promise<client.Configuration> => {
    const configuration = await client.discovery(
      new URL(issuer),
      clientId,
      { [client.clockTolerance]: SKEW_SECONDS },
      clientSecret === null ? client.None() : withSecret(clientSecret),
      {
        timeout: PATIENCE_SECONDS,
        // Over TLS the library would take the connection's word for the signature.
        execute: [client.enableNonRepudiationChecks, ...(isInsecure ? [client.allowInsecureRequests] : [])]
      }
    );
    const { authorization_endpoint: door } = configuration.serverMetadata();
    if (!isInsecure && !door?.startsWith('https:'))
      throw new TypeError('the provider names an authorization endpoint without https');
    known = { configuration, at: now() };
    return configuration;
  };
  return async (): Promise<client.Configuration> => {
    if (known && now() - known.at < REMEMBER_MS) return known.configuration;
    asking ??= ask().finally(() => (asking = null));
    // What was known is as good, where the provider does not describe itself just now.
    return known ? asking.catch(() => known!.configuration) : asking;
  };
}

/** As the provider takes it: in a header, unless it knows only the form. */
function withSecret(secret: string): client.ClientAuth {
  return (server, ...given) => {
    const known = server.token_endpoint_auth_methods_supported;
    const isBasic = known === undefined || known.includes('client_secret_basic');
    (isBasic ? client.ClientSecretBasic(secret) : client.ClientSecretPost(secret))(server, ...given);
  };
}

/** Takes the code for an ID token, and asks for what that leaves out; what the token says counts before all else. */
async function readClaims(
  configuration: client.Configuration,
  groupsClaim: string,
  url: URL,
  { state, nonce, verifier }: { state: string; nonce: string; verifier: string }
): Promise<Claims> {
  const tokens = await client.authorizationCodeGrant(configuration, url, {
    expectedState: state,
    expectedNonce: nonce,
    pkceCodeVerifier: verifier,
    idTokenExpected: true
  });
  const claims = tokens.claims()!;
  if (!lacks(claims, groupsClaim) || configuration.serverMetadata().userinfo_endpoint === undefined) return claims;
  return { ...(await client.fetchUserInfo(configuration, tokens.access_token, claims.sub)), ...claims };
}

/** The key is read once; a failure is not kept. */
function openSeal(pool: pg.Pool): () => Promise<ReturnType<typeof toTransactionSeal>> {
  let reading: Promise<ReturnType<typeof toTransactionSeal>> | null = null;
  return () => {
    reading ??= pool
      .query<{ value: Buffer }>(`select value from watchfloor.secrets where name = 'token_key'`)
      .then(({ rows }) => toTransactionSeal(rows[0]!.value))
      .catch((error: unknown) => {
        reading = null;
        throw error;
      });
    return reading;
  };
}

function isSame(one: string, other: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}

/** What failed, cause by cause: messages of the library and of Node, which hold no values of tokens, and codes. */
function toReason(error: unknown): string {
  const said: string[] = [];
  for (let at = error; at instanceof Error && said.length < 4; at = at.cause) {
    // Its message quotes what could not be read, and that is an answer with tokens in it.
    if (at instanceof SyntaxError) {
      said.push('it is no JSON');
      break;
    }
    const code = 'code' in at && typeof at.code === 'string' ? ` (${toCode(at.code)})` : '';
    const answer = at instanceof client.ResponseBodyError ? `: ${toCode(at.error)}` : '';
    const advice =
      at instanceof client.WWWAuthenticateChallengeError ? ': are the client id and its secret right?' : '';
    said.push(`${at.message}${code}${answer}${advice}`);
  }
  return said.join('; ') || 'it failed without a reason';
}

/** A code of a closed form; what a stranger could write instead is not repeated. */
function toCode(code: string): string {
  return /^[A-Za-z_]{1,60}$/.test(code) ? code : 'a code of its own';
}
