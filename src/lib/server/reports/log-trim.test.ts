import { describe, expect, it } from 'vitest';
import { findTrimmable, withMark, type Marks } from './log-trim.ts';

const none: Marks = { epoch: '', marks: [] };

describe('what the trimmer remembers', () => {
  it('trims to the newest snapshot that is old enough, and forgets older ones', () => {
    let known = none;
    for (const minute of [0, 1, 2, 3]) known = withMark(known, { epoch: 'a', xmin: `${minute}00` }, minute);
    expect(findTrimmable(known, 2)).toMatchObject({ xmin: '200', rest: { marks: [{ xmin: '200' }, { xmin: '300' }] } });
    expect(findTrimmable(known, -1)).toMatchObject({ xmin: null, rest: { marks: { length: 4 } } });
  });

  it('forgets everything when the database has another history', () => {
    const known = withMark(withMark(none, { epoch: 'a', xmin: '900' }, 0), { epoch: 'b', xmin: '20' }, 1);
    expect(findTrimmable(known, 5).xmin).toBe('20');
    expect(known.marks).toHaveLength(1);
  });
});
