/**
 * What the SvelteKit half needs to answer: its own pools, sessions and sign-in, opened once by hooks.server.ts's `init`.
 * It shares nothing with the hub, and owns no request. Configuration comes from the environment (config.ts).
 */
import type pg from 'pg';
import type { Logger } from 'pino';
import { openAuthenticators, type Authenticators } from '../access/authenticators.ts';
import { openDenials, type Denials } from '../access/denials.ts';
import { openOidc, type Oidc } from '../access/oidc.ts';
import { openPasskeys, type Passkeys } from '../access/passkeys.ts';
import { openPendingSignIns, type PendingSignIns } from '../access/pending-sign-ins.ts';
import { toRelyingParty, type RelyingParty } from '../access/relying-party.ts';
import { openSessions, type Sessions } from '../access/sessions.ts';
import { openSignIn, type SignIn } from '../access/sign-in.ts';
import { readConfig } from '../config.ts';
import { openPairing, type Pairing } from '../displays/pairing.ts';
import { openDisplays, type Displays } from '../displays/trust.ts';
import { openPool } from '../database/pool.ts';
import { figuresAsked } from '../metrics/channels.ts';
import { StartupError } from '../startup-error.ts';

export interface Web {
  /** `people`: what pages show, under row-level security. `access`: who somebody is and which workspaces are theirs. */
  database: { people: pg.Pool; access: pg.Pool };
  access: {
    sessions: Sessions;
    signIn: SignIn;
    authenticators: Authenticators;
    pendingSignIns: PendingSignIns;
    passkeys: Passkeys;
    /** For whom passkeys are made on a page of this address; a sentence where there can be none. */
    toRelyingParty: (asked: URL) => RelyingParty | string;
    displays: Displays;
    pairing: Pairing;
    /** whether /login/smoke is there */
    smokeSignIn: boolean;
    /** null: no identity provider, and /login/oidc is not there */
    oidc: Oidc | null;
  };
  denials: Denials;
  close(): Promise<void>;
}

/** Opens no connection yet: pools do that with their first query. Throws a StartupError for a wrong configuration. */
export function openWeb(environment: NodeJS.ProcessEnv, log: Pick<Logger, 'info' | 'warn'>): Web {
  const { databaseUrl, pooledUrl, secureCookies, smokeSignIn, factorKey, origin, oidc } = readConfig(environment);
  if (databaseUrl === null)
    throw new StartupError('The pages have no database: start Watchfloor with `npm start`, or set DATABASE_URL.');
  const queries = { url: pooledUrl ?? databaseUrl, pooled: pooledUrl !== null };
  const people = openPool({ ...queries, role: 'people', max: 10, applicationName: 'watchfloor pages' });
  const access = openPool({ ...queries, role: 'access', max: 5, applicationName: 'watchfloor sign-in' });
  // Why somebody was refused is asked by itself: what it costs is no part of any page.
  const explaining = openPool({ ...queries, role: 'feed', max: 1, applicationName: 'watchfloor denials' });
  const denials = openDenials({ log, db: explaining });
  const displays = openDisplays({ pool: access, secure: secureCookies });
  const authenticators = openAuthenticators(access, { key: factorKey });
  const stopTelling = figuresAsked.hear((teller) => {
    teller.pool('pages', people);
    teller.pool('sign-in', access);
    for (const [door, count] of Object.entries(denials.figures().byDoor)) teller.denials(door, count);
  });
  return {
    database: { people, access },
    access: {
      sessions: openSessions({ pool: access, secure: secureCookies }),
      signIn: openSignIn(access),
      authenticators,
      pendingSignIns: openPendingSignIns(access, { authenticators, secure: secureCookies }),
      passkeys: openPasskeys(access, { secure: secureCookies }),
      toRelyingParty: (asked) => toRelyingParty(origin, asked),
      displays,
      pairing: openPairing(access, displays),
      smokeSignIn,
      oidc: oidc && openOidc(access, oidc, { secure: secureCookies })
    },
    denials,
    async close() {
      stopTelling();
      denials.close();
      await Promise.all([people.end(), access.end(), explaining.end()]);
    }
  };
}
