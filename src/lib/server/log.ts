/**
 * The process log: one JSON line per event on standard error (standard output belongs to what a command answers). On a
 * terminal the same events are short readable lines. It owns the format, the level and what is redacted, never what is
 * logged. Invariant: no secret and no value of a row leaves through it (log-redaction.ts; tests/setup-logs proves it).
 */
import pino from 'pino';
import { openMask, toErrorFields } from './log-redaction.ts';

export type Log = pino.Logger;

/** LOG_LEVEL, from much to little. `debug` has a line for each HTTP request. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;

/** Values under these names never reach the log, wherever in the first three levels of an object they stand. */
const SECRET_NAMES = [
  'password',
  'passwordHash',
  'password_hash',
  'token',
  'secret',
  'cookie',
  'cookies',
  'authorization',
  'headers',
  'connectionString',
  'databaseUrl',
  'DATABASE_URL',
  'context',
  'query',
  'q',
  // of Postgres's errors, where they stand outside `err`: they quote rows
  'detail',
  'where',
  'internalQuery',
  'parameters'
];

export function openLog(name: string, environment: NodeJS.ProcessEnv = process.env): Log {
  const options = logOptions(name, environment);
  if (!process.stderr.isTTY) return pino(options, pino.destination({ fd: 2, sync: true }));
  return pino(options, { write: (line: string) => process.stderr.write(toTerminalLine(line)) });
}

/** All but where it goes. */
export function logOptions(name: string, environment: NodeJS.ProcessEnv): pino.LoggerOptions {
  const mask = openMask(environment);
  return {
    name,
    base: null,
    // What is wrong with it is said where the configuration is read; here it must not end what wants to tell that.
    level: parseLogLevel(environment['LOG_LEVEL']) ?? 'info',
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: SECRET_NAMES.flatMap((secret) => [secret, `*.${secret}`, `*.*.${secret}`]),
    serializers: { err: toErrorFields, error: toErrorOrText, cause: toErrorOrText, reason: toErrorOrText },
    hooks: { streamWrite: (line) => mask.line(line) }
  };
}

/** undefined for what is no level; upper case counts, too. */
export function parseLogLevel(text: string | undefined): (typeof LOG_LEVELS)[number] | undefined {
  return LOG_LEVELS.find((level) => level === text?.toLowerCase());
}

/** Some lines say a cause as text. */
function toErrorOrText(cause: unknown): unknown {
  return cause instanceof Error ? toErrorFields(cause) : cause;
}

const LEVEL_WORDS: Record<number, string> = { 40: 'warning: ', 50: 'error: ', 60: 'fatal: ' };

/** `09:14:02 message key=value`; an error's stack follows on lines of its own. */
export function toTerminalLine(json: string): string {
  const { level, time, name, msg, err, ...rest } = JSON.parse(json) as Record<string, unknown>;
  const fields = Object.entries(rest).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
  const stack = err && typeof err === 'object' && 'stack' in err ? `\n${String(err.stack)}` : '';
  const clock = String(time).slice(11, 19);
  return `${clock} ${LEVEL_WORDS[level as number] ?? ''}${String(msg ?? name)}${fields.join('')}${stack}\n`;
}
