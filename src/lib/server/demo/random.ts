/**
 * Randomness that can be repeated: the same seed gives the same demo on every machine. Owns the generator and a few ways
 * to draw from it; knows nothing of operations. Not for secrets.
 */

/** A number in [0, 1), like Math.random; every draw of the demo takes one as an argument. */
export type Random = () => number;

/** Tommy Ettinger's mulberry32: 32 bits of state, plenty for 50,000 rows. */
export function openRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from `low` to `high`, both included. */
export function drawWhole(random: Random, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}

/** One of the list; throws on an empty list. */
export function drawOne<T>(random: Random, list: readonly T[]): T {
  const drawn = list[Math.floor(random() * list.length)];
  if (drawn === undefined) throw new RangeError('Nothing can be drawn from an empty list.');
  return drawn;
}

/** One of the list, as often as its weight says; weights of 0 are never drawn. */
export function drawWeighted<T>(random: Random, list: readonly T[], weightOf: (item: T) => number): T {
  let rest = random() * list.reduce((sum, item) => sum + weightOf(item), 0);
  for (const item of list) {
    const weight = weightOf(item);
    if (weight > 0 && rest < weight) return item;
    rest -= weight;
  }
  return drawOne(
    random,
    list.filter((item) => weightOf(item) > 0)
  );
}

/** Around `median` with a long tail upwards, as durations and sizes are: two thirds lie within a factor of e^spread. */
export function drawAround(random: Random, median: number, spread: number): number {
  // Box and Muller; 1 - random() is never 0.
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(normal * spread);
}
