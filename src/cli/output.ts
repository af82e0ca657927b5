/** What commands print: answers on standard output, failures on standard error, each as text or as JSON. */

export type OutputFormat = 'text' | 'json';

export function print(format: OutputFormat, facts: unknown, text: string): void {
  process.stdout.write(`${format === 'json' ? JSON.stringify(facts, null, 2) : text}\n`);
}

export function printFailure(format: OutputFormat, message: string): void {
  process.stderr.write(`${format === 'json' ? JSON.stringify({ error: message }) : message}\n`);
}

/** Aligned columns under their names; numbers to the right, null as nothing. */
export function toTable(columns: string[], rows: unknown[][]): string {
  const cells = rows.map((row) => row.map(toCell));
  const widths = columns.map((name, index) => Math.max(name.length, ...cells.map((row) => (row[index] ?? '').length)));
  const isNumber = columns.map((_, index) => rows.length > 0 && rows.every((row) => typeof row[index] === 'number'));
  const line = (row: string[]): string =>
    row
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        return isNumber[index] ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(columns), widths.map((width) => '-'.repeat(width)).join('  '), ...cells.map(line)].join('\n');
}

function toCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  // What a writer reported is shown on a terminal here: nothing of theirs may move its cursor or turn its order.
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, ' ');
}
