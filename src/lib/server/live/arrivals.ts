/**
 * How many are just coming: who is being let in, or waits for the answer to what it subscribes to. Nothing else tells that
 * a crowd returns, and telling changes to those who are back takes the processor from those who are not.
 */
export interface Arrivals {
  readonly now: number;
  /** Counts as one that is coming until `work` has ended, however it ends; gives what it gives. */
  during<T>(work: Promise<T>): Promise<T>;
}

export function openArrivals(): Arrivals {
  let now = 0;
  return {
    get now() {
      return now;
    },
    async during(work) {
      now++;
      try {
        return await work;
      } finally {
        now--;
      }
    }
  };
}
