/**
 * Findings that are accepted for a time: a file of entries, each with a signature, an address, a reason and a last day.
 * Pure but for nothing: the file is read by whoever calls. Invariant: no entry without an end, and an entry that is over
 * accepts nothing.
 */
import { z } from 'zod';
import type { Finding } from './findings.ts';

const entrySchema = z.strictObject({
  signature: z.string(),
  /** the finding's address; `*` stands for any characters */
  at: z.string(),
  /** the last day, as YYYY-MM-DD, on which it is accepted */
  until: z.iso.date(),
  reason: z.string().min(3)
});
const baselineSchema = z.strictObject({ accepted: z.array(entrySchema) });
export type BaselineEntry = z.infer<typeof entrySchema>;

/** Throws a sentence when the text is no baseline. */
export function parseBaseline(text: string): BaselineEntry[] {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new Error('The baseline is no JSON.', { cause });
  }
  const { success, data: baseline, error } = baselineSchema.safeParse(data);
  if (!success) {
    const [issue] = error.issues;
    throw new Error(`The baseline is not understood: ${issue!.path.join('.')}: ${issue!.message}.`);
  }
  return baseline.accepted;
}

export interface Judged {
  open: Finding[];
  accepted: { finding: Finding; entry: BaselineEntry }[];
  /** entries that would have accepted something, and are over */
  over: BaselineEntry[];
  /** entries that nothing matched: mended, or never right */
  unused: BaselineEntry[];
}

/** `today` as YYYY-MM-DD. */
export function applyBaseline(findings: readonly Finding[], entries: readonly BaselineEntry[], today: string): Judged {
  const open: Finding[] = [];
  const accepted: Judged['accepted'] = [];
  const used = new Set<BaselineEntry>();
  for (const finding of findings) {
    const matching = entries.filter((entry) => matches(entry, finding));
    for (const entry of matching) used.add(entry);
    const entry = matching.find(({ until }) => until >= today);
    if (entry) accepted.push({ finding, entry });
    else open.push(finding);
  }
  return {
    open,
    accepted,
    over: [...used].filter(({ until }) => until < today),
    unused: entries.filter((entry) => !used.has(entry))
  };
}

/** A baseline that accepts all of these until a day, to be given reasons by hand. */
export function toBaseline(findings: readonly Finding[], until: string, reason: string): string {
  const accepted = findings.map(({ signature, at }) => ({ signature, at: at.replace(/[?#].*/s, '*'), until, reason }));
  return `${JSON.stringify({ accepted }, null, 2)}\n`;
}

function matches({ signature, at }: BaselineEntry, finding: Finding): boolean {
  if (signature !== finding.signature) return false;
  const pattern = at.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pattern.join('.*')}$`, 's').test(finding.at);
}
