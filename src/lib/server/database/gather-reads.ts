/**
 * Questions that many ask at the same time, asked of the database together: while one statement runs, whoever asks waits
 * for the next one, and the more were answered at once, the longer the next one gathers. So a crowd that comes back costs
 * statements by the second and not by the head, and somebody who is alone waits for nobody.
 * Invariant: an answer is of a read that began after the question.
 */

/** How long the next statement gathers for each question that the last one had: a crowd is noticed at 200 a second … */
const GAP_MS_EACH = 5;
/** … and waits for this at most, each time that it asks. */
const LONGEST_GAP_MS = 300;
/** Questions of one statement. */
const MOST_AT_ONCE = 2_000;
/** Answers that are given in one turn: what is done with them must not keep everyone else waiting. */
const SLICE = 50;

interface Waiting<Q, A> {
  question: Q;
  resolve(answer: A): void;
  reject(error: unknown): void;
}

/** `read` answers each of the questions, in their order; when it throws, each of them fails with that. */
export function gatherReads<Q, A>(read: (questions: Q[]) => Promise<A[]>): (question: Q) => Promise<A> {
  let waiting: Waiting<Q, A>[] = [];
  let isReading = false;

  const run = async (): Promise<void> => {
    isReading = true;
    const asked = waiting.slice(0, MOST_AT_ONCE);
    waiting = waiting.slice(MOST_AT_ONCE);
    const answers = await read(asked.map(({ question }) => question)).catch((error: unknown) => {
      for (const { reject } of asked) reject(error);
      return null;
    });
    for (let from = 0; answers !== null && from < asked.length; from += SLICE) {
      if (from > 0) await new Promise((next) => setImmediate(next));
      for (let nth = from; nth < Math.min(from + SLICE, asked.length); nth++) asked[nth]!.resolve(answers[nth]!);
    }
    const gap = waiting.length >= MOST_AT_ONCE ? 0 : Math.min(LONGEST_GAP_MS, (asked.length - 1) * GAP_MS_EACH);
    const next = (): void => {
      isReading = false;
      if (waiting.length > 0) void run();
    };
    if (gap > 0) setTimeout(next, gap);
    else next();
  };

  return (question) =>
    new Promise((resolve, reject) => {
      waiting.push({ question, resolve, reject });
      if (!isReading) void run();
    });
}
