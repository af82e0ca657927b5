/**
 * The network that a client's address belongs to, for limits: an IPv4 address is one client, but whoever has one IPv6
 * address has the 2^64 of its /64 too. Pure.
 */

/** `203.0.113.9` → itself (also when written as IPv6), `2001:db8:1:2::9` → `2001:db8:1:2`; anything else → itself. */
export function toNetwork(address: string): string {
  const bare = address.trim().toLowerCase().replace(/%.*$/, '');
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/.exec(bare);
  if (mapped) return mapped[1]!;
  if (!bare.includes(':')) return bare;
  const [head = '', tail] = bare.split('::', 2);
  const first = head === '' ? [] : head.split(':');
  const last = tail ? tail.split(':') : [];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  return [...first, ...Array<string>(zeros).fill('0'), ...last]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}
