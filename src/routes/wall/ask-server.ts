/**
 * What a wall asks of the server over HTTP, from where it stands: nothing here ever navigates. Every function rejects when
 * nothing came that could be read; an answer of another version is not read beyond its version.
 */
import type { PairingAnswer, PollAnswer, WallAnswer } from '#lib/operations/wall-answer.ts';

/** A server that is overloaded or half gone must not keep a wall waiting for ever. */
const ANSWER_MS = 15_000;

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(path, { cache: 'no-store', redirect: 'error', signal: AbortSignal.timeout(ANSWER_MS), ...init });
}

function post(path: string, body: unknown): Promise<Response> {
  return ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body)
  });
}

async function read<T>(response: Response): Promise<T> {
  if (!response.ok && response.status !== 429) throw new Error(`The server answered ${response.status}.`);
  return (await response.json()) as T;
}

export async function isReady(): Promise<boolean> {
  return (await ask('/readyz')).ok;
}

/** Asked only of a server that is ready: what it says of a display while its database is away is nothing to go by. */
export async function readWallAgain(): Promise<WallAnswer> {
  if (!(await isReady())) throw new Error('The server is not ready.');
  return read(await ask('/wall/data'));
}

export async function askForCode(): Promise<PairingAnswer> {
  const { width, height } = screen;
  return read(await post('/wall/pairing', { width, height }));
}

export async function pollPairing(): Promise<PollAnswer> {
  return read(await post('/wall/pairing/poll', {}));
}

export async function sayPresence(presence: {
  state: string;
  version: string;
  proofAt: number | null;
  width: number;
  height: number;
  pixelRatio: number;
}): Promise<void> {
  await post('/wall/presence', presence);
}
