/**
 * Judges what was observed by the signatures: answers, their headers, what a page did. Pure: observations in, findings
 * into the notebook. Invariant: it reads nothing but its arguments, so every judgement can be repeated in a test.
 */
import { kindOf, toPlaceName, type Answer } from './answer.ts';
import type { Notebook } from './findings.ts';
import { SIGNATURES } from './signatures/all.ts';
import type { Look, TextKind } from './signature.ts';
import type { Needle } from './needles.ts';

export interface Judge {
  origin: string;
  notebook: Notebook;
  /** canaries and the build's directory */
  needles: readonly Needle[];
  /** documents that were judged already: a start page that answers every probe is judged once */
  judged: Set<string>;
}

type LookIn<Place extends Look['in']> = Extract<Look, { in: Place }>;

/** All looks of one place, with the id of their signature. */
export function looksIn<Place extends Look['in']>(place: Place): { id: string; look: LookIn<Place> }[] {
  return SIGNATURES.flatMap(({ id, looks }) =>
    looks.filter((look): look is LookIn<Place> => look.in === place).map((look) => ({ id, look }))
  );
}
const TEXTS = looksIn('text');
const HEADERS = looksIn('header');
const REQUESTS = looksIn('request');

const WHERE: Record<TextKind, string> = {
  html: 'HTML',
  script: 'script text',
  style: 'style text',
  data: 'data',
  dom: 'DOM'
};

/** Text and headers of an answer; those of other origins are not ours to judge, but for what is ours in them. */
export function judgeAnswer(judge: Judge, answer: Answer, page: string | null): void {
  const isOwn = new URL(answer.url).origin === judge.origin;
  const kind = kindOf(answer);
  if (isOwn && kind !== null)
    judgeText(judge, { kind, text: answer.text, at: answer.url, status: answer.status, page });
  const at = toPlaceName(answer.url, judge.origin);
  for (const [name, value] of Object.entries(answer.headers)) {
    if (isOwn)
      for (const { id, look } of HEADERS)
        if (look.name === name && look.pattern.test(value))
          judge.notebook.add({ signature: id, at, page, where: `header ${name}`, evidence: `${name}: ${value}` });
    judgeNeedles(judge, value, { at, page, where: `header ${name}` });
  }
}

export interface TextToJudge {
  kind: TextKind;
  text: string;
  at: string;
  status: number;
  page: string | null;
}

export function judgeText(judge: Judge, { kind, text, at: url, status, page }: TextToJudge): void {
  const at = toPlaceName(url, judge.origin);
  const where = WHERE[kind];
  for (const { id, look } of TEXTS) {
    if (!look.of.includes(kind) || (look.status === 'error' && status < 400)) continue;
    const found = look.pattern.exec(text);
    if (found) judge.notebook.add({ signature: id, at, page, where, evidence: found[0], isProbed: page === null });
  }
  judgeNeedles(judge, text, { at, page, where });
}

export function judgeNeedles(
  { notebook, needles }: Judge,
  text: string,
  place: { at: string; page: string | null; where: string }
): void {
  for (const { signature, name, forms } of needles)
    if (forms.some((form) => text.includes(form))) notebook.add({ ...place, signature, evidence: name });
}

export function judgeRequest({ origin, notebook }: Judge, url: string, page: string | null): void {
  const parsed = new URL(url);
  if (parsed.origin !== origin) return;
  const asked = parsed.pathname + parsed.search;
  for (const { id, look } of REQUESTS)
    if (look.pattern.test(asked))
      notebook.add({ signature: id, at: asked, page, where: 'requests', evidence: 'was asked for' });
}
