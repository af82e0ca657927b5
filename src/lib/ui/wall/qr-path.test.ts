import { encode } from 'uqr';
import { describe, expect, it } from 'vitest';
import { qrPathOf } from './qr-path.ts';

const URL = 'https://watchfloor.example/pair?code=KXPRVTBN';

/** The modules that a path covers, as `x,y`. */
function covered(d: string): Set<string> {
  const modules = new Set<string>();
  for (const [, x, y, length] of d.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    for (let n = 0; n < Number(length); n += 1) modules.add(`${Number(x) + n},${y}`);
  }
  return modules;
}

describe('the QR code', () => {
  it('covers exactly the dark modules of the encoder', () => {
    const { data } = encode(URL, { ecc: 'M', border: 4 });
    const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`${x},${y}`] : [])));
    expect(covered(qrPathOf(URL).d)).toEqual(new Set(dark));
  });

  it('keeps a quiet zone of four modules, and stays coarse enough for a camera across a room', () => {
    const { size, d } = qrPathOf(URL);
    expect(size).toBeLessThanOrEqual(41);
    for (const place of covered(d)) {
      const [x, y] = place.split(',').map(Number) as [number, number];
      expect(Math.min(x, y, size - 1 - x, size - 1 - y)).toBeGreaterThanOrEqual(4);
    }
  });
});
