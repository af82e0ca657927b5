/** fetch, with what browsers do about connections that they have kept, and Node's does not. */
const KEPT_AND_CLOSED = /other side closed|ECONNRESET|EPIPE/;
/** Chromium asks twice more. */
const MORE_TRIES = 2;

/**
 * A proxy that reads its file again closes connections that wait for a next request, as it may at any time; a request that
 * crosses this has no answer at all, not even a header. Browsers ask again over another connection, whatever the method,
 * and so does this. An answer of any kind is an answer.
 */
export async function fetchAsBrowser(address: string, init: RequestInit): Promise<Response> {
  for (let more = MORE_TRIES; ; more--) {
    try {
      return await fetch(address, init);
    } catch (error) {
      const cause = error instanceof Error ? String(error.cause) : '';
      if (more === 0 || !KEPT_AND_CLOSED.test(cause)) throw error;
    }
  }
}
