// Short-lived credentials for TURN servers (R70), by the "TURN REST API" that coturn (`use-auth-secret`) and others know:
// the name holds when it ends and whose it is, the password is their HMAC under a secret that only node and server share.
import { createHmac } from 'node:crypto';
import type { ClientSettings, DeviceId } from '@parley/protocol';
import type { Config } from '../config/index.ts';

type IceServer = ClientSettings['iceServers'][number];

/** How long credentials let somebody make allocations. What they have made goes on after that. */
const LIFETIME_SECONDS = 3600;
/** Devices are given new ones before the old end. */
const RENEW_SECONDS = LIFETIME_SECONDS / 2;

/**
 * The servers as one device is told them. The name is the device's, so that what a device may use at the server is limited
 * for itself (`user-quota`), and says nothing of the person to whoever sees the packets. `now`: milliseconds since 1970.
 */
export function iceServersFor(servers: Config['iceServers'], device: DeviceId, now: number): IceServer[] {
  return servers.map(({ secret, urls, username, credential }) => {
    if (secret === undefined) {
      return {
        urls,
        ...(username === undefined ? {} : { username }),
        ...(credential === undefined ? {} : { credential }),
      };
    }
    const name = `${Math.floor(now / 1000) + LIFETIME_SECONDS}:${device}`;
    return { urls, username: name, credential: createHmac('sha1', secret).update(name).digest('base64') };
  });
}

/** Calls `renew` whenever devices need new credentials; never where there are none to make. Returns what ends it. */
export function keepRenewing(servers: Config['iceServers'], renew: () => void): () => void {
  if (servers.every(({ secret }) => secret === undefined)) return () => undefined;
  const timer = setInterval(renew, RENEW_SECONDS * 1000).unref();
  return () => clearInterval(timer);
}
