/**
 * The process log: one JSON line per event on standard error (standard output belongs to what a command answers). On a
 * terminal the same events are short readable lines. It owns the format and what is redacted, never what is logged.
 */
import pino from 'pino';

export type Log = pino.Logger;

/** Values under these names never reach the log, wherever in the first two levels of an object they stand. */
const SECRET_NAMES = ['password', 'token', 'secret', 'cookie', 'authorization', 'connectionString', 'databaseUrl'];

export function openLog(name: string): Log {
  const options: pino.LoggerOptions = {
    name,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: SECRET_NAMES.flatMap((secret) => [secret, `*.${secret}`])
  };
  if (!process.stderr.isTTY) return pino(options, pino.destination({ fd: 2, sync: true }));
  return pino(options, { write: (line: string) => process.stderr.write(toTerminalLine(line)) });
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
