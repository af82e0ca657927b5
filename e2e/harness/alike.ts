/** What an answer may repeat of the question, so that the rest of two answers can be compared. Pure. */
import { labelOf } from '../../src/lib/operations/wording.ts';
import { withoutAddress, type Answer } from './ask.ts';
import type { Channel } from './routes.ts';

/** What a redirect repeats: the address as it was sent, as it is linked, and its path. */
export function spellings(channel: Channel, path: string): string[] {
  const sent = channel.ask(path).path;
  const [plain = '', query = ''] = path.split('?', 2);
  // As a browser would write it: the way back after signing in is made by a parser of addresses.
  const { pathname, search } = new URL(path, 'http://parsed.test');
  return [
    sent,
    path,
    pathname + search,
    `${pathname}?${new URLSearchParams(search).toString()}`,
    pathname,
    plain,
    `${plain}/`,
    `${plain}/?${query}`,
    sent.replace(/\?.*/, '')
  ].flatMap((text) => [text, encodeURIComponent(text)]);
}

/** SvelteKit answers requests for data with 200 and the error inside; what OPTIONS tells is held to be alike, no more. */
export function isRefusal({ status, body }: Answer, { name }: Channel): boolean {
  if (name === 'OPTIONS') return !status.startsWith('5');
  return /^[34]/.test(status) || /"status":404|"type":"redirect"/.test(body);
}

/** A value as addresses and pages write it. */
export function asWritten(value: string): string[] {
  const plain = value.replaceAll('+', ' ');
  // A kind that nobody has named is named by its code.
  return [
    ...new Set([
      value,
      plain,
      labelOf(plain, {}),
      encodeURIComponent(plain),
      new URLSearchParams({ q: plain }).toString().slice(2)
    ])
  ];
}

/** Without the value that was asked for, and without the time and the place in the stream, which move with everything. */
export function timeless(answer: Answer, values: string[]): Answer {
  const { body, ...rest } = withoutAddress(answer, ...values);
  const told = body
    .replace(/\b1\d{12}\b/g, 'ms')
    .replace(/[\w-]{80,}/g, 'token')
    .replace(/<time[^>]*>[^<]*<\/time>/g, 'time')
    .replace(/\b\d\d:\d\d:\d\d\b/g, 'time');
  return { ...rest, size: 0, body: told };
}
