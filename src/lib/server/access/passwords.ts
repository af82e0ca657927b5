/**
 * Passwords: argon2id, encoded with its parameters. It owns what a new password must be and how one is verified; it
 * does not own accounts or limits. Invariant: verifying costs the same whether or not there is an account, so neither
 * the answer nor its time tells which e-mail addresses are known.
 */
import { hash, verify } from '@node-rs/argon2';

/** OWASP's minimum for argon2id: 19 MiB, two passes, one lane; about 17 ms on the machine of this project's CI. */
const PARAMETERS = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
/** The hash of 32 random bytes that were thrown away, with PARAMETERS: what is verified when there is no account. */
const NOBODYS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$N1W5c70vXh8jgLSJ0VSAKA$mq+UuDP47yrGJLSx/EJNc72qRf+A4HeCsnvwMlrqctM';

const SHORTEST = 10;
/** Longer ones are refused, not cut: hashing time grows with what a stranger sends. */
const LONGEST = 1024;

/** What is wrong with a new password, as a sentence that says what to do; null when nothing is. */
export function findPasswordMistake(password: string): string | null {
  const length = [...password].length;
  if (length < SHORTEST)
    return `The password has ${length} characters: choose one of at least ${SHORTEST}, for example four random words.`;
  if (length > LONGEST) return `The password has ${length} characters: choose one of at most ${LONGEST}.`;
  return null;
}

/** The encoded hash with a salt of its own. Does not judge the password. */
export async function hashPassword(password: string): Promise<string> {
  return hash(password, PARAMETERS);
}

/** Is it the password of `passwordHash`? null = there is no such account: as much work, always false. */
export async function verifyPassword(passwordHash: string | null, password: string): Promise<boolean> {
  const matches = await verify(passwordHash ?? NOBODYS_HASH, password);
  return matches && passwordHash !== null;
}
