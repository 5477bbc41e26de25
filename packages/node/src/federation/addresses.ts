// Where a request to another company may go: never to this machine or its own network, whatever a name resolves to.
// Checked on the address that is actually connected to, so a name that changes its mind between look-ups gains nothing.
import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { ParleyError } from '@parley/protocol';

// The IANA special-purpose registries (RFC 6890), with what routers translate to them.
const inside = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  inside.addSubnet(net, bits, 'ipv4');
}
// 2001::/23 has Teredo and other tunnels, 2002::/16 is 6to4: both carry an IPv4 address that would go unchecked.
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  inside.addSubnet(net, bits, 'ipv6');
}
/** All that is routed in IPv6 (RFC 4291 section 2.4): IPv4-mapped, NAT64, local and multicast addresses are outside it. */
const routed = new BlockList();
routed.addSubnet('2000::', 3, 'ipv6');

/** True for loopback, private, link-local, multicast and other addresses that no other company can be at. */
export function isInside(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return inside.check(address, 'ipv4');
    case 6:
      return !routed.check(address, 'ipv6') || inside.check(address, 'ipv6');
    default:
      return true;
  }
}

/** Drop-in for `dns.lookup` that fails with `provider-untrusted` if any answer is an inside address. */
export const outsideLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    if (error) return callback(error, '', 4);
    const list = Array.isArray(found) ? found : [];
    if (list.length === 0 || list.some(({ address }) => isInside(address))) {
      const refusal: NodeJS.ErrnoException = new ParleyError(
        'provider-untrusted',
        'its name leads to an inside address',
      );
      return callback(refusal, '', 4);
    }
    if (options.all) return callback(null, list);
    const [first] = list;
    callback(null, first?.address ?? '', first?.family ?? 4);
  });
};
