/**
 * What a node is called where people may read it (the connection page, the delivery page): six letters made anew with
 * each process, so that two people can tell whether the same node answers them, and nobody learns a host, a place or how
 * many there are. It owns nothing else: logs and metrics have names of their own.
 */
import { randomInt } from 'node:crypto';

/** No vowels, so that no word comes out, and nothing that is mistaken for another on the telephone. */
const LETTERS = 'bcdfghjkmnpqrstvwxz';
const LENGTH = 6;

export function newNodeName(): string {
  return Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('');
}
