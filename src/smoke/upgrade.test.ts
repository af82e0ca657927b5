import { expect, test } from 'vitest';
import { readFirstMessage } from './upgrade.ts';

const frame = (text: string): Buffer => {
  const payload = Buffer.from(text);
  const head = payload.length < 126 ? [0x81, payload.length] : [0x81, 126, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from(head), payload]);
};

test('the first text message is read, short or long, and waited for', () => {
  expect(readFirstMessage(frame('{"type":"connected"}'))).toBe('{"type":"connected"}');
  expect(readFirstMessage(frame('ä'.repeat(200)))).toBe('ä'.repeat(200));
  expect(readFirstMessage(frame('hello').subarray(0, 4))).toBeNull();
  expect(readFirstMessage(Buffer.alloc(0))).toBeNull();
});

test('what is no text says nothing', () => {
  expect(readFirstMessage(Buffer.from([0x82, 1, 7]))).toBe('');
});
