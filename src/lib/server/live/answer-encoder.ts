/**
 * Socket.IO's own words (socket.io-parser), with one difference: when thousands come back and are told the same rows and
 * numbers, each row and each summary is put into words once and not for each of them. What goes over the wire is the same
 * text as without, but for the order of an answer's fields.
 * Invariant: what was put into words is never changed after (rows and summaries are replaced, not altered).
 */
import { Decoder, Encoder, PacketType, type Packet } from 'socket.io-parser';
import type { SubscribeAnswer } from '../../live/protocol.ts';

type CaughtUp = Extract<SubscribeAnswer, { result: 'caught_up' }>;

/** The words of what is kept anyhow, and as long as it is. */
const words = new WeakMap<object, string>();

function wordsOf(told: object): string {
  let text = words.get(told);
  if (text === undefined) words.set(told, (text = JSON.stringify(told)));
  return text;
}

class AnswerEncoder extends Encoder {
  override encode(packet: Packet): unknown[] {
    const answer = answerIn(packet);
    if (answer === null) return super.encode(packet);
    const { rows, summaries, ...others } = answer;
    const own = JSON.stringify(others).slice(0, -1);
    const shared = `"rows":[${rows.map(wordsOf).join()}],"summaries":[${summaries.map(wordsOf).join()}]`;
    return [`${packet.type}${packet.id}[${own},${shared}}]`];
  }
}

function answerIn({ type, nsp, id, data }: Packet): CaughtUp | null {
  if (type !== PacketType.ACK || nsp !== '/' || id === undefined || !Array.isArray(data) || data.length !== 1)
    return null;
  const [answer] = data as [Partial<SubscribeAnswer> | null];
  return answer?.result === 'caught_up' ? (answer as CaughtUp) : null;
}

/** Socket.IO's option `parser`. */
export const answerParser = { Encoder: AnswerEncoder, Decoder };
