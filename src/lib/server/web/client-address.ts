/**
 * Whose address a request comes from, for limits and for the log. It owns what a forwarding header is worth: nothing,
 * unless an administrator said which header a proxy of theirs writes, and, where they named the proxies, unless one of
 * these brought it. It limits and logs nothing itself. Invariant: nobody who reaches us around the proxies named chooses
 * his own address. Pure.
 */
import { BlockList, isIP } from 'node:net';

export interface ForwardedBy {
  /** in lower case */
  header: string;
  /** how many proxies append to the header: the address that many from its end is the client's */
  depth: number;
  /** null = whoever reaches the port is a proxy of ours (only they can) */
  trusted: BlockList | null;
}

/** `10.0.0.0/8, 2001:db8::1`: null when one of them is neither an address nor a network. */
export function parseNetworks(text: string): BlockList | null {
  const list = new BlockList();
  for (const part of text.split(',').map((one) => one.trim())) {
    const [address = '', bits] = part.split('/', 2);
    const family = isIP(address);
    if (family === 0) return null;
    const kind = family === 4 ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(address, kind);
    else if (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
      list.addSubnet(address, Number(bits), kind);
    else return null;
  }
  return list;
}

/** null = it is not known: a proxy hides it, or said something that is no address. */
export function toClientAddress(
  forwarded: ForwardedBy | null,
  peer: string | undefined,
  header: string | string[] | undefined
): string | null {
  const direct = toAddress(peer ?? '');
  if (forwarded === null) return direct;
  const { depth, trusted } = forwarded;
  if (trusted !== null && (direct === null || !has(trusted, direct))) return direct;
  const said = [header ?? []].flat().join(',').split(',');
  if (trusted === null) return toAddress(said.at(-depth) ?? '');
  // The last that none of our proxies is: what stands before it was written by whoever asked.
  for (const one of said.toReversed()) {
    const address = toAddress(one);
    if (address === null || !has(trusted, address)) return address;
  }
  return null;
}

function has(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

/** An IPv4 address may come as IPv6 (`::ffff:…`), and in brackets. */
function toAddress(text: string): string | null {
  const bare = text
    .trim()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(bare) === 0 ? null : bare;
}
