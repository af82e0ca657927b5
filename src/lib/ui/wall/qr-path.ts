/**
 * A QR code as one SVG path of whole modules, each dark run of a row one rectangle. The encoder's own quiet zone of four
 * modules stays: scanners need it. Invariant: exactly the encoder's dark modules are covered.
 */
import { encode } from 'uqr';

export interface QrPath {
  /** modules to a side, quiet zone included */
  size: number;
  d: string;
}

const QUIET_ZONE = 4;

export function qrPathOf(text: string): QrPath {
  const { size, data } = encode(text, { ecc: 'M', border: QUIET_ZONE });
  const runs: string[] = [];
  data.forEach((row, y) => {
    for (let x = 0; x < row.length; x += 1) {
      if (!row[x]) continue;
      const start = x;
      while (row[x + 1]) x += 1;
      const length = x - start + 1;
      runs.push(`M${start} ${y}h${length}v1h-${length}z`);
    }
  });
  return { size, d: runs.join('') };
}
