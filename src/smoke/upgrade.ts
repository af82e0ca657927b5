/**
 * A WebSocket upgrade by hand, since what matters is whether the server switches protocols, and what it says first. It
 * sends nothing after the handshake. Invariant: the socket is closed whatever happens.
 */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { randomBytes } from 'node:crypto';

export interface Upgraded {
  accepted: boolean;
  /** the server's first text message, when it was waited for and came */
  says: string | null;
}

const PATIENCE_MS = 3_000;
const LONGEST_MESSAGE = 65_536;

export function tryUpgrade(url: URL, protocol: string | undefined, waitsForMessage: boolean): Promise<Upgraded> {
  return new Promise((resolve) => {
    const answer: Upgraded = { accepted: false, says: null };
    const attempt = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
        ...(protocol && { 'sec-websocket-protocol': protocol })
      }
    });
    const timer = setTimeout(() => end(), PATIENCE_MS);
    let close = (): void => void attempt.destroy();
    function end(): void {
      clearTimeout(timer);
      close();
      resolve(answer);
    }
    attempt.once('upgrade', (_response, socket, head) => {
      answer.accepted = true;
      close = () => void socket.destroy();
      socket.on('error', end);
      socket.once('close', end);
      if (!waitsForMessage) return end();
      let bytes = head;
      const read = (): void => {
        answer.says = readFirstMessage(bytes);
        if (answer.says !== null || bytes.length > LONGEST_MESSAGE) end();
      };
      socket.on('data', (more: Buffer) => {
        bytes = Buffer.concat([bytes, more]);
        read();
      });
      read();
    });
    attempt.once('response', (response) => {
      response.resume();
      end();
    });
    attempt.once('error', end);
    attempt.end();
  });
}

/** The payload of a first, whole, unmasked text frame; null when it is not there yet, '' when it is something else. */
export function readFirstMessage(bytes: Buffer): string | null {
  if (bytes.length < 2) return null;
  if ((bytes[0]! & 0x0f) !== 1) return '';
  const short = bytes[1]! & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < start) return null;
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  return bytes.length < start + length ? null : bytes.subarray(start, start + length).toString('utf8');
}
