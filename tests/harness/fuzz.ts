/**
 * What fuzzing needs: a seed that is printed and can be given again, values that have broken such doors before, and raw
 * bytes to a port. It judges nothing.
 */
import { connect } from 'node:net';
import fc from 'fast-check';

/** WATCHFLOOR_SEED, or the time of day. */
export const FUZZ_SEED = Number(process.env['WATCHFLOOR_SEED'] ?? Date.now() % 2 ** 31);
/** Runs of each property; more by hand: WATCHFLOOR_TEST_FUZZ_RUNS=5000. */
const RUNS = Number(process.env['WATCHFLOOR_TEST_FUZZ_RUNS'] ?? 60);

/** For fc.assert: fast-check adds the seed and the path to a counterexample to its message. */
export const fuzzing = (share = 1): { seed: number; numRuns: number } => ({
  seed: FUZZ_SEED,
  numRuns: Math.max(5, Math.round(RUNS * share))
});

const KNOWN_BAD = [
  '',
  '\0',
  'a\0b',
  '__proto__',
  'constructor',
  'toString',
  '[object Object]',
  '../../../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  "' or 1=1--",
  "'; select pg_sleep(10)--",
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '{{7*7}}${7*7}',
  '%',
  '%00',
  '%c0%ae',
  '%u0000',
  '\r\nset-cookie: a=b',
  '\ud800',
  '\u202e',
  '🔑',
  'é'.normalize('NFD'),
  '9007199254740993',
  '1e309',
  '-0',
  'NaN',
  '٣',
  'x'.repeat(5_000),
  '[]',
  '{}',
  '{"__proto__":{"a":1}}'
];

/** Mostly what has broken others, sometimes anything. */
export const badText = (): fc.Arbitrary<string> =>
  fc.oneof(
    { arbitrary: fc.constantFrom(...KNOWN_BAD), weight: 3 },
    { arbitrary: fc.string({ unit: 'binary', maxLength: 200 }), weight: 2 },
    { arbitrary: fc.string({ maxLength: 60 }), weight: 1 }
  );

/** Sends bytes as they are, in pieces, and resolves with what came until the other side or the end of patience closed it. */
export function sendBytes(port: number, pieces: readonly Uint8Array[]): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => {
      for (const piece of pieces) socket.write(piece);
      socket.end();
    });
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.setTimeout(15_000, () => socket.destroy());
    socket.on('error', () => {}).on('close', () => resolve(text));
  });
}
