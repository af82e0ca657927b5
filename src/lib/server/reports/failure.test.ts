import { describe, expect, it } from 'vitest';
import { toFailure } from './failure.ts';

describe('a failure that administrators may read', () => {
  it('holds the code and the first line', () => {
    const error = Object.assign(new Error('relation "x" does not exist\n    at Parser'), { code: '42P01' });
    expect(toFailure(error)).toEqual({ code: '42P01', message: 'relation "x" does not exist' });
    expect(toFailure(new RangeError('Too many rows.'))).toEqual({ code: 'RangeError', message: 'Too many rows.' });
  });

  it('holds no address, password or path', () => {
    const { message } = toFailure(
      new Error(
        'cannot open postgres://app:hunter2@10.0.0.7:5432/prod for /srv/app/data/pg.conf or C:\\data\\pg\\x.log'
      )
    );
    expect(message).toBe('cannot open (address) for (path) or (path)');
  });

  it('says so when nothing is known', () => {
    expect(toFailure('a string')).toEqual({ code: 'unknown', message: 'It failed without a reason' });
    expect(toFailure(new Error('')).message).toBe('It failed without a reason');
  });
});
