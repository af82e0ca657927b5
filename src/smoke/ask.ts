/**
 * Plain requests: GET of addresses of one origin, without following redirects. It owns the bounds of a run: how many
 * requests, how long each may take, how much of an answer is read. Invariant: nothing but GET, nothing of another origin.
 */
import { LONGEST_TEXT, type Answer } from './answer.ts';

export interface Asker {
  /** null: no answer, or no request is left. A path, or an address of the origin. */
  ask(path: string, headers?: Record<string, string>): Promise<Answer | null>;
  readonly asked: number;
  /** true when something was not asked for want of requests */
  readonly isSpent: boolean;
}

export const USER_AGENT = 'watchfloor-smoke (+GET only)';
const STREAM_PATIENCE_MS = 1_500;

export interface AskerOptions {
  origin: string;
  maxRequests: number;
  timeoutMs: number;
  signal: AbortSignal;
}

export function openAsker({ origin, maxRequests, timeoutMs, signal }: AskerOptions): Asker {
  let asked = 0;
  let isSpent = false;
  return {
    async ask(path, headers = {}) {
      const url = new URL(path, origin);
      if (url.origin !== origin) throw new Error(`${url.href} is not of ${origin}.`);
      if (asked >= maxRequests || signal.aborted) {
        isSpent = true;
        return null;
      }
      asked++;
      const patience = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      try {
        const response = await fetch(url, {
          redirect: 'manual',
          signal: patience,
          headers: { accept: 'text/html,*/*', 'user-agent': USER_AGENT, ...headers }
        });
        return {
          url: url.href,
          status: response.status,
          headers: Object.fromEntries(response.headers),
          text: await readText(response)
        };
      } catch {
        return null;
      }
    },
    get asked() {
      return asked;
    },
    get isSpent() {
      return isSpent;
    }
  };
}

/** Up to the longest text; of what streams without end only what comes at first. What breaks off is judged as far as it came. */
async function readText({ headers, body }: Response): Promise<string> {
  if (!body) return '';
  const reader = body.getReader();
  const isStream = /event-stream/.test(headers.get('content-type') ?? '');
  const timer = isStream
    ? setTimeout(() => void reader.cancel().catch(() => undefined), STREAM_PATIENCE_MS)
    : undefined;
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
      if (text.length >= LONGEST_TEXT || (isStream && text.includes('\n\n'))) break;
    }
  } catch {
    // broken off
  }
  clearTimeout(timer);
  await reader.cancel().catch(() => undefined);
  return text.slice(0, LONGEST_TEXT);
}

/** Runs `work` for each, so many at a time. */
export async function inParallel<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>
): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
