/** Numbers for people: medians, percentiles and tables in Markdown. Ratios are what counts; machines are noisy. */

export interface Table {
  title: string;
  head: string[];
  rows: string[][];
}

export function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

export const median = (values: number[]): number => percentile(values, 0.5);

export const round = (value: number): string =>
  !Number.isFinite(value)
    ? '–'
    : Math.abs(value) >= 100
      ? value.toFixed(0)
      : Math.abs(value) >= 10
        ? value.toFixed(1)
        : value.toFixed(2);

export const count = (value: number): string => value.toLocaleString('en');
export const megabytes = (bytes: number): string => round(bytes / 1024 / 1024);
export const kilobytes = (bytes: number): string => round(bytes / 1024);

export function toMarkdown({ title, head, rows }: Table): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return `**${title}**\n\n${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}

/** Figures of each variant over several runs, so that the middle of them can be told. */
export class Runs {
  private readonly found = new Map<string, number[]>();

  add(key: string, value: number): void {
    this.found.set(key, [...(this.found.get(key) ?? []), value]);
  }

  /** of the runs; NaN when nothing was measured */
  median(key: string): number {
    return median(this.found.get(key) ?? []);
  }

  /** the lowest and the highest of the runs */
  spread(key: string): string {
    const values = this.found.get(key) ?? [];
    return values.length === 0 ? '–' : `${round(Math.min(...values))} to ${round(Math.max(...values))}`;
  }

  sum(key: string): number {
    return (this.found.get(key) ?? []).reduce((total, value) => total + value, 0);
  }

  toJSON(): Record<string, number[]> {
    return Object.fromEntries(this.found);
  }
}
