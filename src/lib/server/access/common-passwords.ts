/**
 * Passwords that everybody tries first: the 49,000 most common ones of breaches (zxcvbn-ts' list), and what people make of
 * them when they are told to add something. On the server alone; read when the first password is chosen, since it weighs
 * 7 MB and most processes never need it. It judges no length.
 */

let known: Promise<ReadonlySet<string>> | null = null;

/** What is written for a letter by those who think that nobody else does. */
const LETTER_OF: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'l',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i'
};
/** Digits and signs before or after a common one: `baseball2024!` falls to the second thing that is tried. */
const ADDED = /^[\d\W_]{0,6}|[\d\W_]{0,6}$/g;
/** A shorter one within a longer password is a coincidence. */
const SHORTEST_CORE = 6;

/** Is it common as it is, in other case, with letters written as digits, or with a few of those around it? */
export async function isCommonPassword(password: string): Promise<boolean> {
  known ??= readKnown();
  const list = await known;
  const low = password.toLowerCase();
  const plain = low.replace(/[013457@$!]/g, (sign) => LETTER_OF[sign]!);
  const cores = [low, plain].map((text) => text.replace(ADDED, '')).filter((core) => core.length >= SHORTEST_CORE);
  return [low, plain, ...cores].some((text) => list.has(text));
}

async function readKnown(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common');
  return new Set(dictionary['passwords-common']);
}
