/**
 * Connections to Postgres: one pool per role, with the conversions of types declared once. It owns time-outs, names and
 * the role of a connection; it does not own transactions' contents or SQL. Invariant: no query runs before its
 * connection has taken on its role, so a pool of people never reads with the rights of whoever DATABASE_URL names; through
 * a transaction pooler, where a session is another one with each transaction, the role is that of each transaction.
 */
import pg from 'pg';
import { beginPooled, useTransactions } from './pooled.ts';

/**
 * The roles of ENGINE.md section 3; `access` signs people in, so that the role that serves pages reads no password, and
 * `reconciler` ends what went silent, and nothing else.
 */
export const ROLES = ['owner', 'writer', 'people', 'feed', 'access', 'reconciler'] as const;
export type Role = (typeof ROLES)[number];

/**
 * Before Postgres 18 a scan that is avoided counts as very dear, also where there is no other way, and would be compiled.
 * And planned once it is only when told: the planner thinks little of planning, which took four fifths of the feed's read.
 */
const PREFER_INDEXES = ['enable_seqscan = off', 'jit = off', 'plan_cache_mode = force_generic_plan'];

const IDLE_IN_TRANSACTION_MS = 15_000;

/** A connection or a pool: what a function that runs SQL takes as its first argument. */
export type Queryable = Pick<pg.Pool | pg.ClientBase, 'query'>;

const OID = { int8: 20, int8Array: 1016, timestamptz: 1184, numeric: 1700 } as const;

/** bigint → number; ids and counts stay below 2^53 by the schema, and anything else is a defect that must not be rounded. */
function toSafeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new RangeError(`Postgres returned the bigint ${text}, which a number cannot hold.`);
  return value;
}

/** `{4,7}` → [4, 7], one dimension without nulls. pg's own gives strings, and ["4"].includes(4) is false. */
function toSafeNumbers(text: string): number[] {
  return text === '{}' ? [] : text.slice(1, -1).split(',').map(toSafeNumber);
}

/** The text form of Postgres' types → ours; everything not named here keeps pg's own conversion. */
export const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (format !== 'binary' && oid === OID.int8) return toSafeNumber;
    if (format !== 'binary' && oid === OID.int8Array) return toSafeNumbers;
    if (format !== 'binary' && oid === OID.numeric) return Number;
    return pg.types.getTypeParser(oid, format as 'text');
  }) as pg.CustomTypesConfig['getTypeParser']
};

export interface PoolOptions {
  url: string;
  /** null = as DATABASE_URL's own user (migrations, the command line) */
  role: Role | null;
  /** connections at most */
  max: number;
  /** shown in pg_stat_activity */
  applicationName: string;
  /** longest run of one statement, in milliseconds */
  statementTimeoutMs?: number;
  /**
   * Tables are read by indexes wherever there is one. For statements that are planned once for all parameters: without
   * knowing them the planner thinks that much of a table is asked for, and reads all of it.
   */
  prefersIndexes?: boolean;
  /** `url` may lead through a transaction pooler: each query is a transaction of its own, and nothing is prepared */
  pooled?: boolean;
}

/**
 * Opens a pool whose connections act as `role`. Connections are made on demand and again after a loss; a lost idle
 * connection is dropped silently, because the next query says what is wrong.
 */
export function openPool({
  url,
  role,
  max,
  applicationName,
  statementTimeoutMs = 10_000,
  prefersIndexes = false,
  pooled = false
}: PoolOptions): pg.Pool {
  // Said with SET and not when connecting: PgBouncer refuses connections that begin with settings it does not know.
  const settings = [
    ...(role === null ? [] : [`role watchfloor_${role}`]),
    `statement_timeout = ${statementTimeoutMs}`,
    `idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}`,
    ...(prefersIndexes ? PREFER_INDEXES : [])
  ];
  const pool = new pg.Pool({
    connectionString: url,
    max,
    types,
    application_name: applicationName,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // A half-open connection answers nothing: the client gives up a little after the server would have.
    query_timeout: statementTimeoutMs + 2_000,
    // Awaited by the pool before it hands the connection out; a refused SET ROLE makes connecting fail, so that no
    // connection with too many rights is ever used.
    ...(!pooled && {
      onConnect: async (client: pg.ClientBase) => {
        await client.query(settings.map((setting) => `set ${setting}`).join('; '));
      }
    })
  });
  pool.on('error', () => {});
  // The pool listens to idle connections only: one that is lost between two statements of a transaction would otherwise
  // end the process. The next statement says what is wrong.
  pool.on('connect', (client) => client.on('error', () => {}));
  if (pooled) useTransactions(pool, settings.map((setting) => `; set local ${setting}`).join(''));
  return pool;
}

/** Runs `work` in one transaction on one connection of the pool; rolls back when it throws. `mode` follows BEGIN. */
export async function withTransaction<T>(
  pool: pg.Pool,
  mode: '' | 'isolation level repeatable read read only' | 'isolation level repeatable read',
  work: (client: pg.PoolClient) => Promise<T>
): Promise<T> {
  const begun = await beginPooled(pool, mode);
  const client = begun ?? (await pool.connect());
  let broken: Error | undefined;
  try {
    if (begun === null) await client.query(`begin ${mode}`);
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    client.release(broken);
  }
}
