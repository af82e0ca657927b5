/** Answers that share their words: what is heard is what was answered, and each row is put into words once. */
import fc from 'fast-check';
import { PacketType, type Packet } from 'socket.io-parser';
import { expect, test } from 'vitest';
import { answerParser } from './answer-encoder.ts';

const encoder = new answerParser.Encoder();

function hear(packet: Packet): Packet {
  const decoder = new answerParser.Decoder();
  let heard: Packet | undefined;
  decoder.on('decoded', (decoded) => (heard = decoded as Packet));
  for (const part of encoder.encode(packet)) decoder.add(part as string);
  return heard!;
}

const answer = (rows: object[], summaries: object[] = []): object => ({
  result: 'caught_up',
  generation: 3,
  rows,
  removed: [[7, 2]],
  summaries,
  token: 'sealed "token" ]}',
  proofAt: 5.5,
  now: 6
});

test('whatever is answered is heard, field by field', () => {
  const part = fc.dictionary(fc.string(), fc.jsonValue());
  fc.assert(
    fc.property(fc.nat(), fc.array(part), fc.array(part), (id, rows, summaries) => {
      const data = [answer(rows, summaries)];
      const told = { type: PacketType.ACK, nsp: '/', id, data };
      expect(hear(told)).toEqual({ ...told, data: JSON.parse(JSON.stringify(data)) as unknown });
    })
  );
});

test('what is no such answer is told as Socket.IO tells it', () => {
  const packets: Packet[] = [
    { type: PacketType.ACK, nsp: '/', id: 1, data: [{ result: 'absent' }] },
    { type: PacketType.ACK, nsp: '/', id: 1, data: [null] },
    { type: PacketType.ACK, nsp: '/', id: 1, data: [answer([]), 'more'] },
    { type: PacketType.ACK, nsp: '/other', id: 1, data: [answer([{ id: 1 }])] },
    { type: PacketType.EVENT, nsp: '/', data: ['rows:changed', { rows: [{ id: 1 }], removed: [] }] },
    { type: PacketType.CONNECT, nsp: '/', data: { sid: 'a' } }
  ];
  for (const packet of packets) expect(hear(packet)).toEqual(packet);
});

test('a row and a summary are put into words once, however many are told of them', () => {
  let worded = 0;
  const counted = (): object => ({ toJSON: () => ({ id: ++worded }) });
  const [rows, summaries] = [[counted(), counted()], [counted()]];
  for (let id = 0; id < 100; id++) hear({ type: PacketType.ACK, nsp: '/', id, data: [answer(rows, summaries)] });
  expect(worded).toBe(3);
});
