/**
 * What a process says beside its log: sentences for the person who started it, and what Node and libraries print by
 * themselves. Invariant: once `takeOverOutput` has run, whatever is printed by `console` or as a warning is a line of the
 * log, redacted like all others; standard output and plain text are for the banner and a refusal to start alone.
 */
import type { Log } from './log.ts';
import { openMask, toErrorFields } from './log-redaction.ts';

const LONGEST_LINE = 1_000;

/** For processes that serve. Tools of a person at a terminal keep their console. */
export function takeOverOutput(log: Pick<Log, 'info' | 'warn' | 'error'>): void {
  const to =
    (level: 'info' | 'warn' | 'error') =>
    (...said: unknown[]): void => {
      const error = said.find((part) => part instanceof Error);
      log[level]({ event: 'console', ...(error && { err: error }) }, toText(said));
    };
  Object.assign(console, {
    log: to('info'),
    info: to('info'),
    debug: to('info'),
    warn: to('warn'),
    error: to('error'),
    trace: to('error')
  });
  // Node's own listener prints them as text.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.warn({ event: 'warning', err: warning }, 'A warning of Node.js'));
}

/** For the person at the terminal; a line of the log where nobody sits. */
export function tellPerson(log: Pick<Log, 'info'>, sentence: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${sentence}\n`);
  else log.info(sentence);
}

/** Why nothing was started: whole sentences on standard error, for whoever reads the end of what a start has printed. */
export function tellRefusal(message: string): void {
  process.stderr.write(`\n${openMask(process.env).text(message)}\n\n`);
}

/** Texts as they are; of everything else only what it is, since it could hold anything. */
function toText(said: unknown[]): string {
  return said
    .map((part) =>
      typeof part === 'string' ? part : part instanceof Error ? toErrorFields(part).message : `[${typeof part}]`
    )
    .join(' ')
    .slice(0, LONGEST_LINE);
}
