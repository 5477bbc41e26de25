// Where a request to another company may go: never to this machine or its own network, whatever a name resolves to.
// Checked on the address that is actually connected to, so a name that changes its mind between look-ups gains nothing.
import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { ParleyError } from '@parley/protocol';

const inside = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  inside.addSubnet(net, bits, 'ipv4');
}
for (const [net, bits] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  inside.addSubnet(net, bits, 'ipv6');
}

/** True for loopback, private, link-local, multicast and other addresses that no other company can be at. */
export function isInside(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return true;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return isInside(mapped);
  return inside.check(address, family === 4 ? 'ipv4' : 'ipv6');
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
