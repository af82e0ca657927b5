/**
 * Texts that must be nowhere in what a server hands out: canary values of private variables, and the directory in which
 * it was built. It owns the spellings by which they would show. Pure. Invariant: a needle's name never contains its value.
 */

export interface Needle {
  /** the signature that it belongs to */
  signature: 'canary' | 'build-directory';
  /** what reports say instead of the value */
  name: string;
  value: string;
  forms: readonly string[];
}

/** What is shorter is found by chance. */
export const SHORTEST_CANARY = 8;

export function toCanary(variable: string, value: string): Needle {
  const base64 = Buffer.from(value).toString('base64');
  return {
    signature: 'canary',
    name: `value of ${variable}`,
    value,
    // The end of base64 depends on what follows in the same text.
    forms: distinct([
      value,
      encodeURIComponent(value),
      JSON.stringify(value).slice(1, -1),
      toHtml(value),
      base64.replace(/=+$/, '').slice(0, -1)
    ])
  };
}

export function toBuildDirectory(path: string): Needle {
  const plain = path.replace(/[\\/]+$/, '');
  return {
    signature: 'build-directory',
    name: 'the directory of --build-dir',
    value: plain,
    forms: distinct([plain, plain.replaceAll('\\', '\\\\'), encodeURIComponent(plain)])
  };
}

const toHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
const distinct = (texts: string[]): string[] => [...new Set(texts)];
