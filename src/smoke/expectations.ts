/**
 * What `--expect` says of pages: `[/path] status=200`, `[/path] text=Sign in`, `[/path] selector=main form`. Pure.
 * Invariant: what cannot be read is refused with a sentence, never ignored.
 */
import { MISSING_PAGE, type Visit } from './visit.ts';

export interface Expectation {
  /** null: every page that was asked for */
  path: string | null;
  kind: 'status' | 'text' | 'selector';
  value: string;
}

export function parseExpectation(text: string): Expectation {
  const found = /^(?:(\/\S*)\s+)?(status|text|selector)=(.+)$/s.exec(text.trim());
  if (!found) throw new Error(`--expect "${text}" is not understood. Write [/path] status=200, text=… or selector=….`);
  const [, path = null, kind, value] = found as unknown as [string, string | undefined, Expectation['kind'], string];
  if (kind === 'status' && !/^[1-5]\d\d$/.test(value)) throw new Error(`--expect "${text}": ${value} is no status.`);
  return { path, kind, value };
}

/** A sentence for each that is not met. */
export function checkExpectations(expectations: readonly Expectation[], visit: Visit): string[] {
  return expectations.flatMap((expectation) => {
    const { kind, value, path } = expectation;
    // Without a path it is said of pages that were asked for, not of what links lead to, nor of our own error page.
    if (path === null && (visit.from !== null || visit.path === MISSING_PAGE)) return [];
    if (kind === 'status') return String(visit.status) === value ? [] : [`status ${visit.status} instead of ${value}`];
    if (kind === 'text') {
      const html = visit.seen?.html ?? visit.answers.map(({ text }) => text).join('\n');
      return toPlainText(html).includes(value) ? [] : [`the text "${value}" is not there`];
    }
    if (!visit.seen) return [`the selector "${value}" needs a browser`];
    return visit.selectors[value] ? [] : [`nothing matches the selector "${value}"`];
  });
}

function toPlainText(html: string): string {
  return html
    .replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&nbsp;', ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ');
}
