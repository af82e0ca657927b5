/**
 * Reads that many want at the same time, done once: whoever asks while one is running shares the next one, because the
 * running one began before he asked. Invariant: the answer is of a read that began after the question.
 */
export function shareReads<T>(): (key: string, read: () => Promise<T>) => Promise<T> {
  const running = new Map<string, Promise<T>>();
  const next = new Map<string, Promise<T>>();
  const start = (key: string, read: () => Promise<T>): Promise<T> => {
    const work = read().finally(() => {
      if (running.get(key) === work) running.delete(key);
    });
    running.set(key, work);
    return work;
  };
  return (key, read) => {
    const current = running.get(key);
    if (current === undefined) return start(key, read);
    let following = next.get(key);
    if (following === undefined) {
      const begin = (): Promise<T> => {
        next.delete(key);
        return start(key, read);
      };
      following = current.then(begin, begin);
      next.set(key, following);
    }
    return following;
  };
}
