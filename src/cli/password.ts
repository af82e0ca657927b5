/** Reads a password: from a terminal without echo and twice, or the first line of standard input. Never an argument. */
import { createInterface } from 'node:readline';
import { StartupError } from '../lib/server/startup-error.ts';

const KEY = { enter: ['\r', '\n'], end: '\u0004', interrupt: '\u0003', erase: ['\u007f', '\b'] } as const;

/** Throws a StartupError when two entries differ or nothing is given. */
export async function readPassword(question: string): Promise<string> {
  if (!process.stdin.isTTY) return readFirstLine();
  const password = await ask(question);
  if ((await ask('Once more: ')) !== password) throw new StartupError('The two passwords differ. Nothing was changed.');
  return password;
}

async function readFirstLine(): Promise<string> {
  for await (const line of createInterface({ input: process.stdin })) return line;
  throw new StartupError('No password was given: write it as the first line of standard input.');
}

async function ask(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  let typed: string[] = [];
  try {
    return await new Promise((resolve, reject) => {
      const onData = (chunk: string): void => {
        for (const key of chunk) {
          if (KEY.enter.includes(key as '\r') || key === KEY.end) {
            stdin.removeListener('data', onData);
            return resolve(typed.join(''));
          }
          if (key === KEY.interrupt) {
            stdin.removeListener('data', onData);
            return reject(new StartupError('Stopped. Nothing was changed.'));
          }
          typed = KEY.erase.includes(key as '\b') ? typed.slice(0, -1) : [...typed, key];
        }
      };
      stdin.on('data', onData);
    });
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}
