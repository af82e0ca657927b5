/**
 * Authenticator apps of people: set up by a session that gave the password, judged, taken away. It owns their tables, the
 * limits of wrong codes and that changing them ends every session of the person; how codes are made is
 * authenticator-codes.ts's, what a right one opens the caller's.
 * Invariants: a code counts once, also of two at once, since one statement both looks and uses it up; no secret leaves but to
 * the session that sets it up; what cannot be opened any more counts as wrong, never as absent.
 */
import type pg from 'pg';
import {
  findStep,
  makeRecoveryCodes,
  makeSecret,
  toDigits,
  toRecoveryHash,
  toTypedSecret,
  toUri
} from './authenticator-codes.ts';
import { readFactorKey, type FactorKey } from './factor-key.ts';
import { openSignInLimits } from './sign-in-limits.ts';
import { changeAndSignOut, type Proven } from './sign-outs.ts';

export const SET_UP_MINUTES = 15;
/**
 * Fewer than of passwords, and of an account from everywhere as few as from one network: only who knows the password gets
 * here, so that nobody is locked out by strangers, and a code is one of a million.
 */
export const CODE_LIMITS = { accountFromNetwork: 5, network: 60, account: 5 } as const;

export interface Authenticator {
  /** ms, the database's clock */
  setUpAt: number;
  recoveryCodesLeft: number;
}

/** What a code that may be right stands for; whoever uses it up makes sure that it is still good. */
export type Proof = { kind: 'step'; step: number; resealed: Buffer | null } | { kind: 'recovery'; hash: string };

/** The statement that uses a proof up and returns whose it was, for a `with`: $1 is the person, what follows `values`. */
export function toUse(proof: Proof): { sql: string; values: unknown[] } {
  return proof.kind === 'step'
    ? {
        sql: `update watchfloor.authenticators set last_step = $2, sealed = coalesce($3, sealed)
              where user_id = $1 and last_step < $2 returning user_id`,
        values: [proof.step, proof.resealed]
      }
    : {
        sql: 'delete from watchfloor.recovery_codes where user_id = $1 and code_hash = $2 returning user_id',
        values: [proof.hash]
      };
}

export type Judgement =
  /** `accept` said so */
  | { kind: 'accepted'; byRecoveryCode: boolean }
  | { kind: 'wrong' }
  /** the key that sealed the secret is gone: only recovery codes help */
  | { kind: 'unreadable' }
  | { kind: 'limited'; retryAfterSeconds: number };

export interface Authenticators {
  /** null = the person has none */
  read(personId: number): Promise<Authenticator | null>;
  /** Begins to set one up, instead of what was begun before. The password was given just now. No effect where there is one. */
  begin(personId: number, sessionId: string): Promise<void>;
  /** What is being set up by this session; null = nothing, or it took too long. */
  readSetUp(person: { id: number; email: string }, sessionId: string): Promise<{ secret: string; uri: string } | null>;
  /** The first code turns it on and ends every session of the person; the recovery codes are told this once. */
  confirm(
    personId: number,
    sessionId: string,
    code: string
  ): Promise<{ kind: 'on'; recoveryCodes: string[]; proven: Proven } | { kind: 'wrong' } | { kind: 'over' }>;
  /** Takes it away, by a code, and ends every session of the person. The password was given just now. */
  turnOff(
    person: { personId: number; sessionId: string },
    code: string,
    address: string | null
  ): Promise<Exclude<Judgement, { kind: 'accepted' }> | { kind: 'off'; proven: Proven }>;
  /** Uses a code up that was asked for beside the password of somebody who is signed in. */
  spend(personId: number, code: string, address: string | null): Promise<Judgement>;
  /** Judges a code within the limits. `accept` uses the proof up by one statement, and says whether it was still good. */
  judge(
    personId: number,
    code: string,
    address: string | null,
    accept: (proof: Proof) => Promise<boolean>
  ): Promise<Judgement>;
}

/** `pool` acts as the role `access`. `key`: the configuration's, if any. */
export function openAuthenticators(
  pool: pg.Pool,
  { key: given, now = Date.now }: { key: Buffer | null; now?: () => number }
): Authenticators {
  const limits = openSignInLimits(pool, CODE_LIMITS);
  let reading: Promise<FactorKey> | null = null;
  const readKey = (): Promise<FactorKey> => {
    reading ??= readFactorKey(pool, given);
    // The next one asks again.
    reading.catch(() => (reading = null));
    return reading;
  };

  const toProof = async (personId: number, code: string): Promise<Proof | 'wrong' | 'unreadable'> => {
    const digits = toDigits(code);
    if (digits === null) {
      const hash = toRecoveryHash(code);
      return hash === null ? 'wrong' : { kind: 'recovery', hash };
    }
    const { rows } = await pool.query<{ sealed: Buffer }>(
      'select sealed from watchfloor.authenticators where user_id = $1',
      [personId]
    );
    if (!rows[0]) return 'wrong';
    const key = await readKey();
    const secret = key.open(rows[0].sealed, personId);
    if (!secret) return 'unreadable';
    const step = findStep(secret, digits, now());
    if (step === null) return 'wrong';
    return { kind: 'step', step, resealed: key.isOld(rows[0].sealed) ? key.seal(secret, personId) : null };
  };

  const judge: Authenticators['judge'] = async (personId, code, address, accept) => {
    // No e-mail that somebody types has a NUL (sign-in.ts): nobody uses up these tries without the password.
    const taken = await limits.take(`\0code of ${personId}`, address);
    if (typeof taken === 'number') return { kind: 'limited', retryAfterSeconds: taken };
    const proof = await toProof(personId, code);
    if (proof === 'unreadable') {
      await taken.giveBack();
      return { kind: 'unreadable' };
    }
    if (proof === 'wrong' || !(await accept(proof))) return { kind: 'wrong' };
    await taken.forgive();
    return { kind: 'accepted', byRecoveryCode: proof.kind === 'recovery' };
  };

  return {
    judge,

    async read(personId) {
      const { rows } = await pool.query<{ setUpAt: Date; left: number }>(
        `select created_at as "setUpAt",
           (select count(*) from watchfloor.recovery_codes r where r.user_id = a.user_id) as left
         from watchfloor.authenticators a where user_id = $1`,
        [personId]
      );
      return rows[0] ? { setUpAt: rows[0].setUpAt.getTime(), recoveryCodesLeft: rows[0].left } : null;
    },

    async begin(personId, sessionId) {
      const sealed = (await readKey()).seal(makeSecret(), personId);
      await pool.query(
        `with swept as (delete from watchfloor.authenticator_setups where expires_at < now() and user_id <> $1)
         insert into watchfloor.authenticator_setups (user_id, session_id, sealed, expires_at)
         select $1, $2, $3, now() + make_interval(mins => $4)
         where not exists (select from watchfloor.authenticators where user_id = $1)
         on conflict (user_id) do update
           set session_id = excluded.session_id, sealed = excluded.sealed, expires_at = excluded.expires_at`,
        [personId, sessionId, sealed, SET_UP_MINUTES]
      );
    },

    async readSetUp(person, sessionId) {
      const secret = await readSetUpSecret(pool, await readKey(), person.id, sessionId);
      return secret && { secret: toTypedSecret(secret.plain), uri: toUri(secret.plain, person.email) };
    },

    async confirm(personId, sessionId, code) {
      const secret = await readSetUpSecret(pool, await readKey(), personId, sessionId);
      if (!secret) return { kind: 'over' };
      const step = findStep(secret.plain, toDigits(code) ?? '', now());
      if (step === null) return { kind: 'wrong' };
      const recoveryCodes = makeRecoveryCodes();
      const proven = await changeAndSignOut(pool, { personId, sessionId }, async (client) => {
        const { rowCount } = await client.query(
          `with set_up as (
             delete from watchfloor.authenticator_setups
             where user_id = $1 and session_id = $2 and sealed = $3 and expires_at > now() returning user_id, sealed
           ), made as (
             insert into watchfloor.authenticators (user_id, sealed, last_step) select user_id, sealed, $4 from set_up
             on conflict (user_id) do nothing returning user_id
           )
           insert into watchfloor.recovery_codes (user_id, code_hash)
           select made.user_id, code.hash from made cross join unnest($5::text[]) as code (hash)`,
          [personId, sessionId, secret.sealed, step, recoveryCodes.map((one) => toRecoveryHash(one)!)]
        );
        return rowCount === recoveryCodes.length;
      });
      return proven ? { kind: 'on', recoveryCodes, proven } : { kind: 'over' };
    },

    async turnOff(person, code, address) {
      let proven: Proven | null = null;
      const answer = await judge(person.personId, code, address, async (proof) => {
        const [sql, value] =
          proof.kind === 'step'
            ? ['delete from watchfloor.authenticators where user_id = $1 and last_step < $2', proof.step]
            : [
                `delete from watchfloor.authenticators a using watchfloor.recovery_codes r
                 where a.user_id = $1 and r.user_id = a.user_id and r.code_hash = $2`,
                proof.hash
              ];
        proven = await changeAndSignOut(
          pool,
          person,
          async (client) => (await client.query(sql, [person.personId, value])).rowCount === 1
        );
        return proven !== null;
      });
      return answer.kind === 'accepted' ? { kind: 'off', proven: proven! } : answer;
    },

    spend(personId, code, address) {
      return judge(personId, code, address, async (proof) => {
        const { sql, values } = toUse(proof);
        return (await pool.query(sql, [personId, ...values])).rowCount === 1;
      });
    }
  };
}

async function readSetUpSecret(
  pool: pg.Pool,
  key: FactorKey,
  personId: number,
  sessionId: string
): Promise<{ plain: Buffer; sealed: Buffer } | null> {
  const { rows } = await pool.query<{ sealed: Buffer }>(
    'select sealed from watchfloor.authenticator_setups where user_id = $1 and session_id = $2 and expires_at > now()',
    [personId, sessionId]
  );
  const sealed = rows[0]?.sealed;
  const plain = sealed ? key.open(sealed, personId) : null;
  return sealed && plain ? { plain, sealed } : null;
}
