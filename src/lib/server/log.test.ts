import pino from 'pino';
import { expect, test } from 'vitest';
import { logOptions, parseLogLevel } from './log.ts';

function linesOf(work: (log: pino.Logger) => void, environment: NodeJS.ProcessEnv = {}): Record<string, unknown>[] {
  const lines: string[] = [];
  work(pino(logOptions('test', environment), { write: (line: string) => void lines.push(line) }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('names that hold secrets are redacted, also when they stand in an object within an object', () => {
  const [line] = linesOf((log) =>
    log.info({ token: 's1', a: { password: 's2', b: { cookie: 's3' } }, headers: { x: 's4' }, id: 7 }, 'said')
  );
  expect(JSON.stringify(line)).not.toMatch(/s[1-4]/);
  expect(line).toMatchObject({ id: 7, msg: 'said' });
});

test('an error is told by the closed list of fields, under whatever name it comes', () => {
  for (const name of ['err', 'error', 'cause', 'reason']) {
    const error = Object.assign(new Error('broken'), { detail: 'a row', code: '23505' });
    const [line] = linesOf((log) => log.error({ [name]: error }, 'said'));
    expect(line![name]).toMatchObject({ message: 'broken', code: '23505' });
    expect(JSON.stringify(line)).not.toContain('a row');
  }
});

test('a secret of the environment is blotted out of the message, and the line stays JSON', () => {
  const [line] = linesOf((log) => log.info('the password is "hunter22"'), { SOME_PASSWORD: 'hunter22' });
  expect(line!['msg']).toBe('the password is "***"');
});

test('LOG_LEVEL decides what is said; what is no level is left to the configuration to refuse', () => {
  const count = (level: string): number =>
    linesOf((log) => ['debug', 'info', 'warn'].forEach((name) => log[name as 'info']('x')), { LOG_LEVEL: level })
      .length;
  expect([count('debug'), count('INFO'), count('warn'), count('loud')]).toEqual([3, 2, 1, 2]);
  expect(parseLogLevel('loud')).toBeUndefined();
});
