/**
 * What may be said of an error, and which values never leave the process in a line of text. Errors are described by a
 * closed list of fields: what Postgres, Node or a parser adds beside them (`detail`, `where`, `input`, …) quotes rows,
 * addresses and bodies. The second line of defence knows the secrets themselves and blots them out wherever they stand.
 * Pure, but for the environment that it is given.
 */

const LONGEST_MESSAGE = 1_000;
const LONGEST_STACK = 8_000;
const MOST_NESTED = 5;
const DEEPEST_CAUSE = 4;

/** What of an error is told beside type, message and stack: names of things and codes, never values. */
const TOLD_FIELDS = [
  'code',
  'severity',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
  'routine',
  'syscall',
  'errno',
  'address',
  'port',
  'status'
] as const;

export interface ErrorFields {
  type: string;
  message: string;
  stack?: string;
  cause?: ErrorFields;
  errors?: ErrorFields[];
  /** the end of what a Postgres that did not start has written */
  log?: string;
  [field: string]: unknown;
}

/** For pino's `err`: what is no error is told by its type alone, since it could be anything. */
export function toErrorFields(thrown: unknown, depth = 0): ErrorFields {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: 'something was thrown that is no error' };
  const type = thrown.constructor?.name || thrown.name;
  const message = toSafeMessage(thrown);
  const fields: ErrorFields = { type, message };
  // The stack begins with the message as it was: only its lines of places are kept.
  const places = (thrown.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  fields.stack = [`${type}: ${message}`, ...places].join('\n').slice(0, LONGEST_STACK);
  const given = thrown as unknown as Record<string, unknown>;
  for (const name of TOLD_FIELDS) {
    const value = given[name];
    if (typeof value === 'number' || (typeof value === 'string' && value.length <= 200)) fields[name] = value;
  }
  if (type === 'PostgresProcessError' && typeof given['log'] === 'string') fields.log = withoutValues(given['log']);
  if (depth < DEEPEST_CAUSE && thrown.cause !== undefined) fields.cause = toErrorFields(thrown.cause, depth + 1);
  if (depth < DEEPEST_CAUSE && Array.isArray(given['errors']))
    fields.errors = given['errors'].slice(0, MOST_NESTED).map((error) => toErrorFields(error, depth + 1));
  return fields;
}

/** The message without what it quotes of somebody's data. */
function toSafeMessage(error: Error): string {
  const { message } = error;
  if ((error as { code?: unknown }).code === 'ERR_UNHANDLED_REJECTION')
    return 'a promise was rejected with what is no error';
  const { code, severity, issues } = error as { code?: unknown; severity?: unknown; issues?: unknown };
  if (Array.isArray(issues)) return toIssues(issues);
  if (error instanceof SyntaxError) return cut(message.replace(/"[^]*" is not valid JSON/, 'it is not valid JSON'));
  // Postgres: class 22 is data that it could not take, P0 is what a function raised; both quote values. Others name
  // relations and constraints, which is what one looks for.
  if (typeof severity === 'string' && typeof code === 'string' && /^(22|P0)/.test(code))
    return cut(message.replace(/"[^]*"/, '"…"').replace(/\b0x[0-9a-f]{2}.*$/is, '…'));
  return cut(message);
}

/** zod's: where, and which kind of mistake. */
function toIssues(issues: unknown[]): string {
  const told = issues.slice(0, MOST_NESTED).map((issue) => {
    const { path, code } = issue as { path?: unknown; code?: unknown };
    const place = Array.isArray(path) ? path.map((part) => String(part).slice(0, 40)).join('.') : '';
    return `${String(code)} at ${place || 'the top'}`;
  });
  return cut(`Not what was expected: ${told.join(', ')}${issues.length > MOST_NESTED ? ', …' : ''}`);
}

/** Postgres's own log quotes rows and statements in lines of these kinds. */
function withoutValues(log: string): string {
  return log
    .split('\n')
    .filter((line) => !/\b(DETAIL|STATEMENT|CONTEXT|QUERY|HINT):/.test(line))
    .join('\n')
    .slice(-2_000);
}

function cut(text: string): string {
  return text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE)}…` : text;
}

const BLOT = '***';
/** Variables with such names hold secrets, ours or those of what runs beside us. */
const SECRET_VARIABLE = /PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|PRIVATE|CREDENTIAL|API_?KEY/i;
/** Shorter values are words and numbers that stand everywhere. */
const SHORTEST_SECRET = 6;

/** Secrets by their shape: passwords in addresses, our cookies, authorization headers. */
const SHAPES: readonly [RegExp, string][] = [
  [/(\w:\/\/[^\s:/@"'\\]*):[^\s@"'\\]+@/g, `$1:${BLOT}@`],
  [/((?:__Host-)?watchfloor(?:-oidc)?)=[\w%-]{8,}/g, `$1=${BLOT}`],
  [/\b(Bearer|Basic) +[\w.~+/=-]+/gi, `$1 ${BLOT}`]
];

export interface Mask {
  /** blots out secrets in a text */
  text(text: string): string;
  /** the same inside the strings of a line of JSON, which stays JSON */
  line(json: string): string;
}

/**
 * Knows the secrets of the environment as it is now, and DATABASE_URL as it is when something is said: that of the
 * embedded Postgres is set after the log is opened.
 */
export function openMask(environment: NodeJS.ProcessEnv): Mask {
  const fixed = Object.entries(environment)
    .filter(([name, value]) => name !== 'DATABASE_URL' && SECRET_VARIABLE.test(name) && value)
    .flatMap(([, value]) => toForms(value!))
    .concat(toForms(...readPasswords(environment['WATCHFLOOR_POOLED_URL'])));
  let url: string | undefined;
  let ofUrl: string[] = [];
  const text = (given: string): string => {
    if (environment['DATABASE_URL'] !== url) {
      url = environment['DATABASE_URL'];
      ofUrl = toForms(...readPasswords(url));
    }
    let masked = given;
    for (const secret of [...fixed, ...ofUrl]) masked = masked.replaceAll(secret, BLOT);
    for (const [shape, instead] of SHAPES) masked = masked.replace(shape, instead);
    return masked;
  };
  return {
    text,
    line(json) {
      if (text(json) === json) return json;
      const end = json.endsWith('\n') ? '\n' : '';
      return `${JSON.stringify(mapStrings(JSON.parse(json), text))}${end}`;
    }
  };
}

/** As written, as it stands in an address and as it stands in JSON; longest first, so that no rest is left over. */
function toForms(...secrets: string[]): string[] {
  const forms = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]);
  return [...new Set(forms)].sort((one, other) => other.length - one.length);
}

/** The password of an address, as it is written there and as it is meant; also the one in its query. */
function readPasswords(url: string | undefined): string[] {
  if (!url || !URL.canParse(url)) return [];
  const { password, searchParams } = new URL(url);
  const written = [password, searchParams.get('password') ?? ''].filter((value) => value !== '');
  return written.flatMap((value) => {
    try {
      return [value, decodeURIComponent(value)];
    } catch {
      return [value];
    }
  });
}

function mapStrings(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, map));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [map(key), mapStrings(item, map)]));
}
