/** What is written on the command line as values. Each says what to write instead, and ends the command with code 2. */
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';

export function toId(text: string): number {
  const id = Number(text);
  if (!Number.isSafeInteger(id) || id < 1) throw new InvalidArgumentError('Write a number from 1.');
  return id;
}

/** Commander hands over one value at a time, with what it has so far. */
export function toIds(text: string, before: number[] = []): number[] {
  return [...before, ...text.split(',').map(toId)];
}

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** `90s`, `15m`, `2h`, `1d` as seconds. */
export function toSeconds(text: string): number {
  const [, number, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = Number(number) * SECONDS[unit as keyof typeof SECONDS];
  if (!(seconds > 0)) throw new InvalidArgumentError('Write a time such as 90s, 15m, 2h or 1d.');
  return seconds;
}

/** From where the command was typed: npm runs it in the project's folder, and says where that was. */
export function toPath(text: string): string {
  return resolve(process.env['INIT_CWD'] || process.cwd(), text);
}
