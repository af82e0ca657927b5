/** The keys of the hub: what they ask for, and when they are someone else's. */
import { describe, expect, it } from 'vitest';
import { HubKeys } from './hub-keys.ts';

const press = (keys: HubKeys, key: string, at = 0, isTaken = false) => keys.read({ key, at, isTaken });

describe('keys', () => {
  it('each ask for one thing', () => {
    const keys = new HubKeys();
    expect(['j', 'k', '/', 'f', 'p', '?'].map((key) => press(keys, key))).toEqual([
      'next',
      'previous',
      'search',
      'filter',
      'pause',
      'keys'
    ]);
    expect(['x', 'Enter', 'constructor', 'J'].map((key) => press(keys, key))).toEqual([null, null, null, null]);
  });
  it('go somewhere after g, which alone does nothing', () => {
    const keys = new HubKeys();
    expect([press(keys, 'g'), press(keys, 'o', 400)]).toEqual([null, 'operations']);
    expect([press(keys, 'g', 500), press(keys, 'v', 900)]).toEqual([null, 'overview']);
    expect(press(keys, 'o', 1_000)).toBeNull();
  });
  it('forget g after a while, and after any other key', () => {
    const keys = new HubKeys();
    expect([press(keys, 'g'), press(keys, 'o', 1_600)]).toEqual([null, null]);
    expect([press(keys, 'g', 2_000), press(keys, 'j', 2_100), press(keys, 'o', 2_200)]).toEqual([null, 'next', null]);
  });
  it('are not ours while someone types', () => {
    const keys = new HubKeys();
    expect([press(keys, 'g'), press(keys, 'o', 100, true), press(keys, 'o', 200)]).toEqual([null, null, null]);
  });
});
