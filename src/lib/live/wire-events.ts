/**
 * What a message or an answer of the server means to the connection: the wire's words as the table's events. Pure. Rows,
 * summaries and catch-ups are not here: they carry data, and the driver hands that on in order.
 */
import type { ConnectionEvent } from './connection.ts';
import type { SubscribeAnswer } from './protocol.ts';
import type { ServerMessage } from './socket.ts';

type Word = Exclude<ServerMessage, { event: 'rows:changed' | 'window:read' | 'summary:changed' }>;

export function toMessageEvent(message: Word): ConnectionEvent {
  switch (message.event) {
    case 'feed:ticked':
      return { type: 'ticked', proofAt: message.body.proofAt, token: message.body.token };
    case 'feed:halted':
      return { type: 'feed_halted', link: message.body.link };
    case 'access:changed':
      return { type: 'access_changed', generation: message.body.generation };
    case 'resync:required':
      return { type: 'resync_required', reason: message.body.reason };
    case 'reference:changed':
      return { type: 'reference_changed' };
    case 'session:ended':
      return { type: 'session_ended' };
    case 'server:closing':
      return { type: 'server_closing' };
  }
}

export function toAnswerEvent(answer: SubscribeAnswer, attempt: number, early: boolean): ConnectionEvent {
  switch (answer.result) {
    case 'caught_up': {
      const { generation, token, proofAt } = answer;
      return { type: 'caught_up', attempt, generation, token, proofAt, early };
    }
    case 'resync':
      return { type: 'answered_resync', attempt, reason: answer.reason };
    case 'absent':
      return { type: 'answered_absent', attempt };
    case 'reload':
      return { type: 'answered_reload', attempt };
    case 'unavailable':
      return { type: 'answered_unavailable', attempt, link: answer.link };
  }
}
