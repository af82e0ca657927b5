/**
 * Can a clock tell two questions apart? Answers are timed by turns, in an order of chance, so that whatever else the
 * machine does falls on both alike; then their ranks are compared. It says how likely one is slower than the other (one
 * half: nobody can tell), not by how much, so a slow machine says the same as a fast one.
 */

/** How likely a value of `b` is larger than one of `a` (a tie counts half): the statistic of Mann and Whitney. */
export function chanceOfSlower(a: readonly number[], b: readonly number[]): number {
  let larger = 0;
  for (const one of a) for (const other of b) larger += other > one ? 1 : other === one ? 0.5 : 0;
  return larger / (a.length * b.length);
}

/** The farthest that any two of the questions lie from one half, over `rounds` turns of all of them. */
export async function distinctness(questions: (() => Promise<unknown>)[], rounds: number): Promise<number> {
  const times = questions.map((): number[] => []);
  // Whatever is made at the first time (connections, plans) is no difference between the questions.
  for (const ask of questions) await ask();
  for (let round = 0; round < rounds; round += 1) {
    const order = questions.map((ask, at) => ({ ask, at, chance: Math.random() }));
    for (const { ask, at } of order.sort((a, b) => a.chance - b.chance)) {
      const from = performance.now();
      await ask();
      times[at]!.push(performance.now() - from);
    }
  }
  const pairs = times.flatMap((a, at) => times.slice(at + 1).map((b) => Math.abs(chanceOfSlower(a, b) - 0.5)));
  return Math.max(...pairs);
}
