// The door of this room: one link per pair of providers, opened when first needed, by whichever side needs it.
import { EventEmitter } from 'node:events';
import {
  asParleyError,
  type Domain,
  type LinkMethod,
  type LinkParams,
  type LinkResult,
  MAX_FRAME_BYTES,
  ParleyError,
  type WellKnown,
} from '@parley/protocol';
import type { Logger } from 'pino';
import { WebSocket } from 'ws';
import type { Config } from '../config/index.ts';
import { loopbackLookup } from '../web/index.ts';
import { outsideLookup } from './addresses.ts';
import type { DomainSigner, Federation, FederationEvents } from './api.ts';
import { createDiscovery } from './discovery.ts';
import { connectorHandshake, createAcceptorHandshake } from './handshake.ts';
import { openKeys } from './keys.ts';
import { CLOSE_REFUSED, createRpcSocket, type RpcSocket } from './rpc-socket.ts';
import { createSigner } from './signer.ts';

const HANDSHAKE_MS = 10_000;
/** Sockets that have not proven anything yet; more are turned away. */
const MAX_UNPROVEN = 64;
/** A second link between the same two, from both opening at once, is closed after so long without use. */
const SPARE_MS = 30_000;
/** After a failed attempt the next requests fail at once for a moment, rather than each trying anew. */
const REST_MS = 1000;

export interface Links {
  readonly federation: Federation;
  readonly signer: DomainSigner;
  /** Serves an upgraded socket at the link's path. */
  acceptLink(socket: WebSocket): void;
  wellKnownDocument(): WellKnown;
}

interface Link {
  readonly rpc: RpcSocket;
  /** Who opened it; of two links the one opened by the domain that sorts first is used. */
  readonly opener: Domain;
}

type Handler = (from: Domain, params: never) => Promise<unknown> | unknown;

export async function createFederation(deps: {
  config: Pick<Config, 'provider' | 'federation' | 'http' | 'focus' | 'signIn'>;
  log: Logger;
  now?: () => number;
}): Promise<Links> {
  const { config, now = Date.now } = deps;
  const log = deps.log.child({ room: 'federation' });
  const own = config.provider.domain;
  const requestMs = config.federation.requestSeconds * 1000;
  const keys = await openKeys(config.federation.keyFile);
  const discovery = createDiscovery(config.federation.hosts, requestMs, now);
  const signer = createSigner(own, keys, discovery);
  const events = new EventEmitter<FederationEvents>();
  const handlers = new Map<LinkMethod, Handler>();
  const links = new Map<Domain, Link[]>();
  const opening = new Map<Domain, Promise<Link>>();
  const failures = new Map<Domain, { error: ParleyError; at: number }>();
  const unproven = new Set<WebSocket>();
  let closed = false;

  async function dispatch(from: Domain, method: LinkMethod, params: unknown): Promise<unknown> {
    const handler = handlers.get(method);
    if (!handler) throw new ParleyError(method.startsWith('link.') ? 'out-of-turn' : 'unknown-method');
    return handler(from, params as never);
  }

  /** The preferred one first. */
  const order = (a: Link, b: Link) => (a.opener < b.opener ? -1 : a.opener > b.opener ? 1 : 0);

  function add(domain: Domain, link: Link): void {
    const present = links.get(domain) ?? [];
    // The other side opens a second one only when its first is gone, even if we have not noticed yet.
    for (const old of present) if (old.opener === link.opener) old.rpc.close(1000, 'replaced');
    const kept = [...present.filter((old) => old.opener !== link.opener), link].sort(order);
    links.set(domain, kept);
    failures.delete(domain);
    if (present.length === 0) events.emit('up', { domain });
    log.info({ domain, opener: link.opener }, 'link up');
  }

  function remove(domain: Domain, rpc: RpcSocket): void {
    const kept = (links.get(domain) ?? []).filter((link) => link.rpc !== rpc);
    if (kept.length > 0) {
      links.set(domain, kept);
    } else if (links.delete(domain)) {
      log.info({ domain }, 'link down');
      events.emit('down', { domain });
    }
  }

  const spares = setInterval(() => {
    for (const list of links.values()) {
      const [, spare] = list;
      if (spare && spare.opener === own && spare.rpc.pending === 0 && now() - spare.rpc.usedAt > SPARE_MS) {
        spare.rpc.close(1000, 'not needed');
      }
    }
  }, SPARE_MS).unref();

  function linkTo(domain: Domain): Link | Promise<Link> {
    const present = links.get(domain)?.find((link) => link.rpc.open);
    if (present) return present;
    const underway = opening.get(domain);
    if (underway) return underway;
    const failed = failures.get(domain);
    if (failed && now() - failed.at < REST_MS) throw failed.error;
    const attempt = open(domain);
    opening.set(domain, attempt);
    attempt
      .catch((error: unknown) => {
        if (failures.size > 1000) failures.clear();
        failures.set(domain, { error: asParleyError(error), at: now() });
      })
      .finally(() => opening.delete(domain));
    return attempt;
  }

  async function open(domain: Domain): Promise<Link> {
    const { link: url } = await discovery.find(domain);
    const socket = new WebSocket(url, {
      maxPayload: MAX_FRAME_BYTES,
      handshakeTimeout: requestMs,
      followRedirects: false,
      perMessageDeflate: false,
      lookup: discovery.isLocal(domain) ? loopbackLookup : outsideLookup,
    });
    await opened(socket);
    let proven = false;
    const rpc = createRpcSocket(socket, {
      requestMs,
      log,
      now,
      answer: async (method, params) => {
        if (!proven) throw new ParleyError('out-of-turn');
        return dispatch(domain, method, params);
      },
      closed: () => remove(domain, rpc),
    });
    try {
      await connectorHandshake(signer, domain, {
        hello: (params) => rpc.request('link.hello', params),
        prove: (params) => rpc.request('link.prove', params),
      });
    } catch (error) {
      rpc.close(CLOSE_REFUSED, 'handshake failed');
      throw error;
    }
    if (closed) {
      rpc.close(1001, 'shutting down');
      throw new ParleyError('provider-unreachable');
    }
    proven = true;
    const link = { rpc, opener: own };
    add(domain, link);
    return link;
  }

  function acceptLink(socket: WebSocket): void {
    if (closed || unproven.size >= MAX_UNPROVEN) {
      socket.close(1013, 'too-many-requests');
      return;
    }
    unproven.add(socket);
    const handshake = createAcceptorHandshake(signer);
    const deadline = setTimeout(() => socket.close(CLOSE_REFUSED, 'timed-out'), HANDSHAKE_MS);
    const settled = () => {
      clearTimeout(deadline);
      unproven.delete(socket);
    };
    const rpc = createRpcSocket(socket, {
      requestMs,
      log,
      now,
      async answer(method, params) {
        if (method === 'link.hello') return handshake.hello(params as LinkParams<'link.hello'>);
        if (method === 'link.prove') {
          const domain = await handshake.prove(params as LinkParams<'link.prove'>);
          settled();
          add(domain, { rpc, opener: domain });
          return {};
        }
        if (!handshake.proven) throw new ParleyError('out-of-turn', 'prove who you are first');
        return dispatch(handshake.proven, method, params);
      },
      closed: () => {
        settled();
        if (handshake.proven) remove(handshake.proven, rpc);
      },
    });
  }

  async function request<M extends LinkMethod>(
    domain: Domain,
    method: M,
    params: LinkParams<M>,
  ): Promise<LinkResult<M>> {
    if (domain === own) throw new ParleyError('internal-error', 'a node does not link to itself');
    if (!config.federation.enabled) throw new ParleyError('not-allowed', 'this provider does not talk to others');
    if (closed) throw new ParleyError('provider-unreachable');
    const link = linkTo(domain);
    // Not awaited when it is there: requests leave in the order in which they are made.
    return link instanceof Promise
      ? (await deadline(link, requestMs)).rpc.request(method, params)
      : link.rpc.request(method, params);
  }

  const base = new URL(config.http.origins[0] ?? 'http://localhost');
  const linkUrl = config.federation.publicLink ?? `${base.protocol.replace('http', 'ws')}//${base.host}/link`;
  const federation: Federation = Object.assign(events, {
    request,
    handle<M extends LinkMethod>(
      method: M,
      handler: (from: Domain, params: LinkParams<M>) => Promise<LinkResult<M>> | LinkResult<M>,
    ) {
      if (handlers.has(method)) throw new Error(`two handlers for ${method}`);
      handlers.set(method, handler as Handler);
    },
    wellKnown: (domain: Domain) => discovery.find(domain),
    async close() {
      closed = true;
      clearInterval(spares);
      for (const socket of unproven) socket.close(1001, 'shutting down');
      for (const list of [...links.values()]) for (const link of list) link.rpc.close(1001, 'shutting down');
      await discovery.close();
    },
  });
  return {
    federation,
    signer,
    acceptLink,
    wellKnownDocument: () => ({
      domain: own,
      name: config.provider.name,
      versions: [1],
      link: linkUrl,
      keys: [...keys.published],
      issuers: config.signIn.issuers.filter((issuer) => issuer.member !== undefined).map((issuer) => issuer.issuer),
      focus: config.focus.enabled,
    }),
  };
}

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (error) => reject(new ParleyError('provider-unreachable', undefined, { cause: error })));
  });
}

function deadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new ParleyError('provider-unreachable', 'no link came up in time')), 2 * ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
