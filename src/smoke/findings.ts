/**
 * What a run found: one finding a signature and address. It owns how findings are merged, shortened and kept free of
 * secrets; it judges nothing. Invariant: bounded, and no value that was given as a secret stands in any evidence.
 */
import type { Family } from './signature.ts';
import { signatureOf } from './signatures/all.ts';

export interface Finding {
  /** id of the signature */
  signature: string;
  /** the address at which it showed: path and query, or the whole address on another origin */
  at: string;
  /** the page that was open, if one was */
  page: string | null;
  /** in a few words: HTML, header server, probe … */
  where: string;
  evidence: string;
  /** how often it showed at this address or, for headers, on how many answers */
  times: number;
}

export interface Notebook {
  /** `isProbed`: it stood in an answer to a probe, and says the same wherever it stands */
  add(finding: Omit<Finding, 'times'> & { isProbed?: boolean }): void;
  readonly findings: readonly Finding[];
  /** how many were not kept, by signature */
  readonly left: ReadonlyMap<string, number>;
}

/** A development server shows hundreds of modules; the first ones say it. */
const KEPT_PER_SIGNATURE = 20;
/** Families whose findings at one address differ by what they say. */
const DIFFERING: readonly Family[] = ['behaviour', 'secrets', 'expectations'];
const EVIDENCE_LENGTH = 200;

/** `secrets`: values that must not be repeated, with what is written in their place. */
export function openNotebook(secrets: readonly { value: string; name: string }[] = []): Notebook {
  const findings = new Map<string, Finding>();
  const kept = new Map<string, number>();
  const left = new Map<string, number>();
  return {
    add(finding) {
      const { id, family } = signatureOf(finding.signature);
      const evidence = clean(finding.evidence, secrets);
      const at = clean(finding.at, secrets);
      // One version header is on every answer; two errors of one page are two.
      // So is one error page at every address that was probed.
      const isEverywhere = finding.where.startsWith('header') || finding.isProbed;
      const place = isEverywhere ? '' : at.replace(/[?#].*/s, '');
      const key = [id, place, place === '' || DIFFERING.includes(family) ? evidence : ''].join('\n');
      const known = findings.get(key);
      if (known) {
        known.times++;
        return;
      }
      const count = kept.get(id) ?? 0;
      if (count >= KEPT_PER_SIGNATURE) {
        left.set(id, (left.get(id) ?? 0) + 1);
        return;
      }
      kept.set(id, count + 1);
      const { page, signature, where } = finding;
      findings.set(key, { signature, at, page, where, evidence, times: 1 });
    },
    get findings() {
      return [...findings.values()];
    },
    left
  };
}

function clean(text: string, secrets: readonly { value: string; name: string }[]): string {
  let cleaned = text;
  for (const { value, name } of secrets) cleaned = cleaned.replaceAll(value, `[${name}]`);
  // Reports are read in terminals, too.
  return cleaned
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim()
    .slice(0, EVIDENCE_LENGTH);
}
