// The door of this room: other providers, each found from its domain, proven, and asked over one link.
import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type Domain,
  type LinkMethod,
  type LinkParams,
  MAX_FRAME_BYTES,
  ParleyError,
  type WellKnown,
} from '@parley/protocol';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Config, issuerProfile } from '../config/index.ts';
import type { DomainSigner, Federation, FederationEvents } from './api.ts';
import { type Channel, closeCodes, createChannel } from './channel.ts';
import { createDialer } from './dial.ts';
import { createDiscovery } from './discovery.ts';
import { createDispatcher, type LinkHandler } from './dispatcher.ts';
import { acceptHandshake } from './handshake-accept.ts';
import { openKeys } from './keys.ts';
import { defaultLimits, type LinkLimits } from './limits.ts';
import { createPeer, type Peer } from './peer.ts';
import { bindingOf } from './proof.ts';
import { createSigner } from './signer.ts';

export interface FederationOptions {
  readonly config: Pick<Config, 'provider' | 'federation' | 'http' | 'focus' | 'signIn'>;
  readonly log: Logger;
  /** This node's public origin, once it is known; left out: the first of `http.origins`. */
  readonly origin?: () => string;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly limits?: Partial<LinkLimits>;
}

export interface Links {
  readonly federation: Federation;
  readonly signer: DomainSigner;
  /** Serves an open socket that another provider has made at the link's path. */
  acceptLink(socket: WebSocket, binding?: string | null): void;
  /** Upgrades a request at the link's path, with the bounds that belong to a link. */
  upgradeLink(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** What is served at `/.well-known/parley`. */
  wellKnownDocument(): WellKnown;
}

/** Opens the domain's keys, making them at the first start. Errors name the field of the configuration. */
export async function createFederation(options: FederationOptions): Promise<Links> {
  const { config, origin = () => config.http.origins[0] ?? '', now = Date.now } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const log = options.log.child({ room: 'federation' });
  const own = config.provider.domain;
  const requestMs = config.federation.requestSeconds * 1000;
  const keys = await openKeys(config.federation.keyFile);
  const discovery = createDiscovery(config.federation.hosts, requestMs, now);
  const signer = createSigner(own, keys, discovery, now);
  const dispatcher = createDispatcher(log);
  const openLink = createDialer({ discovery, signer, timeoutMs: requestMs, heartbeatMs: limits.heartbeatMs });
  const events = new EventEmitter<FederationEvents>();
  const peers = new Map<Domain, Peer>();
  const unproven = new Set<Channel>();
  const server = new WebSocketServer({ noServer: true, maxPayload: 2 * MAX_FRAME_BYTES, perMessageDeflate: false });
  let closed = false;

  /** A listener's mistake must not cost the link on whose socket it is told. */
  function tell(event: 'up' | 'down', domain: Domain): void {
    try {
      events.emit(event, { domain });
    } catch (error) {
      log.error({ err: error, event, domain }, 'a listener failed');
    }
  }

  function peerOf(domain: Domain): Peer {
    const known = peers.get(domain);
    if (known) return known;
    if (peers.size >= limits.peers) throw new ParleyError('too-many-requests', 'too many other providers at a time');
    const peer = createPeer({
      domain,
      own,
      requestMs,
      dispatcher,
      limits,
      now,
      log,
      openLink,
      up: () => tell('up', domain),
      down: () => tell('down', domain),
      settled: () => sweep(domain),
    });
    peers.set(domain, peer);
    return peer;
  }

  /** Forgets a provider with which nothing is going on. */
  function sweep(domain: Domain): void {
    if (peers.get(domain)?.idle) peers.delete(domain);
  }

  function acceptLink(socket: WebSocket, binding: string | null = null): void {
    if (closed || !config.federation.enabled) {
      socket.close(closeCodes.tryLater, 'not now');
      return;
    }
    // The oldest gives way: an honest handshake is over in a moment, so a flood cannot keep others out.
    const [oldest] = unproven;
    if (oldest && unproven.size >= limits.unproven) oldest.cut();
    const done = () => {
      clearTimeout(deadline);
      unproven.delete(channel);
    };
    const handshake = {
      signer,
      maxFrames: limits.unprovenFrames,
      log,
      async admit(from: Domain, proven: Channel, acknowledge: () => void) {
        if (closed) throw new ParleyError('provider-unreachable');
        const wanted = () => {
          done();
          acknowledge();
        };
        await peerOf(from)
          .admit(proven, wanted)
          .finally(() => sweep(from));
      },
      closed: done,
    };
    const channel = acceptHandshake(handshake, (first) => createChannel(socket, limits.heartbeatMs, first, binding));
    const deadline = setTimeout(() => channel.close(closeCodes.untrusted, 'timed-out'), limits.handshakeMs).unref();
    unproven.add(channel);
  }

  const wellKnownDocument = (): WellKnown => ({
    domain: own,
    name: config.provider.name,
    versions: [1],
    link: config.federation.publicLink ?? `${origin().replace(/^http/, 'ws')}/link`,
    keys: [...keys.published],
    issuers: config.signIn.issuers.map((issuer) => issuerProfile(issuer, own)),
    focus: config.focus.enabled,
  });

  const federation: Federation = Object.assign(events, {
    read: (url: string, onBehalfOf: Domain) => discovery.read(url, onBehalfOf),
    async download(domain: Domain, path: string, ticket: string, maxBytes: number) {
      const { link } = await discovery.find(domain);
      return discovery.download(new URL(path, link.replace(/^ws/, 'http')), domain, ticket, maxBytes);
    },
    async request<M extends LinkMethod>(domain: Domain, method: M, params: LinkParams<M>) {
      if (domain === own) throw new ParleyError('internal-error', 'a node has no link to itself');
      if (!config.federation.enabled) throw new ParleyError('not-allowed', 'this provider does not talk to others');
      if (closed) throw new ParleyError('provider-unreachable', 'this node goes down');
      return peerOf(domain)
        .request(method, params)
        .finally(() => sweep(domain));
    },
    handle: <M extends LinkMethod>(method: M, handler: LinkHandler<M>) => dispatcher.handle(method, handler),
    wellKnown: async (domain: Domain) => (domain === own ? wellKnownDocument() : discovery.find(domain)),
    async close() {
      closed = true;
      for (const channel of unproven) channel.cut();
      for (const peer of [...peers.values()]) peer.close();
      server.close();
      await discovery.close();
    },
  });

  return {
    federation,
    signer,
    acceptLink,
    upgradeLink: (request, socket, head) =>
      server.handleUpgrade(request, socket, head, (open) => acceptLink(open, bindingOf(socket))),
    wellKnownDocument,
  };
}
