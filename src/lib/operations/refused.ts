/**
 * A refused report as owners read it: what was wrong, in a sentence, and what to do about it, by the name that the database
 * gives the reason (docs/REPORTING.md lists them). Pure wording. Invariant: what was reported is shown as text that can
 * neither turn nor hide ours.
 */

/** Times are milliseconds since 1970 by the database's clock. */
export interface RefusedReport {
  id: number;
  at: number;
  kind: string;
  reason: string;
  /** null = it named none */
  type: string | null;
  source: string | null;
  /** the operation that it was about, where this person may see it; a new one has none */
  operationId: number | null;
  /** the environment's name; null for the workspace itself and where it is not certain */
  environment: string | null;
  /** JSON in lines, safe to show */
  report: string;
}

const ADVICE: Readonly<Record<string, string>> = {
  status_unknown: 'Nothing of it was applied. Report it again with one of these.',
  outcome_unknown:
    'Report succeeded, partially_succeeded, blocked, failed or cancelled when it is completed, and pending until then.',
  outcome_missing: 'Say how it ended in the same statement: set the outcome together with the status completed.',
  end_missing: 'Set the status completed in the statement that says the outcome.',
  type_missing: 'Give it a dotted code as its type, such as inventory.sync.',
  workspace_missing: 'Leave workspace_id out of updates; an insert must name it.',
  environment_unknown:
    'Use the id of an environment of this workspace (it is in the address of its list), or none for the workspace itself.',
  workspace_changed: 'Report it in the other workspace as an operation of its own.',
  went_back: 'The operation stays as it was. What runs again is a new operation; its retry_of may name this one.',
  outcome_final: 'The operation stays as it ended. What ends anew is a new operation; its retry_of may name this one.',
  identity_taken:
    'The active operation stays as it is. End it first, or insert with ON CONFLICT, so that a repetition is a heartbeat.',
  id_given: 'Leave the id out: the database gives it.',
  too_many: 'Mend the program before it reports again: more than 1,000 rows of one transaction could not be applied.'
};
/** Kept by an earlier version, which gave its reasons no name. */
const NO_ADVICE = 'Compare it with what the documentation of reporting says.';

export function refusalAdvice(kind: string): string {
  return Object.hasOwn(ADVICE, kind) ? ADVICE[kind]! : NO_ADVICE;
}

/** The database's reason as a sentence. */
export function refusalSentence(reason: string): string {
  const text = reason.trim() || 'It could not be applied';
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?…]$/.test(text) ? '' : '.'}`;
}

const LONGEST_REPORT = 4_000;
// Controls (but for line breaks), soft hyphen, marks of direction, invisible joiners, tags: as \u escapes, as JSON has them.
const INVISIBLE =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udfff]/g;

/** JSON text that shows each invisible character, cut with a mark. */
export function toPlainJson(text: string): string {
  const cut = text.length > LONGEST_REPORT ? `${text.slice(0, LONGEST_REPORT)}\n…` : text;
  return cut.replace(INVISIBLE, (found) =>
    [...Array(found.length).keys()].map((at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')
  );
}
