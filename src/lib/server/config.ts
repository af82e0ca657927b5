/**
 * The configuration: read from the environment only, parsed once at the start of a process. Every mistake is named at
 * once, each with what to write instead, and nothing starts with half a configuration. It reads no files and knows no
 * defaults that depend on the machine (where data lives is embedded-place.ts's business).
 * Invariant: what is not on a loopback address is served over https or by an explicit decision to do without.
 */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { parseOidcRoles, ROLES_EXAMPLE, type OidcRole } from './access/oidc-roles.ts';
import { LOG_LEVELS, parseLogLevel } from './log.ts';
import { StartupError } from './startup-error.ts';
import { parseNetworks, type ForwardedBy } from './web/client-address.ts';

/** An identity provider that people may sign in with (OpenID Connect), and what its groups give. */
export interface OidcConfig {
  issuer: string;
  clientId: string;
  /** null: a public client, which PKCE alone protects */
  clientSecret: string | null;
  /** what people call it: "Sign in with …" */
  label: string;
  scopes: string;
  groupsClaim: string;
  /** in their order: of the lines that fit a person the first decides the role */
  roles: OidcRole[];
}

export interface Config {
  /** null: the embedded Postgres */
  databaseUrl: string | null;
  /** the same database through a transaction pooler, for queries; null: they go directly, too */
  pooledUrl: string | null;
  host: string;
  port: number;
  /** true when `host` cannot be reached from another machine */
  loopback: boolean;
  /** ORIGIN; null when pages may be asked for under any name that `origins` lists */
  origin: string | null;
  /** the values of an Origin header that come from our own pages; null: whatever names the host that was asked */
  origins: string[] | null;
  /** cookies carry `Secure`: the browser speaks https */
  secureCookies: boolean;
  /** what a proxy in front writes clients' addresses into; null: whoever connects is the client, or nobody knows */
  forwardedBy: ForwardedBy | null;
  /** null: chosen by user and project, see embedded-place.ts */
  dataDirectory: string | null;
  demo: boolean;
  /** null: a random one, made once */
  demoPassword: string | null;
  /** opens /metrics on the port of the pages to whoever sends it; null: nobody */
  metricsToken: string | null;
  /** serves /metrics to this machine on a port of its own; null: not at all */
  metricsPort: number | null;
  /** /login/smoke takes single-use tokens (`npm run watchfloor -- smoke-token`) */
  smokeSignIn: boolean;
  /** seals the secrets of authenticator apps; null: a key of the database does */
  factorKey: Buffer | null;
  /** null: people sign in with their passwords alone */
  oidc: OidcConfig | null;
  /** how long a node that is to stop serves on while /readyz says that it leaves, in seconds */
  drainSeconds: number;
}

export class ConfigError extends StartupError {
  readonly mistakes: readonly string[];
  constructor(mistakes: string[]) {
    const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`;
    super(`The configuration has ${count}:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}`);
    this.mistakes = mistakes;
  }
}

const DEFAULT_PORT = 3000;
/** Long enough for a proxy that asks /readyz each second; an embedded Postgres has no other node to go to. */
const DEFAULT_DRAIN_SECONDS = 2;

/** An empty variable counts as unset, as in shells and container files. */
const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

const flag = (name: string) =>
  optional(z.enum(['0', '1'], { error: ({ input }) => `${name} is "${input}": write 0 or 1.` }));

const portOf = (name: string, example: number) =>
  optional(
    z
      .string()
      .refine((text) => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535, {
        error: ({ input }) => `${name} is "${input}": write a number from 1 to 65535, such as ${example}.`
      })
      .transform(Number)
  );

const environmentSchema = z.object({
  DATABASE_URL: optional(
    z.string().refine(isPostgresUrl, {
      error:
        'DATABASE_URL is not the address of a Postgres: write postgres://user:password@host:5432/database, ' +
        'or leave it out for the embedded one.'
    })
  ),
  WATCHFLOOR_POOLED_URL: optional(
    z.string().refine(isPostgresUrl, {
      error:
        'WATCHFLOOR_POOLED_URL is not the address of a Postgres: write postgres://user:password@host:6432/database, ' +
        'or leave it out.'
    })
  ),
  HOST: optional(
    z.string().regex(/^[A-Za-z0-9.:-]+$/, {
      error: ({ input }) => `HOST is "${input}": write an address or a name without port, such as 127.0.0.1.`
    })
  ),
  PORT: portOf('PORT', DEFAULT_PORT),
  ORIGIN: optional(
    z.string().refine(isOrigin, {
      error: ({ input }) =>
        `ORIGIN is "${input}": write what browsers show before the path, such as https://ops.example.com.`
    })
  ),
  ADDRESS_HEADER: optional(
    z.string().regex(/^[A-Za-z0-9-]+$/, {
      error: ({ input }) => `ADDRESS_HEADER is "${input}": write the name of a header, such as X-Forwarded-For.`
    })
  ),
  XFF_DEPTH: optional(
    z.string().regex(/^[1-9]\d?$/, {
      error: ({ input }) => `XFF_DEPTH is "${input}": write how many proxies stand in front, such as 1.`
    })
  ),
  WATCHFLOOR_TRUSTED_PROXIES: optional(
    z.string().refine((text) => parseNetworks(text) !== null, {
      error: ({ input }) =>
        `WATCHFLOOR_TRUSTED_PROXIES is "${input}": write addresses or networks with commas between them, such as ` +
        '127.0.0.1,10.0.0.0/8.'
    })
  ),
  WATCHFLOOR_DATA_DIR: optional(
    z.string().refine(isAbsolute, {
      error: ({ input }) =>
        `WATCHFLOOR_DATA_DIR is "${input}": write an absolute path (~ is not replaced), such as /srv/watchfloor.`
    })
  ),
  WATCHFLOOR_DEMO: flag('WATCHFLOOR_DEMO'),
  WATCHFLOOR_DEMO_PASSWORD: optional(
    z.string().min(8, { error: 'WATCHFLOOR_DEMO_PASSWORD is too short: write at least 8 characters.' })
  ),
  WATCHFLOOR_INSECURE_HTTP: flag('WATCHFLOOR_INSECURE_HTTP'),
  METRICS_TOKEN: optional(
    // Never shown, also when it is wrong.
    z.string().regex(/^[\x21-\x7e]{16,}$/, {
      error:
        'METRICS_TOKEN cannot be used: write at least 16 letters, digits or signs without spaces, such as the ' +
        'output of `openssl rand -hex 32`.'
    })
  ),
  METRICS_PORT: portOf('METRICS_PORT', 9464),
  WATCHFLOOR_DRAIN_SECONDS: optional(
    z
      .string()
      .refine((text) => /^\d{1,3}$/.test(text) && Number(text) <= 300, {
        error: ({ input }) => `WATCHFLOOR_DRAIN_SECONDS is "${input}": write whole seconds from 0 to 300, such as 5.`
      })
      .transform(Number)
  ),
  WATCHFLOOR_SMOKE_SIGN_IN: flag('WATCHFLOOR_SMOKE_SIGN_IN'),
  WATCHFLOOR_FACTOR_KEY: optional(
    // Never shown, also when it is wrong.
    z.string().regex(/^[0-9a-f]{64}$/i, {
      error:
        'WATCHFLOOR_FACTOR_KEY cannot be used: write 64 hexadecimal digits, such as the output of ' +
        '`openssl rand -hex 32`.'
    })
  ),
  WATCHFLOOR_OIDC_ISSUER: optional(
    z.string().refine(isIssuer, {
      error: ({ input }) =>
        `WATCHFLOOR_OIDC_ISSUER is "${input}": write the issuer as the provider names it, such as ` +
        'https://login.example.com/realms/staff (https, unless it is on this machine).'
    })
  ),
  WATCHFLOOR_OIDC_CLIENT_ID: optional(
    z.string().regex(/^[\x20-\x7e]{1,255}$/, {
      error: 'WATCHFLOOR_OIDC_CLIENT_ID cannot be used: write what the provider calls Watchfloor.'
    })
  ),
  WATCHFLOOR_OIDC_CLIENT_SECRET: optional(
    // Never shown, also when it is wrong.
    z.string().regex(/^[\x20-\x7e]{6,512}$/, {
      error:
        'WATCHFLOOR_OIDC_CLIENT_SECRET cannot be used: write the secret that the provider gave, or leave it out for a ' +
        'public client.'
    })
  ),
  WATCHFLOOR_OIDC_LABEL: optional(
    z
      .string()
      .trim()
      .regex(/^[^\p{C}]{1,40}$/u, {
        error: 'WATCHFLOOR_OIDC_LABEL cannot be used: write 40 letters at most, such as Example Login.'
      })
  ),
  WATCHFLOOR_OIDC_SCOPES: optional(
    z
      .string()
      .trim()
      .refine((text) => text.split(/\s+/).includes('openid') && /^[\x21\x23-\x5b\x5d-\x7e\s]{1,500}$/.test(text), {
        error: ({ input }) =>
          `WATCHFLOOR_OIDC_SCOPES is "${input}": write names with spaces between them, openid among them, such as ` +
          'openid profile email groups.'
      })
  ),
  WATCHFLOOR_OIDC_GROUPS_CLAIM: optional(
    z.string().regex(/^[\x21-\x7e]{1,200}$/, {
      error: ({ input }) =>
        `WATCHFLOOR_OIDC_GROUPS_CLAIM is "${input}": write the name of the claim that holds groups, such as groups.`
    })
  ),
  WATCHFLOOR_OIDC_ROLES: optional(
    z.string().transform((text, context) => {
      const { roles, mistakes } = parseOidcRoles(text);
      for (const mistake of mistakes)
        context.addIssue({
          code: 'custom',
          message: `WATCHFLOOR_OIDC_ROLES: ${mistake}: write lines such as ${ROLES_EXAMPLE}.`
        });
      return roles;
    })
  ),
  LOG_LEVEL: optional(
    z.string().refine((text) => parseLogLevel(text) !== undefined, {
      error: ({ input }) => `LOG_LEVEL is "${input}": write one of ${LOG_LEVELS.join(', ')}.`
    })
  )
});

/** Parses the environment. Throws a ConfigError that lists every mistake. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map((issue) => issue.message));
  const values = parsed.data;
  const host = values.HOST ?? '127.0.0.1';
  const port = values.PORT ?? DEFAULT_PORT;
  const origin = values.ORIGIN ? new URL(values.ORIGIN).origin : null;
  const loopback = isLoopback(host);
  const https = origin !== null && origin.startsWith('https:');

  if (values.METRICS_PORT === port) {
    throw new ConfigError([
      `METRICS_PORT is ${port}, as PORT: choose another one, or set METRICS_TOKEN to have /metrics on the port of the pages.`
    ]);
  }
  if (values.WATCHFLOOR_POOLED_URL && !values.DATABASE_URL) {
    throw new ConfigError([
      "WATCHFLOOR_POOLED_URL is set, but DATABASE_URL is not: write Postgres's own address into it, for listening."
    ]);
  }
  if (values.WATCHFLOOR_TRUSTED_PROXIES && !values.ADDRESS_HEADER) {
    throw new ConfigError([
      'WATCHFLOOR_TRUSTED_PROXIES is set, but ADDRESS_HEADER is not: write the header they name clients in, such as ' +
        'X-Forwarded-For.'
    ]);
  }
  const oidc = toOidc(values);
  const servedInTheOpen = origin === null ? !loopback : !https && !isLoopback(new URL(origin).hostname);
  if (servedInTheOpen && values.WATCHFLOOR_INSECURE_HTTP !== '1') {
    throw new ConfigError([
      (origin === null
        ? `HOST is "${host}", which other machines can reach, and passwords would cross the network in the clear: `
        : `ORIGIN is "${origin}", where passwords would cross the network in the clear: `) +
        'set ORIGIN to the https:// address of a proxy in front, or set WATCHFLOOR_INSECURE_HTTP=1 if you accept that.'
    ]);
  }

  return {
    databaseUrl: values.DATABASE_URL ?? null,
    pooledUrl: values.WATCHFLOOR_POOLED_URL ?? null,
    host,
    port,
    loopback,
    origin,
    origins: origin !== null ? [origin] : loopback ? loopbackOrigins(host, port) : null,
    secureCookies: https,
    // Without a proxy in front (ORIGIN) whoever asks could write his own address.
    forwardedBy:
      origin !== null && values.ADDRESS_HEADER
        ? {
            header: values.ADDRESS_HEADER.toLowerCase(),
            depth: Number(values.XFF_DEPTH ?? 1),
            trusted: values.WATCHFLOOR_TRUSTED_PROXIES ? parseNetworks(values.WATCHFLOOR_TRUSTED_PROXIES) : null
          }
        : null,
    dataDirectory: values.WATCHFLOOR_DATA_DIR ?? null,
    demo: values.WATCHFLOOR_DEMO !== '0',
    demoPassword: values.WATCHFLOOR_DEMO_PASSWORD ?? null,
    metricsToken: values.METRICS_TOKEN ?? null,
    metricsPort: values.METRICS_PORT ?? null,
    smokeSignIn: values.WATCHFLOOR_SMOKE_SIGN_IN === '1',
    factorKey: values.WATCHFLOOR_FACTOR_KEY ? Buffer.from(values.WATCHFLOOR_FACTOR_KEY, 'hex') : null,
    oidc,
    drainSeconds: values.WATCHFLOOR_DRAIN_SECONDS ?? (values.DATABASE_URL ? DEFAULT_DRAIN_SECONDS : 0)
  };
}

/** All of it or nothing: half a provider would be a way in that nobody meant. */
function toOidc(values: z.infer<typeof environmentSchema>): OidcConfig | null {
  const { WATCHFLOOR_OIDC_ISSUER: issuer, WATCHFLOOR_OIDC_CLIENT_ID: clientId } = values;
  if (issuer && clientId)
    return {
      issuer,
      clientId,
      clientSecret: values.WATCHFLOOR_OIDC_CLIENT_SECRET ?? null,
      label: values.WATCHFLOOR_OIDC_LABEL ?? new URL(issuer).hostname,
      scopes: values.WATCHFLOOR_OIDC_SCOPES ?? 'openid profile email',
      groupsClaim: values.WATCHFLOOR_OIDC_GROUPS_CLAIM ?? 'groups',
      roles: values.WATCHFLOOR_OIDC_ROLES ?? []
    };
  const set = Object.entries(values).filter(([name, value]) => name.startsWith('WATCHFLOOR_OIDC_') && value);
  if (set.length === 0) return null;
  const missing = [!issuer && 'WATCHFLOOR_OIDC_ISSUER', !clientId && 'WATCHFLOOR_OIDC_CLIENT_ID'].filter(Boolean);
  throw new ConfigError(
    missing.map((name) => `${set[0]![0]} is set, but ${name} is not: write it, too, or leave out all of them.`)
  );
}

/** True for an address or name that only this machine can reach; accepts IPv6 with and without brackets. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return bare === 'localhost' || bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare);
}

/** Both loopback names (and the address itself) work: people type localhost, banners print 127.0.0.1. */
function loopbackOrigins(host: string, port: number): string[] {
  const names = new Set(['localhost', '127.0.0.1', '[::1]', host.includes(':') ? `[${host}]` : host.toLowerCase()]);
  // URL drops the default port, as browsers do in the Origin header.
  return [...names].map((name) => new URL(`http://${name}:${port}`).origin);
}

function isPostgresUrl(text: string): boolean {
  return URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol);
}

/** Without query, fragment and credentials, as providers name themselves. */
function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, search, hash, username, password } = new URL(text);
  if (search || hash || username || password) return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && (url.origin === text || `${url.origin}/` === text);
}
