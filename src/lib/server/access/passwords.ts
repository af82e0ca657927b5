/**
 * Passwords: argon2id, encoded with its parameters. It owns what a new password must be, how one is verified, when a hash
 * is due to be made anew, and how many are hashed at once; it does not own accounts or limits. Invariants: verifying costs
 * the same whether or not there is an account, so neither the answer nor its time tells which e-mail addresses are known;
 * a password is taken as it is typed, to its last character.
 */
import { hash, parseOptions, verify } from '@node-rs/argon2';
import { isCommonPassword } from './common-passwords.ts';
import { openTurns } from './turns.ts';

/** OWASP's minimum for argon2id: 19 MiB, two passes, one lane; about 17 ms on the machine of this project's CI. */
const PARAMETERS = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
/** The hash of 32 random bytes that were thrown away, with PARAMETERS: what is verified when there is no account. */
const NOBODYS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$N1W5c70vXh8jgLSJ0VSAKA$mq+UuDP47yrGJLSx/EJNc72qRf+A4HeCsnvwMlrqctM';

const SHORTEST = 10;
/** Longer ones are refused, not cut: hashing time grows with what a stranger sends. */
const LONGEST = 1024;
/** Beside one's own names and ours, so much must be something else. */
const LEAST_OF_ITS_OWN = 6;

/**
 * 80 MB and the four threads that Node has for such work, at most; a second's worth of people waits. Who comes then is
 * told so instead of making everybody wait, pages that only read among them.
 */
const turns = openTurns({ atOnce: 4, waiting: 100 });

/** What is wrong with a new password, as a sentence that says what to do; null when nothing is. */
export async function findPasswordMistake(
  password: string,
  whose: { email?: string; name?: string } = {}
): Promise<string | null> {
  const length = [...password].length;
  if (length < SHORTEST)
    return `The password has ${length} characters: choose one of at least ${SHORTEST}, for example four random words.`;
  if (length > LONGEST) return `The password has ${length} characters: choose one of at most ${LONGEST}.`;
  if (new Set(password.toLowerCase()).size < 5)
    return 'The password repeats a few characters: choose another one, for example four random words.';
  if (toItsOwn(password, whose).length < LEAST_OF_ITS_OWN)
    return 'The password is mostly a name that others know: choose another one, for example four random words.';
  if (await isCommonPassword(password))
    return 'The password is among those that are tried first: choose another one, for example four random words.';
  return null;
}

/** The encoded hash with a salt of its own. Does not judge the password. Throws TooManyWaitingError. */
export async function hashPassword(password: string): Promise<string> {
  return turns.take(() => hash(password, PARAMETERS));
}

/**
 * Is it the password of `passwordHash`? null = there is no such account, or none that a password opens: as much work,
 * always false. Throws TooManyWaitingError.
 */
export async function verifyPassword(passwordHash: string | null, password: string): Promise<boolean> {
  const isHash = passwordHash !== null && passwordHash.startsWith('$argon2');
  const matches = await turns.take(() => verify(isHash ? passwordHash : NOBODYS_HASH, password));
  return matches && isHash;
}

/** Was it made with less than is asked of new ones? Then it is made anew while the password is at hand. */
export function isWeakHash(passwordHash: string): boolean {
  const { algorithm, memoryCost, timeCost } = parseOptions(passwordHash);
  return algorithm !== PARAMETERS.algorithm || memoryCost! < PARAMETERS.memoryCost || timeCost! < PARAMETERS.timeCost;
}

/** What is left of it without the person's names and ours. */
function toItsOwn(password: string, { email = '', name = '' }: { email?: string; name?: string }): string {
  const words = [email, ...email.split(/[@.+_-]/), ...name.split(/\s+/), 'watchfloor']
    .map((word) => word.toLowerCase())
    .filter((word) => word.length >= 4)
    .sort((one, other) => other.length - one.length);
  return words.reduce((rest, word) => rest.replaceAll(word, ''), password.toLowerCase());
}
