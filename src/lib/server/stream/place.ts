/**
 * A place in the stream of changes: a Postgres snapshot of one epoch, and its compact form for tokens. Pure.
 * Invariant: a place may be made older (more is read again, revisions drop it), never newer (something would be missed).
 * Source of the idea: snapshot differences as in PgQ (Skytools, 2007); the text form is Postgres' own `xmin:xmax:xip,…`.
 */

export interface Snapshot {
  /** every transaction below this id had ended */
  xmin: bigint;
  /** no transaction from this id on had ended */
  xmax: bigint;
  /** those between that were still in progress, ascending */
  inProgress: bigint[];
}

export interface Place {
  epoch: string;
  snapshot: Snapshot;
}

/** Throws on anything that Postgres would not print. */
export function parseSnapshot(text: string): Snapshot {
  const match = /^(\d+):(\d+):((?:\d+(?:,\d+)*)?)$/.exec(text);
  if (!match) throw new SyntaxError(`"${text}" is no Postgres snapshot.`);
  return {
    xmin: BigInt(match[1]!),
    xmax: BigInt(match[2]!),
    inProgress: match[3] === '' ? [] : match[3]!.split(',').map(BigInt)
  };
}

export function formatSnapshot({ xmin, xmax, inProgress }: Snapshot): string {
  return `${xmin}:${xmax}:${inProgress.join(',')}`;
}

/**
 * The same place or an older one whose list of transactions in progress has at most `most` entries: everything from the
 * first entry that is cut counts as not yet seen. Whoever catches up from it reads some changes twice, and misses none.
 */
export function shorten(snapshot: Snapshot, most: number): Snapshot {
  if (snapshot.inProgress.length <= most) return snapshot;
  return { xmin: snapshot.xmin, xmax: snapshot.inProgress[most]!, inProgress: snapshot.inProgress.slice(0, most) };
}

/** Differences as variable-length integers: a snapshot with hundreds of transactions in progress stays below 2 KB. */
export function packSnapshot({ xmin, xmax, inProgress }: Snapshot): Buffer {
  const bytes: number[] = [];
  const push = (value: bigint): void => {
    for (; value >= 128n; value >>= 7n) bytes.push(Number(value & 127n) | 128);
    bytes.push(Number(value));
  };
  push(xmin);
  push(xmax - xmin);
  let last = xmin;
  for (const xid of inProgress) {
    push(xid - last);
    last = xid;
  }
  return Buffer.from(bytes);
}

/** Throws on bytes that packSnapshot did not make. */
export function unpackSnapshot(bytes: Uint8Array): Snapshot {
  const values: bigint[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte < 128) {
      values.push(value);
      value = shift = 0n;
    }
  }
  const [xmin, span, ...steps] = values;
  if (shift !== 0n || xmin === undefined || span === undefined) throw new SyntaxError('These bytes are no snapshot.');
  const inProgress: bigint[] = [];
  let last = xmin;
  for (const step of steps) inProgress.push((last += step));
  return { xmin, xmax: xmin + span, inProgress };
}
