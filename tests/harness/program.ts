/** Runs one of our built programs to its end, with an environment of its own, and tells what it printed. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

const BUILD = fileURLToPath(new URL('../../build/watchfloor', import.meta.url));

export function builtProgram(name: 'server' | 'cli'): string {
  return `${BUILD}/${name}.js`;
}

/** Nothing of the environment of who runs the tests reaches the program but PATH; it need not wait to leave any proxy. */
export function programEnvironment(environment: Record<string, string>): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    TZ: 'UTC',
    NODE_ENV: 'production',
    WATCHFLOOR_DRAIN_SECONDS: '0',
    ...environment
  };
}

export async function runProgram(
  name: 'server' | 'cli',
  args: string[],
  environment: Record<string, string>,
  input = ''
): Promise<Ended> {
  const child = spawn(process.execPath, [builtProgram(name), ...args], { env: programEnvironment(environment) });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}
