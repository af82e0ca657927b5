/**
 * For whom passkeys are made: the name that browsers bind them to, and the origin that they must be used from. By the
 * rules of WebAuthn that is a name, never an address, and the page came by https or from this machine. Pure.
 */
import { isIP } from 'node:net';

export interface RelyingParty {
  /** the name without port */
  id: string;
  origin: string;
}

/**
 * `origin`: the configured one (ORIGIN); null = pages are asked for under several names, and `asked` says under which.
 * A sentence where there can be no passkeys: why, and what to do.
 */
export function toRelyingParty(origin: string | null, asked: URL): RelyingParty | string {
  const { protocol, hostname, port, host } = origin === null ? asked : new URL(origin);
  const isLocal = hostname === 'localhost' || hostname.endsWith('.localhost');
  if (isIP(hostname.replace(/^\[(.*)\]$/, '$1')) !== 0)
    return origin === null && isOfThisMachine(hostname)
      ? `Passkeys need a name in place of an address: open http://localhost${port && `:${port}`} instead.`
      : 'Passkeys need a name in place of an address: ask whoever administers Watchfloor for one.';
  if (protocol !== 'https:' && !isLocal) return 'Passkeys need https: ask whoever administers Watchfloor for it.';
  return { id: hostname, origin: `${protocol}//${host}` };
}

const isOfThisMachine = (hostname: string): boolean => hostname === '[::1]' || /^127\./.test(hostname);
