/** Where a request comes from, for limits and for who approves a screen; null where a proxy hides it. */
import type { RequestEvent } from '@sveltejs/kit';

export function clientAddress({
  locals,
  getClientAddress
}: Pick<RequestEvent, 'locals' | 'getClientAddress'>): string | null {
  if (!locals.access.knowsAddresses) return null;
  try {
    return getClientAddress();
  } catch {
    return null; // a request that came around the proxy lacks its header
  }
}
